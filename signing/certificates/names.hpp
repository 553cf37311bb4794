#pragma once

// Private to this module: a bearer as the names in a certificate, and back. One bearer has one form.

#include <certificates/bearer.hpp>

#include <optional>
#include <set>
#include <string>

namespace ashlar::certificates {

struct Names {
    std::string organisation;      // O: the site id
    std::string common_name;       // CN
    std::set<std::string> units;   // OU, each one
    std::string uri;               // subject alternative names
    std::set<std::string> hosts;
    std::set<std::string> addresses;
    bool operator==(const Names&) const = default;
};

[[nodiscard]] Names names_of(const Bearer& bearer, const SiteId& site);
// Nothing for names of another form.
[[nodiscard]] std::optional<Bearer> bearer_of(const Names& names, const SiteId& site);

// "ashlar:<site id>", the authority's.
[[nodiscard]] std::string uri_of(const SiteId& site);

} // namespace ashlar::certificates
