#pragma once

// The boot menu of a node: the UKIs in EFI/Linux of its boot partition, whose names count their attempts
// (systemd's Automatic Boot Assessment, the Boot Loader Specification's UAPI.1). The boot loader takes the
// newest release that has attempts left.
//
// What is asked for is looked at again afterwards: a rename that the file system forgets is an Error, not
// a success. docs/formats/boot-menu.md.

#include <signing/bytes.hpp>

#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bootmenu {

// "+<left>-<done>". The boot loader takes one from `left` and adds one to `done` before each start.
struct Tries {
    unsigned left = 0, done = 0;
    bool operator==(const Tries&) const = default;
};

struct Entry {
    std::string release;
    std::optional<Tries> tries; // absent: the release is blessed, nobody counts

    [[nodiscard]] bool exhausted() const { return tries && tries->left == 0; }
    [[nodiscard]] std::string file_name() const; // "ashlar_R0.3+2-1.efi"
    bool operator==(const Entry&) const = default;
};

// Nothing when the name is not one of ours.
[[nodiscard]] std::optional<Entry> parse_entry(std::string_view file_name);

class Menu {
public:
    // `esp`: where the boot partition is mounted, writable for what changes it.
    explicit Menu(const std::filesystem::path& esp) : directory_(esp / "EFI/Linux") {}

    // Newest release first; of one release, the blessed name first.
    [[nodiscard]] std::vector<Entry> entries() const;
    // All names of one release: more than one is a fault that no step here leaves behind.
    [[nodiscard]] std::vector<Entry> entries_of(std::string_view release) const;
    // What the boot loader starts next.
    [[nodiscard]] std::optional<Entry> next() const;

    // Takes away all names of a release, and what an add() that was cut off left.
    void remove(std::string_view release) const;
    // Error when it does not fit: what is needed and what is free.
    void require_space(std::uint64_t bytes) const;
    // A new release: written under a name that the boot loader does not see, read back, renamed. The
    // rename is the point at which an upgrade happened. Error when the release is there already.
    void add(ByteView uki, std::string_view release, Tries tries) const;
    // Nobody counts any more. Nothing to do when it is blessed.
    void bless(std::string_view release) const;
    // No attempts left: the boot loader prefers every other one. Blessed ones too.
    void exhaust(std::string_view release) const;

private:
    void rename(const Entry& from, const Entry& to) const;
    void sync() const;
    std::filesystem::path directory_;
};

} // namespace ashlar::bootmenu
