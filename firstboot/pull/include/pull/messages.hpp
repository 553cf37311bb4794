#pragma once

// What ashlard and ashlar-pull say to each other: JSON, an object a line.

#include <base/json.hpp>
#include <signing/release.hpp>
#include <signing/verity.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace ashlar::pull {

// Where a release is: a directory, or the URL of one.
struct Source {
    std::string location; // "/run/media/ashlar", "https://mirror.example/ashlar/R1"
    std::string proxy, certificates; // a URL, a file; empty: none
};

// A part of a disk, in bytes.
struct Part {
    std::uint64_t offset = 0, size = 0;
};

// What the node has. The old tree begins with its superblock.
struct Have {
    std::string role, architecture;
    Digest root_hash;
    std::filesystem::path disk;
    Part root, tree;
    std::filesystem::path uki; // a copy of the one that runs
};

enum class Way { delta, blocks, full };
[[nodiscard]] std::string_view name_of(Way way);
[[nodiscard]] std::optional<Way> way_named(std::string_view name);

struct Offer {
    ReleaseIndex index;
    Way way;
    std::string stream;       // its file
    std::uint64_t download = 0; // bytes that are left to fetch
    VerityParameters verity;  // what the new hash tree is computed with
};

struct Work {
    Have have;
    Way way;
    std::string stream;
    Part to; // the other slot's root, on the same disk
    std::uint64_t first = 0; // operation
};
struct Progress {
    std::uint64_t operations = 0; // that are on the disk
    std::uint64_t written = 0, size = 0; // bytes of the new root
    std::uint64_t fetched = 0, download = 0; // bytes from the source
};
[[nodiscard]] Json to_json(const Source& source);
[[nodiscard]] Json to_json(const Have& have);
[[nodiscard]] Json to_json(const Work& work);
[[nodiscard]] Json to_json(const Progress& progress);
[[nodiscard]] Json to_json(const Offer& offer); // without the index, which is a text of its own
[[nodiscard]] Source source_from(const Json& json);
[[nodiscard]] Have have_from(const Json& json);
[[nodiscard]] Work work_from(const Json& json);
[[nodiscard]] Progress progress_from(const Json& json);
[[nodiscard]] Offer offer_from(const Json& json);

} // namespace ashlar::pull
