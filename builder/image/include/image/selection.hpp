#pragma once

// Leaving things out of a tree: by the recipe's `drop` patterns, and shared libraries that nothing
// in the tree can load.

#include <root/tree.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

// recipe::Role::drop. A pattern is a path from the root, `*` and `?` stand for characters but '/',
// `**` for any; one that matches a directory means all that is below it. A leading '!' takes back:
// for each path the last pattern that matches decides.
class PathPatterns {
public:
    explicit PathPatterns(std::span<const std::string> patterns);

    enum class Verdict { not_named, dropped, taken_back };
    // `path` without leading slash.
    [[nodiscard]] Verdict verdict(std::string_view path) const;
    // A pattern without wildcards takes back this very path.
    [[nodiscard]] bool takes_back_by_name(std::string_view path) const;

private:
    struct Pattern {
        std::vector<std::string> parts; // split at '/'
        Verdict verdict;
        bool literal;
    };
    std::vector<Pattern> patterns_;
};

// The tree without what the patterns drop. A directory that loses its last entry that way goes too;
// one that was empty before stays unless it is dropped itself. Where the first of several hard links
// goes, the next takes its place.
[[nodiscard]] root::Tree without(const root::Tree& tree, const PathPatterns& patterns);

// Shared libraries directly in usr/lib, usr/lib64 or usr/lib/<triplet> that no other file of the
// tree needs (DT_NEEDED) or says it may open (.note.dlopen); paths, sorted. Not among them: what
// `patterns` take back by name, and the few that glibc and systemd open without saying so.
[[nodiscard]] std::vector<std::string> unused_libraries(const root::Tree& tree, const PathPatterns& patterns);

} // namespace ashlar::image
