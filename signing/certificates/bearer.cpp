#include <certificates/bearer.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace ashlar::certificates {

namespace {

constexpr std::array rights{std::pair{Right::view, std::string_view("viewer")}, std::pair{Right::operate, std::string_view("operator")},
                            std::pair{Right::approve, std::string_view("approver")}, std::pair{Right::administer, std::string_view("admin")}};
constexpr std::size_t most_roles = 16, most_addresses = 16;

template <int family, std::size_t size> std::string spelt(std::string_view text) {
    std::array<unsigned char, size> bytes{};
    std::array<char, INET6_ADDRSTRLEN> again{};
    if (::inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return {};
    return ::inet_ntop(family, bytes.data(), again.data(), again.size());
}

using Fault = std::optional<std::string>;

Fault fault_of_addresses(const std::set<std::string>& addresses) {
    if (addresses.size() > most_addresses) return fmt::format("it has more than {} addresses", most_addresses);
    const auto wrong = std::ranges::find_if_not(addresses, is_address);
    return wrong == addresses.end() ? Fault() : fmt::format("'{}' is no address", *wrong);
}

struct Judge {
    Fault operator()(const NodeBearer& node) const {
        if (!is_label(node.name)) return fmt::format("'{}' is no name of a node", node.name);
        if (node.roles.size() > most_roles) return fmt::format("it has more than {} roles", most_roles);
        if (const auto wrong = std::ranges::find_if_not(node.roles, is_label); wrong != node.roles.end()) return fmt::format("'{}' is no role", *wrong);
        return fault_of_addresses(node.addresses);
    }
    Fault operator()(const ServiceBearer& service) const {
        if (!is_label(service.service)) return fmt::format("'{}' is no name of a service", service.service);
        return fault_of_addresses(service.addresses);
    }
    Fault operator()(const OperatorBearer& person) const {
        if (!is_label(person.name)) return fmt::format("'{}' is no name of an operator", person.name);
        return person.rights.empty() ? Fault("it has no right") : Fault();
    }
};

struct Text {
    std::string operator()(const NodeBearer& node) const { return fmt::format("node {} ({})", node.name, node.node.text()); }
    std::string operator()(const ServiceBearer& service) const { return fmt::format("service {} of node {}", service.service, service.node.text()); }
    std::string operator()(const OperatorBearer& person) const { return fmt::format("operator {}", person.name); }
};

} // namespace

bool is_label(std::string_view text) {
    const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) && alphanumeric(text.back()) &&
           std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-'; });
}

bool is_address(std::string_view text) { return !text.empty() && (spelt<AF_INET, 4>(text) == text || spelt<AF_INET6, 16>(text) == text); }

std::string_view name_of(Right right) { return std::ranges::find(rights, right, &std::pair<Right, std::string_view>::first)->second; }

std::optional<Right> right_named(std::string_view name) {
    const auto found = std::ranges::find(rights, name, &std::pair<Right, std::string_view>::second);
    return found == rights.end() ? std::nullopt : std::optional(found->first);
}

std::string text_of(const Bearer& bearer) { return std::visit(Text{}, bearer); }

std::optional<std::string> fault_of(const Bearer& bearer) { return std::visit(Judge{}, bearer); }

} // namespace ashlar::certificates
