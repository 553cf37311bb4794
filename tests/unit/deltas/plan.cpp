#include <deltas/packer.hpp>
#include <deltas/plan.hpp>

#include <base/file.hpp>
#include <delta/application.hpp>
#include <delta/writer.hpp>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <fcntl.h>
#include <random>

using namespace ashlar;
using namespace ashlar::deltas;
using delta::Kind;
using testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t block = delta::block_size;
const VerityParameters verity{Guid({}), Bytes(32, std::byte{7})};
const PlanLimits short_runs{.shortest_copy = 2 * block, .shortest_zeros = 2 * block, .longest_patch = 8 * block, .margin = 0};

std::string block_of(unsigned seed) {
    std::mt19937 engine(seed); // NOLINT: the same bytes each time
    std::string bytes(seed == 0 ? 0 : block, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine());
    bytes.resize(block);
    return bytes;
}

// A root that exists of these blocks; 0 is zeros.
std::string root_of(const std::vector<unsigned>& seeds) {
    std::string bytes;
    for (const unsigned seed : seeds) bytes += block_of(seed);
    return bytes;
}

PlacedFile file(std::string path, std::uint64_t first, std::uint64_t blocks) { return {std::move(path), {{first * block, blocks * block}}}; }

Extent blocks(std::uint64_t first, std::uint64_t count) { return {first * block, count * block}; }

std::vector<Piece> pieces(const std::string& old, std::vector<PlacedFile> old_files, const std::string& now, std::vector<PlacedFile> now_files) {
    return plan({bytes_of(old), std::move(old_files)}, {bytes_of(now), std::move(now_files)}, short_runs).pieces;
}

// Plan, pack, write, read, apply.
std::string made_of(const std::string& old, const std::string& now, const Plan& plan) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const auto renderer = make_renderer(ProgressStyle::quiet, 2);
    const Digest nobody{Digest::Bytes{}};
    delta::Writer writer(dir.path() / "d", {.old = delta::Old{nobody, old.size()}, .root_hash = nobody, .size = now.size(), .verity = verity});
    pack(bytes_of(old), bytes_of(now), plan.pieces, 3, *renderer, [&](const Piece& piece, const Digest& result, ByteView payload) {
        writer.add({.kind = piece.kind, .offset = 0, .size = piece.made.size, .old_offset = piece.old.offset, .old_size = piece.old.size, .result = result}, payload);
    });
    writer.finish(std::nullopt);
    FileSource source(dir.path() / "d");
    write_file(dir.path() / "old", old);
    write_file(dir.path() / "new", std::string(now.size(), 'x'));
    const Fd from = open_file(dir.path() / "old", O_RDONLY), to = open_file(dir.path() / "new", O_RDWR);
    apply(delta::Stream(source), FileExtent{from.get(), 0, old.size(), "old"}, {to.get(), 0, now.size(), "new"}, 0, [](const delta::Progress&) {});
    return read_file(dir.path() / "new");
}

} // namespace

TEST(DeltaPlan, WhatIsEqualIsCopiedFromWhereverItIs) {
    EXPECT_THAT(pieces(root_of({1, 2, 3, 4, 5}), {}, root_of({4, 5, 1, 2, 3}), {}),
                ElementsAre(Piece{Kind::copy, blocks(0, 2), blocks(3, 2)}, Piece{Kind::copy, blocks(2, 3), blocks(0, 3)}));
}

TEST(DeltaPlan, ZerosNeedNothing) {
    EXPECT_THAT(pieces(root_of({1, 2}), {}, root_of({1, 2, 0, 0, 0}), {}),
                ElementsAre(Piece{Kind::copy, blocks(0, 2), blocks(0, 2)}, Piece{Kind::zero, blocks(2, 3), {}}));
}

TEST(DeltaPlan, AChangedFileIsComparedWithWhatItWas) {
    const std::string old = root_of({1, 2, 3, 10, 11}), now = root_of({1, 2, 3, 4, 20, 21});
    EXPECT_THAT(pieces(old, {file("f", 3, 2)}, now, {file("f", 4, 2)}),
                ElementsAre(Piece{Kind::copy, blocks(0, 3), blocks(0, 3)}, Piece{Kind::patch, blocks(3, 3), blocks(3, 2)}));
}

TEST(DeltaPlan, AFileWhoseVersionChangedIsComparedWithItsPredecessor) {
    const std::string old = root_of({1, 2, 10, 3, 4}), now = root_of({1, 2, 3, 4, 20});
    EXPECT_THAT(pieces(old, {file("lib/6.12.117/x.ko", 2, 1)}, now, {file("lib/6.12.118/x.ko", 4, 1)}),
                ElementsAre(Piece{Kind::copy, blocks(0, 2), blocks(0, 2)}, Piece{Kind::copy, blocks(2, 2), blocks(3, 2)},
                            Piece{Kind::patch, blocks(4, 1), blocks(2, 1)}));
}

TEST(DeltaPlan, KnowsWhichFilesAreWhatTheyWere) {
    const std::string old = root_of({1, 2, 3}), now = root_of({2, 1, 4});
    const Plan planned = plan({bytes_of(old), {file("a", 0, 1), file("b", 1, 1), file("c", 2, 1)}},
                              {bytes_of(now), {file("a", 1, 1), file("b", 0, 1), file("c", 2, 1), file("d", 0, 1)}}, short_runs);
    EXPECT_THAT(planned.kept, ElementsAre(true, true, false, false));
    EXPECT_THAT(planned.changed, ElementsAre(false, false, true));
}

TEST(DeltaPlan, WhatWasNowhereIsData) {
    EXPECT_THAT(pieces(root_of({1}), {}, root_of({2, 3}), {}), ElementsAre(Piece{Kind::data, blocks(0, 2), {}}));
}

TEST(DeltaPlan, ChangesThatLieFarApartInTheOldRootAreLookedAtApart) {
    std::vector<unsigned> seeds(3000);
    for (unsigned i = 0; i < seeds.size(); ++i) seeds[i] = i + 1;
    const std::string old = root_of(seeds), now = root_of({9001, 9002, 9003});
    EXPECT_THAT(pieces(old, {file("a", 0, 1), file("b", 2000, 1), file("c", 2001, 1)}, now, {file("a", 0, 1), file("b", 1, 1), file("c", 2, 1)}),
                ElementsAre(Piece{Kind::patch, blocks(0, 1), blocks(0, 1)}, Piece{Kind::patch, blocks(1, 2), blocks(2000, 2)}));
}

TEST(DeltaPlan, VersionsInPathsDoNotCount) {
    EXPECT_EQ(without_versions("usr/lib/modules/6.12.118+deb13/kernel/x.ko"), without_versions("usr/lib/modules/6.12.9+deb13/kernel/x.ko"));
    EXPECT_NE(without_versions("a/b"), without_versions("a/c"));
    EXPECT_EQ(without_versions("v12b3"), "v#b#");
}

TEST(DeltaPlan, AFullFileCoversEverything) {
    const std::string now = root_of({1, 0, 0, 2, 3});
    EXPECT_THAT(plan_full(bytes_of(now), 2 * block).pieces,
                ElementsAre(Piece{Kind::data, blocks(0, 2), {}}, Piece{Kind::data, blocks(2, 2), {}}, Piece{Kind::data, blocks(4, 1), {}}));
}

// Roots of few different blocks in any order, files anywhere: the new root comes out.
RC_GTEST_PROP(DeltaPlan, MakesAnyRootOfAnyOther, ()) {
    const auto seeds = rc::gen::nonEmpty(rc::gen::container<std::vector<unsigned>>(rc::gen::inRange<unsigned>(0, 12)));
    const std::string old = root_of(*seeds);
    std::string now = root_of(*seeds);
    const auto flips = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, now.size()));
    for (const std::size_t at : flips) now[at] = static_cast<char>(now[at] + 1);
    const auto files_in = [](const std::string& root) {
        std::vector<PlacedFile> files;
        for (std::uint64_t at = 0, i = 0; at + 1 < root.size(); at += 5000, ++i) files.push_back({"f" + std::to_string(i % 3) + std::string(i, 'x'), {{at, std::min<std::uint64_t>(4500, root.size() - at)}}});
        return files;
    };
    const Plan planned = plan({bytes_of(old), files_in(old)}, {bytes_of(now), files_in(now)}, short_runs);
    RC_ASSERT(made_of(old, now, planned) == now);
}
