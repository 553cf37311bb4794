#include "roots.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::delta;
using namespace ashlar::delta::test;

namespace {

constexpr std::size_t piece = 2 * block_size;

std::string blocks_of(const std::vector<unsigned>& seeds) {
    std::string bytes;
    for (const unsigned seed : seeds) bytes += seed == 0 ? zeros(1) : block_of(seed);
    return bytes;
}

struct Made {
    std::string bytes;
    std::uint64_t fetched = 0;
};

struct BlocksTest : testing::Test {
    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path file = dir.path() / "file.full";

    Made make(const std::string& old_bytes, const std::string& new_bytes, const std::string& lying_slot = {}) const {
        const Root old(dir.path() / "old", old_bytes), wanted(dir.path() / "new", new_bytes);
        if (!lying_slot.empty()) write_file(dir.path() / "lying", lying_slot);
        const Fd lying = lying_slot.empty() ? Fd() : open_file(dir.path() / "lying", O_RDONLY);
        write_full(file, wanted, new_bytes, piece);
        FileSource source(file);
        const Stream stream(source);
        const auto plan = plan_blocks(stream, old.tree());
        if (!plan) throw Error("no plan");
        Slot slot(dir.path() / "slot", wanted.size());
        Made made;
        const FileExtent data = lying_slot.empty() ? old.data() : FileExtent{lying.get(), 0, lying_slot.size(), "lying"};
        apply(stream, *plan, data, slot.extent(), 0, [&](const Progress& progress) { made.fetched = progress.fetched; });
        made.bytes = slot.bytes();
        if (lying_slot.empty()) {
            EXPECT_EQ(made.fetched, plan->payload_from(stream, 0));
        }
        return made;
    }
};

} // namespace

TEST_F(BlocksTest, OnlyPiecesWithUnknownBlocksAreFetched) {
    const std::string old = blocks_of({1, 2, 3, 4, 5, 6}), now = blocks_of({5, 6, 0, 0, 7, 2, 0, 3});
    const Made made = make(old, now);
    EXPECT_EQ(made.bytes, now);
    const Bytes third = Compressor(3).pack(bytes_of(now.substr(4 * block_size, piece)));
    EXPECT_EQ(made.fetched, third.size() + Compressor(3).pack(bytes_of(now.substr(6 * block_size, piece))).size()) << "no zeros in the old root";
}

TEST_F(BlocksTest, TheSameRootIsNotFetched) {
    const std::string bytes = blocks_of({1, 2, 3, 0, 5, 6, 7});
    EXPECT_EQ(make(bytes, bytes).fetched, 0U);
}

TEST_F(BlocksTest, AnOldSlotThatIsNotWhatItsTreeSaysCostsADownload) {
    const std::string old = blocks_of({1, 2, 3, 4}), now = blocks_of({3, 4, 1, 2});
    const Made made = make(old, now, blocks_of({1, 9, 3, 4}));
    EXPECT_EQ(made.bytes, now);
    EXPECT_GT(made.fetched, piece - 100) << "noise does not shrink";
    EXPECT_LT(made.fetched, piece + 100);
}

TEST_F(BlocksTest, AnOldSlotTooSmallForItsTreeIsRefused) {
    EXPECT_EQ(message_of([&] { make(blocks_of({1, 2, 3, 4}), blocks_of({4, 4}), blocks_of({1, 2})); }),
              fmt::format("cannot use delta '{}': the old hash tree is of 16384 bytes, 'lying' has 8192", file.native()));
}

TEST_F(BlocksTest, WhatCannotBeComparedIsAnAnswer) {
    const Root wanted(dir.path() / "new", blocks_of({1, 2, 3}));
    write_full(file, wanted, blocks_of({1, 2, 3}), piece);
    FileSource source(file);
    const Stream stream(source);
    EXPECT_TRUE(plan_blocks(stream, wanted.tree()));
    EXPECT_FALSE(plan_blocks(stream, wanted.data())) << "no tree";

    const fs::path salted = dir.path() / "salted";
    (void)write_verity(dir.path() / "new", salted, {verity.uuid, Bytes(32, std::byte{8})});
    const Fd other = open_file(salted, O_RDONLY);
    EXPECT_FALSE(plan_blocks(stream, {other.get(), 0, fs::file_size(salted), "salted"}));
    EXPECT_FALSE(plan_blocks(stream, {wanted.tree().fd, 0, block_size, "cut"}));
}

TEST_F(BlocksTest, ATreeOfAnotherRootHashIsRefused) {
    const std::string bytes = blocks_of({1, 2, 3});
    const Root wanted(dir.path() / "new", bytes), other(dir.path() / "other", blocks_of({1, 2, 4}));
    Writer writer(file, {.old = std::nullopt, .root_hash = wanted.hash(), .size = bytes.size(), .verity = verity});
    writer.add(operation(Kind::data, bytes), Compressor(3).pack(bytes_of(bytes)));
    writer.finish(other.tree());
    FileSource source(file);
    const Stream stream(source);
    EXPECT_EQ(message_of([&] { (void)plan_blocks(stream, wanted.tree()); }),
              fmt::format("cannot use delta '{}': its tree is not that of its root hash", file.native()));
}

TEST_F(BlocksTest, AnyTwoRoots) {
    rc::check("blocks make the new root of any old one", [this] {
        const auto seeds = rc::gen::inRange<unsigned>(0, 6);
        const auto old = *rc::gen::nonEmpty(rc::gen::container<std::vector<unsigned>>(seeds));
        const auto now = *rc::gen::nonEmpty(rc::gen::container<std::vector<unsigned>>(seeds));
        RC_PRE(old.size() > 1 && now.size() > 1); // a single block has no tree
        RC_ASSERT(make(blocks_of(old), blocks_of(now)).bytes == blocks_of(now));
    });
}

TEST(LeafHasher, AnyNumberOfBlocksHasTheRootHashOfItsTree) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    for (const std::size_t blocks : {2U, 128U, 129U, 300U, 16385U}) {
        const Root root(dir.path() / "root", zeros(blocks - 1) + block_of(1));
        Bytes leaves(verity_leaf_size(root.size()));
        const FileExtent tree = root.tree();
        read_at(tree, tree.size - leaves.size(), leaves);
        LeafHasher hasher(verity.salt);
        hasher.add(ByteView(leaves).first(block_size));
        hasher.add(ByteView(leaves).subspan(block_size));
        EXPECT_EQ(hasher.root(), root.hash()) << blocks;
    }
    EXPECT_EQ(verity_leaf_size(block_size), 0U);
}
