// Messages of enrolment, as whoever holds the site key may send them: each has an answer.

#include <base/error.hpp>
#include <enrolment/conversation.hpp>

#include <cstdint>
#include <cstdlib>

using namespace ashlar;
using namespace ashlar::enrolment;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SigningKey key = SigningKey::generate(SignatureScheme::ecdsa_p256);
    const SiteId site{};
    try {
        const Json message = parse_strict_json({reinterpret_cast<const char*>(data), size}, "input");
        Doorkeeper voter(site, sha256(""), Nonce{}, Bytes(32), [](const Applicant&) { return Await{"?"}; });
        (void)voter.receive(message);
        (void)voter.receive(message);
        Seeker node(key, {.site = site, .authority = std::nullopt, .genesis = std::nullopt}, {.site = site}, Nonce{}, Bytes(32));
        if (std::holds_alternative<Enrolled>(node.receive(message))) std::abort(); // for a key of this process
    } catch (const Error&) { // no JSON
    }
    return 0;
}
