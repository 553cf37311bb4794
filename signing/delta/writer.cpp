#include <delta/writer.hpp>

#include <delta/compression.hpp>

#include "layout.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ashlar::delta {

namespace fs = std::filesystem;

namespace {

constexpr int table_level = 19;
constexpr std::size_t copy_size = 1U << 20U;

void put(Bytes& head, std::size_t at, ByteView bytes) { std::ranges::copy(bytes, head.begin() + static_cast<std::ptrdiff_t>(at)); }
void put(Bytes& head, std::size_t at, const Digest& digest) { put(head, at, digest.bytes()); }

std::uint32_t blocks(std::uint64_t size) { return static_cast<std::uint32_t>(size / block_size); }

void append_row(Bytes& rows, const Operation& operation) {
    append_little_endian(rows, static_cast<std::uint32_t>(operation.kind));
    append_little_endian(rows, blocks(operation.size));
    append_little_endian(rows, blocks(operation.old_offset));
    append_little_endian(rows, blocks(operation.old_size));
    append_little_endian(rows, static_cast<std::uint32_t>(operation.payload_size));
    append(rows, operation.kind == Kind::zero ? ByteView(Digest::Bytes{}) : ByteView(operation.result.bytes()));
}

void copy(const FileExtent& from, int to, std::string_view name) {
    Bytes buffer(std::min<std::uint64_t>(copy_size, from.size));
    for (std::uint64_t at = 0; at < from.size; at += buffer.size()) {
        buffer.resize(std::min<std::uint64_t>(copy_size, from.size - at));
        read_at(from, at, buffer);
        write_all(to, buffer, name);
    }
}

FileExtent leaves_of(const FileExtent& tree, std::uint64_t data_size) {
    const std::uint64_t size = verity_leaf_size(data_size);
    return {tree.fd, tree.offset + verity_size(data_size) - size, size, tree.name};
}

} // namespace

Writer::Writer(fs::path output, Header header)
    : output_(std::move(output)), part_(output_.native() + ".part"), header_(std::move(header)) {
    if (const auto fault = fault_of(header_)) throw Error(fmt::format("cannot write '{}': {}", output_.native(), *fault));
    payload_ = open_file(output_.native() + ".payload", O_RDWR | O_CREAT | O_TRUNC);
    if (::unlink((output_.native() + ".payload").c_str()) != 0) throw system_error("remove", output_.native() + ".payload");
}

Writer::~Writer() {
    std::error_code nothing_to_do;
    fs::remove(part_, nothing_to_do);
}

void Writer::add(Operation operation, ByteView payload) {
    operation.offset = offset_;
    operation.payload_offset = payload_size_;
    operation.payload_size = payload.size();
    if (const auto fault = fault_of(operation, header_))
        throw Error(fmt::format("cannot write '{}': operation {}: {}", output_.native(), operations_.size(), *fault));
    write_all(payload_.get(), payload, output_.native());
    offset_ += operation.size;
    payload_size_ += payload.size();
    operations_.push_back(operation);
}

Bytes Writer::table() const {
    Bytes rows;
    rows.reserve(operations_.size() * row_size);
    for (const Operation& operation : operations_) append_row(rows, operation);
    return Compressor(table_level).pack(rows);
}

Bytes Writer::head(ByteView table, std::uint64_t tree_size) const {
    Bytes head(head_size);
    const std::span<std::byte> all(head);
    put(head, 0, bytes_of(magic));
    put_little_endian(all, at_version, format_version);
    put_little_endian(all, at_from, std::uint32_t{header_.old ? 1U : 0U});
    if (header_.old) put(head, at_old_root, header_.old->root_hash);
    put(head, at_new_root, header_.root_hash);
    put_little_endian(all, at_old_size, header_.old ? header_.old->size : 0);
    put_little_endian(all, at_new_size, header_.size);
    put(head, at_uuid, header_.verity.uuid.bytes());
    put_little_endian(all, at_salt_size, static_cast<std::uint32_t>(header_.verity.salt.size()));
    put_little_endian(all, at_count, static_cast<std::uint32_t>(operations_.size()));
    put_little_endian(all, at_table_size, std::uint64_t{table.size()});
    put_little_endian(all, at_tree_size, tree_size);
    put_little_endian(all, at_payload_size, payload_size_);
    put(head, at_table_digest, sha256(table));
    put(head, at_salt, header_.verity.salt);
    put(head, at_head_digest, sha256(ByteView(head).first(covered_size)));
    return head;
}

std::uint64_t Writer::size(const std::optional<FileExtent>& tree) const {
    return head_size + table().size() + (tree ? verity_leaf_size(header_.size) : 0) + payload_size_;
}

std::uint64_t Writer::finish(const std::optional<FileExtent>& tree) {
    if (offset_ != header_.size || operations_.size() > operation_limit)
        throw Error(fmt::format("cannot write '{}': {} operations make {} bytes of {}", output_.native(), operations_.size(), offset_, header_.size));
    const Bytes rows = table();
    const FileExtent leaves = tree ? leaves_of(*tree, header_.size) : FileExtent{.fd = -1, .offset = 0, .size = 0, .name = {}};
    Fd file = open_file(part_, O_WRONLY | O_CREAT | O_TRUNC);
    write_all(file.get(), head(rows, leaves.size), part_.native());
    write_all(file.get(), rows, part_.native());
    copy(leaves, file.get(), part_.native());
    copy({payload_.get(), 0, payload_size_, part_.native()}, file.get(), part_.native());
    file.close();
    if (::rename(part_.c_str(), output_.c_str()) != 0) throw system_error("rename", output_.native());
    return head_size + rows.size() + leaves.size + payload_size_;
}

} // namespace ashlar::delta
