#include "miniature.hpp"

#include "handmade.hpp"

#include <base/process.hpp>
#include <disks/claim.hpp>
#include <image/architecture.hpp>
#include <signing/verity.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace powercut {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
constexpr std::uint64_t root_size = mib / 2;
// Where things begin, in MiB.
constexpr std::uint64_t esp = 1, state_place = 41, root_a = 105, tree_a = 107, root_b = 108, tree_b = 110, var = 111, end = 113, disk_size = 114;
constexpr std::uint64_t table_sectors = 34;

std::shared_ptr<const Content> shared(ByteView bytes) { return std::make_shared<const Content>(content_of(bytes)); }

Fd make_file(const fs::path& file, std::uint64_t size) {
    Fd made = open_file(file, O_RDWR | O_CREAT | O_TRUNC);
    if (::ftruncate(made.get(), static_cast<off_t>(size)) != 0) throw std::runtime_error("cannot make a file");
    return made;
}

Bytes bytes_in(const fs::path& file) {
    const std::string text = read_file(file);
    return {bytes_of(text).begin(), bytes_of(text).end()};
}

void duplicate(const fs::path& from, const fs::path& to) { run_checked({.argv = {"cp", "--sparse=always", from.native(), to.native()}}); }

} // namespace

Miniature::Miniature() : directory_(fs::temp_directory_path(), "ashlar-powercut-"), loader_(handmade::uki("", "the boot loader", 3000)) {
    for (const char* name : {"R0.0", "R0.1", "R0.2"}) releases_.push_back(make_release(name));
    make_table("table", nullptr, false);
    make_table("table-both", releases_.data(), false);
    make_table("table-partial", releases_.data(), true);
    make_table("table-new", &releases_[2], false);
    make_boot_partitions();
    (void)make_file(directory_.path() / "state", state::partition_size);
    state::write(directory_.path() / "state", {{"format", 1}, {"machine_id", std::string(32, '0')}});
    (void)make_file(directory_.path() / "claimed", disk_size * mib);
    disks::claim(directory_.path() / "claimed", disks::Claim::whole_disk);
    for (const auto& order : {installation(), upgrade()})
        for (const Step step : order) perform(performed_[step], step);
    make_installed();
}

std::uint64_t Miniature::sectors() const { return disk_size * mib / sector_size; }

Miniature::MiniRelease Miniature::make_release(const std::string& name) const {
    Bytes root;
    for (std::uint64_t i = 0; root.size() < root_size; ++i) append(root, fmt::format("{} {:>11} ", name, i));
    root.resize(root_size);
    const fs::path data = directory_.path() / ("root-" + name), tree = directory_.path() / ("tree-" + name);
    write_file(data, text_of(root));
    const Digest hash = write_verity(data, tree, {.uuid = data_partition_of(sha256(name)), .salt = {}});
    return {.name = name, .root = root, .tree = bytes_in(tree), .uki = handmade::uki(handmade::os_release(name), "roothash=" + hash.hex(), 20000), .root_hash = hash};
}

std::vector<Release> Miniature::releases() const {
    std::vector<Release> all;
    for (const MiniRelease& release : releases_)
        all.push_back({.name = release.name,
                       .root_hash = release.root_hash,
                       .root = shared(release.root),
                       .tree = shared(release.tree),
                       .uki = content_of(release.uki),
                       .uki_size = release.uki.size(),
                       .loader = content_of(loader_),
                       .loader_size = loader_.size()});
    return all;
}

void Miniature::make_table(const std::string& name, const MiniRelease* second, bool partial) {
    const auto& architecture = image::architecture("amd64");
    std::string script = "label: gpt\nlabel-id: 6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55\n";
    const auto add = [&](std::uint64_t from, std::uint64_t to, const std::string& type, const std::string& id) {
        script += fmt::format("start={}, size={}, type={}, uuid={}\n", from * mib / sector_size, (to - from) * mib / sector_size, type, id);
    };
    const auto free_id = [](int number) { return fmt::format("00000000-0000-4000-8000-{:012}", number); };
    const std::string unused = "8484680c-9521-48c6-9c11-b0720656f69e";
    const Digest& first = releases_[1].root_hash;
    add(esp, state_place, image::boot_partition_type().text(), free_id(1));
    add(state_place, root_a, state::partition_type().text(), free_id(2));
    add(root_a, tree_a, architecture.root_type.text(), data_partition_of(first).text());
    add(tree_a, root_b, architecture.verity_type.text(), hash_partition_of(first).text());
    add(root_b, tree_b, partial ? unused : architecture.root_type.text(), second == nullptr ? free_id(5) : data_partition_of(second->root_hash).text());
    add(tree_b, var, partial ? unused : architecture.verity_type.text(), second == nullptr ? free_id(6) : hash_partition_of(second->root_hash).text());
    add(var, end, "4d21b016-b534-45c2-a9fb-5c16e091fd2d", free_id(7));
    const fs::path file = directory_.path() / name;
    (void)make_file(file, disk_size * mib);
    run_checked({.argv = {"sfdisk", "--quiet", file.native()}, .input = script});
}

void Miniature::make_boot_partitions() {
    const auto at = [&](const std::string& name) { return directory_.path() / name; };
    const auto put = [&](const std::string& volume, const std::string& path, ByteView content) {
        write_file(at("file"), text_of(content));
        run_checked({.argv = {"mcopy", "-D", "o", "-i", at(volume).native(), at("file").native(), "::/" + path}});
    };
    const auto rename = [&](const std::string& volume, const std::string& from, const std::string& to) {
        run_checked({.argv = {"mren", "-i", at(volume).native(), "::/" + from, to}});
    };
    run_checked({.argv = {"mkfs.fat", "-F", "32", "-s", "1", "-C", at("esp-empty").native(), std::to_string((state_place - esp) * 1024)}});
    duplicate(at("esp-empty"), at("esp-uki-temporary"));
    run_checked({.argv = {"mmd", "-i", at("esp-uki-temporary").native(), "::/EFI", "::/EFI/Linux"}});
    put("esp-uki-temporary", "EFI/Linux/ashlar_R0.1.efi.tmp", releases_[1].uki);
    duplicate(at("esp-uki-temporary"), at("esp-uki"));
    rename("esp-uki", "EFI/Linux/ashlar_R0.1.efi.tmp", "ashlar_R0.1.efi");
    duplicate(at("esp-uki"), at("esp-loader-temporary"));
    run_checked({.argv = {"mmd", "-i", at("esp-loader-temporary").native(), "::/EFI/BOOT"}});
    put("esp-loader-temporary", "EFI/BOOT/BOOTX64.EFI.tmp", loader_);
    duplicate(at("esp-loader-temporary"), at("esp-loader"));
    rename("esp-loader", "EFI/BOOT/BOOTX64.EFI.tmp", "BOOTX64.EFI");
    duplicate(at("esp-loader"), at("esp-both"));
    put("esp-both", "EFI/Linux/ashlar_R0.0.efi", releases_[0].uki);
    duplicate(at("esp-both"), at("esp-unlinked"));
    run_checked({.argv = {"mdel", "-i", at("esp-unlinked").native(), "::/EFI/Linux/ashlar_R0.0.efi"}});
    duplicate(at("esp-unlinked"), at("esp-new-temporary"));
    put("esp-new-temporary", "EFI/Linux/ashlar_R0.2+3-0.efi.part", releases_[2].uki);
    duplicate(at("esp-new-temporary"), at("esp-new"));
    rename("esp-new", "EFI/Linux/ashlar_R0.2+3-0.efi.part", "ashlar_R0.2+3-0.efi");
}

void Miniature::make_installed() {
    Log log = log_of(installation());
    write_difference(log, "esp-loader", "esp-both", esp * mib);
    write_table(log, "table-both");
    log.write(root_b * mib / sector_size, releases_[0].root);
    log.write(tree_b * mib / sector_size, releases_[0].tree);
    Disk disk(log, sectors());
    for (std::size_t i = 0; i < log.entries().size(); ++i) disk.apply(i);
    disk.save({0, sectors()}, installed());
}

std::vector<Miniature::Step> Miniature::installation() {
    using enum Step;
    return {claim, file_systems, root, tree, table, state, uki, loader, release_claim};
}

std::vector<Miniature::Step> Miniature::upgrade() {
    using enum Step;
    return {unlink_target, partial_table, new_root, new_tree, new_table, new_uki, new_uki_name};
}

Log Miniature::log_of(const std::vector<Step>& steps) const {
    Log log;
    for (const Step step : steps) {
        log.append(performed_.at(step));
        log.flush();
    }
    return log;
}

void Miniature::perform(Log& log, Step step) const {
    const auto change = [&](const std::string& before, const std::string& after) {
        write_difference(log, before, after, esp * mib);
        log.flush();
    };
    switch (step) {
    case Step::claim: return write_difference(log, "", "claimed", 0);
    case Step::release_claim: return write_difference(log, "claimed", "", 0);
    case Step::file_systems:
        log.write(var * mib / sector_size, Bytes(8192, std::byte{'v'}));
        return change("", "esp-empty");
    case Step::root: return log.write(root_a * mib / sector_size, releases_[1].root);
    case Step::tree: return log.write(tree_a * mib / sector_size, releases_[1].tree);
    case Step::table: return write_table(log, "table");
    case Step::state: return write_difference(log, "", "state", state_place * mib);
    case Step::uki: change("esp-empty", "esp-uki-temporary"); return change("esp-uki-temporary", "esp-uki");
    case Step::loader: change("esp-uki", "esp-loader-temporary"); return change("esp-loader-temporary", "esp-loader");
    case Step::unlink_target: return change("esp-both", "esp-unlinked");
    case Step::partial_table: return write_table(log, "table-partial");
    case Step::new_root: return log.write(root_b * mib / sector_size, releases_[2].root);
    case Step::new_tree: return log.write(tree_b * mib / sector_size, releases_[2].tree);
    case Step::new_table: return write_table(log, "table-new");
    case Step::new_uki: return change("esp-unlinked", "esp-new-temporary");
    case Step::new_uki_name: return change("esp-new-temporary", "esp-new");
    }
}

void Miniature::write_difference(Log& log, const std::string& before, const std::string& after, std::uint64_t offset) const {
    const auto content = [&](const std::string& name) { return name.empty() ? Bytes() : bytes_in(directory_.path() / name); };
    Bytes was = content(before), is = content(after);
    was.resize(std::max(was.size(), is.size()));
    is.resize(was.size());
    const auto differs = [&](std::size_t at) { return !std::ranges::equal(ByteView(was).subspan(at, sector_size), ByteView(is).subspan(at, sector_size)); };
    for (std::size_t at = 0; at < is.size(); at += sector_size) {
        std::size_t stop = at;
        while (stop < is.size() && differs(stop)) stop += sector_size;
        if (stop == at) continue;
        log.write((offset + at) / sector_size, ByteView(is).subspan(at, stop - at));
        at = stop;
    }
}

// The backup first, as libfdisk does.
void Miniature::write_table(Log& log, const std::string& name) const {
    const Bytes disk = bytes_in(directory_.path() / name);
    const std::uint64_t last = sectors() - (table_sectors - 1);
    log.write(last, ByteView(disk).subspan(last * sector_size));
    log.flush();
    log.write(0, ByteView(disk).first(table_sectors * sector_size));
}

} // namespace powercut
