#include <disks/claim.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <disks/inventory.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::disks;

namespace {

class Claim : public testing::Test {
protected:
    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path device = directory.path() / "disk";
};

TEST_F(Claim, IsThereUntilItIsTakenAway) {
    const std::string before(4U << 20U, 'x');
    write_file(device, before);
    EXPECT_FALSE(is_claimed(device));
    claim(device);
    EXPECT_TRUE(is_claimed(device));
    // docs/formats/node-disk.md
    std::string expected = before;
    expected.replace(524288, 4096, std::string("ASHLINST\x01\0\0\0", 12) + std::string(4084, '\0'));
    EXPECT_TRUE(read_file(device) == expected);
    release(device);
    EXPECT_FALSE(is_claimed(device));
}

TEST_F(Claim, MakesADiskBlankWhateverIsOnIt) {
    write_file(device, "precious" + std::string(4U << 20U, '\0'));
    Disk disk{.name = "sda", .device = device, .size = 4U << 20U};
    look_inside(disk);
    EXPECT_EQ(disk.content, Content::foreign);
    claim(device);
    look_inside(disk);
    EXPECT_EQ(disk.content, Content::unfinished);
    EXPECT_EQ(disk.carries, "an installation that was cut off");
}

TEST_F(Claim, StaysWhenTheTableIsErased) {
    constexpr std::size_t mib = 1U << 20U;
    write_file(device, std::string(4 * mib, 'x'));
    claim(device);
    erase_table(device);
    EXPECT_TRUE(is_claimed(device));
    std::string expected = std::string(mib, '\0') + std::string(2 * mib, 'x') + std::string(mib, '\0');
    expected.replace(524288, 12, std::string("ASHLINST\x01\0\0\0", 12));
    EXPECT_TRUE(read_file(device) == expected);
    write_file(device, std::string(mib, 'x'));
    EXPECT_THROW(erase_table(device), Error);
}

TEST_F(Claim, IsNotOnADiskThatIsTooSmallForIt) {
    write_file(device, "");
    EXPECT_FALSE(is_claimed(device));
}

} // namespace
