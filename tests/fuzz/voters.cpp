// Requests, as whoever has a certificate of the site may send them; answers, as whoever is taken for a voter may. And what is
// decided about a request before anything is done.

#include <base/error.hpp>
#include <voters/authorisation.hpp>
#include <voters/client.hpp>
#include <voters/two_persons.hpp>

#include <cstdint>
#include <cstdlib>

using namespace ashlar;
using namespace ashlar::voters;

namespace {

// Nobody, of a site of nobody: whatever it asks, it may change nothing.
void judge(const Request& request) {
    static const roster::Roster roster;
    static const formation::Formations formations;
    static const forming::Site site;
    static const forming::Ledger ledger;
    const Picture picture{.roster = roster, .formations = formations, .site = site, .ledger = &ledger};
    const bool may_swap = !may(NodeCaller{NodeId{}, "n01"}, request, built_in_asks(), picture).has_value();
    if (may_swap && request.ask == "store.swap") std::abort();
    if (request_in(message_of(request), built_in_asks()) != std::variant<Request, Refusal>(request)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const std::string_view text(reinterpret_cast<const char*>(data), size);
        const Json message = parse_strict_json(text, "input");
        const auto read = request_in(message, built_in_asks());
        if (const auto* const request = std::get_if<Request>(&read)) judge(*request);
        (void)answer_in(message);
        (void)voters_in(message);
        (void)proposal_from(std::string(text));
    } catch (const Error&) { // none of them
    }
    return 0;
}
