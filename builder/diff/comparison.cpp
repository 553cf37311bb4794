#include <diff/comparison.hpp>

#include <base/error.hpp>
#include <debian/package.hpp>
#include <diff/capabilities.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ashlar::diff {

namespace {

using evidence::ManifestPackage;
using pipeline::EntryRecord;

// Walks two sorted maps at once: visit(key, old or null, new or null).
template <typename Value, typename Visit>
void for_each_pair(const std::map<std::string, Value>& before, const std::map<std::string, Value>& after, Visit visit) {
    for (auto one = before.begin(), two = after.begin(); one != before.end() || two != after.end();) {
        if (two == after.end() || (one != before.end() && one->first < two->first)) {
            visit(one->first, &one->second, static_cast<const Value*>(nullptr));
            ++one;
        } else if (one == before.end() || two->first < one->first) {
            visit(two->first, static_cast<const Value*>(nullptr), &two->second);
            ++two;
        } else {
            visit(one->first, &one->second, &two->second);
            ++one, ++two;
        }
    }
}

// ---- packages ---------------------------------------------------------------------------------------

// Of the versions of one name the newest.
std::map<std::string, ManifestPackage> packages_by_name(const evidence::Manifest& manifest) {
    std::map<std::string, ManifestPackage> packages;
    for (const auto& package : manifest.packages) {
        const auto [at, added] = packages.emplace(package.name, package);
        if (!added && debian::compare_versions(package.version, at->second.version) > 0) at->second = package;
    }
    return packages;
}

std::map<std::string, std::string> source_versions(const evidence::Manifest& manifest) {
    std::map<std::string, std::string> versions;
    for (const auto& package : manifest.packages) {
        std::string& version = versions[package.source];
        if (version.empty() || debian::compare_versions(package.source_version, version) > 0) version = package.source_version;
    }
    return versions;
}

PackageChange::Kind kind_of(const std::string* before, const std::string* after) {
    using enum PackageChange::Kind;
    if (before == nullptr || after == nullptr) return before == nullptr ? added : removed;
    const auto order = debian::compare_versions(*after, *before);
    return order > 0 ? upgraded : order < 0 ? downgraded : rebuilt;
}

std::string or_nothing(const std::string* text) { return text == nullptr ? std::string() : *text; }

std::map<std::string, std::vector<PackageChange>> changed_packages(const evidence::Manifest& before, const evidence::Manifest& after) {
    std::map<std::string, std::vector<PackageChange>> by_source;
    for_each_pair(packages_by_name(before), packages_by_name(after), [&](const std::string& name, const ManifestPackage* one, const ManifestPackage* two) {
        if (one != nullptr && two != nullptr && one->sha256 == two->sha256) return;
        const std::string *was = one == nullptr ? nullptr : &one->version, *is = two == nullptr ? nullptr : &two->version;
        const std::string& source = two == nullptr ? one->source : two->source;
        by_source[source].push_back({kind_of(was, is), name, source, or_nothing(was), or_nothing(is)});
    });
    return by_source;
}

std::vector<SourceChange> changed_sources(const evidence::Manifest& before, const evidence::Manifest& after) {
    const auto old_versions = source_versions(before), new_versions = source_versions(after);
    std::vector<SourceChange> changes;
    for (auto& [source, packages] : changed_packages(before, after)) {
        const auto was = old_versions.find(source), is = new_versions.find(source);
        const std::string *one = was == old_versions.end() ? nullptr : &was->second, *two = is == new_versions.end() ? nullptr : &is->second;
        changes.push_back({kind_of(one, two), source, or_nothing(one), or_nothing(two), packages});
    }
    return changes;
}

std::set<std::string> names_of_changed(const std::vector<SourceChange>& sources) {
    std::set<std::string> names;
    for (const auto& source : sources)
        for (const auto& package : source.packages) names.insert(package.name);
    return names;
}

// ---- files ------------------------------------------------------------------------------------------

template <typename Visit>
void for_each_entry(const pipeline::TreeRecord& before, const pipeline::TreeRecord& after, Visit visit) {
    std::size_t i = 0, j = 0;
    while (i < before.size() || j < after.size()) {
        if (j == after.size() || (i < before.size() && before[i].path < after[j].path))
            visit(&before[i++], static_cast<const EntryRecord*>(nullptr));
        else if (i == before.size() || after[j].path < before[i].path)
            visit(static_cast<const EntryRecord*>(nullptr), &after[j++]);
        else
            visit(&before[i++], &after[j++]);
    }
}

// Times are not compared: they follow from the package or the release.
std::vector<std::string> what_differs(const EntryRecord& one, const EntryRecord& two) {
    if (one.type != two.type) return {"type"};
    std::vector<std::string> what;
    if (one.sha256 != two.sha256) what.emplace_back("contents");
    if (one.target != two.target) what.emplace_back("target");
    if (one.mode != two.mode) what.emplace_back("mode");
    if (one.uid != two.uid || one.gid != two.gid) what.emplace_back("owner");
    if (one.xattrs != two.xattrs) what.emplace_back("attributes");
    return what;
}

std::vector<FileChange> changed_files(const ImageFacts& before, const ImageFacts& after, const std::set<std::string>& packages) {
    std::vector<FileChange> changes;
    for_each_entry(before.tree, after.tree, [&](const EntryRecord* one, const EntryRecord* two) {
        const EntryRecord& entry = two == nullptr ? *one : *two;
        FileChange change{two == nullptr ? FileChange::Kind::removed : FileChange::Kind::added, entry.path, entry.package, {}, !packages.contains(entry.package)};
        if (one != nullptr && two != nullptr) {
            change.kind = FileChange::Kind::changed;
            change.what = what_differs(*one, *two);
            if (change.what.empty()) return;
        }
        changes.push_back(std::move(change));
    });
    return changes;
}

// ---- privileges -------------------------------------------------------------------------------------

constexpr unsigned set_ids = 06000;
constexpr const char* capability_attribute = "security.capability";

std::string name_of_id(const Ids& ids, std::uint32_t id) {
    const auto found = std::ranges::find_if(ids, [&](const auto& one) { return one.second == id; });
    return found == ids.end() ? std::to_string(id) : found->first;
}

std::string privilege_of(const EntryRecord* entry, const std::optional<Accounts>& accounts) {
    if (entry == nullptr || entry->type != root::EntryType::file) return {};
    const auto capabilities = entry->xattrs.find(capability_attribute);
    if ((entry->mode & set_ids) == 0 && capabilities == entry->xattrs.end()) return {};
    const Accounts known = accounts.value_or(Accounts{});
    std::string text = fmt::format("{:04o} {}:{}", entry->mode, name_of_id(known.users, entry->uid), name_of_id(known.groups, entry->gid));
    if (capabilities != entry->xattrs.end()) text += " " + capabilities_text(capabilities->second);
    return text;
}

std::vector<PrivilegeChange> changed_privileges(const ImageFacts& before, const ImageFacts& after) {
    std::vector<PrivilegeChange> changes;
    for_each_entry(before.tree, after.tree, [&](const EntryRecord* one, const EntryRecord* two) {
        std::string was = privilege_of(one, before.accounts), is = privilege_of(two, after.accounts);
        if (was == is) return;
        const EntryRecord& entry = two == nullptr ? *one : *two;
        changes.push_back({entry.path, entry.package, std::move(was), std::move(is)});
    });
    return changes;
}

// ---- units, accounts, kernel ------------------------------------------------------------------------

std::string state_of(const Unit* unit) {
    constexpr std::array<std::string_view, 3> names{"off", "on", "masked"};
    return std::string(unit == nullptr ? "absent" : names[static_cast<std::size_t>(unit->state)]);
}

std::vector<UnitChange> changed_units(const ImageFacts& before, const ImageFacts& after) {
    std::vector<UnitChange> changes;
    for_each_pair(before.units, after.units, [&](const std::string& name, const Unit* one, const Unit* two) {
        const Unit& unit = two == nullptr ? *one : *two;
        const bool same_sockets = one != nullptr && two != nullptr && one->listens == two->listens;
        if (state_of(one) == state_of(two) && same_sockets) return;
        changes.push_back({name, unit.package, state_of(one), state_of(two), two == nullptr ? std::vector<std::string>() : two->listens});
    });
    return changes;
}

void add_changed_ids(std::vector<AccountChange>& changes, AccountChange::Kind kind, const Ids& before, const Ids& after) {
    for_each_pair(before, after, [&](const std::string& name, const std::uint32_t* one, const std::uint32_t* two) {
        if (one != nullptr && two != nullptr && *one == *two) return;
        const auto value = [](const std::uint32_t* id) { return id == nullptr ? std::nullopt : std::optional(*id); };
        changes.push_back({kind, name, value(one), value(two)});
    });
}

// The version stands in the configuration's own options, and in the manifest.
bool says_version(const std::string& option) {
    constexpr std::array<std::string_view, 3> names{"CONFIG_LOCALVERSION", "CONFIG_BUILD_SALT", "CONFIG_VERSION_SIGNATURE"};
    return std::ranges::find(names, option) != names.end();
}

std::vector<OptionChange> changed_options(const KernelOptions& before, const KernelOptions& after) {
    std::vector<OptionChange> changes;
    for_each_pair(before, after, [&](const std::string& name, const std::string* one, const std::string* two) {
        if ((one != nullptr && two != nullptr && *one == *two) || says_version(name)) return;
        changes.push_back({name, or_nothing(one), or_nothing(two)});
    });
    return changes;
}

// Words of `from` that `other` does not have; the root hash is another in each image.
std::vector<std::string> words_only_in(const std::vector<std::string>& from, const std::vector<std::string>& other) {
    std::vector<std::string> words;
    for (const auto& word : from)
        if (!word.starts_with("roothash=") && std::ranges::find(other, word) == other.end()) words.push_back(word);
    return words;
}

void compare_accounts(ImageDifference& difference, const ImageFacts& before, const ImageFacts& after) {
    for (const ImageFacts* facts : {&before, &after})
        if (!facts->accounts) difference.unknown.push_back(fmt::format("accounts: neither the record of '{}' nor a disk image beside it says them", facts->name()));
    if (!before.accounts || !after.accounts) return;
    add_changed_ids(difference.accounts, AccountChange::Kind::user, before.accounts->users, after.accounts->users);
    add_changed_ids(difference.accounts, AccountChange::Kind::group, before.accounts->groups, after.accounts->groups);
}

void compare_kernels(ImageDifference& difference, const ImageFacts& before, const ImageFacts& after) {
    difference.old_kernel = before.manifest.kernel;
    difference.new_kernel = after.manifest.kernel;
    difference.words_added = words_only_in(after.manifest.command_line, before.manifest.command_line);
    difference.words_removed = words_only_in(before.manifest.command_line, after.manifest.command_line);
    for (const ImageFacts* facts : {&before, &after})
        if (!facts->kernel_options) difference.unknown.push_back(fmt::format("kernel options: '{}' has no configuration of its kernel that could be read", facts->name()));
    if (before.kernel_options && after.kernel_options) difference.kernel_options = changed_options(*before.kernel_options, *after.kernel_options);
}

// ---- sizes ------------------------------------------------------------------------------------------

std::uint64_t bytes_of_files(const ImageFacts& facts) {
    std::uint64_t bytes = 0;
    for (const auto& entry : facts.tree) bytes += entry.size;
    return bytes;
}

std::map<std::string, std::uint64_t> bytes_by_source(const ImageFacts& facts) {
    std::map<std::string, std::string> sources;
    for (const auto& package : facts.manifest.packages) sources.emplace(package.name, package.source);
    std::map<std::string, std::uint64_t> bytes;
    for (const auto& entry : facts.tree) {
        const auto source = sources.find(entry.package);
        bytes[source == sources.end() ? std::string("(no package)") : source->second] += entry.size;
    }
    return bytes;
}

std::vector<SizeChange> growth_of(const ImageFacts& before, const ImageFacts& after) {
    std::vector<SizeChange> growth;
    for_each_pair(bytes_by_source(before), bytes_by_source(after), [&](const std::string& source, const std::uint64_t* one, const std::uint64_t* two) {
        const SizeChange change{source, one == nullptr ? 0 : *one, two == nullptr ? 0 : *two};
        if (change.growth() != 0) growth.push_back(change);
    });
    std::ranges::stable_sort(growth, std::greater(), [](const SizeChange& change) { return std::abs(change.growth()); });
    return growth;
}

std::vector<SizeChange> sizes_of(const ImageFacts& before, const ImageFacts& after) {
    std::vector<SizeChange> sizes{{"files of the root", bytes_of_files(before), bytes_of_files(after)}};
    if (before.root && after.root) sizes.push_back({"root file system", before.root->size(), after.root->size()});
    for (const auto& [kind, name] : {std::pair{"uki", "UKI"}, {"disk", "disk image"}}) {
        const auto one = before.manifest.artefacts.find(kind), two = after.manifest.artefacts.find(kind);
        if (one != before.manifest.artefacts.end() && two != after.manifest.artefacts.end()) sizes.push_back({name, one->second.size, two->second.size});
    }
    return sizes;
}

std::vector<Transfer> transfers_of(const ImageFacts& before, const ImageFacts& after) {
    const auto& now = after.manifest;
    std::vector<Transfer> found;
    for (const std::string& file : {fmt::format("ashlar_{}_{}-{}_{}.delta", now.role, before.manifest.release, now.release, now.architecture),
                                    fmt::format("ashlar_{}_{}_{}.full", now.role, now.release, now.architecture)})
        if (const auto path = after.base.parent_path() / file; std::filesystem::exists(path)) found.push_back({file, std::filesystem::file_size(path)});
    return found;
}

// ---- releases ---------------------------------------------------------------------------------------

using Role = std::pair<std::string, std::string>; // and architecture

std::string text_of(const Role& role) { return fmt::format("{} ({})", role.first, role.second); }

std::map<Role, const ImageFacts*> by_role(const std::vector<ImageFacts>& images) {
    std::map<Role, const ImageFacts*> found;
    for (const auto& image : images) {
        const Role role{image.manifest.role, image.manifest.architecture};
        const auto [at, added] = found.emplace(role, &image);
        if (!added) throw Error(fmt::format("cannot compare: '{}' and '{}' are both of role {}", at->second->name(), image.name(), text_of(role)), "name one release on each side");
    }
    return found;
}

// "R0.1", or all of them where the images are not of one release.
std::string release_of(const std::vector<ImageFacts>& images) {
    std::set<std::string> releases;
    for (const auto& image : images) releases.insert(image.manifest.release);
    return fmt::format("{}", fmt::join(releases, ", "));
}

} // namespace

ImageDifference compare(const ImageFacts& before, const ImageFacts& after) {
    ImageDifference difference{.role = after.manifest.role, .architecture = after.manifest.architecture};
    difference.sources = changed_sources(before.manifest, after.manifest);
    difference.files = changed_files(before, after, names_of_changed(difference.sources));
    difference.privileges = changed_privileges(before, after);
    difference.units = changed_units(before, after);
    compare_accounts(difference, before, after);
    compare_kernels(difference, before, after);
    difference.sizes = sizes_of(before, after);
    difference.growth = growth_of(before, after);
    difference.transfers = transfers_of(before, after);
    return difference;
}

ReleaseDifference compare_releases(const std::vector<ImageFacts>& before, const std::vector<ImageFacts>& after) {
    ReleaseDifference difference{.old_release = release_of(before), .new_release = release_of(after)};
    const auto olds = by_role(before), news = by_role(after);
    for (const auto& [role, image] : news) {
        if (const auto old = olds.find(role); old != olds.end())
            difference.images.push_back(compare(*old->second, *image));
        else
            difference.added_images.push_back(text_of(role));
    }
    for (const auto& [role, image] : olds)
        if (!news.contains(role)) difference.removed_images.push_back(text_of(role));
    if (difference.images.empty())
        throw Error(fmt::format("cannot compare '{}' with '{}': they have no role in common", difference.old_release, difference.new_release), "name images of the same role");
    return difference;
}

std::string_view name_of(PackageChange::Kind kind) noexcept {
    constexpr std::array<std::string_view, 5> names{"added", "removed", "upgraded", "downgraded", "rebuilt"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(FileChange::Kind kind) noexcept {
    constexpr std::array<std::string_view, 3> names{"added", "removed", "changed"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(AccountChange::Kind kind) noexcept { return kind == AccountChange::Kind::user ? "user" : "group"; }

} // namespace ashlar::diff
