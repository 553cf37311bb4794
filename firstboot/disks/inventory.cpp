#include <disks/inventory.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <map>
#include <set>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::disks {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view boot_partition_variable = "sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

// A file of sysfs, or nothing: attributes come and go with the kind of device, and some are there and answer with an
// error (`wwid` of a USB stick: ENXIO).
std::string attribute(const fs::path& file) {
    try {
        return std::string(trim(read_file(file)));
    } catch (const Error&) {
        return {};
    }
}

std::uint64_t number(const fs::path& file) {
    std::uint64_t value = 0;
    for (const char c : attribute(file)) {
        if (c < '0' || c > '9') break;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

// udev's database: one file a device, named after its number, with lines "E:NAME=value".
using Properties = std::map<std::string, std::string>;
Properties properties(const fs::path& root, const fs::path& device) {
    const fs::path file = root / "run/udev/data" / ("b" + attribute(device / "dev"));
    Properties found;
    if (!fs::exists(file)) return found;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n')) {
        const auto equals = line.find('=');
        if (line.starts_with("E:") && equals != std::string_view::npos) found.emplace(line.substr(2, equals - 2), line.substr(equals + 1));
    }
    return found;
}

std::string property(const Properties& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? "" : found->second;
}

// The first that is not empty.
std::string either(std::initializer_list<std::string> values) {
    for (const auto& value : values)
        if (!value.empty()) return value;
    return {};
}

// The transport is a part of the device's path below /sys/devices.
Bus bus_of(const fs::path& device, const Properties& udev) {
    struct Sign {
        std::string_view part;
        Bus bus;
    };
    // Those that carry other protocols first: a disk on USB is also one of SCSI.
    static constexpr std::array signs{Sign{"/usb", Bus::usb},           Sign{"/rport-", Bus::fibre_channel}, Sign{"/session", Bus::iscsi},
                                      Sign{"/end_device-", Bus::sas},   Sign{"/nvme", Bus::nvme},            Sign{"/mmc_host/", Bus::mmc},
                                      Sign{"/ata", Bus::sata},          Sign{"/virtio", Bus::virtio},        Sign{"/host", Bus::scsi}};
    // udev knows SATA disks behind a SAS controller.
    if (property(udev, "ID_BUS") == "ata") return Bus::sata;
    const std::string path = fs::weakly_canonical(device).native();
    const auto found = std::ranges::find_if(signs, [&](const Sign& sign) { return path.find(sign.part) != std::string::npos; });
    return found == signs.end() ? Bus::other : found->bus;
}

void add_holders(const fs::path& device, std::set<std::string>& holders) {
    if (!fs::is_directory(device / "holders")) return;
    for (const auto& holder : fs::directory_iterator(device / "holders")) holders.insert(holder.path().filename().native());
}

std::vector<Partition> partitions_of(const fs::path& root, const fs::path& device) {
    std::map<std::uint64_t, Partition> found;
    for (const auto& entry : fs::directory_iterator(device)) {
        if (!fs::exists(entry.path() / "partition")) continue;
        const Properties udev = properties(root, entry.path());
        const std::uint64_t place = number(entry.path() / "partition");
        found[place] = {.number = static_cast<unsigned>(place),
                        .device = root / "dev" / entry.path().filename(),
                                                     .type = lower(property(udev, "ID_PART_ENTRY_TYPE")),
                                                     .id = lower(property(udev, "ID_PART_ENTRY_UUID")),
                                                     .label = property(udev, "ID_PART_ENTRY_NAME"),
                                                     .file_system = property(udev, "ID_FS_TYPE")};
    }
    std::vector<Partition> partitions;
    for (auto& [number, partition] : found) partitions.push_back(std::move(partition));
    return partitions;
}

bool all_zero(const Fd& file, std::uint64_t offset, std::size_t size, const fs::path& name) {
    std::vector<std::byte> buffer(size);
    if (::lseek(file.get(), static_cast<off_t>(offset), SEEK_SET) < 0) throw system_error("read", name.native());
    std::size_t have = 0;
    while (have < size) {
        const std::size_t got = read_some(file.get(), std::span(buffer).subspan(have), name.native());
        if (got == 0) break;
        have += got;
    }
    return std::all_of(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(have), [](std::byte b) { return b == std::byte{0}; });
}

bool has_bytes(const Disk& disk) {
    constexpr std::uint64_t edge = 1U << 20U;
    const Fd file = open_file(disk.device, O_RDONLY);
    const auto size = static_cast<std::size_t>(std::min(edge, disk.size));
    return !all_zero(file, 0, size, disk.device) || !all_zero(file, disk.size - size, size, disk.device);
}

// Formats that wipefs(8) finds on the disk itself, then those of its partitions.
std::vector<std::string> signatures(const Disk& disk) {
    std::vector<std::string> types;
    const auto add = [&](const std::string& type) {
        if (!type.empty() && type != "PMBR" && std::ranges::find(types, type) == types.end()) types.push_back(type);
    };
    const std::string said = run_checked({.argv = {"wipefs", "--no-act", "--json", disk.device.native()}});
    const Json found = trim(said).empty() ? Json{{"signatures", Json::array()}} : parse_json(said, "wipefs");
    for (const auto& signature : found.at("signatures")) add(signature.at("type").get<std::string>());
    for (const auto& partition : disk.partitions) add(partition.file_system);
    return types;
}

// The installer writes the state last but the boot files. One that is lost was written.
bool was_never_written(const Partition& state) {
    try {
        return !state::read(state.device);
    } catch (const Error&) {
        return false;
    }
}

Disk read_disk(const fs::path& root, const fs::path& device, const std::string& boot_id) {
    const Properties udev = properties(root, device);
    const std::string name = device.filename().native();
    Disk disk{.name = name,
              .device = root / "dev" / name,
              .bus = bus_of(device / "device", udev),
              .model = attribute(device / "device/model"),
              .serial = either({property(udev, "ID_SERIAL_SHORT"), attribute(device / "serial"), attribute(device / "device/serial")}),
              .wwn = either({property(udev, "ID_WWN"), attribute(device / "wwid"), attribute(device / "device/wwid")}),
              .size = number(device / "size") * 512, // always in units of 512 bytes
              .sector_size = std::max<std::uint64_t>(512, number(device / "queue/logical_block_size")),
              .read_only = number(device / "ro") != 0,
              .removable = number(device / "removable") != 0,
              .partitions = partitions_of(root, device)};
    std::set<std::string> holders;
    add_holders(device, holders);
    for (const auto& entry : fs::directory_iterator(device))
        if (fs::exists(entry.path() / "partition")) add_holders(entry.path(), holders);
    disk.held_by.assign(holders.begin(), holders.end());
    disk.started_from = !boot_id.empty() && disk.with_id(boot_id) != nullptr;
    return disk;
}

// Sticks and cards are left out: makers give many of them the same names.
bool is_same(const Disk& a, const Disk& b) {
    const auto has_paths = [](const Disk& disk) { return disk.bus != Bus::usb && disk.bus != Bus::mmc && !disk.wwn.empty() && !disk.serial.empty(); };
    return has_paths(a) && has_paths(b) && a.wwn == b.wwn && a.serial == b.serial && a.size == b.size;
}

std::vector<Disk> without_further_paths(std::vector<Disk> paths) {
    std::vector<Disk> disks;
    for (auto& path : paths) {
        const auto same = std::ranges::find_if(disks, [&](const Disk& disk) { return is_same(disk, path); });
        if (same == disks.end()) {
            disks.push_back(std::move(path));
            continue;
        }
        same->other_paths.push_back(path.name);
        for (auto& holder : path.held_by)
            if (std::ranges::find(same->held_by, holder) == same->held_by.end()) same->held_by.push_back(std::move(holder));
    }
    return disks;
}

const Partition* first_with(const std::vector<Partition>& partitions, std::string_view what, std::string Partition::*member) {
    const auto at = std::ranges::find(partitions, what, member);
    return at == partitions.end() ? nullptr : &*at;
}

} // namespace

const Partition* Disk::of_type(std::string_view type) const { return first_with(partitions, type, &Partition::type); }
const Partition* Disk::with_id(std::string_view id) const { return first_with(partitions, id, &Partition::id); }

void settle() { run_checked({.argv = {"udevadm", "settle", "--timeout=60"}}); }

std::vector<Disk> inventory(const fs::path& root) {
    const std::string boot_id = boot_partition_id(root);
    std::vector<Disk> disks;
    for (const auto& entry : fs::directory_iterator(root / "sys/block")) {
        const std::string name = entry.path().filename().native();
        // Only hardware, and what pretends to be, has a device below it.
        if (!fs::exists(entry.path() / "device") || name.starts_with("sr") || !fs::exists(root / "dev" / name)) continue;
        disks.push_back(while_doing(fmt::format("looking at disk '{}'", name), [&] { return read_disk(root, fs::canonical(entry.path()), boot_id); }));
    }
    std::ranges::sort(disks, {}, &Disk::name);
    return without_further_paths(std::move(disks));
}

void look_inside(Disk& disk) {
    if (disk.size == 0) return;
    while_doing(fmt::format("looking at what is on '{}'", disk.device.native()), [&] {
        // Half a partition table has no signature that anybody knows, and half an installation may have a state.
        if (claim_on(disk.device)) {
            disk.content = Content::unfinished;
            disk.carries = "an installation that was cut off";
            return;
        }
        const auto found = signatures(disk);
        if (found.empty() && !has_bytes(disk)) {
            disk.content = Content::blank;
            return;
        }
        disk.carries = found.empty() ? "data of an unknown kind" : join(found, ", ");
        const Partition* state = disk.of_type(state::partition_type().text());
        if (state == nullptr) return;
        disk.content = was_never_written(*state) ? Content::unfinished : Content::ours;
    });
}

std::string boot_partition_id(const fs::path& root) {
    const fs::path file = root / boot_partition_variable;
    if (!fs::exists(file)) return {};
    // Four bytes of attributes, then UTF-16 of a GUID, perhaps with a zero at its end.
    const std::string raw = read_file(file);
    std::string id;
    for (std::size_t i = 4; i + 1 < raw.size() && raw[i] != '\0'; i += 2) id += raw[i];
    return lower(id);
}

const Disk* started_from(const std::vector<Disk>& disks) {
    std::vector<const Disk*> copies, nodes;
    for (const Disk& disk : disks) {
        if (!disk.started_from) continue;
        copies.push_back(&disk);
        if (disk.of_type(state::partition_type().text()) != nullptr) nodes.push_back(&disk);
    }
    if (copies.empty()) return nullptr;
    if (copies.size() == 1) return copies.front();
    if (nodes.size() == 1) return nodes.front();
    throw Error(fmt::format("cannot tell which disk the node was started from: '{}' and '{}' are copies of one medium", copies[0]->name, copies[1]->name),
                "take one of them out");
}

} // namespace ashlar::disks
