#pragma once

// Making the new root of an operation file, on a node: at most 40 MiB of memory, whatever the file says.

#include <delta/blocks.hpp>
#include <delta/stream.hpp>

#include <signing/extent.hpp>

#include <functional>
#include <optional>

namespace ashlar::delta {

// Makes the bytes of single operations. Its buffers are used again from operation to operation.
class Decoder {
public:
    Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    ~Decoder();

    // `payload` and `old` are what the operation names (empty where it names nothing). The bytes are what
    // operation.result says, and valid until the next call; otherwise Refused, `cannot make bytes <from>
    // to <to> of the new root: …`.
    [[nodiscard]] std::span<const std::byte> result(const Operation& operation, std::span<const std::byte> payload,
                                                    std::span<const std::byte> old);

private:
    struct State;
    std::unique_ptr<State> state_;
};

struct Progress {
    std::size_t operations; // done, from the first of the file on: where to go on after a cut
    std::uint64_t written;  // bytes of the new root that are there
    std::uint64_t fetched;  // bytes read from the source by this call
};
// Called after each operation's bytes are written (not: on the disk; whoever keeps a journal syncs
// first). What it throws ends the work.
using Report = std::function<void(const Progress&)>;

// Carries out the operations from number `first` on. Each result is checked before it is written.
// `old` is the root the delta was made from, its hash tree not included; nothing for a full file. `to`
// has at least header().size bytes. Throws Refused (see there) and Errors of reading and writing. That
// the whole has the new root hash is the caller's to check.
void apply(const Stream& stream, const std::optional<FileExtent>& old, const FileExtent& to, std::size_t first,
           const Report& report);

// The same with a full file, of which only what `plan` does not find in `old` is fetched. A piece that
// turns out to be other than the old hash tree said is fetched after all.
void apply(const Stream& full, const BlockPlan& plan, const FileExtent& old, const FileExtent& to, std::size_t first,
           const Report& report);

} // namespace ashlar::delta
