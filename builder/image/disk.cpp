#include <image/disk.hpp>

#include <image/architecture.hpp>
#include <image/identifiers.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/verity.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>
#include <unistd.h>
#include <vector>

namespace ashlar::image {

namespace {

struct Content {
    Partition partition;
    std::filesystem::path file;
};

// Gaps between the first partition and the start of the disk, and between the last one and the copy
// of the table at the end: one alignment unit each.
std::vector<Content> lay_out(const DiskInput& input) {
    const auto& arch = architecture(input.architecture);
    std::vector<Content> contents{
        {{.number = 1, .type = boot_partition_type(), .id = guid_named("esp:" + input.root_hash.hex()), .label = "esp"},
         input.boot_partition},
        {{.number = 2,
          .type = arch.root_type,
          .id = data_partition_of(input.root_hash),
          .label = "root_" + input.version,
          .attributes = attribute_read_only},
         input.root},
        {{.number = 3,
          .type = arch.verity_type,
          .id = hash_partition_of(input.root_hash),
          .label = "verity_" + input.version,
          .attributes = attribute_read_only},
         input.verity},
    };
    auto offset = partition_alignment;
    for (auto& [partition, file] : contents) {
        partition.offset = offset;
        partition.size = round_up(std::filesystem::file_size(file), partition_alignment);
        offset += partition.size;
    }
    return contents;
}

void refuse_long_labels(const std::vector<Content>& contents) {
    constexpr std::size_t longest = 36; // UTF-16 units in a GPT entry; labels here are ASCII
    for (const auto& [partition, file] : contents)
        if (partition.label.size() > longest)
            throw Error(fmt::format("cannot label a partition '{}': a GPT label has at most {} characters",
                                    partition.label, longest),
                        "shorten the train's release");
}

void copy_through_memory(int from, int to, off_t source, off_t target, off_t size, const std::filesystem::path& name) {
    std::vector<std::byte> buffer(1U << 20U);
    while (size > 0) {
        const auto wanted = std::min(buffer.size(), static_cast<std::size_t>(size));
        const auto got = ::pread(from, buffer.data(), wanted, source);
        if (got < 0) throw system_error("read", name.native());
        if (got == 0) throw Error(fmt::format("cannot copy '{}': it became shorter meanwhile", name.native()));
        if (::lseek(to, target, SEEK_SET) < 0) throw system_error("copy", name.native());
        write_all(to, std::span(buffer).first(static_cast<std::size_t>(got)), name.native());
        source += got;
        target += got;
        size -= got;
    }
}

// The kernel copies only between files of one file system, and not on each.
void copy_range(int from, int to, off_t source, off_t target, off_t size, const std::filesystem::path& name) {
    while (size > 0) {
        const auto copied = ::copy_file_range(from, &source, to, &target, static_cast<std::size_t>(size), 0);
        if (copied < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
            return copy_through_memory(from, to, source, target, size, name);
        if (copied < 0) throw system_error("copy", name.native());
        if (copied == 0) throw Error(fmt::format("cannot copy '{}': it became shorter meanwhile", name.native()));
        size -= copied;
    }
}

// Copies what is data; holes stay holes.
void copy_into(const std::filesystem::path& file, const Fd& to, std::uint64_t offset) {
    const auto from = open_file(file, O_RDONLY);
    const auto size = static_cast<off_t>(std::filesystem::file_size(file));
    for (off_t at = 0; at < size;) {
        const auto data = ::lseek(from.get(), at, SEEK_DATA);
        if (data < 0) break; // ENXIO: only a hole is left
        const auto end = ::lseek(from.get(), data, SEEK_HOLE);
        copy_range(from.get(), to.get(), data, static_cast<off_t>(offset) + data, end - data, file);
        at = end;
    }
}

} // namespace

void make_disk(const DiskInput& input, const std::filesystem::path& output) {
    const auto contents = lay_out(input);
    refuse_long_labels(contents);
    const auto& last = contents.back().partition;
    auto file = open_file(output, O_RDWR | O_CREAT | O_EXCL);
    if (::ftruncate(file.get(), static_cast<off_t>(last.offset + last.size + partition_alignment)) != 0)
        throw system_error("enlarge", output.native());
    PartitionTable table{.disk = guid_named("disk:" + input.root_hash.hex())};
    for (const auto& content : contents) {
        copy_into(content.file, file, content.partition.offset);
        table.partitions.push_back(content.partition);
    }
    file.close();
    gpt::write_new(output, table);
}

PartitionTable read_partition_table(const std::filesystem::path& image) {
    auto table = gpt::read(image);
    const auto size = std::filesystem::file_size(image);
    for (const auto& partition : table.partitions)
        if (partition.offset > size || partition.size > size - partition.offset)
            throw Error(fmt::format("cannot read '{}': partition {} ('{}') ends after the end of the file",
                                    image.native(), partition.number, partition.label),
                        "the file is not complete; copy or build it again");
    return table;
}

} // namespace ashlar::image
