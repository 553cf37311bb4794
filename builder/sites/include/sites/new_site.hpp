#pragma once

// The directory of a new site: site.toml, from which a person learns the format; nodes.csv; site.key; and a .gitignore that
// keeps the secrets out of what is shared.

#include <base/id.hpp>

#include <filesystem>
#include <string>

namespace ashlar::sites {

struct NewSite {
    std::string name;
    unsigned voters = 3; // 1, 3 or 5
};

// What stands in site.toml and nodes.csv: valid, with machines that nobody has.
[[nodiscard]] std::string site_text(const NewSite& site, const SiteId& id);
[[nodiscard]] std::string nodes_text(const NewSite& site);

// Makes `directory` with a fresh id and key, whole or not at all. Throws Error when it is there already, and for a name or a
// number that no site has.
SiteId write_new_site(const std::filesystem::path& directory, const NewSite& site);

inline constexpr const char* site_file = "site.toml";
inline constexpr const char* nodes_file = "nodes.csv";
inline constexpr const char* key_file = "site.key";

} // namespace ashlar::sites
