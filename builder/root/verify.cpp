#include <root/verify.hpp>

#include <root/sandbox.hpp>

#include "inner_path.hpp"
#include "installed.hpp"
#include "rules.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <fnmatch.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

bool is_explained_by_normaliser(const std::string& path) {
    if (path == "/var" || path.starts_with("/var/")) return true;
    return std::any_of(removed.begin(), removed.end(),
                       [&](const Rule& rule) { return ::fnmatch(std::string(rule.pattern).c_str(), path.c_str() + 1, 0) == 0; });
}

bool is_explained_by_overlay(const fs::path& root, const recipe::Role& role, const std::string& path) {
    if (path == "/usr/lib/os-release") return true; // ours to write: who the image is
    const fs::path inner = inner_path(root, path, LastLink::kept).lexically_relative(root);
    return std::any_of(role.overlays.begin(), role.overlays.end(), [&](const fs::path& overlay) {
        return fs::exists(fs::symlink_status(overlay / inner)) || fs::exists(fs::symlink_status(overlay / fs::path(path).relative_path()));
    });
}

} // namespace

std::vector<Deviation> parse_verify(std::string_view output) {
    constexpr std::size_t letters = 9, kind_at = 10, path_at = 12;
    std::vector<Deviation> deviations;
    for (const auto line : split(output, '\n')) {
        if (line.size() <= path_at) continue;
        deviations.push_back({std::string(line.substr(path_at)), std::string(trim(line.substr(0, letters))), line[kind_at] == 'c'});
    }
    return deviations;
}

std::vector<Deviation> verify_packages(const fs::path& root, const recipe::Role& role) {
    const auto dpkg = [&](const char* action) {
        return run_checked(Sandbox{.root = root, .mode = RootMode::assembled}.enter(
            {"dpkg", fmt::format("--admindir=/{}", sealed_database_folder), action}));
    };
    if (const std::string said = dpkg("--audit"); !trim(said).empty())
        throw Error(fmt::format("cannot accept the packages of '{}': dpkg finds them unfinished\n{}", root.native(), trim(said)));
    auto deviations = parse_verify(dpkg("--verify"));
    std::erase_if(deviations, [&](const Deviation& deviation) {
        return is_explained_by_normaliser(deviation.path) || is_explained_by_overlay(root, role, deviation.path);
    });
    return deviations;
}

} // namespace ashlar::root
