// What lies on disks, with files for devices; and the file that says so.

#include <disks/disks_file.hpp>
#include <disks/survey.hpp>

#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::disks;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

constexpr const char* site_id = "0123456789abcdef0123456789abcdef";
constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

class SurveyTest : public testing::Test {
protected:
    SurveyTest() {
        for (const char* name : {"sys/block", "run/udev/data", "dev/disk/by-id", "proc/self"}) fs::create_directories(root / name);
        disk("nvme0n1");
    }
    void disk(const std::string& name) const {
        const fs::path about = root / "sys/devices/pci0/nvme/nvme0/block" / name;
        fs::create_directories(about / "device");
        fs::create_directories(about / "queue");
        write_file(about / "size", std::to_string(8 * mib / 512));
        write_file(about / "dev", "259:0\n");
        write_file(about / "queue/rotational", "1\n");
        write_file(about / "device/serial", "S1\n");
        fs::create_directory_symlink(about, root / "sys/block" / name);
        const Fd made = open_file(root / "dev" / name, O_RDWR | O_CREAT);
        ASSERT_EQ(::ftruncate(made.get(), static_cast<off_t>(8 * mib)), 0);
    }
    void put(std::uint64_t offset, std::string_view text) const {
        const Fd file = open_file(root / "dev/nvme0n1", O_WRONLY);
        ASSERT_EQ(::pwrite(file.get(), text.data(), text.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(text.size()));
    }
    DataDisk looked() {
        const auto found = survey.look();
        EXPECT_THAT(found, SizeIs(1));
        return found.at(0);
    }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path root = fs::canonical(directory.path());
    Survey survey{site_mark(site_id), Devices::hardware, root};
};

TEST_F(SurveyTest, ABlankDiskHoldsNothingUntilSomebodyWrites) {
    EXPECT_EQ(looked().holds, Holds::nothing);
    EXPECT_TRUE(looked().is_rotational);
    put(512 * 1024, "a file");
    EXPECT_EQ(looked().holds, Holds::foreign);
    EXPECT_EQ(looked().disk.carries, "data of an unknown kind");
    put(300 * 1024, site_mark(site_id));
    EXPECT_EQ(looked().holds, Holds::ours);
    EXPECT_THAT(looked().disk.carries, IsEmpty());
}

TEST_F(SurveyTest, TheMarkIsThatOfThisSiteAndInTheFirstMebibyte) {
    put(4096, "ashlar-site:ffffffffffffffffffffffffffffffff");
    EXPECT_EQ(looked().holds, Holds::foreign);
    put(mib + 4096, site_mark(site_id));
    EXPECT_EQ(looked().holds, Holds::foreign);
    put(mib - site_mark(site_id).size(), site_mark(site_id));
    EXPECT_EQ(looked().holds, Holds::ours);
}

TEST_F(SurveyTest, WhatOthersWroteIsNamed) {
    run_checked({.argv = {"mkswap", (root / "dev/nvme0n1").native()}});
    EXPECT_EQ(looked().holds, Holds::foreign);
    EXPECT_EQ(looked().disk.carries, "swap");
}

TEST_F(SurveyTest, ADiskOfANodeIsNotLookedAt) {
    const fs::path part = root / "sys/block/nvme0n1/nvme0n1p1";
    fs::create_directories(part);
    write_file(part / "partition", "1\n");
    write_file(part / "dev", "259:1\n");
    write_file(root / "run/udev/data/b259:1", "E:ID_PART_ENTRY_TYPE=8E3B1C5A-6D0F-4A5E-9A44-3F6C2D1B7E90\n");
    EXPECT_TRUE(looked().is_node);
}

TEST_F(SurveyTest, ItIsCalledByANameThatStays) {
    EXPECT_TRUE(looked().link.empty());
    for (const char* link : {"nvme-ACME_S1", "wwn-0x5000", "dm-name-x"}) fs::create_symlink("../../nvme0n1", root / "dev/disk/by-id" / link);
    EXPECT_EQ(looked().link, root / "dev/disk/by-id/wwn-0x5000");
}

TEST_F(SurveyTest, WhatCannotBeReadIsSaid) {
    fs::remove(root / "dev/nvme0n1");
    fs::create_directory(root / "dev/nvme0n1"); // opens, and reads as an error
    const auto disk = looked();
    EXPECT_EQ(disk.holds, Holds::foreign);
    EXPECT_THAT(disk.trouble, HasSubstr("nvme0n1"));
}

TEST_F(SurveyTest, AFileSaysItAndFollowsThePlan) {
    std::mutex mutex;
    std::optional<DisksFile::Wanted> wanted;
    const fs::path file = root / "disks.json";
    DisksFile writer({.file = file, .devices = Devices::loops, .wanted = [&] { const std::lock_guard lock(mutex); return wanted; }, .root = root, .every = std::chrono::milliseconds(20)});
    const auto comes = [&](const std::function<bool()>& holds) {
        for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10)))
            if (holds()) return true;
        return false;
    };
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    EXPECT_FALSE(fs::exists(file)) << "the site is not known";
    {
        const std::lock_guard lock(mutex);
        wanted = DisksFile::Wanted{.site = site_id, .rules = {{"ceph", {site::DataDisks{.min = 1, .max = {}, .roles = {}}}}}, .roles = {}};
    }
    writer.wake();
    ASSERT_TRUE(comes([&] { return fs::exists(file); }));
    EXPECT_EQ(Json::parse(read_file(file)).at("sets").at("ceph"), (Json{{"min", 1}, {"disks", Json::array()}}));
    // It must not be taken for a node without disks.
    fs::remove_all(root / "dev");
    EXPECT_TRUE(comes([&] { return Json::parse(read_file(file)).contains("trouble"); }));
    EXPECT_FALSE(Json::parse(read_file(file)).contains("sets"));
}

} // namespace
