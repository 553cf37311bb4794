#include <node/install.hpp>

#include "boot_files.hpp"
#include <node/mounts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <disks/inventory.hpp>
#include <firstboot/identity.hpp>
#include <node/layout.hpp>
#include <signing/verity.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view esp_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const fs::path run_directory = "/run/ashlar";

using Say = std::function<void(std::string_view)>;

struct Medium {
    disks::Partition esp;
    Slot slot;
    Digest root_hash;
};

const disks::Partition& partition(const disks::Disk& disk, const auto& condition, std::string_view what) {
    const auto found = std::ranges::find_if(disk.partitions, condition);
    if (found == disk.partitions.end())
        throw Error(fmt::format("cannot install from '{}': it has no {}", disk.device.native(), what), "write the image to the medium again");
    return *found;
}

std::uint64_t size_of(const fs::path& device) {
    const Fd file = open_file(device, O_RDONLY);
    const off_t end = ::lseek(file.get(), 0, SEEK_END);
    if (end < 0) throw system_error("measure", device.native());
    return static_cast<std::uint64_t>(end);
}

const disks::Partition& partition_with(const disks::Disk& disk, const Guid& id, std::string_view what) {
    return partition(disk, [id = id.text()](const disks::Partition& candidate) { return candidate.id == id; }, what);
}

// The UKI's: docs/formats/uki.md.
Digest running_root_hash() {
    constexpr std::string_view option = "roothash=";
    const std::string line(trim(read_file("/proc/cmdline")));
    for (const auto word : split(line, ' '))
        if (word.starts_with(option))
            if (const auto hash = Digest::from_hex(word.substr(option.size()))) return *hash;
    throw Error("cannot install what runs here: the kernel's command line names no root hash", "only images made by `ashlar build` can be installed");
}

Medium medium_of(const disks::Disk& disk, const std::string& release) {
    const Digest root_hash = running_root_hash();
    Medium medium{.esp = partition(disk, [](const disks::Partition& p) { return p.type == esp_type; }, "boot partition"),
                  .slot = {.root = partition_with(disk, data_partition_of(root_hash), "partition with the running root"),
                           .verity = partition_with(disk, hash_partition_of(root_hash), "hash tree of the running root"),
                           .release = release},
                  .root_hash = root_hash};
    medium.slot.root_size = size_of(medium.slot.root.device);
    return medium;
}

std::string random_hex(std::size_t bytes) {
    std::vector<std::byte> random(bytes);
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(bytes)) throw system_error("make", "a random number");
    return to_hex(random);
}

Waiting waiting(const disks::Undecided& undecided) {
    std::string text = fmt::format("not installing: {}", undecided.reason);
    for (const auto& refusal : undecided.refusals) text += fmt::format("\n  {}: {}", refusal.disk, refusal.reason);
    return {std::move(text)};
}

void lay_out(const disks::Disk& target, const Slot& slot) {
    const fs::path directory = run_directory / "repart.d";
    remove_tree(directory);
    fs::create_directories(directory);
    for (const auto& [name, text] : definitions(slot)) write_file(directory / name, text);
    run_checked({.argv = {"systemd-repart", "--dry-run=no", "--empty=force", "--discard=no", "--definitions=" + directory.native(), target.device.native()}});
    disks::settle();
}

// The installed disk, as udev sees it after the partition table was written.
disks::Disk seen_again(const disks::Disk& target) {
    const auto disks = disks::inventory();
    const auto found = std::ranges::find(disks, target.name, &disks::Disk::name);
    if (found == disks.end()) throw Error(fmt::format("cannot find '{}' any more", target.device.native()), "is the disk still there?");
    return *found;
}

// Each block of the copy against the root hash, read from the disk and not from memory.
void read_back(const Medium& medium, const disks::Disk& disk) {
    const fs::path root = partition_with(disk, data_partition_of(medium.root_hash), "root").device;
    const fs::path tree = partition_with(disk, hash_partition_of(medium.root_hash), "hash tree").device;
    const Fd data = open_file(root, O_RDONLY), hash = open_file(tree, O_RDONLY);
    for (const int fd : {data.get(), hash.get()}) ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const FileExtent whole_tree{hash.get(), 0, size_of(tree)};
    const VerityHeader header = read_verity_header(whole_tree);
    const std::uint64_t data_size = header.data_blocks * verity_block;
    const FileExtent used_tree{hash.get(), 0, verity_size(data_size)};
    if (const auto fault = verify_verity({data.get(), 0, data_size}, used_tree, medium.root_hash, header.parameters))
        throw Error(fmt::format("cannot trust '{}': what was written there reads back differently ({})", disk.device.native(), fault->text()),
                    "the disk is failing or lies about writes: replace it");
}

void write_state(const disks::Disk& disk, const site::Site& site, const std::string& release) {
    const auto& place = partition(disk, [](const disks::Partition& p) { return p.type == state::partition_type().text(); }, "state partition");
    state::write(place.device, {{"format", 1},
                                {"machine_id", random_hex(16)},
                                {"hostname", "node-" + random_hex(6)},
                                {"installed", {{"release", release}, {"site", site.name}}}});
}

void write_on(const disks::Disk& target, const Medium& medium, const Mount& medium_esp, const site::Site& site, const std::string& release, const Say& say) {
    say(fmt::format("installing on {}: layout and copies", target.device.native()));
    // From here to release() the disk counts as blank: a cut of the power anywhere between begins anew.
    disks::claim(target.device);
    // What was there must not start while it is written over: systemd-repart writes its table last.
    disks::erase_table(target.device);
    lay_out(target, medium.slot);
    const disks::Disk disk = seen_again(target);
    say("reading back what was written");
    read_back(medium, disk);
    write_state(disk, site, release);
    say("writing the boot files");
    const auto& esp = partition(disk, [](const disks::Partition& p) { return p.type == esp_type; }, "boot partition");
    copy_boot_files(medium_esp.path(), esp.device, run_directory / "esp");
    disks::release(target.device);
}

} // namespace

std::vector<std::string> unmet(const site::Requirements& wanted, const fs::path& root) {
    std::vector<std::string> reasons;
    const std::string memory = read_file(root / "proc/meminfo"); // "MemTotal:       16384000 kB"
    const std::uint64_t total = std::stoull(memory.substr(memory.find_first_of("0123456789"))) * 1024;
    // Firmware and kernel keep some of what was bought.
    if (total + total / 8 < wanted.memory)
        reasons.push_back(fmt::format("the machine has {} of memory, {} are required", human_bytes(total), human_bytes(wanted.memory)));
    unsigned processors = 0;
    for (const auto& entry : fs::directory_iterator(root / "sys/devices/system/cpu")) {
        const std::string name = entry.path().filename().native();
        if (name.starts_with("cpu") && name.size() > 3 && name.find_first_not_of("0123456789", 3) == std::string::npos) ++processors;
    }
    if (processors < wanted.processors) reasons.push_back(fmt::format("the machine has {} processors, {} are required", processors, wanted.processors));
    if (wanted.tpm && !fs::exists(root / "sys/class/tpm/tpm0")) reasons.emplace_back("the machine has no TPM, one is required");
    return reasons;
}

std::optional<Waiting> install(const Say& say) {
    disks::settle();
    auto disks = disks::inventory();
    const disks::Disk* started = disks::started_from(disks);
    if (started == nullptr) return Waiting{"not installing: the firmware does not say which disk the node was started from"};
    const std::string release = firstboot::read_identity("/").release;
    const Medium medium = medium_of(*started, release);
    const Mount esp(medium.esp.device.native(), run_directory / "medium", "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
    const fs::path site_file = esp.path() / "ashlar/site.toml";
    if (!fs::exists(site_file)) return Waiting{"not installing: the medium has no ashlar/site.toml on its boot partition"};
    const site::Site site = site::read(toml::source_from_file(site_file, "site.toml"));
    if (const auto reasons = unmet(site.requirements); !reasons.empty())
        return Waiting{"not installing: " + join(reasons, "\n  ")};
    for (auto& disk : disks)
        if (!disk.started_from) disks::look_inside(disk);
    const auto choice = disks::choose(site.disk, disks, minimum_size(medium.slot));
    if (const auto* undecided = std::get_if<disks::Undecided>(&choice)) return waiting(*undecided);
    const disks::Disk& target = std::get<disks::Chosen>(choice).disk;
    while_doing(fmt::format("installing on '{}'", target.device.native()), [&] { write_on(target, medium, esp, site, release, say); });
    return std::nullopt;
}

} // namespace ashlar::node
