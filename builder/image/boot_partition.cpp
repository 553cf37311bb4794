#include <image/boot_partition.hpp>

#include <image/architecture.hpp>
#include <image/disk.hpp>
#include <image/identifiers.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/bytes.hpp>

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace ashlar::image {

namespace {

namespace fs = std::filesystem;

// Below 65525 clusters a volume is FAT16 to every driver, whatever it says of itself.
constexpr std::uint64_t fewest_clusters = 65'600;
constexpr std::uint64_t smallest = 36U << 20U;

constexpr std::string_view uki_directory = "EFI/Linux/";

// Large clusters read faster in firmware; as large as leaves the volume FAT32, 4 KiB at the most.
unsigned sectors_per_cluster(std::uint64_t size) {
    unsigned sectors = 8;
    while (sectors > 1 && size / (sectors * sector_size) < fewest_clusters + fewest_clusters / 64) sectors /= 2;
    return sectors;
}

Command with_epoch(Command command, std::int64_t epoch) {
    if (!command.environment) command.environment = root::sandbox_environment();
    command.environment->emplace_back("SOURCE_DATE_EPOCH", fmt::format("{}", epoch));
    command.environment->emplace_back("MTOOLS_SKIP_CHECK", "1");
    return command;
}

void create_sized(const fs::path& path, std::uint64_t size) {
    auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw system_error("enlarge", path.native());
    file.close();
}

// Parents before children: a set of paths is sorted that way.
std::set<std::string> directories_of(const std::vector<BootFile>& files) {
    std::set<std::string> out;
    for (const auto& file : files)
        for (auto parent = fs::path(file.path).parent_path(); !parent.empty(); parent = parent.parent_path())
            out.insert(parent.native());
    return out;
}

std::vector<BootFile> sorted(std::vector<BootFile> files) {
    std::ranges::sort(files, {}, &BootFile::path);
    const auto twice = std::ranges::adjacent_find(files, {}, &BootFile::path);
    if (twice != files.end())
        throw Error(fmt::format("cannot put '{}' into the boot partition: it is there twice", twice->path));
    return files;
}

BootPartitionNeeds needs_of(const std::vector<BootFile>& files) {
    BootPartitionNeeds needs;
    for (const auto& file : files)
        (file.path.starts_with(uki_directory) ? needs.uki : needs.fixed) += fs::file_size(file.source);
    return needs;
}

void refuse_too_small(const BootPartitionInput& input, std::uint64_t size) {
    const auto needs = needs_of(input.files);
    const auto content = needs.uki + needs.fixed;
    if (size >= smallest && content + content / 64 + (1U << 20U) <= size) return;
    throw Error(fmt::format("cannot make the boot partition of '{}': {} of files do not fit into {}", input.name,
                            human_bytes(content), human_bytes(size)),
                fmt::format("raise limits.boot_partition (at least {} MiB) or leave it out to have it computed",
                            boot_partition_size(needs) >> 20U));
}

class Volume {
public:
    Volume(const BootPartitionInput& input, const root::ToolsRoot& tools, fs::path image)
        : input_(input), tools_(tools), image_(std::move(image)) {}

    void format(std::uint64_t size) const {
        create_sized(image_, size);
        run({"mkfs.fat", "--invariant", "-F", "32", "-S", fmt::format("{}", sector_size), "-s",
             fmt::format("{}", sectors_per_cluster(size)), "-i",
             fmt::format("{:08x}", volume_number("esp:" + input_.name)), "-n", "ESP", image_.native()});
    }
    void make_directories(const std::set<std::string>& directories) const {
        std::vector<std::string> argv{"mmd", "-i", image_.native()};
        for (const auto& directory : directories) argv.push_back("::" + directory);
        run(std::move(argv));
    }
    void copy(const BootFile& file) const {
        const auto source = fs::absolute(file.source);
        run({"mcopy", "-i", image_.native(), source.native(), "::" + file.path}, {source});
    }

private:
    void run(std::vector<std::string> argv, const std::vector<fs::path>& reads = {}) const {
        run_checked(with_epoch(tools_.command(std::move(argv), {image_}, reads), input_.epoch));
    }

    const BootPartitionInput& input_;
    const root::ToolsRoot& tools_;
    fs::path image_;
};

} // namespace

std::vector<BootFile> boot_files(const BootContents& contents) {
    const auto& arch = architecture(contents.architecture);
    std::vector<BootFile> files{
        {arch.fallback_path(), contents.loader},
        {arch.loader_path(), contents.loader},
        {"loader/loader.conf", contents.configuration},
        {uki_path(contents.release), contents.uki},
    };
    for (const auto& addon : contents.addons) files.push_back({"loader/addons/" + addon.filename().native(), addon});
    if (contents.keys)
        for (const auto& entry : fs::directory_iterator(*contents.keys))
            files.push_back(
                {fmt::format("loader/keys/{}/{}", contents.keys->filename().native(), entry.path().filename().native()),
                 entry.path()});
    return files;
}

void make_boot_partition(const BootPartitionInput& input, const root::ToolsRoot& tools, const fs::path& output) {
    const auto files = sorted(input.files);
    const auto size = round_up(input.size.value_or(boot_partition_size(needs_of(files))), partition_alignment);
    refuse_too_small(input, size);
    while_doing(fmt::format("making the boot partition of '{}'", input.name), [&] {
        const Volume volume(input, tools, fs::absolute(output));
        volume.format(size);
        volume.make_directories(directories_of(files));
        for (const auto& file : files) volume.copy(file);
    });
}

std::uint64_t boot_partition_size(const BootPartitionNeeds& needs) {
    const std::uint64_t ukis = std::max(needs.kept + 1, 3U);
    const auto bytes = (ukis * needs.uki + needs.fixed) * 5 / 4 + (1U << 20U); // the last: FATs and directories
    return round_up(std::max(bytes, smallest), partition_alignment);
}

std::string loader_configuration() {
    return "timeout 1\n"
           "editor no\n"
           "auto-entries no\n"
           "auto-firmware yes\n"
           "secure-boot-enroll off\n";
}

std::string uki_path(std::string_view release) { return fmt::format("{}ashlar_{}.efi", uki_directory, release); }

} // namespace ashlar::image
