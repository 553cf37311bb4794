#pragma once

// Private to this module: a connected socket as OpenSSL reads and writes it. OpenSSL's own lets the process be killed by
// SIGPIPE when the other side has gone.

#include "openssl.hpp"

namespace ashlar::channel {

// Does not own the socket, which does not block.
[[nodiscard]] openssl::Bio socket_bio(int socket);

} // namespace ashlar::channel
