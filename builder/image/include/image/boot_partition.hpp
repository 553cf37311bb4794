#pragma once

// The EFI system partition: FAT32 with systemd-boot, its configuration and the UKI. Made by the tools
// root's mkfs.fat and mtools; nothing is mounted.

#include <root/sandbox.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

struct BootFile {
    std::string path; // below the partition's root: "EFI/Linux/ashlar_R0.0.efi"
    std::filesystem::path source;
};

// What lies on every image's ESP, at its places. `keys`: the files of a directory that are offered to
// the firmware's set-up mode as loader/keys/<name>/.
struct BootContents {
    std::string architecture; // Debian's name
    std::string release;
    std::filesystem::path loader;        // systemd-boot, signed
    std::filesystem::path configuration; // a file with loader_configuration()
    std::filesystem::path uki;
    std::vector<std::filesystem::path> addons; // "<name>.addon.efi"
    std::optional<std::filesystem::path> keys;
};
[[nodiscard]] std::vector<BootFile> boot_files(const BootContents& contents);

// The output is determined by these values, the files' contents and the tools root.
struct BootPartitionInput {
    std::string name;                  // the role: names the volume number
    std::int64_t epoch = 0;            // time of every entry
    std::vector<BootFile> files;       // each path once
    std::optional<std::uint64_t> size; // recipe::Limits::boot_partition; absent = computed
};
// Writes `output`, which must not exist. Error when the files do not fit `size`.
void make_boot_partition(const BootPartitionInput& input, const root::ToolsRoot& tools,
                         const std::filesystem::path& output);

// Room for the UKIs of `kept` releases and the one being written, at least three, and a quarter more,
// beside what lies there once; a multiple of partition_alignment and large enough for FAT32.
struct BootPartitionNeeds {
    std::uint64_t uki = 0;   // bytes of the UKI
    std::uint64_t fixed = 0; // bytes of everything else
    unsigned kept = 2;
};
[[nodiscard]] std::uint64_t boot_partition_size(const BootPartitionNeeds& needs);

// loader/loader.conf: a short menu, no editor of command lines, no keys enrolled behind one's back.
[[nodiscard]] std::string loader_configuration();

// "EFI/Linux/ashlar_<release>.efi". A node appends boot counters: "ashlar_<release>+3-0.efi".
[[nodiscard]] std::string uki_path(std::string_view release);

} // namespace ashlar::image
