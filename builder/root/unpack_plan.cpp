#include "unpack_plan.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

namespace ashlar::root {

using archive::DebEntry;
using archive::DebEntryType;

namespace {

// Debian's merged /usr. Only those whose directory below usr exists in the end become links.
constexpr std::array<std::string_view, 7> merged = {"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"};

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string joined(const std::string& directory, std::string_view name) {
    return directory.empty() ? std::string(name) : fmt::format("{}/{}", directory, name);
}

class Planner {
public:
    Planner(std::span<const Listing> listings, std::span<const Diversion> diversions);
    Plan plan();

private:
    struct Directory {
        std::optional<Source> source;  // who describes it
        std::optional<Source> through; // who reaches it by way of a link
        bool made = false;             // needed by a merged link, whether somebody describes it or not
    };

    using Links = std::unordered_map<std::string, std::string>; // path → target

    void collect_links();
    [[nodiscard]] Links placed_links() const;
    void claim(std::uint32_t package);
    void claim_directory(Source source);
    void claim_object(Source source);
    void require_parents() const;
    void make_merged();
    Plan result();

    [[nodiscard]] std::string located(Source source) const;
    [[nodiscard]] std::string resolved(std::string_view path, Source source) const;
    [[nodiscard]] std::string resolved_parent(const std::string& path, Source source) const;
    [[nodiscard]] std::string diverted(const std::string& path, Source source) const;
    [[nodiscard]] bool replaces(std::uint32_t package, std::uint32_t other) const;
    [[nodiscard]] std::uint32_t data_of(Source source) const;

    [[nodiscard]] const DebEntry& entry(Source source) const { return listings_[source.package].entries[source.entry]; }
    [[nodiscard]] std::string title(std::uint32_t package) const {
        return fmt::format("{} {}", listings_[package].name, listings_[package].version);
    }
    [[nodiscard]] Error refusal(Source source, std::string_view why, std::string hint = {}) const {
        return Error(fmt::format("cannot unpack '{}': {}", title(source.package), why), std::move(hint));
    }

    std::span<const Listing> listings_;
    std::span<const Diversion> diversions_;
    Links links_;
    std::map<std::string, Directory> directories_; // sorted: the plan is, and the first complaint is
    std::map<std::string, Source> objects_;
    std::unordered_set<std::string> own_; // objects of the package at hand
    std::vector<std::vector<std::uint32_t>> replaced_;
    mutable std::unordered_map<std::string, std::string> resolved_parents_;
    // By package: path as written → entry with the contents.
    std::vector<std::unordered_map<std::string_view, std::uint32_t>> files_;
};

Planner::Planner(std::span<const Listing> listings, std::span<const Diversion> diversions)
    : listings_(listings), diversions_(diversions), replaced_(listings.size()), files_(listings.size()) {}

// ---- where a path leads -----------------------------------------------------------------------

// Follows every link, the last component's too.
std::string Planner::resolved(std::string_view path, Source source) const {
    std::vector<std::string> pending;
    const auto push = [&pending](std::string_view more) {
        const auto components = split(more, '/');
        for (auto component = components.rbegin(); component != components.rend(); ++component)
            if (!component->empty() && *component != ".") pending.emplace_back(*component);
    };
    push(path);
    std::string current;
    for (int followed = 0; !pending.empty();) {
        const std::string component = std::move(pending.back());
        pending.pop_back();
        if (component == "..") {
            current = parent_of(current);
            continue;
        }
        std::string next = joined(current, component);
        const auto link = links_.find(next);
        if (link == links_.end()) {
            current = std::move(next);
            continue;
        }
        if (++followed > 40) throw refusal(source, fmt::format("symbolic links lead '{}' round in a circle", path));
        if (link->second.starts_with('/')) current.clear();
        push(link->second);
    }
    return current;
}

std::string Planner::resolved_parent(const std::string& path, Source source) const {
    const std::string parent = parent_of(path);
    const auto known = resolved_parents_.find(parent);
    if (known != resolved_parents_.end()) return known->second;
    return resolved_parents_[parent] = resolved(parent, source);
}

std::string Planner::diverted(const std::string& path, Source source) const {
    for (const Diversion& diversion : diversions_)
        if (diversion.path == path && diversion.package != listings_[source.package].name) return diversion.target;
    return path;
}

// Where an entry that is no directory goes.
std::string Planner::located(Source source) const {
    const std::string path = diverted(entry(source).path, source);
    return joined(resolved_parent(path, source), name_of(path));
}

// Where all links are, if those known so far are where they are said to be.
Planner::Links Planner::placed_links() const {
    Links links;
    for (const std::string_view name : merged) links[std::string(name)] = fmt::format("usr/{}", name);
    std::unordered_map<std::string, std::uint32_t> owners;
    for (std::uint32_t package = 0; package < listings_.size(); ++package)
        for (std::uint32_t i = 0; i < listings_[package].entries.size(); ++i) {
            const Source source{package, i};
            if (entry(source).type != DebEntryType::symlink) continue;
            const std::string path = diverted(entry(source).path, source);
            const std::string place = joined(resolved(parent_of(path), source), name_of(path));
            const auto [owner, first] = owners.try_emplace(place, package);
            // Of two packages neither of which replaces the other, claim_object() will complain.
            if (!first && !replaces(package, owner->second)) continue;
            owner->second = package;
            links[place] = entry(source).target;
        }
    return links;
}

// A link's own place depends on the links above it, so this goes on until nothing moves: two rounds,
// unless links lie below links.
void Planner::collect_links() {
    for (int round = 0; round < 20; ++round) {
        Links placed = placed_links();
        if (placed == links_) return;
        links_ = std::move(placed);
    }
    throw Error("cannot unpack the packages: their symbolic links move one another");
}

// ---- who has it -------------------------------------------------------------------------------

bool Planner::replaces(std::uint32_t package, std::uint32_t other) const {
    return std::ranges::any_of(listings_[package].replaces, [&](const debian::Alternative& replaced) {
        return replaced.name == listings_[other].name && debian::version_satisfies(listings_[other].version, replaced);
    });
}

std::uint32_t Planner::data_of(Source source) const {
    const DebEntry& link = entry(source);
    if (link.type != DebEntryType::hard_link) return source.entry;
    const auto file = files_[source.package].find(link.target);
    if (file == files_[source.package].end())
        throw refusal(source, fmt::format("its hard link '{}' leads to '{}', which is no file before it", link.path,
                                          link.target));
    return file->second;
}

void Planner::claim_directory(Source source) {
    const std::string& path = entry(source).path;
    const std::string place = path.empty() ? path : joined(resolved_parent(path, source), name_of(path));
    if (!links_.contains(place)) {
        auto& directory = directories_[place];
        if (!directory.source) directory.source = source;
        return;
    }
    auto& directory = directories_[resolved(place, source)];
    if (!directory.through) directory.through = source;
}

void Planner::claim_object(Source source) {
    const std::string path = located(source);
    if (!own_.insert(path).second) throw refusal(source, fmt::format("'{}' is in it twice", path));
    const auto [known, first] = objects_.try_emplace(path, source);
    if (first) return;
    const Source other = known->second;
    if (replaces(source.package, other.package)) {
        replaced_[other.package].push_back(other.entry);
        known->second = source;
    } else if (replaces(other.package, source.package)) {
        replaced_[source.package].push_back(source.entry);
    } else {
        throw refusal(source,
                      fmt::format("'{}' is also in '{}', and neither replaces the other", path, title(other.package)),
                      "leave one of the two packages out, or name the diversion that one of them makes");
    }
}

void Planner::claim(std::uint32_t package) {
    const auto entries = listings_[package].entries;
    own_.clear();
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        const Source source{package, i};
        if (entries[i].type == DebEntryType::directory) {
            claim_directory(source);
            continue;
        }
        if (entries[i].type != DebEntryType::symlink) files_[package][entries[i].path] = data_of(source);
        claim_object(source);
    }
}

// ---- whether it holds together ----------------------------------------------------------------

// The directory below usr of each merged link, when anything lies in it, and the way to it.
void Planner::make_merged() {
    directories_[""].made = true;
    const auto used = [&](const std::string& directory) {
        const auto first = objects_.lower_bound(directory + "/");
        return first != objects_.end() && parent_of(first->first) == directory;
    };
    for (const std::string_view name : merged) {
        const std::string directory = fmt::format("usr/{}", name);
        if (!directories_.contains(directory) && !used(directory)) continue;
        directories_[directory].made = true;
        directories_["usr"].made = true;
    }
}

void Planner::require_parents() const {
    const auto require = [&](const std::string& path, Source source) {
        if (path.empty()) return;
        const std::string parent = parent_of(path);
        if (!directories_.contains(parent))
            throw refusal(source,
                          fmt::format("'{}', where its '{}' belongs, is no directory of any package", parent, path));
    };
    for (const auto& [path, directory] : directories_) {
        const auto by = directory.source ? directory.source : directory.through;
        if (!directory.source && !directory.made)
            throw refusal(
                *by,
                fmt::format("its directory '{}' leads through a link to '{}', which is no directory of any package",
                            entry(*by).path, path));
        if (const auto object = objects_.find(path); object != objects_.end() && by)
            throw refusal(object->second, fmt::format("'{}' is a directory in '{}'", path, title(by->package)),
                          "leave one of the two packages out");
        if (by) require(path, *by);
    }
    for (const auto& [path, source] : objects_) require(path, source);
}

Plan Planner::result() {
    Plan plan;
    for (const auto& [path, directory] : directories_)
        plan.directories.push_back({path, directory.source ? directory.source : directory.through});
    for (const auto& [path, source] : objects_) plan.objects.push_back({path, source, data_of(source)});
    for (const std::string_view name : merged)
        if (const std::string path(name); !objects_.contains(path) && directories_.contains("usr/" + path))
            plan.links.push_back({path, "usr/" + path});
    for (auto& entries : replaced_) std::ranges::sort(entries);
    plan.replaced = std::move(replaced_);
    return plan;
}

Plan Planner::plan() {
    collect_links();
    for (std::uint32_t package = 0; package < listings_.size(); ++package) claim(package);
    make_merged();
    require_parents();
    return result();
}

} // namespace

Plan plan_unpack(std::span<const Listing> listings, std::span<const Diversion> diversions) {
    return Planner(listings, diversions).plan();
}

} // namespace ashlar::root
