#include <facts/image_facts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::facts {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view manifest_ending = ".manifest.json", tree_ending = ".tree.json", disk_ending = ".raw";
constexpr std::array<std::string_view, 2> unit_directories{"usr/lib/systemd/system/", "etc/systemd/system/"};
constexpr std::array<std::string_view, 4> unit_endings{".service", ".socket", ".timer", ".path"};

fs::path with(const fs::path& base, std::string_view ending) { return base.native() + std::string(ending); }

fs::path without_ending(const fs::path& name) {
    const std::string& text = name.native();
    for (const auto ending : {disk_ending, manifest_ending, tree_ending})
        if (text.ends_with(ending)) return text.substr(0, text.size() - ending.size());
    return name;
}

// Those in the directory whose names have `part` in them.
std::vector<fs::path> images_in(const fs::path& directory, std::string_view part) {
    std::vector<fs::path> found;
    if (!fs::is_directory(directory)) return found;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().native();
        if (name.ends_with(manifest_ending) && name.find(part) != name.npos) found.push_back(without_ending(entry.path()));
    }
    std::ranges::sort(found);
    return found;
}

// ---- units ------------------------------------------------------------------------------------------

bool is_unit(std::string_view name) {
    return std::ranges::any_of(unit_endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

// What follows a directory of units: "ssh.service", "multi-user.target.wants/ssh.service".
std::string_view below_units(std::string_view path) {
    for (const std::string_view directory : unit_directories)
        if (path.starts_with(directory)) return path.substr(directory.size());
    return {};
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) { return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : std::string_view(); }

// "multi-user.target" of "multi-user.target.wants"
std::string_view wanting(std::string_view directory) {
    const std::string_view wants = without_suffix(directory, ".wants");
    return wants.empty() ? without_suffix(directory, ".requires") : wants;
}

void add_unit(std::map<std::string, Unit>& units, const pipeline::EntryRecord& entry) {
    if (entry.type == root::EntryType::directory) return;
    const std::string_view place = below_units(entry.path);
    const std::size_t slash = place.find('/');
    const std::string_view name = slash == place.npos ? place : place.substr(slash + 1);
    if (!is_unit(name) || name.find('/') != name.npos) return;
    if (slash != place.npos && wanting(place.substr(0, slash)).empty()) return; // a drop-in
    Unit& unit = units[std::string(name)];
    if (slash != place.npos) unit.wanted_by.emplace(wanting(place.substr(0, slash)));
    if (slash == place.npos && entry.target == "/dev/null") unit.state = Unit::State::masked;
    if (!entry.package.empty()) unit.package = entry.package;
}

// ---- texts ------------------------------------------------------------------------------------------

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<Accounts> accounts_of(const ImageFacts& facts) {
    const auto passwd = facts.text_of("etc/passwd"), group = facts.text_of("etc/group");
    if (!passwd || !group) return std::nullopt;
    return Accounts{parse_ids(*passwd), parse_ids(*group)};
}

std::optional<KernelOptions> options_of(const ImageFacts& facts) {
    const std::string& version = facts.manifest.kernel;
    for (const std::string& path : {"boot/config-" + version, "usr/lib/modules/" + version + "/config"})
        if (const auto text = facts.text_of(path)) return parse_kernel_options(*text);
    return std::nullopt;
}

void read_sockets(ImageFacts& facts) {
    for (auto& [name, unit] : facts.units) {
        if (!name.ends_with(".socket") || unit.state != Unit::State::on) continue;
        for (const auto directory : {unit_directories[1], unit_directories[0]})
            if (const auto text = facts.text_of(fmt::format("{}{}", directory, name))) {
                unit.listens = listens_of(*text);
                break;
            }
    }
}

// ---- what starts by itself ---------------------------------------------------------------------------

constexpr std::array<std::string_view, 3> unit_folders{"etc/systemd/system/", "usr/local/lib/systemd/system/", "usr/lib/systemd/system/"};
constexpr unsigned set_ids = 06000;

bool is_null_link(const pipeline::EntryRecord& entry) { return entry.type == root::EntryType::symlink && entry.target == "/dev/null"; }

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

Error unusable(const fs::path& base, std::string_view what) {
    return Error(fmt::format("cannot compare '{}': {}", base.native(), what), "keep the files of a build together");
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
        if (entry.type == root::EntryType::file && (entry.mode & set_ids) != 0) files.push_back(&entry);
    return files;
}

std::vector<std::string> ImageFacts::started_units() const {
    std::set<std::string, std::less<>> started, masked;
    for (const auto& entry : tree) {
        const std::string_view below = below_unit_folder(entry.path);
        if (below.empty() || entry.type != root::EntryType::symlink) continue;
        if (is_null_link(entry) && below.find('/') == std::string_view::npos) masked.emplace(below);
        if (const std::string_view unit = wanted_unit(below); !unit.empty() && !is_null_link(entry)) started.emplace(unit);
    }
    std::vector<std::string> names;
    std::ranges::set_difference(started, masked, std::back_inserter(names));
    return names;
}

std::optional<std::string> ImageFacts::text_of(std::string_view path) const {
    const auto* entry = this->entry(path);
    if (entry == nullptr || entry->type != root::EntryType::file) return std::nullopt;
    if (entry->size == 0) return "";
    // The record's own copy is not the file's where that is no UTF-8.
    if (entry->contents && entry->sha256 && sha256(*entry->contents) == *entry->sha256) return entry->contents;
    if (!root) return std::nullopt;
    auto text = root->read(path);
    if (text && entry->sha256 && sha256(*text) != *entry->sha256)
        throw Error(fmt::format("cannot read '/{}' of '{}': it is not what the record beside the image says", path, name()), fmt::format("`ashlar inspect {}.raw` says more", base.native()));
    return text;
}

std::vector<fs::path> find_images(const fs::path& name, const fs::path& directory) {
    const fs::path base = without_ending(name);
    for (const fs::path& candidate : {base, directory / base})
        if (fs::is_regular_file(with(candidate, manifest_ending))) return {candidate};
    auto found = images_in(name, "ashlar_");
    if (found.empty() && name.native().find('/') == std::string::npos) found = images_in(directory, fmt::format("_{}_", name.native()));
    if (found.empty())
        throw Error(fmt::format("cannot find '{}': it is no image, no directory with images, and no release in '{}'", name.native(), directory.native()),
                    "name an image as `ashlar build` writes it, its directory, or a release such as R0.1");
    return found;
}

ImageFacts read_image(const fs::path& base) {
    const fs::path manifest = with(base, manifest_ending), tree = with(base, tree_ending), disk = with(base, disk_ending);
    if (!fs::exists(manifest)) throw unusable(base, "there is no manifest beside it");
    if (!fs::exists(tree)) throw unusable(base, "there is no record of its root ('.tree.json') beside it");
    auto facts = facts_of(evidence::parse_manifest(read_file(manifest), manifest.native()), pipeline::parse_tree_record(read_file(tree), tree.native()), fs::exists(disk) ? std::make_shared<RootFiles>(disk) : nullptr);
    facts.base = base;
    return facts;
}

ImageFacts facts_of(evidence::Manifest manifest, pipeline::TreeRecord tree, std::shared_ptr<const RootFiles> root) {
    ImageFacts facts{.manifest = std::move(manifest), .tree = std::move(tree), .root = std::move(root)};
    std::ranges::sort(facts.tree, {}, &pipeline::EntryRecord::path);
    facts.units = units_of(facts.tree);
    facts.accounts = accounts_of(facts);
    facts.kernel_options = options_of(facts);
    read_sockets(facts);
    return facts;
}

std::vector<ImageFacts> read_images(const std::vector<fs::path>& bases) {
    std::vector<ImageFacts> images;
    for (const auto& base : bases) images.push_back(read_image(base));
    return images;
}

Ids parse_ids(std::string_view passwd_or_group) {
    Ids ids;
    for (const std::string_view line : split(passwd_or_group, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3) continue;
        if (const auto number = number_of(fields[2])) ids.emplace(fields[0], *number);
    }
    return ids;
}

KernelOptions parse_kernel_options(std::string_view config) {
    constexpr std::string_view unset = " is not set";
    KernelOptions options;
    for (std::string_view line : split(config, '\n')) {
        if (line.starts_with("# CONFIG_") && line.ends_with(unset))
            options.emplace(line.substr(2, line.size() - 2 - unset.size()), "n");
        else if (const std::size_t equals = line.find('='); line.starts_with("CONFIG_") && equals != line.npos)
            options.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    return options;
}

std::vector<std::string> listens_of(std::string_view socket_unit) {
    std::vector<std::string> found;
    for (const std::string_view line : split(socket_unit, '\n')) {
        const std::size_t equals = line.find('=');
        if (!line.starts_with("Listen") || equals == line.npos) continue;
        const std::string_view value = trim(line.substr(equals + 1));
        if (value.empty()) found.clear(); // systemd.syntax(7): an empty value empties the list
        else found.emplace_back(value);
    }
    return found;
}

std::map<std::string, Unit> units_of(const pipeline::TreeRecord& tree) {
    std::map<std::string, Unit> units;
    for (const auto& entry : tree) add_unit(units, entry);
    for (auto& [name, unit] : units)
        if (unit.state != Unit::State::masked && !unit.wanted_by.empty()) unit.state = Unit::State::on;
    return units;
}

} // namespace ashlar::facts
