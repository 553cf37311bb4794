#include <node/layout.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

node::Slot medium() {
    return {.root = {.device = "/dev/sda2", .type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", .id = "00112233-4455-6677-8899-aabbccddeeff"},
            .verity = {.device = "/dev/sda3", .type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", .id = "ffeeddcc-bbaa-9988-7766-554433221100"},
            .root_size = 300 * mib,
            .verity_size = 3 * mib,
            .release = "R0.3"};
}

TEST(Layout, HasEachPartitionInItsOrder) {
    std::vector<std::string> names;
    for (const auto& [name, text] : node::definitions(medium(), node::Var::plain)) names.push_back(name);
    EXPECT_THAT(names, ElementsAre("10-esp.conf", "20-state.conf", "30-root-a.conf", "40-verity-a.conf", "50-root-b.conf", "60-verity-b.conf", "70-var.conf"));
}

TEST(Layout, CopiesTheMediumIntoSlotAUnderItsOwnIdentifiers) {
    EXPECT_EQ(node::definitions(medium(), node::Var::plain).at("30-root-a.conf"),
              "[Partition]\nType=4f68bce3-e8cd-4db1-96e7-fbcaf984b709\nLabel=root_R0.3\nSizeMinBytes=805306368\nSizeMaxBytes=805306368\n"
              "UUID=00112233-4455-6677-8899-aabbccddeeff\nCopyBlocks=/dev/sda2\n");
    EXPECT_EQ(node::definitions(medium(), node::Var::plain).at("50-root-b.conf"),
              "[Partition]\nType=4f68bce3-e8cd-4db1-96e7-fbcaf984b709\nLabel=_empty\nSizeMinBytes=805306368\nSizeMaxBytes=805306368\n");
}

// Twice the root, and whole steps: a release that grows a little must not need another layout.
TEST(Layout, LeavesRoomForLaterReleases) {
    auto small = medium();
    small.root_size = 10 * mib;
    EXPECT_THAT(node::definitions(small, node::Var::plain).at("50-root-b.conf"), HasSubstr("SizeMinBytes=268435456\n"));
    EXPECT_EQ(node::minimum_size(small), (1024 + 64 + 2 * (256 + 4) + 2048 + 4) * mib);
}

TEST(Layout, EncryptsByAKeyFile) {
    EXPECT_EQ(node::definitions(medium(), node::Var::encrypted).at("70-var.conf"),
              "[Partition]\nType=var\nLabel=var\nSizeMinBytes=2147483648\nFormat=ext4\nEncrypt=key-file\n");
    EXPECT_EQ(node::definitions(medium(), node::Var::plain).at("70-var.conf"), "[Partition]\nType=var\nLabel=var\nSizeMinBytes=2147483648\nFormat=ext4\n");
}

// What is on the medium keeps its size and is never made anew; what is added is, when it was added before.
TEST(Layout, InPlaceAddsBehindTheMedium) {
    const auto definitions = node::definitions_in_place(medium(), node::Var::plain);
    std::vector<std::string> names, anew;
    for (const auto& [name, text] : definitions) {
        names.push_back(name);
        if (text.find("FactoryReset=yes\n") != text.npos) anew.push_back(name);
    }
    EXPECT_THAT(names, ElementsAre("10-esp.conf", "20-root.conf", "30-verity.conf", "40-state.conf", "50-root-a.conf", "60-verity-a.conf", "70-root-b.conf",
                                   "80-verity-b.conf", "90-var.conf"));
    EXPECT_EQ(anew, (std::vector<std::string>(names.begin() + 3, names.end())));
    EXPECT_EQ(definitions.at("20-root.conf"), "[Partition]\nType=4f68bce3-e8cd-4db1-96e7-fbcaf984b709\nSizeMinBytes=314572800\nSizeMaxBytes=314572800\n");
    EXPECT_THAT(definitions.at("50-root-a.conf"), HasSubstr("Label=_empty\nSizeMinBytes=805306368\nSizeMaxBytes=805306368\n"));
    EXPECT_EQ(node::minimum_size_in_place(medium(), 400 * mib), (400 + 64 + 2 * (768 + 12) + 2048 + 4) * mib);
}

TEST(Layout, OfANewVarTouchesNothingElse) {
    EXPECT_EQ(node::definitions_of_var(node::Var::encrypted),
              (node::Definitions{{"70-var.conf", "[Partition]\nType=var\nLabel=var\nSizeMinBytes=2147483648\nFormat=ext4\nEncrypt=key-file\nFactoryReset=yes\n"}}));
    EXPECT_THAT(node::repart_command(node::Table::kept, "/run/repart.d", "/dev/sda", "/run/key"),
                ElementsAre("systemd-repart", "--dry-run=no", "--discard=no", "--seed=random", "--factory-reset=yes", "--definitions=/run/repart.d", "--key-file=/run/key", "/dev/sda"));
    EXPECT_THAT(node::repart_command(node::Table::anew, "/run/repart.d", "/dev/sda", std::nullopt),
                ElementsAre("systemd-repart", "--dry-run=no", "--discard=no", "--seed=random", "--empty=force", "--definitions=/run/repart.d", "/dev/sda"));
}

} // namespace
