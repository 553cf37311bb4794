#include "disk_comparison.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <image/architecture.hpp>
#include <image/disk.hpp>
#include <image/fat.hpp>

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view changed = "it was changed after the image was made";

// A disk image that can be read from.
struct Disk {
    explicit Disk(const fs::path& image) : path(image), file(open_file(image, O_RDONLY)), table(image::read_partition_table(image)) {}
    fs::path path;
    Fd file;
    image::PartitionTable table;
};

bool same_place(const image::Partition& a, const image::Partition& b) {
    return a.type == b.type && a.id == b.id && a.label == b.label && a.attributes == b.attributes && a.offset == b.offset && a.size == b.size;
}

Bytes bytes_at(const Disk& disk, std::uint64_t offset, std::uint64_t size) {
    Bytes bytes(size);
    for (std::size_t done = 0; done < size;) {
        const auto got = ::pread(disk.file.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (got <= 0) throw system_error("read", disk.path.native());
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

bool same_bytes(const Disk& a, const Disk& b, const image::Partition& where) {
    constexpr std::uint64_t step = 1U << 20U;
    for (std::uint64_t done = 0; done < where.size; done += step) {
        const auto size = std::min(step, where.size - done);
        if (bytes_at(a, where.offset + done, size) != bytes_at(b, where.offset + done, size)) return false;
    }
    return true;
}

std::map<std::string, Bytes> boot_files(const Disk& disk, const image::Partition& where) {
    const image::FatVolume volume(disk.file.get(), where.offset, where.size, fmt::format("{}, partition {}", disk.path.native(), where.number));
    std::map<std::string, Bytes> files;
    for (const auto& file : volume.files()) files.emplace(file.path, volume.read(file));
    return files;
}

std::vector<Difference> compare_boot_partitions(const Disk& disk, const Disk& rebuilt, const image::Partition& where) {
    std::vector<Difference> found;
    const auto add = [&](const std::string& path, std::string_view cause) {
        found.push_back({fmt::format("'{}' on the boot partition", path), "", std::string(cause)});
    };
    auto here = boot_files(disk, where);
    for (const auto& [path, contents] : boot_files(rebuilt, where)) {
        const auto file = here.extract(path);
        if (!file) add(path, fmt::format("it is missing: {}", changed));
        else if (file.mapped() != contents) add(path, fmt::format("contents differ: {}", changed));
    }
    for (const auto& [path, contents] : here) add(path, fmt::format("no build puts it there: {}", changed));
    return found;
}

std::vector<Difference> compare_roots(const Disk& disk, const image::Partition& where, const TreeRecord& record, const root::ToolsRoot& tools,
                                      const fs::path& work) {
    const fs::path root = work / "damaged-root";
    fs::create_directory(root);
    run_checked(tools.command({"fsck.erofs", fmt::format("--offset={}", where.offset), "--extract=" + root.native(), "--overwrite", disk.path.native()},
                              {root}, {disk.path}));
    return compare_contents(record, root);
}

// What is on a partition that differs; its name when its files tell nothing, or cannot be read any more.
std::vector<Difference> explain(const Disk& disk, const Disk& rebuilt, const image::Partition& where, const TreeRecord& record,
                                const root::ToolsRoot& tools, const fs::path& work) {
    const auto name = fmt::format("partition '{}'", where.label);
    try {
        std::vector<Difference> found;
        if (where.type == image::boot_partition_type()) found = compare_boot_partitions(disk, rebuilt, where);
        else if (where.label.starts_with("root_")) found = compare_roots(disk, where, record, tools, work);
        if (!found.empty()) return found;
        return {{name, "", fmt::format("bytes differ that belong to no file: {}", changed)}};
    } catch (const Error& error) {
        return {{name, "", fmt::format("it cannot be read any more ({}): {}", error.message(), changed)}};
    }
}

} // namespace

std::vector<Difference> compare_contents(const TreeRecord& record, const fs::path& root) {
    std::vector<Difference> found;
    for (const EntryRecord& entry : record) {
        if (!entry.sha256) continue;
        const fs::path path = root / entry.path;
        if (!fs::is_regular_file(fs::symlink_status(path)))
            found.push_back({"/" + entry.path, entry.package, fmt::format("the image does not hold it: {}", changed)});
        else if (sha256_of_file(path) != *entry.sha256)
            found.push_back({"/" + entry.path, entry.package, fmt::format("the image holds other contents than were recorded: {}", changed)});
    }
    return found;
}

std::vector<Difference> compare_disks(const fs::path& first, const fs::path& second, const TreeRecord& record, const root::ToolsRoot& tools,
                                      const fs::path& work) {
    const Disk disk(first), rebuilt(second);
    if (!std::ranges::equal(disk.table.partitions, rebuilt.table.partitions, same_place))
        return {{"partition table", "", "partitions differ in number, place or name"}};
    std::vector<Difference> found;
    for (const auto& partition : rebuilt.table.partitions) {
        if (same_bytes(disk, rebuilt, partition)) continue;
        const auto differences = explain(disk, rebuilt, partition, record, tools, work);
        found.insert(found.end(), differences.begin(), differences.end());
    }
    if (found.empty()) found.push_back({first.filename().native(), "", fmt::format("bytes outside of the partitions differ: {}", changed)});
    return found;
}

} // namespace ashlar::pipeline
