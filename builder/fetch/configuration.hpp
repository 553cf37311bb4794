#pragma once

// Ashlar's own configuration of a machine: docs/guides/mirrors.md has the format.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::fetch {

struct Configuration {
    struct Mirror {
        std::string archive; // empty: any, below the URL
        std::string url;
    };
    std::vector<Mirror> mirrors;
    std::optional<std::string> proxy; // "none" = never one
    std::optional<std::filesystem::path> certificates;
    std::optional<unsigned> connections;

    struct Shared {
        std::optional<std::string> url;
        bool upload = false, results = false;
        std::optional<std::filesystem::path> netrc, headers;
        std::optional<std::string> s3_region;
    } shared_store;
};

// A file that is not there says nothing.
[[nodiscard]] Configuration read_configuration(const std::filesystem::path& path);

} // namespace ashlar::fetch
