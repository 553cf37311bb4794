#pragma once

// The state partition: what outlives /var and is read before it. docs/formats/state.md.
//
// A write that is cut off at any point leaves the content of before: two copies, of which the older is
// overwritten.

#include <base/json.hpp>
#include <signing/guid.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace ashlar::state {

// 8e3b1c5a-6d0f-4a5e-9a44-3f6c2d1b7e90
[[nodiscard]] const Guid& partition_type();
inline constexpr std::uint64_t partition_size = std::uint64_t{64} << 20U;

struct Record {
    std::uint64_t generation = 0; // from 1
    Json content; // an object
    bool operator==(const Record&) const = default;
};

// Nothing when the partition was never written. An Error when something is there and neither copy is
// whole: that is a loss, not an empty partition.
[[nodiscard]] std::optional<Record> read(const std::filesystem::path& partition);

// Makes it one that was never written, whatever lay there before: nothing of it is left.
void erase(const std::filesystem::path& partition);

// Replaces the content (an object of at most 1 MiB as text), and returns when it is on the disk and was
// read back. An Error leaves the content of before.
void write(const std::filesystem::path& partition, const Json& content);

// What is there, changed by `change` and written if that made another of it; nobody else who comes this way writes in between, in this
// process or in another one. Returns what is there then. An Error for a state that was never written: a node has one.
Json change(const std::filesystem::path& partition, const std::function<void(Json& content)>& change);

// What was taken out of the content is in the copy of before until that is written over: which this does, where `unwanted` finds it
// there, or where that copy was cut off in the middle and nobody knows. Nothing is written otherwise.
void purge(const std::filesystem::path& partition, const std::function<bool(const Json& content)>& unwanted);

} // namespace ashlar::state
