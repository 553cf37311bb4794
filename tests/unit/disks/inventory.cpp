#include <disks/inventory.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::disks;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace {

constexpr const char* esp = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
constexpr const char* state = "8e3b1c5a-6d0f-4a5e-9a44-3f6c2d1b7e90";

// A machine as the kernel and udev show it, with regular files for devices.
class Inventory : public testing::Test {
protected:
    Inventory() {
        for (const char* name : {"sys/block", "sys/devices", "run/udev/data", "dev"}) fs::create_directories(root / name);
    }
    void file(const fs::path& path, std::string_view text) const {
        fs::create_directories((root / path).parent_path());
        write_file(root / path, text);
    }
    // `path` below /sys/devices is where its hardware is.
    void disk(const std::string& name, const std::string& path, std::uint64_t mib, const std::string& number) const {
        const fs::path device = fs::path("sys/devices") / path / "block" / name;
        file(device / "size", std::to_string(mib * 2048) + "\n");
        file(device / "dev", number + "\n");
        file(device / "ro", "0\n");
        file(device / "queue/logical_block_size", "4096\n");
        file(device / "device/model", "ACME  \n");
        fs::create_directories(root / device / "holders");
        fs::create_directory_symlink(root / device, root / "sys/block" / name);
        const Fd made = open_file(root / "dev" / name, O_RDWR | O_CREAT);
        ASSERT_EQ(::ftruncate(made.get(), static_cast<off_t>(mib << 20U)), 0);
    }
    void partition(const std::string& disk, const std::string& name, int index, const std::string& number, const std::string& udev) const {
        const fs::path device = fs::canonical(root / "sys/block" / disk).lexically_relative(root) / name;
        file(device / "partition", std::to_string(index) + "\n");
        file(device / "dev", number + "\n");
        file("run/udev/data/b" + number, udev);
    }
    void started_from_partition(std::string_view id) const {
        std::string raw("\x07\0\0\0", 4);
        for (const char c : id) raw += {c, '\0'};
        file("sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", raw + std::string(2, '\0'));
    }
    TemporaryDirectory directory{testing::TempDir()};
    fs::path root = fs::canonical(directory.path());
};

TEST_F(Inventory, KnowsABlankDisk) {
    disk("vda", "pci0/virtio3", 4, "254:0");
    file("run/udev/data/b254:0", "E:ID_SERIAL_SHORT=S1\nE:ID_WWN=0x5000\nI:12\n");
    auto disks = inventory(root);
    ASSERT_THAT(disks, SizeIs(1));
    look_inside(disks[0]);
    EXPECT_EQ(disks[0], (Disk{.name = "vda", .device = root / "dev/vda", .bus = Bus::virtio, .model = "ACME", .serial = "S1", .wwn = "0x5000",
                              .size = 4U << 20U, .sector_size = 4096, .content = Content::blank}));
}

// A file that is there and cannot be read: `wwid` of many USB sticks.
TEST_F(Inventory, GoesOnWithoutWhatADeviceDoesNotTell) {
    disk("sda", "pci0/usb1/1-1/host3/target3", 4, "1:1");
    fs::create_directories(root / "sys/block/sda/device/wwid");
    const auto disks = inventory(root);
    ASSERT_THAT(disks, SizeIs(1));
    EXPECT_EQ(disks[0].wwn, "");
}

TEST_F(Inventory, NamesWhatADiskCarries) {
    disk("vda", "pci0/virtio3", 4, "254:0");
    run_checked({.argv = {"mkswap", (root / "dev/vda").native()}});
    auto disks = inventory(root);
    look_inside(disks.at(0));
    EXPECT_EQ(disks[0].content, Content::foreign);
    EXPECT_EQ(disks[0].carries, "swap");
}

TEST_F(Inventory, TellsBusesApart) {
    disk("nvme0n1", "pci0/nvme/nvme0", 4, "1:0");
    disk("sda", "pci0/ata1/host0/target0", 4, "1:1");
    disk("sdb", "pci0/usb1/1-1/host3/target3", 4, "1:2");
    disk("sdc", "pci0/host4/rport-4:0-0/target4", 4, "1:3");
    disk("sdd", "platform/host5/session1/target5", 4, "1:4");
    disk("sde", "pci0/host6/port-6:0/end_device-6:0", 4, "1:5");
    disk("sdf", "pci0/virtio2/host7/target7", 4, "1:6");
    std::vector<std::string_view> buses;
    for (const auto& disk : inventory(root)) buses.push_back(name_of(disk.bus));
    EXPECT_THAT(buses, ElementsAre("nvme", "sata", "usb", "fibre-channel", "iscsi", "sas", "virtio"));
}

TEST_F(Inventory, SeesWhatADiskCarries) {
    disk("sda", "ata1", 8, "8:0");
    partition("sda", "sda1", 1, "8:1", std::string("E:ID_PART_ENTRY_TYPE=") + esp + "\nE:ID_PART_ENTRY_UUID=AB-1\nE:ID_FS_TYPE=vfat\n");
    partition("sda", "sda2", 2, "8:2", std::string("E:ID_PART_ENTRY_TYPE=") + state + "\nE:ID_PART_ENTRY_NAME=state\n");
    const Fd made = open_file(root / "dev/sda2", O_RDWR | O_CREAT);
    ASSERT_EQ(::ftruncate(made.get(), static_cast<off_t>(state::partition_size)), 0);
    write_file(root / "dev/sda", "head" + std::string(8U << 20U, '\0'));
    disk("sdb", "ata2", 8, "8:16");
    write_file(root / "dev/sdb", "precious" + std::string(8U << 20U, '\0'));
    disk("sdc", "ata3", 8, "8:32");
    fs::create_directory(root / "sys/block/sdc/holders/dm-0");
    auto disks = inventory(root);
    ASSERT_THAT(disks, SizeIs(3));
    for (auto& disk : disks) look_inside(disk);
    EXPECT_EQ(disks[0].content, Content::unfinished);
    state::write(root / "dev/sda2", {{"format", 1}});
    look_inside(disks[0]);
    EXPECT_EQ(disks[0].content, Content::ours);
    const Fd broken = open_file(root / "dev/sda2", O_RDWR);
    ASSERT_EQ(::pwrite(broken.get(), "x", 1, 0), 1);
    look_inside(disks[0]);
    EXPECT_EQ(disks[0].content, Content::ours); // lost, but it was there
    EXPECT_EQ(disks[0].carries, "vfat");
    EXPECT_EQ(disks[0].partitions[1].label, "state");
    EXPECT_EQ(disks[1].content, Content::foreign);
    EXPECT_EQ(disks[1].carries, "data of an unknown kind");
    EXPECT_THAT(disks[2].held_by, ElementsAre("dm-0"));
}

// An image that was written to the system disk, and a stick with the same image left in.
TEST_F(Inventory, PrefersTheNodeAmongCopiesOfItsMedium) {
    started_from_partition("ab-1");
    disk("sda", "ata1", 8, "8:0");
    disk("sdb", "ata2", 8, "8:16");
    partition("sda", "sda1", 1, "8:1", "E:ID_PART_ENTRY_UUID=ab-1\n");
    partition("sdb", "sdb1", 1, "8:17", "E:ID_PART_ENTRY_UUID=ab-1\n");
    partition("sdb", "sdb2", 2, "8:18", std::string("E:ID_PART_ENTRY_TYPE=") + state + "\n");
    const auto disks = inventory(root);
    ASSERT_NE(started_from(disks), nullptr);
    EXPECT_EQ(started_from(disks)->name, "sdb");
}

TEST_F(Inventory, FindsTheDiskThatTheNodeWasStartedFrom) {
    EXPECT_EQ(boot_partition_id(root), "");
    started_from_partition("AB-1");
    disk("sda", "ata1", 8, "8:0");
    disk("sdb", "ata2", 8, "8:16");
    partition("sdb", "sdb1", 1, "8:17", "E:ID_PART_ENTRY_UUID=ab-1\n");
    auto disks = inventory(root);
    ASSERT_NE(started_from(disks), nullptr);
    EXPECT_EQ(started_from(disks)->name, "sdb");
    partition("sda", "sda1", 1, "8:1", "E:ID_PART_ENTRY_UUID=ab-1\n");
    disks = inventory(root);
    try {
        (void)started_from(disks);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot tell which disk the node was started from: 'sda' and 'sdb' are copies of one medium\n"
                                  "  hint: take one of them out");
    }
}

TEST_F(Inventory, CountsADiskOnceHoweverManyPathsLeadToIt) {
    disk("sda", "pci0/host4/rport-4:0-0/target4", 8, "8:0");
    disk("sdb", "pci0/host5/rport-5:0-0/target5", 8, "8:16");
    disk("sdc", "pci0/host5/rport-5:0-1/target5", 8, "8:32");  // another volume of the same array
    disk("sdd", "pci0/host5/rport-5:0-2/target5", 16, "8:48"); // says it is the first, and is another size
    disk("sde", "pci0/usb1/1-1/host6/target6", 8, "8:64");
    disk("sdf", "pci0/usb1/1-2/host7/target7", 8, "8:80");
    for (const char* number : {"8:0", "8:16", "8:48", "8:64", "8:80"}) file(std::string("run/udev/data/b") + number, "E:ID_SERIAL_SHORT=A\nE:ID_WWN=0x6001\n");
    file("run/udev/data/b8:32", "E:ID_SERIAL_SHORT=A\nE:ID_WWN=0x6002\n");
    fs::create_directory(root / "sys/block/sdb/holders/dm-0");
    const auto disks = inventory(root);
    std::vector<std::string> names;
    for (const auto& disk : disks) names.push_back(disk.name);
    EXPECT_THAT(names, ElementsAre("sda", "sdc", "sdd", "sde", "sdf"));
    EXPECT_THAT(disks[0].other_paths, ElementsAre("sdb"));
    EXPECT_THAT(disks[0].held_by, ElementsAre("dm-0")); // whoever holds one path holds the disk
}

// The node's own disk by two paths is no copy of it.
TEST_F(Inventory, IsStartedFromADiskWithTwoPaths) {
    started_from_partition("ab-1");
    for (const auto& [name, number] : {std::pair{"sda", "8:0"}, std::pair{"sdb", "8:16"}}) {
        disk(name, std::string("pci0/") + name + "/rport-1", 8, number);
        file(std::string("run/udev/data/b") + number, "E:ID_SERIAL_SHORT=A\nE:ID_WWN=0x6001\n");
        partition(name, std::string(name) + "1", 1, std::string("9:") + name, "E:ID_PART_ENTRY_UUID=ab-1\n");
    }
    const auto disks = inventory(root);
    ASSERT_NE(started_from(disks), nullptr);
    EXPECT_EQ(started_from(disks)->name, "sda");
}

TEST_F(Inventory, LeavesOutWhatIsNoDisk) {
    disk("sr0", "ata1", 8, "11:0");
    disk("vdb", "virtio4", 8, "254:16");
    fs::remove(root / "dev/vdb");
    fs::create_directories(root / "sys/devices/virtual/block/loop0");
    fs::create_directory_symlink(root / "sys/devices/virtual/block/loop0", root / "sys/block/loop0");
    EXPECT_THAT(inventory(root), SizeIs(0));
}

} // namespace
