#include "verdict.hpp"

#include <base/error.hpp>
#include <disks/inventory.hpp>
#include <image/architecture.hpp>
#include <image/disk.hpp>
#include <image/fat.hpp>
#include <signing/verity.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <fcntl.h>

#include <fmt/format.h>

namespace powercut {

namespace fs = std::filesystem;

namespace {

constexpr const char* loader_path = "EFI/BOOT/BOOTX64.EFI";
constexpr std::uint64_t edge = (std::uint64_t{1} << 20U) / sector_size; // what the installer looks at

Guid guid(std::string_view text) { return *Guid::from_text(text); }

std::string part_name(std::string_view release, std::string_view what, const Range& place) { return fmt::format("{} {} {}", release, what, place.begin); }

std::shared_ptr<const Content> shared(Content content) { return std::make_shared<const Content>(std::move(content)); }

Content content_at(const Disk& disk, Range range) {
    Content content;
    for (std::uint64_t sector = range.begin; sector < range.end; ++sector) content.push_back(disk.mark(sector));
    return content;
}

Digest root_hash_in(std::string_view command_line) {
    const auto at = command_line.find("roothash=");
    const auto hash = at == std::string_view::npos ? std::nullopt : Digest::from_hex(command_line.substr(at + 9, 64));
    if (!hash) throw Error(fmt::format("cannot find a root hash in the command line '{}'", command_line));
    return *hash;
}

Bytes boot_file(const fs::path& image, const image::Partition& esp, std::string_view path) {
    const Fd fd = open_file(image, O_RDONLY);
    const image::FatVolume volume(fd.get(), esp.offset, esp.size, "esp");
    for (const auto& file : volume.files())
        if (file.path == path) return volume.read(file);
    throw Error(fmt::format("cannot find '{}' in '{}'", path, image.native()));
}

} // namespace

Release release_of(const fs::path& base, const std::string& name) {
    const fs::path image = base.native() + ".raw";
    const auto table = image::read_partition_table(image);
    const auto& architecture = image::architecture("amd64");
    const auto& root = *table.find(architecture.root_type);
    const auto& tree = *table.find(architecture.verity_type);
    const auto& esp = *table.find(image::boot_partition_type());
    const Bytes uki = boot_file(image, esp, fmt::format("EFI/Linux/ashlar_{}.efi", name)), loader = boot_file(image, esp, loader_path);
    const auto entry = read_entry("a.efi", uki);
    if (!entry) throw Error(fmt::format("cannot read the UKI of '{}'", image.native()));
    const Digest root_hash = root_hash_in(entry->command_line);

    const Fd fd = open_file(image, O_RDONLY);
    const auto header = read_verity_header({fd.get(), tree.offset, tree.size, "tree"});
    const std::uint64_t data_size = header.data_blocks * verity_block, tree_size = verity_size(data_size);
    if (const auto fault = verify_verity({fd.get(), root.offset, data_size, "root"}, {fd.get(), tree.offset, tree_size, "tree"}, root_hash, header.parameters))
        throw Error(fmt::format("cannot take '{}' as what is complete: {}", image.native(), fault->text()));
    return {.name = name,
            .root_hash = root_hash,
            .root = shared(content_of_file(image, root.offset, data_size)),
            .tree = shared(content_of_file(image, tree.offset, tree_size)),
            .uki = content_of(uki),
            .uki_size = uki.size(),
            .loader = content_of(loader),
            .loader_size = loader.size()};
}

Layout layout_of(const Table& table) {
    const auto range = [&](const Guid& type) {
        const Partition* found = table.of_type(type);
        if (found == nullptr) throw Error(fmt::format("cannot judge the disk: at the end of the log it has no partition of type {}", type.text()));
        return found->range;
    };
    Layout layout{.esp = range(image::boot_partition_type()), .state = range(state::partition_type()), .var = range(guid("4d21b016-b534-45c2-a9fb-5c16e091fd2d")), .slots = {}};
    // Whatever type they have at the moment: the slots are the third to the sixth partition.
    for (const std::size_t number : {3U, 5U}) {
        const auto root = std::ranges::find(table.partitions, number, &Partition::number), tree = std::ranges::find(table.partitions, number + 1, &Partition::number);
        if (root != table.partitions.end() && tree != table.partitions.end()) layout.slots.emplace_back(root->range, tree->range);
    }
    return layout;
}

Judge::Judge(Disk& disk, const Disk& at_the_end, std::vector<Release> releases, Var var)
    : disk_(disk), releases_(std::move(releases)), layout_(layout_of(read_table(at_the_end).value())), var_(var), directory_(fs::temp_directory_path(), "ashlar-powercut-") {
    for (const auto& [root, tree] : layout_.slots)
        for (const Release& release : releases_) {
            disk_.collapse(part_name(release.name, "root", root), root, release.root);
            disk_.collapse(part_name(release.name, "tree", tree), tree, release.tree);
        }
    if (var_ == Var::whole) {
        had_var_ = read_table(disk_).has_value();
        disk_.collapse("var", layout_.var, shared(content_at(at_the_end, layout_.var)));
        disk_.collapse("var before", layout_.var, shared(content_at(disk_, layout_.var)));
    } else {
        disk_.ignore(layout_.var);
    }
    disk_.watch("state", layout_.state);
    disk_.watch("front", {0, edge});
    disk_.watch("back", {disk_.sectors() - edge, disk_.sectors()});
}

bool Judge::matters(std::uint64_t sector) const {
    return !layout_.var.contains(sector) && std::ranges::none_of(layout_.slots, [&](const auto& slot) { return slot.first.contains(sector) || slot.second.contains(sector); });
}

Verdict Judge::judge() {
    twins_.clear();
    const Start started = start();
    if (!started.release.empty()) return {Verdict::Kind::starts, "starts " + started.release};
    if (started.stops) return {Verdict::Kind::violation, fmt::format("starts and stops ({})", started.refusal)};
    const std::string looks = installer();
    if (looks == "blank" || looks == "unfinished") return {Verdict::Kind::installs, "the installer begins anew: " + looks};
    return {Verdict::Kind::violation, fmt::format("does not start ({}), and the installer would not touch it ({})", started.refusal, looks)};
}

Judge::Start Judge::start() {
    const auto table = read_table(disk_);
    if (!table) return {.release = {}, .refusal = "no partition table"};
    const Partition* place = table->of_type(image::boot_partition_type());
    if (place == nullptr) return {.release = {}, .refusal = "no boot partition"};
    const auto esp = Fat::read(disk_, place->range);
    if (!esp) return {.release = {}, .refusal = "no file system on the boot partition"};
    const FatFile* loader = esp->find(loader_path);
    if (loader == nullptr) return {.release = {}, .refusal = "no boot loader"};
    if (std::ranges::none_of(releases_, [&](const Release& release) { return esp->holds(*loader, release.loader, release.loader_size); }))
        return {.release = {}, .refusal = "the boot loader is not complete"};
    return start_entry(*esp, *table);
}

Judge::Start Judge::start_entry(const Fat& esp, const Table& table) {
    const auto entries = menu(esp);
    if (entries.empty()) return {.release = {}, .refusal = "nothing to start on the boot partition"};
    const BootEntry& chosen = entries.front();
    const auto release = std::ranges::find_if(releases_, [&](const Release& candidate) { return esp.holds(*chosen.file, candidate.uki, candidate.uki_size); });
    if (release == releases_.end()) return {.release = {}, .refusal = fmt::format("'{}' is chosen and is not complete", chosen.name)};
    std::string refusal = refuse_root(table, *release);
    if (refusal.empty()) refusal = refuse_state();
    if (refusal.empty() && !var_is_whole()) refusal = "/var is not whole";
    if (!refusal.empty()) return {.release = {}, .refusal = fmt::format("'{}' is chosen, and {}", chosen.name, refusal), .stops = true};
    if (std::ranges::find(esp.shared(), chosen.file->path) != esp.shared().end()) twins_ = esp.shared();
    return {.release = release->name, .refusal = {}};
}

bool Judge::var_is_whole() const {
    return var_ == Var::not_judged || disk_.complete("var").value() || (had_var_ && disk_.complete("var before").value());
}

std::string Judge::refuse_root(const Table& table, const Release& release) const {
    const Partition* root = table.with_id(data_partition_of(release.root_hash));
    const Partition* tree = table.with_id(hash_partition_of(release.root_hash));
    if (root == nullptr || tree == nullptr) return "the partitions of its root hash are not there";
    const auto root_complete = disk_.complete(part_name(release.name, "root", root->range));
    const auto tree_complete = disk_.complete(part_name(release.name, "tree", tree->range));
    if (!root_complete || !tree_complete) return "the partitions of its root hash are not those of a slot";
    if (!*root_complete) return "its root is not complete";
    if (!*tree_complete) return "the hash tree of its root is not complete";
    return {};
}

std::string Judge::refuse_state() {
    const auto [place, is_new] = states_.try_emplace(disk_.watched("state"));
    if (!is_new) return place->second;
    const fs::path file = directory_.path() / "state";
    disk_.save(layout_.state, file);
    try {
        if (!state::read(file)) place->second = "the state was never written";
    } catch (const Error& error) {
        place->second = error.message();
    }
    return place->second;
}

// The node's own code, on what a disk like this would show it.
std::string Judge::installer() {
    const auto front = disk_.watched("front"), back = disk_.watched("back"), state = disk_.watched("state");
    const auto [place, is_new] = looks_.try_emplace({{front.high ^ state.low, front.low ^ state.high}, back});
    if (!is_new) return place->second;
    const fs::path whole = directory_.path() / "disk", part = directory_.path() / "state";
    const Range all{0, disk_.sectors()};
    disk_.save(all, whole, {{0, edge}, {disk_.sectors() - edge, disk_.sectors()}});
    disks::Disk seen{.name = "disk", .device = whole, .size = disk_.sectors() * sector_size};
    if (const auto table = read_table(disk_))
        if (const Partition* found = table->of_type(state::partition_type()); found != nullptr) {
            disk_.save(found->range, part);
            seen.partitions.push_back({.device = part, .type = state::partition_type().text()});
        }
    disks::look_inside(seen);
    constexpr std::array<std::string_view, 4> names{"blank", "unfinished", "ours", "foreign"};
    const auto name = seen.content == disks::Content::blank ? names[0] : seen.content == disks::Content::unfinished ? names[1] : seen.content == disks::Content::ours ? names[2] : names[3];
    place->second = seen.carries.empty() || name == "blank" || name == "unfinished" ? std::string(name) : fmt::format("{}: {}", name, seen.carries);
    return place->second;
}

} // namespace powercut
