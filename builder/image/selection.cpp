#include <image/selection.hpp>

#include "elf.hpp"

#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <fnmatch.h>
#include <map>
#include <set>

namespace ashlar::image {

namespace {

using root::Entry;
using root::EntryType;

using Parts = std::span<const std::string_view>;
using PatternParts = std::span<const std::string>;

bool part_matches(const std::string& pattern, std::string_view part) {
    return ::fnmatch(pattern.c_str(), std::string(part).c_str(), 0) == 0;
}

// True also when the pattern ends before the path: it then names a directory above.
bool matches(PatternParts pattern, Parts path) {
    if (pattern.empty()) return true;
    if (pattern.front() == "**") {
        if (pattern.size() == 1) return !path.empty();
        for (std::size_t skip = 0; skip < path.size(); ++skip)
            if (matches(pattern.subspan(1), path.subspan(skip))) return true;
        return false;
    }
    return !path.empty() && part_matches(pattern.front(), path.front()) && matches(pattern.subspan(1), path.subspan(1));
}

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// How many entries each directory holds.
std::map<std::string, std::size_t, std::less<>> count_children(const root::Tree& tree,
                                                               const std::set<std::string_view>& gone) {
    std::map<std::string, std::size_t, std::less<>> counts;
    for (const auto& entry : tree)
        if (!entry.path.empty() && !gone.contains(entry.path)) ++counts[std::string(parent_of(entry.path))];
    return counts;
}

// Children come after their parents, so one walk from the end meets every directory when all below
// it is decided.
void add_emptied_directories(const root::Tree& tree, std::set<std::string_view>& gone) {
    const auto before = count_children(tree, {});
    auto left = count_children(tree, gone);
    for (auto entry = tree.rbegin(); entry != tree.rend(); ++entry) {
        if (entry->type != EntryType::directory || entry->path.empty() || gone.contains(entry->path)) continue;
        if (!before.contains(entry->path) || left[entry->path] > 0) continue;
        gone.insert(entry->path);
        --left[std::string(parent_of(entry->path))];
    }
}

// The first link that stays becomes the file, the others point to it.
class HardLinks {
public:
    explicit HardLinks(const root::Tree& tree) {
        for (const auto& entry : tree) firsts_.emplace(entry.path, &entry);
    }
    void keep(Entry& entry, const std::set<std::string_view>& gone) {
        if (entry.hard_link.empty() || !gone.contains(entry.hard_link)) return;
        const auto [heir, is_new] = heirs_.try_emplace(entry.hard_link, entry.path);
        if (!is_new) {
            entry.hard_link = heir->second;
            return;
        }
        const auto& first = *firsts_.at(entry.hard_link);
        entry.hard_link.clear();
        entry.source = first.source;
        entry.size = first.size;
    }

private:
    std::map<std::string_view, const Entry*> firsts_;
    std::map<std::string, std::string> heirs_;
};

bool is_library_directory(std::string_view directory) {
    if (directory == "usr/lib" || directory == "usr/lib64") return true;
    constexpr std::string_view prefix = "usr/lib/";
    return directory.starts_with(prefix) && directory.find('/', prefix.size()) == directory.npos &&
           directory.find("-linux-gnu") != directory.npos;
}

bool is_library(const Entry& entry) {
    const auto name = file_name_of(entry.path);
    return (entry.type == EntryType::file || entry.type == EntryType::symlink) && name.starts_with("lib") &&
           name.find(".so") != name.npos && is_library_directory(parent_of(entry.path));
}

// Loaded by name at run time with no note that says so: by glibc for thread cancellation and name
// services, by systemd for the TPM.
bool is_opened_silently(std::string_view name) {
    constexpr std::array<std::string_view, 3> prefixes{"libgcc_s.so.", "libnss_", "libtss2-tcti-device.so."};
    return std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); });
}

// Follows names from file to file.
class LoadGraph {
public:
    explicit LoadGraph(const root::Tree& tree) {
        for (const auto& entry : tree)
            if (is_library(entry)) libraries_[std::string(file_name_of(entry.path))].push_back(&entry);
    }
    void start_from(const Entry& entry) { follow(entry); }
    [[nodiscard]] std::vector<std::string> unreached() const {
        std::vector<std::string> out;
        for (const auto& [name, entries] : libraries_)
            for (const auto* entry : entries)
                if (!reached_.contains(entry)) out.push_back(entry->path);
        std::ranges::sort(out);
        return out;
    }

private:
    void follow(const Entry& entry) {
        if (!reached_.insert(&entry).second) return;
        if (entry.type == EntryType::symlink) return reach(file_name_of(entry.target));
        if (!entry.hard_link.empty()) return reach(file_name_of(entry.hard_link));
        const auto bytes = read_file(entry.source);
        const auto elf = Elf::parse(bytes_of(bytes));
        if (!elf) return;
        for (const auto& name : elf->needed()) reach(name);
        for (const auto& name : elf->opened()) reach(name);
    }
    void reach(std::string_view name) {
        const auto found = libraries_.find(name);
        if (found == libraries_.end()) return;
        for (const auto* entry : found->second) follow(*entry);
    }

    std::map<std::string, std::vector<const Entry*>, std::less<>> libraries_;
    std::set<const Entry*> reached_;
};

} // namespace

PathPatterns::PathPatterns(std::span<const std::string> patterns) {
    for (std::string_view text : patterns) {
        Pattern pattern{.parts = {},
                        .verdict = text.starts_with('!') ? Verdict::taken_back : Verdict::dropped,
                        .literal = text.find_first_of("*?[") == text.npos};
        if (text.starts_with('!')) text.remove_prefix(1);
        if (text.starts_with('/')) text.remove_prefix(1);
        for (const auto part : split(text, '/'))
            if (!part.empty()) pattern.parts.emplace_back(part);
        if (!pattern.parts.empty()) patterns_.push_back(std::move(pattern));
    }
}

PathPatterns::Verdict PathPatterns::verdict(std::string_view path) const {
    const auto parts = split(path, '/');
    for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern)
        if (matches(pattern->parts, parts)) return pattern->verdict;
    return Verdict::not_named;
}

bool PathPatterns::takes_back_by_name(std::string_view path) const {
    const auto parts = split(path, '/');
    return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
        return pattern.verdict == Verdict::taken_back && pattern.literal && std::ranges::equal(pattern.parts, parts);
    });
}

root::Tree without(const root::Tree& tree, const PathPatterns& patterns) {
    std::set<std::string_view> gone;
    for (const auto& entry : tree)
        if (entry.type != EntryType::directory && patterns.verdict(entry.path) == PathPatterns::Verdict::dropped)
            gone.insert(entry.path);
    const auto children = count_children(tree, {});
    for (const auto& entry : tree) // directories that were empty: named ones only
        if (entry.type == EntryType::directory && !entry.path.empty() && !children.contains(entry.path) &&
            patterns.verdict(entry.path) == PathPatterns::Verdict::dropped)
            gone.insert(entry.path);
    add_emptied_directories(tree, gone);
    HardLinks links(tree);
    root::Tree out;
    for (const auto& entry : tree) {
        if (gone.contains(entry.path)) continue;
        links.keep(out.emplace_back(entry), gone);
    }
    return out;
}

std::vector<std::string> unused_libraries(const root::Tree& tree, const PathPatterns& patterns) {
    LoadGraph graph(tree);
    for (const auto& entry : tree) {
        const bool is_wanted =
            is_library(entry) ? is_opened_silently(file_name_of(entry.path)) || patterns.takes_back_by_name(entry.path)
                              : entry.type == EntryType::file;
        if (is_wanted) graph.start_from(entry);
    }
    return graph.unreached();
}

} // namespace ashlar::image
