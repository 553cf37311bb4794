#pragma once

// What ashlard and ashlar-pull say to each other: JSON, an object a line.

#include <base/json.hpp>
#include <signing/release.hpp>
#include <signing/verity.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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

struct Route {
    Way way;
    std::string stream;         // its file
    std::uint64_t download = 0; // bytes that are to fetch
    bool operator==(const Route&) const = default;
};

struct Offer {
    ReleaseIndex index;
    std::vector<Route> routes; // fewest bytes first; the last is the whole
    VerityParameters verity;   // what the new hash tree is computed with
};

struct Work {
    Have have;
    Way way;
    std::string stream;
    Part to; // the other slot's root, on the same disk
    std::uint64_t first = 0; // operation
    Digest root_hash;        // of the new root
};
struct Progress {
    std::uint64_t operations = 0; // that are on the disk
    std::uint64_t written = 0, size = 0; // bytes of the new root
    std::uint64_t fetched = 0, download = 0; // bytes from the source
};
// Why a way cannot be gone, where trying again does not help and another way may.
struct Refusal {
    std::string text;
};
// A small file; nothing where there is none.
struct Got {
    std::optional<std::string> content;
};
[[nodiscard]] Json to_json(const Got& got);
[[nodiscard]] Got got_from(const Json& json);
[[nodiscard]] Json to_json(const Refusal& refusal);
// Nothing where the answer is another one.
[[nodiscard]] std::optional<Refusal> refusal_in(const Json& json);
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
