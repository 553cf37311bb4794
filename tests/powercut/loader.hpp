#pragma once

// What systemd-boot 257 starts from a boot partition: a model of it, for images as ours are (UKIs in
// EFI/Linux, no entries in loader/entries). tests/powercut/loader_run.cpp asks the real one the same questions.
//
// An entry is a file EFI/Linux/*.efi that is a PE image with a section .osrel. Order of the menu:
//
//   1. entries with attempts left, and those that are not counted, before exhausted ones (…+0-N.efi)
//   2. IMAGE_ID, or else ID
//   3. IMAGE_VERSION, or else VERSION, VERSION_ID, BUILD_ID: the newest first
//   4. the name: of a counted one without its counter, of the others in lower case; the highest first
//   5. of counted ones: more attempts left first, then fewer done
//
// The first one is started. Before that, a counted one is renamed: one attempt less left, one more done.

#include "fat.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace powercut {

struct BootEntry {
    std::string name; // of the file
    std::string sort_key, version;
    std::optional<std::uint64_t> left, done; // when it is counted
    std::string command_line;
    const FatFile* file = nullptr;

    // What it is sorted by when releases are the same.
    [[nodiscard]] std::string id() const;
    // How the file is called when it is started.
    [[nodiscard]] std::string name_when_started() const;
};

// Versions as the UAPI version format specification (UAPI.10) orders them: negative, 0 or positive.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

// Sets name, left and done from the name of a file.
[[nodiscard]] BootEntry entry_named(const std::string& name);
// Nothing when it is no entry. `image` is the beginning of the file, at least its headers and sections.
[[nodiscard]] std::optional<BootEntry> read_entry(const std::string& name, ByteView image);

// In the order of the menu.
[[nodiscard]] std::vector<BootEntry> sorted(std::vector<BootEntry> entries);
[[nodiscard]] std::vector<BootEntry> menu(const Fat& boot_partition);

} // namespace powercut
