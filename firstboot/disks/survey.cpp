#include <disks/survey.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <disks/inventory.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::disks {

namespace fs = std::filesystem;

namespace {

std::string line_of(const fs::path& file) {
    try {
        return std::string(trim(read_file(file)));
    } catch (const Error&) {
        return {};
    }
}

std::string beginning_of(const fs::path& device) {
    const Fd file = open_file(device, O_RDONLY);
    std::string bytes(mark_reach, '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        const std::size_t got = read_some(file.get(), std::as_writable_bytes(std::span(bytes)).subspan(have), device.native());
        if (got == 0) break;
        have += got;
    }
    bytes.resize(have);
    return bytes;
}

std::uint64_t size_of(const fs::path& device) {
    const Fd file = open_file(device, O_RDONLY);
    const off_t end = ::lseek(file.get(), 0, SEEK_END);
    return end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

bool is_block(const fs::path& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 && S_ISBLK(found.st_mode);
}

// "loop7". Partitions of one have a `p` in their names.
bool is_loop(const std::string& name) { return name.starts_with("loop") && name.size() > 4 && std::ranges::all_of(name.substr(4), [](char c) { return c >= '0' && c <= '9'; }); }

std::vector<Disk> loops(const fs::path& root) {
    std::vector<Disk> found;
    for (const auto& entry : fs::directory_iterator(root / "dev")) {
        const std::string name = entry.path().filename().native();
        if (!is_loop(name) || !is_block(entry.path())) continue;
        const fs::path about = root / "sys/block" / name;
        // The number is another one each time; the file behind it is the disk.
        found.push_back({.name = name, .device = root / "dev" / name, .model = "loop", .serial = fs::path(line_of(about / "loop/backing_file")).stem().native(), .wwn = {}, .size = size_of(entry.path()), .read_only = line_of(about / "ro") == "1", .other_paths = {}, .held_by = {}, .partitions = {}, .carries = {}});
    }
    std::ranges::sort(found, {}, &Disk::name);
    return found;
}

// ---- What is in use ----------------------------------------------------------------------------

// "major:minor" of proc_pid_mountinfo(5), and devices of proc_swaps(5).
std::set<std::string> numbers_in_use(const fs::path& root) {
    std::set<std::string> used;
    const std::string mounts = line_of(root / "proc/self/mountinfo"), swaps = line_of(root / "proc/swaps");
    for (const auto line : split(mounts, '\n'))
        if (const auto fields = split(line, ' '); fields.size() > 2) used.emplace(fields[2]);
    for (const auto line : split(swaps, '\n')) {
        struct stat found {};
        const fs::path device(std::string(line.substr(0, line.find_first_of(" \t"))));
        if (device.is_absolute() && ::stat((root / device.relative_path()).c_str(), &found) == 0 && S_ISBLK(found.st_mode)) used.insert(fmt::format("{}:{}", ::major(found.st_rdev), ::minor(found.st_rdev)));
    }
    return used;
}

bool is_in_use(const fs::path& device, const std::set<std::string>& numbers) {
    struct stat found {};
    return ::stat(device.c_str(), &found) == 0 && numbers.contains(fmt::format("{}:{}", ::major(found.st_rdev), ::minor(found.st_rdev)));
}

// ---- Names that stay ---------------------------------------------------------------------------

// Of several links the one that says most of the disk and least of the way to it.
std::size_t rank_of(const std::string& link) {
    constexpr std::array<std::string_view, 5> first{"wwn-", "nvme-eui.", "nvme-", "ata-", "scsi-"};
    return static_cast<std::size_t>(std::ranges::find_if(first, [&](std::string_view start) { return link.starts_with(start); }) - first.begin());
}

std::map<fs::path, fs::path> links_in(const fs::path& root) {
    std::map<fs::path, fs::path> best;
    const fs::path directory = root / "dev/disk/by-id";
    if (!fs::is_directory(directory)) return best;
    for (const auto& entry : fs::directory_iterator(directory)) {
        std::error_code gone;
        const fs::path device = fs::canonical(entry.path(), gone);
        if (gone) continue;
        fs::path& link = best[device];
        const auto key = [](const fs::path& one) { return std::pair(rank_of(one.filename().native()), one.native()); };
        if (link.empty() || key(entry.path()) < key(link)) link = entry.path();
    }
    return best;
}

} // namespace

std::vector<DataDisk> Survey::look() {
    const auto numbers = numbers_in_use(root_);
    const auto links = links_in(root_);
    std::vector<DataDisk> found;
    std::map<std::string, Known> still_there;
    for (auto& disk : devices_ == Devices::loops ? loops(root_) : inventory(root_)) {
        DataDisk data{.disk = std::move(disk), .link = {}, .trouble = {}, .is_of_any_bus = devices_ == Devices::loops};
        const Disk& one = data.disk;
        if (const auto link = links.find(one.device); link != links.end()) data.link = link->second;
        data.is_node = one.started_from || one.of_type(state::partition_type().text()) != nullptr;
        data.is_mounted = is_in_use(one.device, numbers) || std::ranges::any_of(one.partitions, [&](const Partition& part) { return is_in_use(part.device, numbers); });
        data.is_rotational = line_of(root_ / "sys/block" / one.name / "queue/rotational") == "1";
        look_at(data);
        if (const auto known = known_.find(one.name); known != known_.end()) still_there.insert(*known);
        found.push_back(std::move(data));
    }
    known_ = std::move(still_there);
    return found;
}

void Survey::look_at(DataDisk& disk) {
    if (disk.is_node || disk.disk.size == 0) return;
    try {
        look_on(disk);
    } catch (const Error& error) {
        known_.erase(disk.disk.name);
        disk.trouble = error.message();
    }
}

void Survey::look_on(DataDisk& data) {
    Disk& disk = data.disk;
    const std::string beginning = beginning_of(disk.device);
    Known now{.serial = disk.serial, .size = disk.size, .beginning = sha256(beginning), .carries = {}};
    const auto known = known_.find(disk.name);
    if (known != known_.end() && known->second.serial == now.serial && known->second.size == now.size && known->second.beginning == now.beginning) {
        now = known->second;
    } else if (beginning.find(mark_) != std::string::npos) {
        now.holds = Holds::ours;
    } else {
        look_inside(disk);
        // An installation that was cut off has never been used.
        now.holds = disk.content == Content::blank || disk.content == Content::unfinished ? Holds::nothing : Holds::foreign;
        now.carries = disk.carries;
    }
    data.holds = now.holds;
    disk.carries = now.carries;
    known_.insert_or_assign(disk.name, std::move(now));
}

} // namespace ashlar::disks
