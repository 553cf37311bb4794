#include "words.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_character(char c) { return is_lower(c) || is_digit(c) || c == '-'; }

} // namespace

bool is_label(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' && std::ranges::all_of(text, is_label_character);
}

bool is_domain(std::string_view text) noexcept { return text.size() <= 253 && std::ranges::all_of(split(text, '.'), is_label); }

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && is_lower(text.front()) && std::ranges::all_of(text, is_label_character);
}

bool is_link_name(std::string_view text) noexcept {
    // How systemd.net-naming-scheme(7) and the kernel's drivers begin, and what programs make.
    static constexpr std::array<std::string_view, 9> taken{"en", "eth", "ib", "sl", "wl", "ww", "br-", "ovs", "veth"};
    return text.size() <= 10 && is_name(text) && text != "lo" && std::ranges::none_of(taken, [&](std::string_view start) { return text.starts_with(start); });
}

bool Once::claim(toml::Problems& problems, std::string_view what, std::string_view value, const toml::Position& position) {
    const auto [first, fresh] = first_.try_emplace(std::string(value), position);
    if (fresh) return true;
    problems.add({position, fmt::format("{} {} is given twice", what, toml::quote(value)), {}, {{first->second, "first given here"}}});
    return false;
}

void refuse_unknown(toml::Problems& problems, const toml::Text& text, std::string_view what, std::vector<std::string> known) {
    std::ranges::sort(known);
    const auto near = did_you_mean(text.value, known);
    std::string remedy = near            ? fmt::format("did you mean '{}'?", *near)
                         : known.empty() ? fmt::format("the file has no {}", what)
                                         : fmt::format("known: {}", join(known, ", "));
    problems.add(text.position, fmt::format("{} is no {}", toml::quote(text.value), what), std::move(remedy));
}

std::vector<std::string> names(toml::Problems& problems, const std::vector<toml::Text>& texts, std::string_view what) {
    std::vector<std::string> found;
    Once once;
    for (const auto& text : texts) {
        if (!is_name(text.value)) problems.add(text.position, fmt::format("{} is not the name of a {}", toml::quote(text.value), what), std::string(name_remedy));
        else if (once.claim(problems, what, text.value, text.position)) found.push_back(text.value);
    }
    return found;
}

std::optional<Address> host_address(toml::Problems& problems, const toml::Text& text) {
    const auto address = Address::parse(text.value);
    if (address && address->is_host()) return address;
    if (address)
        problems.add(text.position, fmt::format("{} is not the address of one host", toml::quote(text.value)), "it is link-local, multicast, loopback or without meaning");
    else
        problems.add(text.position, fmt::format("{} is not an address", toml::quote(text.value)),
                     Subnet::around(text.value) ? "leave out the length: the plane's subnets say it" : "write an IPv4 or IPv6 address, such as \"10.0.0.11\" or \"fd00::11\"");
    return std::nullopt;
}

std::optional<Mac> port_address(toml::Problems& problems, const toml::Text& text) {
    const auto mac = Mac::parse(text.value);
    if (mac && mac->is_port()) return mac;
    problems.add(text.position, fmt::format("{} is not the MAC address of a port", toml::quote(text.value)), "write six pairs of hexadecimal digits, such as \"52:54:00:12:34:56\"");
    return std::nullopt;
}

std::optional<unsigned> number(toml::Table& table, std::string_view key, unsigned least, unsigned most) {
    const auto count = table.integer(key);
    if (!count) return std::nullopt;
    if (count->value >= least && count->value <= most) return static_cast<unsigned>(count->value);
    table.problem(count->position, fmt::format("'{}' is a number from {} to {}", key, least, most));
    return std::nullopt;
}

} // namespace ashlar::site
