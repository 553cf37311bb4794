#include <facts/image_facts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace ashlar::facts {

namespace {

using root::EntryType;

constexpr std::array<std::string_view, 3> unit_folders{"etc/systemd/system/", "usr/local/lib/systemd/system/", "usr/lib/systemd/system/"};
constexpr unsigned set_ids = 06000;

bool is_null_link(const pipeline::EntryRecord& entry) { return entry.type == EntryType::symlink && entry.target == "/dev/null"; }

// What lies in a folder of units: "multi-user.target.wants/ssh.service"; nothing for other entries.
std::string_view below_unit_folder(std::string_view path) {
    for (const std::string_view folder : unit_folders)
        if (path.starts_with(folder)) return path.substr(folder.size());
    return {};
}

bool can_listen(std::string_view unit) { return unit.ends_with(".socket") || unit.ends_with(".service"); }

// The unit that a link in "x.wants/" or "x.requires/" starts.
std::string_view wanted_unit(std::string_view below) {
    const auto slash = below.find('/');
    if (slash == std::string_view::npos || below.find('/', slash + 1) != std::string_view::npos) return {};
    const std::string_view folder = below.substr(0, slash), unit = below.substr(slash + 1);
    const bool wants = folder.ends_with(".wants") || folder.ends_with(".requires");
    return wants && can_listen(unit) ? unit : std::string_view();
}

} // namespace

const evidence::ManifestPackage* ImageFacts::package(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(manifest.packages, [&](const evidence::ManifestPackage& package) {
        return package.name == name && std::ranges::find(package.parts, "root") != package.parts.end();
    });
    return found == manifest.packages.end() ? nullptr : &*found;
}

const pipeline::EntryRecord* ImageFacts::entry(std::string_view path) const noexcept {
    const auto found = std::ranges::lower_bound(tree, path, {}, [](const pipeline::EntryRecord& entry) { return std::string_view(entry.path); });
    return found != tree.end() && found->path == path ? &*found : nullptr;
}

std::vector<const pipeline::EntryRecord*> ImageFacts::set_id_files() const {
    std::vector<const pipeline::EntryRecord*> files;
    for (const auto& entry : tree)
        if (entry.type == EntryType::file && (entry.mode & set_ids) != 0) files.push_back(&entry);
    return files;
}

std::vector<std::string> ImageFacts::started_units() const {
    std::set<std::string, std::less<>> started, masked;
    for (const auto& entry : tree) {
        const std::string_view below = below_unit_folder(entry.path);
        if (below.empty() || entry.type != EntryType::symlink) continue;
        if (is_null_link(entry) && below.find('/') == std::string_view::npos) masked.emplace(below);
        if (const std::string_view unit = wanted_unit(below); !unit.empty() && !is_null_link(entry)) started.emplace(unit);
    }
    std::vector<std::string> units;
    std::ranges::set_difference(started, masked, std::back_inserter(units));
    return units;
}

ImageFacts image_facts(std::string_view manifest, std::string_view manifest_name, std::string_view tree, std::string_view tree_name) {
    ImageFacts facts{.manifest = evidence::parse_manifest(manifest, manifest_name), .tree = pipeline::parse_tree_record(tree, tree_name)};
    std::ranges::sort(facts.tree, {}, &pipeline::EntryRecord::path);
    return facts;
}

ImageFacts read_image_facts(const std::filesystem::path& manifest) {
    constexpr std::string_view ending = ".manifest.json";
    const std::string name = manifest.native();
    if (!name.ends_with(ending)) throw Error(fmt::format("cannot read the facts of '{}': it is no manifest", name), "name the file that ends in .manifest.json");
    const std::string tree = name.substr(0, name.size() - ending.size()) + ".tree.json";
    return image_facts(read_file(manifest), name, read_file(tree), tree);
}

} // namespace ashlar::facts
