// Certificates and requests as a peer may send them: a value or a refusal, never a failure; and what is a certificate has one
// form.

#include <certificates/authority.hpp>

#include <cstdint>
#include <cstdlib>

using namespace ashlar;
using namespace ashlar::certificates;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SiteId site{};
    static const Authority authority = Authority::found(site, Time{});
    const ByteView bytes = std::as_bytes(std::span(data, size));
    if (std::holds_alternative<Bearer>(verify(bytes, authority.trust(), Time{}))) std::abort(); // signed by a key of this process
    (void)Trust::pinned(site, bytes, sha256(bytes));
    (void)check_request(bytes);
    return 0;
}
