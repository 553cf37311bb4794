#pragma once

// A mirror's directory: what is there, and how something comes to be there.

#include "disk.hpp"

#include <bundle/reader.hpp>

#include <base/file.hpp>
#include <tuf/updater.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

// Of a target that must be there in the end.
enum class Presence {
    here,
    damaged,   // something is there under its name
    elsewhere, // the same bytes under another name
    missing,
};
struct Found {
    Presence presence = Presence::missing;
    std::filesystem::path source; // when elsewhere
};

class Mirror {
public:
    // Makes the directory, and holds it alone: an Error when another import has it.
    Mirror(std::filesystem::path directory, Disk disk);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] const Disk& disk() const noexcept { return disk_; }
    [[nodiscard]] std::filesystem::path path_of(std::string_view place) const { return directory_ / place; }
    [[nodiscard]] std::filesystem::path trusted() const { return directory_ / "trusted"; }

    // Reads what is there, on all processors, and compares digests.
    [[nodiscard]] std::vector<Found> survey(std::span<const Item> items) const;
    // Bytes that may still be written.
    [[nodiscard]] std::uint64_t room() const;

    // ---- Nothing above changed anything but made the directory -------------------------------------
    void make_incoming();
    [[nodiscard]] std::unique_ptr<Sink> begin(const Item& item);
    void share(const std::filesystem::path& source, const Item& item);
    // Names under targets/ are on the disk.
    void sync_targets(std::span<const Item> items) const;
    // Whole under its name, or not there; what has the same text already stays. On the disk behind sync_metadata().
    void put_metadata(const MetadataFile& file);
    void sync_metadata() const;
    void log(std::string_view line);
    void remove_incoming();

private:
    [[nodiscard]] std::filesystem::path next_incoming();
    void move_in(const std::filesystem::path& from, const Item& item);
    [[nodiscard]] std::map<std::string, std::filesystem::path, std::less<>> by_digest() const;

    std::filesystem::path directory_;
    Disk disk_;
    Fd lock_;
    std::atomic<unsigned> incoming_{0};
    friend class IncomingFile;
};

} // namespace ashlar::bundle
