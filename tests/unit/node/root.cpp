#include <node/root.hpp>

#include <base/error.hpp>
#include <signing/verity.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::Optional;

namespace {

const Digest root_hash = sha256("a release"), another = sha256("another release");

// A disk whose boot partition has the identifier `esp`, with the roots of `releases`.
disks::Disk disk(const std::string& name, const std::string& esp, const std::string& started_from, const std::vector<Digest>& releases) {
    disks::Disk made{.name = name, .device = "/dev/" + name, .started_from = esp == started_from};
    const auto add = [&](std::string id) {
        const auto number = static_cast<unsigned>(made.partitions.size() + 1);
        made.partitions.push_back({.number = number, .device = made.device.native() + std::to_string(number), .id = std::move(id)});
    };
    add(esp);
    for (const auto& release : releases) {
        add(data_partition_of(release).text());
        add(hash_partition_of(release).text());
    }
    return made;
}

TEST(Root, IsOnTheDiskThatWasStartedFrom) {
    for (const std::string started : {"stick", "disk"}) {
        const std::vector disks{disk("sda", "stick", started, {root_hash}), disk("vda", "disk", started, {another, root_hash})};
        const node::RootDevices stick{"/dev/sda2", "/dev/sda3"}, installed{"/dev/vda4", "/dev/vda5"};
        EXPECT_THAT(node::root_on(disks, started, root_hash), Optional(started == "stick" ? stick : installed));
    }
}

TEST(Root, IsTheFirstSlotWhenBothHaveIt) {
    const std::vector disks{disk("vda", "disk", "disk", {root_hash, root_hash})};
    EXPECT_THAT(node::root_on(disks, "disk", root_hash), Optional(node::RootDevices{"/dev/vda2", "/dev/vda3"}));
}

TEST(Root, OfAnotherDiskIsNotTakenInstead) {
    const std::vector disks{disk("sda", "stick", "disk", {root_hash}), disk("vda", "disk", "disk", {another})};
    EXPECT_EQ(node::root_on(disks, "disk", root_hash), std::nullopt);
    EXPECT_EQ(node::root_on({disks.front()}, "disk", root_hash), std::nullopt) << "the disk that was started from is not there yet";
}

TEST(Root, OfFirmwareThatSaysNothingIsTheOnlyOne) {
    const std::vector disks{disk("sda", "stick", "", {root_hash}), disk("vda", "disk", "", {another})};
    EXPECT_THAT(node::root_on(disks, "", root_hash), Optional(node::RootDevices{"/dev/sda2", "/dev/sda3"}));
}

TEST(Root, IsNotGuessedAmongCopies) {
    const std::vector disks{disk("sda", "stick", "", {root_hash}), disk("vda", "disk", "", {root_hash})};
    try {
        (void)node::root_on(disks, "", root_hash);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot choose a root: '/dev/sda2' and '/dev/vda2' are copies, and the firmware does not say which disk it started from\n"
                                  "  hint: take one of the disks out");
    }
}

} // namespace
