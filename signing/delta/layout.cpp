#include "layout.hpp"

namespace ashlar::delta {

namespace {

bool whole_blocks(std::uint64_t size) { return size > 0 && size % block_size == 0; }

bool is_piece(std::uint64_t size) { return whole_blocks(size) && size <= piece_limit; }

bool refers_to_old(Kind kind) { return kind == Kind::copy || kind == Kind::patch; }
bool has_payload(Kind kind) { return kind == Kind::patch || kind == Kind::data; }

bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
    return offset % block_size == 0 && offset <= whole && size <= whole - offset;
}

std::optional<std::string_view> fault_of_old(const Operation& operation, const Header& header) {
    if (!refers_to_old(operation.kind))
        return operation.old_offset != 0 || operation.old_size != 0 ? std::optional("it refers to the old root and may not") : std::nullopt;
    if (!header.old) return "it refers to an old root and there is none";
    if (!is_piece(operation.old_size)) return "it looks at no whole blocks of the old root, or at more than 4 MiB";
    if (!inside(operation.old_offset, operation.old_size, header.old->size)) return "it looks at bytes behind the end of the old root";
    if (operation.kind == Kind::copy && operation.old_size != operation.size) return "it copies another number of blocks than it makes";
    return std::nullopt;
}

} // namespace

std::optional<std::string_view> fault_of(const Operation& operation, const Header& header) {
    if (operation.kind > Kind::data) return "its kind is unknown";
    if (!is_piece(operation.size)) return "it makes no whole blocks, or more than 4 MiB";
    if (has_payload(operation.kind) != (operation.payload_size > 0)) return "a payload is missing, or there should be none";
    if (operation.payload_size > payload_limit(operation.size)) return "its payload is larger than what it makes";
    return fault_of_old(operation, header);
}

std::optional<std::string_view> fault_of(const Header& header) {
    if (!whole_blocks(header.size) || header.size > size_limit) return "the new root is no whole number of blocks";
    if (header.old && (!whole_blocks(header.old->size) || header.old->size > size_limit)) return "the old root is no whole number of blocks";
    if (header.verity.salt.size() > salt_limit) return "the salt is longer than 256 bytes";
    return std::nullopt;
}

} // namespace ashlar::delta
