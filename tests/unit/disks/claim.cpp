#include <disks/claim.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <disks/inventory.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::disks;

namespace {

class ClaimOnDisk : public testing::Test {
protected:
    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path device = directory.path() / "disk";
};

TEST_F(ClaimOnDisk, IsThereUntilItIsTakenAway) {
    const std::string before(4U << 20U, 'x');
    write_file(device, before);
    EXPECT_EQ(claim_on(device), std::nullopt);
    for (const auto what : {Claim::whole_disk, Claim::in_place}) {
        claim(device, what);
        EXPECT_EQ(claim_on(device), what);
        // docs/formats/node-disk.md
        std::string expected = before;
        expected.replace(524288, 4096, std::string(what == Claim::in_place ? "ASHLINST\x02\0\0\0" : "ASHLINST\x01\0\0\0", 12) + std::string(4084, '\0'));
        EXPECT_TRUE(read_file(device) == expected);
    }
    release(device);
    EXPECT_EQ(claim_on(device), std::nullopt);
}

TEST_F(ClaimOnDisk, MakesADiskBlankWhateverIsOnIt) {
    write_file(device, "precious" + std::string(4U << 20U, '\0'));
    Disk disk{.name = "sda", .device = device, .size = 4U << 20U};
    look_inside(disk);
    EXPECT_EQ(disk.content, Content::foreign);
    claim(device, Claim::whole_disk);
    look_inside(disk);
    EXPECT_EQ(disk.content, Content::unfinished);
    EXPECT_EQ(disk.carries, "an installation that was cut off");
}

TEST_F(ClaimOnDisk, StaysWhenTheTableIsErased) {
    constexpr std::size_t mib = 1U << 20U;
    write_file(device, std::string(4 * mib, 'x'));
    claim(device, Claim::whole_disk);
    erase_table(device);
    EXPECT_EQ(claim_on(device), Claim::whole_disk);
    std::string expected = std::string(mib, '\0') + std::string(2 * mib, 'x') + std::string(mib, '\0');
    expected.replace(524288, 12, std::string("ASHLINST\x01\0\0\0", 12));
    EXPECT_TRUE(read_file(device) == expected);
    write_file(device, std::string(mib, 'x'));
    EXPECT_THROW(erase_table(device), Error);
}

TEST_F(ClaimOnDisk, IsNotOnADiskThatIsTooSmallForIt) {
    write_file(device, "");
    EXPECT_EQ(claim_on(device), std::nullopt);
}

} // namespace
