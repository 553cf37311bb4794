#include "roots.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::delta;
using namespace ashlar::delta::test;

namespace {

constexpr std::size_t head_size = 512, row_size = 52;

struct Row {
    std::uint32_t kind = 3, blocks = 1, old_block = 0, old_blocks = 0, payload = 1;
};

// An operation file by hand, so that it can be wrong.
struct HandMade {
    Bytes head = Bytes(head_size);
    std::vector<Row> rows{{}};
    std::uint64_t payload_size = 1;
    std::optional<Bytes> table; // instead of what the rows say

    HandMade() {
        std::ranges::copy(bytes_of("ashdelta"), head.begin());
        put(8, std::uint32_t{1});
        put(88, block_size);
    }

    template <typename Number> HandMade& put(std::size_t at, Number number) {
        put_little_endian(std::span<std::byte>(head), at, number);
        return *this;
    }
    // One that needs an old root of two blocks.
    static HandMade of_old() {
        HandMade made;
        made.put(12, std::uint32_t{1}).put(80, 2 * block_size);
        return made;
    }
    HandMade& with(Row row) {
        rows = {row};
        return *this;
    }

    [[nodiscard]] Bytes packed_rows() const {
        Bytes plain;
        for (const Row& row : rows) {
            for (const std::uint32_t number : {row.kind, row.blocks, row.old_block, row.old_blocks, row.payload}) append_little_endian(plain, number);
            plain.resize(plain.size() + Digest::size);
        }
        return Compressor(1).pack(plain);
    }

    // Counts, sizes and digests as they have to be, but for those that `late` changes before the head is sealed.
    [[nodiscard]] Bytes file(const std::function<void(HandMade&)>& late = [](HandMade&) {}) const {
        HandMade copy = *this;
        const Bytes rows_packed = table.value_or(packed_rows());
        copy.put(116, static_cast<std::uint32_t>(rows.size())).put(120, std::uint64_t{rows_packed.size()}).put(136, payload_size);
        std::ranges::copy(sha256(rows_packed).bytes(), copy.head.begin() + 144);
        late(copy);
        std::ranges::copy(sha256(ByteView(copy.head).first(480)).bytes(), copy.head.begin() + 480);
        Bytes file = copy.head;
        append(file, rows_packed);
        file.resize(file.size() + payload_size);
        return file;
    }
};

class MemorySource final : public Source {
public:
    explicit MemorySource(Bytes bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size() override { return bytes_.size(); }
    void read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) throw std::out_of_range("read outside the file");
        std::ranges::copy(ByteView(bytes_).subspan(offset, out.size()), out.begin());
    }
    std::string name() const override { return "f"; }

private:
    Bytes bytes_;
};

std::string refusal(const Bytes& file) {
    MemorySource source(file);
    try {
        const Stream stream(source);
        return "accepted";
    } catch (const Refused& refused) {
        constexpr std::string_view prefix = "cannot use delta 'f': ";
        EXPECT_TRUE(refused.message().starts_with(prefix)) << refused.message();
        return refused.message().substr(prefix.size());
    }
}

std::string operation_refusal(HandMade made, Row row) { return refusal(made.with(row).file()); }

} // namespace

TEST(DeltaStream, TheSmallestFileIsRead) {
    MemorySource source(HandMade().file());
    const Stream stream(source);
    EXPECT_EQ(stream.operations().size(), 1U);
    EXPECT_FALSE(stream.header().old);
    EXPECT_EQ(stream.payload_from(0), 1U);
    EXPECT_EQ(stream.payload_from(1), 0U);
    EXPECT_EQ(stream.operations()[0].payload_offset, stream.head_size());
    EXPECT_EQ(refusal(HandMade::of_old().file()), "accepted");
}

TEST(DeltaStream, WhatIsNoOperationFileIsRefused) {
    EXPECT_EQ(refusal(Bytes(511)), "it has 511 bytes, the head alone has 512");
    EXPECT_EQ(refusal(Bytes(512)), "it does not begin as one");
    EXPECT_EQ(refusal(HandMade().put(8, std::uint32_t{2}).file()), "its format is 2, this program reads 1");
    Bytes damaged = HandMade().file();
    damaged[100] ^= std::byte{1};
    EXPECT_EQ(refusal(damaged), "its head is damaged");
}

TEST(DeltaStream, EveryFieldOfTheHeadIsChecked) {
    EXPECT_EQ(refusal(HandMade().put(12, std::uint32_t{2}).file()), "it says neither that it needs an old root nor that it needs none");
    EXPECT_EQ(refusal(HandMade().put(20, std::uint32_t{1}).file()), "it needs no old root and names one");
    EXPECT_EQ(refusal(HandMade().put(80, block_size).file()), "it needs no old root and names one");
    EXPECT_EQ(refusal(HandMade::of_old().put(80, std::uint64_t{0}).file()), "the old root is no whole number of blocks");
    EXPECT_EQ(refusal(HandMade::of_old().put(80, std::uint64_t{5000}).file()), "the old root is no whole number of blocks");
    EXPECT_EQ(refusal(HandMade().put(88, std::uint64_t{0}).file()), "the new root is no whole number of blocks");
    EXPECT_EQ(refusal(HandMade().put(88, std::uint64_t{4097}).file()), "the new root is no whole number of blocks");
    EXPECT_EQ(refusal(HandMade().put(88, ~std::uint64_t{4095}).file()), "the new root is no whole number of blocks");
    EXPECT_EQ(refusal(HandMade().put(112, std::uint32_t{257}).file()), "the salt is longer than 256 bytes");
    EXPECT_EQ(refusal(HandMade().put(180, std::uint32_t{1}).file()), "there is something where its head has zeros");
    EXPECT_EQ(refusal(HandMade().put(112, std::uint32_t{4}).put(228, std::uint32_t{1}).file()), "there is something where its head has zeros");
    EXPECT_EQ(refusal(HandMade().put(112, std::uint32_t{4}).put(224, std::uint32_t{1}).file()), "accepted");
}

TEST(DeltaStream, EverySizeIsChecked) {
    const auto with = [](std::size_t at, auto number) {
        return refusal(HandMade().file([&](HandMade& made) { made.put(at, number); }));
    };
    EXPECT_EQ(with(116, std::uint32_t{0}), "it has 0 operations, 1 to 262144 are possible");
    EXPECT_EQ(with(116, std::uint32_t{262145}), "it has 262145 operations, 1 to 262144 are possible");
    EXPECT_EQ(with(120, std::uint64_t{0}), "its table has 0 bytes, 1 to 16777216 are possible");
    EXPECT_EQ(with(120, std::uint64_t{16777217}), "its table has 16777217 bytes, 1 to 16777216 are possible");
    EXPECT_EQ(with(128, std::uint64_t{4096}), "its tree has 4096 bytes, 0 are right");
    EXPECT_EQ(with(136, ~std::uint64_t{0}), "its payload is larger than any root");
    EXPECT_EQ(refusal(HandMade().put(88, 2 * block_size).file()), "its tree has 0 bytes, 4096 are right");
    Bytes longer = HandMade().file();
    longer.push_back(std::byte{0});
    EXPECT_EQ(refusal(longer), fmt::format("it has {} bytes, its head says {}", longer.size(), longer.size() - 1));
}

TEST(DeltaStream, TheTableIsChecked) {
    HandMade made;
    made.table = Bytes(20, std::byte{1});
    EXPECT_EQ(refusal(made.file()), "its table cannot be unpacked: Unknown frame descriptor");
    made.table = Compressor(1).pack(Bytes(row_size - 1));
    EXPECT_EQ(refusal(made.file()), "its table cannot be unpacked: it holds 51 bytes, 52 are right");
    made.table = Compressor(1).pack(Bytes(row_size + 1));
    EXPECT_EQ(refusal(made.file()), "its table cannot be unpacked: Destination buffer is too small");
    Bytes damaged = HandMade().file();
    damaged[head_size + 4] ^= std::byte{1};
    EXPECT_EQ(refusal(damaged), "its table is damaged");
}

TEST(DeltaStream, EveryOperationIsChecked) {
    const HandMade full, old = HandMade::of_old();
    EXPECT_EQ(operation_refusal(full, {.kind = 4}), "operation 0: its kind is unknown");
    EXPECT_EQ(operation_refusal(full, {.kind = 256}), "operation 0: its kind is unknown");
    EXPECT_EQ(operation_refusal(full, {.blocks = 0}), "operation 0: it makes no whole blocks, or more than 4 MiB");
    EXPECT_EQ(operation_refusal(full, {.blocks = 1025}), "operation 0: it makes no whole blocks, or more than 4 MiB");
    EXPECT_EQ(operation_refusal(full, {.blocks = 2}), "operation 0: it makes bytes behind the end of the new root");
    EXPECT_EQ(operation_refusal(full, {.payload = 0}), "operation 0: a payload is missing, or there should be none");
    EXPECT_EQ(operation_refusal(full, {.kind = 0}), "operation 0: a payload is missing, or there should be none");
    EXPECT_EQ(operation_refusal(full, {.payload = 8193}), "operation 0: its payload is larger than what it makes");
    EXPECT_EQ(operation_refusal(full, {.old_block = 1}), "operation 0: it refers to the old root and may not");
    EXPECT_EQ(operation_refusal(full, {.old_blocks = 1}), "operation 0: it refers to the old root and may not");
    EXPECT_EQ(operation_refusal(full, {.kind = 1, .old_blocks = 1, .payload = 0}), "operation 0: it refers to an old root and there is none");
    EXPECT_EQ(operation_refusal(old, {.kind = 1, .old_blocks = 1, .payload = 1}), "operation 0: a payload is missing, or there should be none");
    EXPECT_EQ(operation_refusal(old, {.kind = 1, .old_blocks = 2, .payload = 0}), "operation 0: it copies another number of blocks than it makes");
    EXPECT_EQ(operation_refusal(old, {.kind = 2, .old_block = 2, .old_blocks = 1}), "operation 0: it looks at bytes behind the end of the old root");
    EXPECT_EQ(operation_refusal(old, {.kind = 2, .old_block = 0xffffffff, .old_blocks = 1}), "operation 0: it looks at bytes behind the end of the old root");
    EXPECT_EQ(operation_refusal(old, {.kind = 2, .old_blocks = 1025}), "operation 0: it looks at no whole blocks of the old root, or at more than 4 MiB");
    EXPECT_EQ(operation_refusal(old, {.kind = 2}), "operation 0: it looks at no whole blocks of the old root, or at more than 4 MiB");
    EXPECT_EQ(operation_refusal(full, {.payload = 2}), "its operations do not use its payload exactly");
    HandMade two = HandMade::of_old().put(88, 3 * block_size);
    two.rows = {{}, {.payload = 1}};
    two.payload_size = 2;
    EXPECT_EQ(refusal(two.file()), "its operations make 8192 bytes of 12288");
}

// Whatever is flipped: refused, or read within bounds, and never out of the file.
RC_GTEST_PROP(DeltaStream, DamageIsRefusedOrHarmless, ()) {
    HandMade made = HandMade::of_old();
    made.put(88, 4 * block_size);
    made.rows = {{.kind = 2, .blocks = 2, .old_blocks = 2}, {.kind = 1, .blocks = 1, .old_block = 1, .old_blocks = 1, .payload = 0}, {.kind = 0, .blocks = 1, .payload = 0}};
    const auto at = *rc::gen::inRange<std::size_t>(0, 480);
    const auto value = *rc::gen::arbitrary<std::uint8_t>();
    MemorySource source(made.file([&](HandMade& head) { head.head[at] = std::byte{value}; }));
    try {
        const Stream stream(source);
        std::uint64_t end = 0;
        for (const Operation& operation : stream.operations()) {
            RC_ASSERT(operation.offset == end);
            end += operation.size;
            RC_ASSERT(operation.old_offset + operation.old_size <= (stream.header().old ? stream.header().old->size : 0));
            RC_ASSERT(operation.payload_offset + operation.payload_size <= source.size());
        }
        RC_ASSERT(end == stream.header().size);
    } catch (const Refused&) {
    }
}
