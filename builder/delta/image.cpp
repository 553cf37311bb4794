#include <deltas/image.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <image/inspect.hpp>
#include <pipeline/tree_record.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

namespace ashlar::deltas {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view image_ending = ".raw", manifest_ending = ".manifest.json", tree_ending = ".tree.json";

fs::path with(const fs::path& base, std::string_view ending) { return base.native() + std::string(ending); }

fs::path without_ending(const fs::path& name) {
    const std::string& text = name.native();
    for (const auto ending : {image_ending, manifest_ending})
        if (text.ends_with(ending)) return text.substr(0, text.size() - ending.size());
    return name;
}

Error unusable(const fs::path& name, std::string_view cause, std::string hint = {}) {
    return Error(fmt::format("cannot make a delta with '{}': {}", name.native(), cause), std::move(hint));
}

fs::path base_of(const fs::path& name, const fs::path& directory) {
    const fs::path base = without_ending(name);
    for (const fs::path& candidate : {base, directory / base})
        if (fs::is_regular_file(with(candidate, image_ending))) return candidate;
    throw unusable(name, "there is no such image", "name an image as `ashlar build` writes it, such as out/ashlar_base_R0.1_amd64.raw");
}

evidence::Manifest manifest_beside(const fs::path& base) {
    const fs::path path = with(base, manifest_ending);
    if (!fs::exists(path)) throw unusable(base, "there is no manifest beside it", "keep the files of a build together");
    return evidence::parse_manifest(read_file(path), path.native());
}

} // namespace

Image::Image(const fs::path& name, const fs::path& directory) : base_(base_of(name, directory)), manifest_(manifest_beside(base_)) {
    const fs::path path = with(base_, image_ending);
    const image::Inspection inspection = image::inspect(path, image::Verify::everything);
    if (!inspection.faults.empty()) throw unusable(path, inspection.faults.front(), fmt::format("`ashlar inspect {}` says more", path.native()));
    if (inspection.root_hash != manifest_.root_hash) throw unusable(path, "its manifest is of another root hash");
    const auto partition = [&](const Guid& id) {
        for (const auto& one : inspection.table.partitions)
            if (one.id == id) return one;
        throw unusable(path, "it has no partition of its root hash");
    };
    const auto root = partition(data_partition_of(inspection.root_hash)), tree = partition(hash_partition_of(inspection.root_hash));
    file_ = open_file(path, O_RDONLY);
    tree_ = {file_.get(), tree.offset, tree.size, path.native()};
    verity_ = read_verity_header(tree_).parameters;
    map_root(root.offset, inspection.root_size);
    side_.files = placed_files(side_.bytes, path.native());
    read_packages();
}

Image::~Image() {
    if (!side_.bytes.empty()) ::munmap(const_cast<std::byte*>(side_.bytes.data()), side_.bytes.size());
}

void Image::map_root(std::uint64_t offset, std::uint64_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.get(), static_cast<off_t>(offset));
    if (memory == MAP_FAILED) throw system_error("read", base_.native());
    side_.bytes = {static_cast<const std::byte*>(memory), size};
}

void Image::read_packages() {
    const fs::path path = with(base_, tree_ending);
    if (!fs::exists(path)) return;
    for (auto& entry : pipeline::parse_tree_record(read_file(path), path.native()))
        if (!entry.package.empty()) packages_.emplace(std::move(entry.path), std::move(entry.package));
}

std::string Image::package_of(const std::string& path) const {
    const auto found = packages_.find(path);
    return found == packages_.end() ? std::string() : found->second;
}

} // namespace ashlar::deltas
