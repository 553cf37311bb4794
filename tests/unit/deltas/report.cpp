#include <deltas/report.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::deltas;
using delta::Kind;

namespace {

constexpr std::uint64_t block = delta::block_size;

Digest digest_of(unsigned byte) {
    Digest::Bytes bytes;
    bytes.fill(static_cast<std::byte>(byte));
    return Digest(bytes);
}

// Six blocks: two of a, one of inodes with a tail of b and a file that is what it was, two of b, one of zeros.
struct DeltaReport : testing::Test {
    Bytes bytes = Bytes(6 * block);
    Side side{bytes,
              {{"usr/bin/a", {{0, 2 * block}}}, {"usr/lib/b", {{3 * block, 2 * block}, {2 * block + 64, 1024}}}, {"kept", {{2 * block + 2048, 1024}}}}};
    Plan plan{{}, {false, true, true, true, true, false}, {false, false, true}};

    Report report(std::optional<Digest> from = digest_of(1)) {
        Report made({.from = from, .to = digest_of(2), .now = side, .package_of = [](const std::string& path) { return path == "usr/bin/a" ? "alpha" : std::string(); }});
        made.add({Kind::copy, {0, block}, {0, block}}, 0, plan);
        made.add({Kind::patch, {block, 2 * block}, {block, block}}, 1000, plan);
        made.add({Kind::data, {3 * block, 2 * block}, {}}, 3000, plan);
        made.add({Kind::zero, {5 * block, block}, {}}, 0, plan);
        made.file = "ashlar_base_R0.0-R0.1_amd64.delta";
        made.size = 4700;
        return made;
    }
};

} // namespace

TEST_F(DeltaReport, SaysWhatItConsistsOfAndWhoseItIs) {
    EXPECT_EQ(report().to_text(), "ashlar_base_R0.0-R0.1_amd64.delta  4.7 kB for a root of 24.6 kB\n"
                                  "  zero        1 operations make     4.1 kB from        0 B\n"
                                  "  copy        1 operations make     4.1 kB from        0 B\n"
                                  "  patch       1 operations make     8.2 kB from     1.0 kB\n"
                                  "  data        1 operations make     8.2 kB from     3.0 kB\n"
                                  "packages\n"
                                  "      3.1 kB  (no package)\n"
                                  "       500 B  alpha\n"
                                  "       375 B  (directories and inodes)\n"
                                  "files\n"
                                  "      3.1 kB  usr/lib/b\n"
                                  "       500 B  usr/bin/a\n"
                                  "       375 B  (directories and inodes)\n");
    Report full = report(std::nullopt);
    full.tree = 4096;
    full.blocks = 12345;
    EXPECT_THAT(full.to_text(), testing::HasSubstr("\n  data        1 operations make     8.2 kB from     3.0 kB\n"
                                                   "  tree                                            4.1 kB\n"
                                                   "  blocks                                         12.3 kB  what a node with the old root fetches of it\n"
                                                   "packages\n"));
    EXPECT_EQ(report().top(), "(no package) 3.1 kB, alpha 500 B, (directories and inodes) 375 B");
}

TEST_F(DeltaReport, SaysItToPrograms) {
    const Json json = report().to_json();
    EXPECT_EQ(json.at("from"), digest_of(1).hex());
    EXPECT_EQ(json.at("to"), digest_of(2).hex());
    EXPECT_EQ(json.at("size"), 4700);
    EXPECT_EQ(json.at("root"), 6 * block);
    EXPECT_EQ(json.at("operations").at("patch"), (Json{{"count", 1}, {"makes", 2 * block}, {"bytes", 1000}}));
    EXPECT_EQ(json.at("files").at(1), (Json{{"name", "usr/bin/a"}, {"package", "alpha"}, {"bytes", 500}}));
    EXPECT_TRUE(report(std::nullopt).to_json().at("from").is_null());
}

TEST_F(DeltaReport, SharesAddUpToWhatWasPacked) {
    std::uint64_t sum = 0;
    for (const Share& share : report().files()) sum += share.bytes;
    EXPECT_EQ(sum, 4000U);
}
