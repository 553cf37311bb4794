#include <facts/root_files.hpp>

#include <base/error.hpp>
#include <image/inspect.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::facts {

namespace {

ByteView root_of(const MappedFile& file, const std::filesystem::path& path) {
    const auto inspection = image::inspect(path, image::Verify::headers);
    const Guid id = data_partition_of(inspection.root_hash);
    const auto found = std::ranges::find_if(inspection.table.partitions, [&](const auto& partition) { return partition.id == id; });
    if (found == inspection.table.partitions.end()) throw Error(fmt::format("cannot read '{}': it has no partition of its root hash", path.native()));
    return file.bytes().subspan(found->offset, inspection.root_size);
}

} // namespace

RootFiles::RootFiles(const std::filesystem::path& image) : file_(image), root_(root_of(file_, image)), files_(deltas::placed_files(root_, image.native())) {}

std::optional<std::string> RootFiles::read(std::string_view path) const {
    const auto found = std::ranges::lower_bound(files_, path, {}, [](const auto& file) { return std::string_view(file.path); });
    if (found == files_.end() || found->path != path) return std::nullopt;
    std::string text;
    for (const auto& extent : found->extents) text += text_of(root_.subspan(extent.offset, extent.size));
    return text;
}

} // namespace ashlar::facts
