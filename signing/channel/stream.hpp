#pragma once

// Private to this module: bytes through one connection of TLS, until a deadline.

#include "openssl.hpp"

#include <base/file.hpp>
#include <channel/channel.hpp>

#include <openssl/ssl.h>

namespace ashlar::channel {

using Context = openssl::Handle<SSL_CTX, SSL_CTX_free>;
using Connection = openssl::Handle<SSL, SSL_free>;

enum class Outcome {
    done,
    ended,  // the other side said that this was all
    cut,    // it is gone without a word
    late,
    broken, // what came is wrong, or the other side says that ours is: OpenSSL's queue has the reason
};

class Stream {
public:
    // `socket` is from here on one that does not block.
    Stream(Fd socket, SSL_CTX* context);

    [[nodiscard]] SSL* tls() const noexcept { return tls_.get(); }

    [[nodiscard]] Outcome handshake(Deadline deadline);
    [[nodiscard]] Outcome write(ByteView bytes, Deadline deadline);
    // All of `out`. What came before the end of the connection is counted in `have`.
    [[nodiscard]] Outcome read(std::span<std::byte> out, std::size_t& have, Deadline deadline);
    [[nodiscard]] Outcome end(Deadline deadline);

private:
    // Calls `step` until it is done.
    template <typename Step> Outcome drive(Step step, Deadline deadline);
    [[nodiscard]] bool wait_for(short events, Deadline deadline) const;

    Fd socket_;
    Connection tls_;
};

} // namespace ashlar::channel
