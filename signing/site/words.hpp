#pragma once

// The words of site.toml, and how each is asked for: with one problem when it is not one.

#include <site/address.hpp>

#include <toml/reader.hpp>

#include <map>
#include <string>
#include <string_view>

namespace ashlar::site {

// Of sites and nodes, a label of a host name: lower-case letters, digits and '-', which is at neither end; at most 63.
[[nodiscard]] bool is_label(std::string_view text) noexcept;
// A host name: labels divided by dots; at most 253.
[[nodiscard]] bool is_domain(std::string_view text) noexcept;
// Of roles, templates, formations, sets of disks: as labels, a letter first, at most 64.
[[nodiscard]] bool is_name(std::string_view text) noexcept;
// Of a link: such a name of at most 10 characters, so that "<link>.4094" is one of an interface (IFNAMSIZ), that is none
// of those that kernel, udev and Open vSwitch give.
[[nodiscard]] bool is_link_name(std::string_view text) noexcept;
inline constexpr std::string_view name_remedy = "write lower-case letters, digits and '-', a letter first";

// What the file may say once. A second time is a problem that shows both places.
class Once {
public:
    // Whether it was the first time. `what`: "serial number".
    bool claim(toml::Problems& problems, std::string_view what, std::string_view value, const toml::Position& position);

private:
    std::map<std::string, toml::Position, std::less<>> first_;
};

// A problem "'text' is no <what>", with the word that may have been meant, or all that there are.
void refuse_unknown(toml::Problems& problems, const toml::Text& text, std::string_view what, std::vector<std::string> known);

// All that are names; a problem for each other one, and for one that is given twice.
[[nodiscard]] std::vector<std::string> names(toml::Problems& problems, const std::vector<toml::Text>& texts, std::string_view what);

[[nodiscard]] std::optional<Address> host_address(toml::Problems& problems, const toml::Text& text);
// One port's own.
[[nodiscard]] std::optional<Mac> port_address(toml::Problems& problems, const toml::Text& text);
// A whole number from `least` to `most`.
[[nodiscard]] std::optional<unsigned> number(toml::Table& table, std::string_view key, unsigned least, unsigned most);

} // namespace ashlar::site
