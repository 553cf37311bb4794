#include <image/file_system.hpp>

#include <image/identifiers.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <tuple>

namespace ashlar::image {

namespace {

using root::Entry;
using root::EntryType;

// Directories, then the rest; of the rest what a package owns, then what none does; a hard link
// after all files, since the file it points to may belong to any package.
auto rank(const Entry& entry) {
    if (entry.type == EntryType::directory) return 0;
    if (!entry.hard_link.empty()) return 3;
    return entry.package.empty() ? 2 : 1;
}

bool comes_before(const Entry* a, const Entry* b) {
    const auto rank_a = rank(*a);
    const auto rank_b = rank(*b);
    if (rank_a != rank_b) return rank_a < rank_b;
    if (rank_a == 1 && a->package != b->package) return a->package < b->package;
    return a->path < b->path;
}

archive::TarType tar_type(const Entry& entry) {
    if (!entry.hard_link.empty()) return archive::TarType::hard_link;
    switch (entry.type) {
    case EntryType::directory: return archive::TarType::directory;
    case EntryType::symlink: return archive::TarType::symlink;
    case EntryType::character_device: return archive::TarType::character_device;
    case EntryType::block_device: return archive::TarType::block_device;
    case EntryType::fifo: return archive::TarType::fifo;
    case EntryType::file: break;
    }
    return archive::TarType::file;
}

void write_tar(const root::Tree& tree, int fd) {
    archive::TarWriter tar(fd, "mkfs.erofs");
    for (const auto* entry : canonical_order(tree)) {
        const auto written = tar_entry(*entry);
        if (written.type == archive::TarType::file)
            tar.add_file(written, entry->source);
        else
            tar.add(written);
    }
    tar.finish();
}

void refuse_too_large(const FileSystemInput& input, const std::filesystem::path& output) {
    const auto size = std::filesystem::file_size(output);
    if (!input.limit || size <= *input.limit) return;
    throw Error(fmt::format("cannot accept the root file system of '{}': it has {}, the role allows {}", input.name,
                            human_bytes(size), human_bytes(*input.limit)),
                "raise limits.root, or drop packages or paths from the role");
}

} // namespace

std::vector<const Entry*> canonical_order(const root::Tree& tree) {
    std::vector<const Entry*> order;
    order.reserve(tree.size());
    for (const auto& entry : tree) order.push_back(&entry);
    std::ranges::stable_sort(order, comes_before);
    return order;
}

archive::TarEntry tar_entry(const Entry& entry) {
    return {.path = entry.path,
            .type = tar_type(entry),
            .mode = entry.mode,
            .uid = entry.uid,
            .gid = entry.gid,
            .mtime = std::max<std::int64_t>(entry.mtime, 0),
            .size = entry.type == EntryType::file && entry.hard_link.empty() ? entry.size : 0,
            .target = entry.hard_link.empty() ? entry.target : entry.hard_link,
            .device_major = entry.device_major,
            .device_minor = entry.device_minor,
            .xattrs = entry.xattrs};
}

void make_file_system(const root::Tree& tree, const FileSystemInput& input, const root::ToolsRoot& tools,
                      const std::filesystem::path& output) {
    while_doing(fmt::format("making the root file system of '{}'", input.name), [&] {
        const auto image = std::filesystem::absolute(output);
        open_file(image, O_WRONLY | O_CREAT | O_EXCL).close();
        PipedChild mkfs(tools.command({"mkfs.erofs", "--quiet", "--tar=f", "--sort=none", "-b4096",
                                       fmt::format("-T{}", input.epoch), "--mkfs-time",
                                       "-U" + guid_named("erofs:" + input.name).text(), image.native()},
                                      {image}));
        write_tar(tree, mkfs.input());
        mkfs.finish();
        refuse_too_large(input, image);
    });
}

} // namespace ashlar::image
