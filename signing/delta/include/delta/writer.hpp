#pragma once

// Writes an operation file. The reader's rules hold: what breaks them is refused here already.

#include <delta/stream.hpp>

#include <signing/bytes.hpp>
#include <signing/extent.hpp>

#include <filesystem>
#include <optional>
#include <vector>

namespace ashlar::delta {

class Writer {
public:
    // Payloads are collected beside `output`; finish() makes it appear, otherwise nothing stays.
    Writer(std::filesystem::path output, Header header);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    // In the order of the new root. offset and payload_* of `operation` are not looked at: they follow.
    void add(Operation operation, ByteView payload);

    // How large the file would be if it ended here. `tree` as for finish().
    [[nodiscard]] std::uint64_t size(const std::optional<FileExtent>& tree) const;

    // `tree`: the whole hash area of the new root, for a full file; nothing for a delta. Returns the file's
    // size.
    std::uint64_t finish(const std::optional<FileExtent>& tree);

private:
    [[nodiscard]] Bytes table() const;
    [[nodiscard]] Bytes head(ByteView table, std::uint64_t tree_size) const;

    std::filesystem::path output_, part_;
    Header header_;
    Fd payload_;
    std::vector<Operation> operations_;
    std::uint64_t offset_ = 0, payload_size_ = 0;
};

} // namespace ashlar::delta
