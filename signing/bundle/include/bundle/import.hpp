#pragma once

// A bundle into a mirror: docs/formats/bundle.md, "Import". A mirror is a repository of plain files, for any web server:
//
//     metadata/, targets/    what is served
//     trusted/               what was verified, so that nobody can go back behind it
//     incoming/              what is on its way; empty or absent otherwise
//     import.log             a line of JSON for each import that changed something
//     import.lock            held while one runs
//
// Killed at any point, or without power, it leaves the mirror's clients with the release of before or the new one, whole. The
// same import again goes on: a target that had arrived stays, one that had arrived in part begins again.

#include <bundle/reader.hpp>

#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

struct ImportOrder {
    std::filesystem::path mirror; // made when it is not there
    // What the first import trusts. Later ones trust what they know; where it is given again, it must be a link of their chain.
    std::optional<std::filesystem::path> root;
    Time now; // the clock; a mirror that knows of a later time takes that
    std::optional<ReaderOptions::Word> stale_media;
    // `left`: source files are passed over; nodes never ask for them.
    enum class Sources { taken, left } sources = Sources::taken;
    // Told before each change on the disk ("rename", the file). What it throws ends the import there.
    std::function<void(std::string_view operation, const std::filesystem::path& file)> before;
};

struct ImportReport {
    Contents contents;
    enum class Change { none, made } change = Change::none;
    std::uint64_t arrived = 0, arrived_bytes = 0; // targets that were written
    std::uint64_t shared = 0;                     // taken from elsewhere in the mirror: the same bytes under another name
    std::uint64_t present = 0;                    // were there
    std::uint64_t left = 0;                       // source files that were not wanted
    std::vector<std::string> repaired;            // were there and damaged
};

// Everything is refused before anything changes that can be: what is not verified, what an incremental bundle needs and the
// mirror has not, a second import at the same time, too little room.
ImportReport import(Input& input, const ImportOrder& order, Renderer& renderer);

// Reads and verifies all of a bundle and writes nothing. `root`: the bytes that are trusted.
Contents verify(Input& input, std::string_view root, ReaderOptions options, Renderer& renderer);
// The same without the targets.
Contents contents_of(Input& input, std::string_view root, ReaderOptions options);
// The same for people who were handed no root: the bundle's own first one is taken. That it was made by those who say so is
// not checked by anything.
Contents contents_by_its_own_word(Input& input, ReaderOptions options);

// The root that a mirror trusts; nothing when it is none yet.
[[nodiscard]] std::optional<std::string> trusted_root(const std::filesystem::path& mirror);

} // namespace ashlar::bundle
