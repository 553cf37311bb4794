#include <delta/stream.hpp>

#include <delta/compression.hpp>

#include "layout.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace ashlar::delta {

namespace {

bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

Digest digest_at(ByteView bytes, std::size_t offset) {
    Digest::Bytes digest{};
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), Digest::size, digest.begin());
    return Digest(digest);
}

// The fixed part, and the sizes in it that are no part of Header.
class Head {
public:
    explicit Head(Source& source) : name_(source.name()) {
        const std::uint64_t size = source.size();
        if (size < head_size) refuse(fmt::format("it has {} bytes, the head alone has {}", size, head_size));
        source.read(0, bytes_);
        check_identity();
        if (const auto fault = fault_of(header())) refuse(*fault);
        check_sizes(size);
    }

    [[noreturn]] void refuse(std::string_view cause) const {
        throw Refused(fmt::format("cannot use delta '{}': {}", name_, cause));
    }

    [[nodiscard]] Header header() const {
        Header header{.old = std::nullopt,
                      .root_hash = digest_at(bytes_, at_new_root),
                      .size = number<std::uint64_t>(at_new_size),
                      .verity = {Guid(uuid()), salt()}};
        if (has_old()) header.old = Old{digest_at(bytes_, at_old_root), number<std::uint64_t>(at_old_size)};
        return header;
    }
    [[nodiscard]] std::uint64_t count() const { return number<std::uint32_t>(at_count); }
    [[nodiscard]] std::uint64_t table_size() const { return number<std::uint64_t>(at_table_size); }
    [[nodiscard]] std::uint64_t tree_size() const { return number<std::uint64_t>(at_tree_size); }
    [[nodiscard]] std::uint64_t payload_size() const { return number<std::uint64_t>(at_payload_size); }
    [[nodiscard]] Digest table_digest() const { return digest_at(bytes_, at_table_digest); }
    [[nodiscard]] Digest digest() const { return digest_at(bytes_, at_head_digest); }

private:
    template <typename Number>
    [[nodiscard]] Number number(std::size_t at) const {
        return *little_endian_at<Number>(bytes_, at);
    }
    [[nodiscard]] ByteView part(std::size_t from, std::size_t size) const { return ByteView(bytes_).subspan(from, size); }
    [[nodiscard]] bool has_old() const { return number<std::uint32_t>(at_from) == 1; }
    [[nodiscard]] Guid::Bytes uuid() const {
        Guid::Bytes uuid{};
        std::ranges::copy(part(at_uuid, Guid::size), uuid.begin());
        return uuid;
    }
    [[nodiscard]] Bytes salt() const {
        const ByteView bytes = part(at_salt, std::min<std::size_t>(number<std::uint32_t>(at_salt_size), salt_limit));
        return {bytes.begin(), bytes.end()};
    }

    void check_identity() const {
        if (text_of(part(0, magic.size())) != magic) refuse("it does not begin as one");
        if (number<std::uint32_t>(at_version) != format_version)
            refuse(fmt::format("its format is {}, this program reads {}", number<std::uint32_t>(at_version), format_version));
        if (sha256(part(0, covered_size)) != digest()) refuse("its head is damaged");
        if (number<std::uint32_t>(at_from) > 1) refuse("it says neither that it needs an old root nor that it needs none");
        if (!has_old() && (!all_zero(part(at_old_root, Digest::size)) || number<std::uint64_t>(at_old_size) != 0))
            refuse("it needs no old root and names one");
        if (number<std::uint32_t>(at_salt_size) > salt_limit) refuse("the salt is longer than 256 bytes");
        const std::size_t salt_end = at_salt + number<std::uint32_t>(at_salt_size);
        if (!all_zero(part(at_zeros, at_salt - at_zeros)) || !all_zero(part(salt_end, at_head_digest - salt_end)))
            refuse("there is something where its head has zeros");
    }

    // No sum here can overflow: each addend is bounded before.
    void check_sizes(std::uint64_t size) const {
        if (count() == 0 || count() > operation_limit) refuse(fmt::format("it has {} operations, 1 to {} are possible", count(), operation_limit));
        if (table_size() == 0 || table_size() > table_limit) refuse(fmt::format("its table has {} bytes, 1 to {} are possible", table_size(), table_limit));
        const std::uint64_t tree = has_old() ? 0 : verity_leaf_size(number<std::uint64_t>(at_new_size));
        if (tree_size() != tree) refuse(fmt::format("its tree has {} bytes, {} are right", tree_size(), tree));
        if (payload_size() > 2 * size_limit) refuse("its payload is larger than any root");
        const std::uint64_t sum = head_size + table_size() + tree_size() + payload_size();
        if (sum != size) refuse(fmt::format("it has {} bytes, its head says {}", size, sum));
    }

    std::string name_;
    Bytes bytes_ = Bytes(head_size);
};

Bytes read_table(Source& source, const Head& head) {
    Bytes stored(head.table_size());
    source.read(head_size, stored);
    if (sha256(stored) != head.table_digest()) head.refuse("its table is damaged");
    Bytes rows(head.count() * row_size);
    if (const std::string fault = Decompressor().unpack(stored, {}, rows); !fault.empty())
        head.refuse(fmt::format("its table cannot be unpacked: {}", fault));
    return rows;
}

// Rows become operations; offsets are sums of what went before.
class Rows {
public:
    Rows(const Head& head, const Header& header, std::uint64_t payload_start)
        : head_(head), header_(header), payload_(payload_start) {}

    Operation take(ByteView row) {
        const auto number = [&](std::size_t at) { return std::uint64_t{*little_endian_at<std::uint32_t>(row, at)}; };
        const Operation operation{.kind = static_cast<Kind>(std::min<std::uint64_t>(number(at_kind), 255)),
                                  .offset = offset_,
                                  .size = number(at_blocks) * block_size,
                                  .old_offset = number(at_old_block) * block_size,
                                  .old_size = number(at_old_blocks) * block_size,
                                  .payload_offset = number(at_payload) == 0 ? 0 : payload_,
                                  .payload_size = number(at_payload),
                                  .result = digest_at(row, at_result)};
        check(operation);
        offset_ += operation.size;
        payload_ += operation.payload_size;
        ++count_;
        return operation;
    }

    void finish(std::uint64_t end) const {
        if (offset_ != header_.size) head_.refuse(fmt::format("its operations make {} bytes of {}", offset_, header_.size));
        if (payload_ != end) head_.refuse("its operations do not use its payload exactly");
    }

private:
    void check(const Operation& operation) const {
        auto fault = fault_of(operation, header_);
        if (!fault && operation.size > header_.size - offset_) fault = "it makes bytes behind the end of the new root";
        if (fault) head_.refuse(fmt::format("operation {}: {}", count_, *fault));
    }

    const Head& head_;
    const Header& header_;
    std::uint64_t offset_ = 0, payload_;
    std::size_t count_ = 0;
};

} // namespace

Stream::Stream(Source& source) : source_(&source), header_{std::nullopt, Digest({}), 0, {Guid({}), {}}}, head_digest_(Digest::Bytes{}) {
    const Head head(source);
    header_ = head.header();
    head_digest_ = head.digest();
    tree_offset_ = ashlar::delta::head_size + head.table_size();
    tree_size_ = head.tree_size();
    const std::uint64_t payload_start = tree_offset_ + tree_size_;
    const Bytes table = read_table(source, head);
    Rows rows(head, header_, payload_start);
    operations_.reserve(head.count());
    for (std::size_t at = 0; at < table.size(); at += row_size)
        operations_.push_back(rows.take(ByteView(table).subspan(at, row_size)));
    rows.finish(payload_start + head.payload_size());
}

std::uint64_t Stream::payload_from(std::size_t operation) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = operation; i < operations_.size(); ++i) sum += operations_[i].payload_size;
    return sum;
}

} // namespace ashlar::delta
