#pragma once

// Where archives are found. Recipes never say: docs/guides/mirrors.md.

#include <shared/shared_store.hpp>
#include <transfer/downloader.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::fetch {

struct Places {
    std::filesystem::path configuration; // Ashlar's own; missing is fine
    std::filesystem::path apt_sources; // APT's directory, "/etc/apt"
    // What `apt-config dump` says; empty where APT is not installed.
    std::string apt_configuration;
};

// $ASHLAR_CONFIG or /etc/ashlar/config.toml, and this machine's APT.
[[nodiscard]] Places places_of_this_machine();

// For each archive the first of these that knows it: `given`, the configuration, APT's sources. They
// are never mixed: who names a mirror does not want another one to be asked behind his back.
class Mirrors {
public:
    // `given` are `--mirror` values: "debian=URL" for one archive, or "URL", below which each archive
    // is a directory of its name. Several are tried in turn. http, https and file.
    Mirrors(const std::vector<std::string>& given, const Places& places);

    // Base URLs without a slash at the end; the archive's `dists` and `pool` are below. Error when
    // there is none, which says where was looked.
    [[nodiscard]] std::vector<std::string> of(std::string_view archive) const;

private:
    struct Rule {
        std::string archive; // empty: any, below the URL
        std::string url;
    };
    static std::vector<std::string> matching(const std::vector<Rule>& rules, std::string_view archive);

    Places places_; // for messages
    std::vector<Rule> given_, configured_, apt_;
    std::vector<Rule> skipped_; // APT's sources of a kind that Ashlar does not read (mirror:, cdrom: …)
};

// Proxies, certificates and limits: the configuration's, else APT's proxies, else the environment's.
[[nodiscard]] transfer::Options transfer_options(const Places& places);

// The store that a team shares: `given` (--shared-store), else the configuration's, else none; "none" is
// none. What the configuration says about its own (whether its results are believed, headers that prove
// who we are) holds for no other.
[[nodiscard]] std::optional<shared::Options> shared_store_options(const Places& places, const std::string& given);

} // namespace ashlar::fetch
