// /var made anew by systemd-repart on a disk that has everything else.

#include <node/layout.hpp>

#include <base/file.hpp>
#include <base/process.hpp>
#include <gpt/table.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

class NewVar : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: systemd-repart formats by a loop device, which needs root";
        const Fd file = open_file(disk, O_RDWR | O_CREAT);
        ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(4 * gib)), 0);
        run_checked({.argv = {"/sbin/sfdisk", "--quiet", disk.native()},
                     .input = "label: gpt\nsize=64MiB, type=uefi, name=esp\nsize=64MiB, type=8e3b1c5a-6d0f-4a5e-9a44-3f6c2d1b7e90, name=state\n"
                              "size=256MiB, type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709, name=root_R0.0\nsize=4MiB, type=2c7357ed-ebd2-46d9-aec1-23d437ec2bf5, name=verity_R0.0\n"
                              // a slot that an upgrade left half written
                              "size=256MiB, type=5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e01, name=_partial\nsize=4MiB, type=5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e02, name=_partial\n"
                              "type=4d21b016-b534-45c2-a9fb-5c16e091fd2d, name=var\n"});
    }
    void make() {
        const fs::path definitions = directory.path() / "repart.d";
        fs::create_directories(definitions);
        for (const auto& [name, text] : node::definitions_of_var(node::Var::plain)) write_file(definitions / name, text);
        run_checked({.argv = node::repart_command(node::Table::kept, definitions, disk, std::nullopt)});
    }
    [[nodiscard]] std::vector<gpt::Partition> partitions() const { return gpt::read(disk).partitions; }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path disk = directory.path() / "disk.raw";
};

TEST_F(NewVar, TakesThePlaceOfTheOldOne) {
    const auto before = partitions();
    make();
    auto after = partitions();
    ASSERT_EQ(after.size(), before.size());
    EXPECT_NE(after.back().id, before.back().id);
    EXPECT_EQ(after.back().label, "var");
    EXPECT_EQ(after.back().offset, before.back().offset);
    EXPECT_EQ(std::vector(after.begin(), after.end() - 1), std::vector(before.begin(), before.end() - 1));
    const Fd file = open_file(disk, O_RDONLY);
    unsigned char magic[2] = {};
    ASSERT_EQ(::pread(file.get(), magic, 2, static_cast<off_t>(after.back().offset + 1024 + 56)), 2); // of ext4
    EXPECT_EQ(magic[0] | magic[1] << 8, 0xEF53);
}

// Power was cut between the removal of the old one and the new table.
TEST_F(NewVar, IsMadeWhereThereIsNone) {
    const auto before = partitions();
    run_checked({.argv = {"/sbin/sfdisk", "--quiet", "--delete", disk.native(), "7"}});
    make();
    const auto after = partitions();
    ASSERT_EQ(after.size(), before.size());
    EXPECT_EQ(after.back().type, before.back().type);
    EXPECT_EQ(std::vector(after.begin(), after.end() - 1), std::vector(before.begin(), before.end() - 1));
}

} // namespace
