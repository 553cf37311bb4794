#include <root/verify.hpp>

#include <root/sandbox.hpp>

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

std::string say(const Deviation& deviation) {
    return fmt::format("\n  {}{}: {}", deviation.path, deviation.conffile ? " (configuration file)" : "",
                       deviation.how == "missing" ? "missing" : "not as its package shipped it");
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

void verify_packages(const fs::path& root) {
    const auto dpkg = [&](const char* action) {
        return run_checked(Sandbox{.root = root, .mode = RootMode::assembled}.enter(
            {"dpkg", fmt::format("--admindir=/{}", sealed_database_folder), action}));
    };
    if (const std::string said = dpkg("--audit"); !trim(said).empty())
        throw Error(fmt::format("cannot accept the packages of '{}': dpkg finds them unfinished\n{}", root.native(), trim(said)));
    std::string unexplained;
    for (const auto& deviation : parse_verify(dpkg("--verify")))
        if (!is_explained_by_normaliser(deviation.path)) unexplained += say(deviation);
    if (!unexplained.empty())
        throw Error(fmt::format("cannot accept the packages of '{}': dpkg --verify finds changed files{}", root.native(), unexplained),
                    "a maintainer script changed them; a recipe changes files with an overlay");
}

} // namespace ashlar::root
