#include <voters/by_address.hpp>

#include <base/error.hpp>
#include <certificates/bearer.hpp>
#include <sockets/sockets.hpp>

#include <charconv>

#include <fmt/format.h>

namespace ashlar::voters {

namespace {

using Clock = std::chrono::steady_clock;

std::optional<std::uint16_t> port_in(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc() && end == text.data() + text.size() && port != 0 ? std::optional(port) : std::nullopt;
}

std::optional<Whereabouts> at(std::string_view address, std::string_view port) {
    const auto number = port_in(port);
    return number && certificates::is_address(address) ? std::optional(Whereabouts{std::string(address), *number}) : std::nullopt;
}

// The node that lives there, or why it is not asked.
std::variant<NodeId, std::string> met(const ClientParts& own, const Whereabouts& where, std::chrono::milliseconds patience) {
    const auto until = Clock::now() + patience;
    Fd socket = sockets::connect_to(where.address, where.port, patience);
    if (!socket) return "nobody answers";
    const auto certificate = own.certificate();
    auto opened = channel::connect(std::move(socket), channel::Credentials{own.key, certificate, own.trust}, std::nullopt, own.now(), until);
    if (const auto* const refusal = std::get_if<channel::Refusal>(&opened)) return refusal->text;
    const auto& channel = std::get<channel::Channel>(opened);
    const auto& node = std::get<certificates::NodeBearer>(std::get<certificates::Bearer>(channel.peer())); // a client takes no other
    if (!node.addresses.contains(where.address)) return fmt::format("node {} answers, whose certificate does not name that address", node.name);
    return node.node;
}

} // namespace

std::optional<Whereabouts> whereabouts_in(std::string_view text) {
    if (certificates::is_address(text)) return Whereabouts{.address = std::string(text)};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto host = text.substr(0, colon), port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) return at(host.substr(1, host.size() - 2), port);
    return host.find(':') == std::string_view::npos ? at(host, port) : std::nullopt;
}

std::string text_of(const Whereabouts& where) {
    if (where.port == site::voters_port) return where.address;
    return where.address.find(':') == std::string::npos ? fmt::format("{}:{}", where.address, where.port) : fmt::format("[{}]:{}", where.address, where.port);
}

std::vector<VoterAddress> who_answers(const ClientParts& own, const std::vector<Whereabouts>& where, std::chrono::milliseconds patience) {
    std::vector<VoterAddress> there;
    std::string causes;
    for (const auto& one : where) {
        auto answer = met(own, one, patience);
        if (const auto* const node = std::get_if<NodeId>(&answer)) there.push_back({.node = *node, .address = one.address, .port = one.port});
        else causes += fmt::format("{}{}: {}", causes.empty() ? "" : "; ", text_of(one), std::get<std::string>(answer));
    }
    if (there.empty()) throw Error(fmt::format("cannot ask the voters: {}", causes.empty() ? "no address is given" : causes), "--voter is the address of a node with a seat, as `ashlarctl node list` shows them");
    return there;
}

} // namespace ashlar::voters
