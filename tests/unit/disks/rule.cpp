#include <disks/rule.hpp>

#include <gmock/gmock.h>

using namespace ashlar::disks;
using testing::ElementsAre;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

Disk disk(std::string name, Bus bus = Bus::sata) {
    return {.name = name, .device = "/dev/" + name, .bus = bus, .model = "ACME 9000", .serial = "S" + name, .size = 100 * gib, .content = Content::blank};
}

std::string chosen(const Choice& choice) {
    const auto* found = std::get_if<Chosen>(&choice);
    return found == nullptr ? "none: " + std::get<Undecided>(choice).reason : found->disk.name;
}

std::vector<std::string> reasons(const Choice& choice) {
    std::vector<std::string> all;
    for (const auto& refusal : std::get<Undecided>(choice).refusals) all.push_back(refusal.disk + ": " + refusal.reason);
    return all;
}

TEST(Rule, MeansTheOnlyDisk) { EXPECT_EQ(chosen(choose({}, {disk("sda")}, gib)), "sda"); }

TEST(Rule, ThatMeansTwoDisksMeansNone) {
    const auto choice = choose({}, {disk("sda"), disk("sdb")}, gib);
    EXPECT_EQ(chosen(choice), "none: 2 disks match the rule, and it must mean one");
    EXPECT_THAT(reasons(choice), ElementsAre("sda (sata, 107.4 GB): it matches", "sdb (sata, 107.4 GB): it matches"));
}

TEST(Rule, PicksByEachOfItsKeys) {
    Disk other = disk("sdb");
    other.model = "Other";
    other.wwn = "eui.0025";
    other.size = 300 * gib;
    const std::vector disks{disk("sda"), other, disk("nvme0n1", Bus::nvme)};
    EXPECT_EQ(chosen(choose({.buses = {Bus::nvme}}, disks, gib)), "nvme0n1");
    EXPECT_EQ(chosen(choose({.model = "Oth*"}, disks, gib)), "sdb");
    EXPECT_EQ(chosen(choose({.serial = "Ssda"}, disks, gib)), "sda");
    EXPECT_EQ(chosen(choose({.wwn = "eui.*"}, disks, gib)), "sdb");
    EXPECT_EQ(chosen(choose({.min_size = 200 * gib}, disks, gib)), "sdb");
    EXPECT_EQ(chosen(choose({.buses = {Bus::sata}, .max_size = 200 * gib}, disks, gib)), "sda");
}

TEST(Rule, NeverMeansWhatCannotBeInstalledOn) {
    Disk started = disk("a"), protected_disk = disk("b"), held = disk("c"), empty = disk("d"), small = disk("e");
    started.started_from = true;
    protected_disk.read_only = true;
    held.held_by = {"dm-0", "md1"};
    empty.size = 0;
    small.size = gib / 2;
    EXPECT_THAT(reasons(choose({.wipe = Wipe::always}, {started, protected_disk, held, empty, small}, gib)),
                ElementsAre("a (sata, 107.4 GB): the node was started from it", "b (sata, 107.4 GB): it is read-only",
                            "c (sata, 107.4 GB): it is part of dm-0, md1", "d (sata, 0 B): it has no medium",
                            "e (sata, 536.9 MB): it is too small: 1.1 GB are needed"));
}

TEST(Rule, OtherPeoplesDisksMustBeNamed) {
    for (const Bus bus : {Bus::usb, Bus::fibre_channel, Bus::iscsi}) {
        EXPECT_EQ(chosen(choose({}, {disk("x", bus)}, gib)), "none: no disk matches the rule");
        EXPECT_EQ(chosen(choose({.buses = {bus}}, {disk("x", bus)}, gib)), "x");
    }
}

TEST(Rule, WipesOnlyWhatItMay) {
    Disk ours = disk("sda"), foreign = disk("sda");
    ours.content = Content::ours;
    ours.carries = "gpt, ext4";
    foreign.content = Content::foreign;
    foreign.carries = "LVM2_member";
    EXPECT_EQ(chosen(choose({.wipe = Wipe::if_blank}, {ours}, gib)), "none: sda may not be wiped");
    EXPECT_EQ(chosen(choose({.wipe = Wipe::if_ours}, {ours}, gib)), "sda");
    Disk unfinished = ours;
    unfinished.content = Content::unfinished;
    EXPECT_EQ(chosen(choose({.wipe = Wipe::if_blank}, {unfinished}, gib)), "sda");
    EXPECT_EQ(chosen(choose({.wipe = Wipe::if_ours}, {foreign}, gib)), "none: sda may not be wiped");
    EXPECT_EQ(chosen(choose({.wipe = Wipe::always}, {foreign}, gib)), "sda");
    EXPECT_THAT(reasons(choose({.wipe = Wipe::if_ours}, {foreign}, gib)),
                ElementsAre("sda (sata, 107.4 GB): it carries LVM2_member, and wipe is \"if-ours\""));
}

// A disk with data beside a blank one: the rule does not say which is meant.
TEST(Rule, ABlankDiskIsNotPreferredToOneWithData) {
    Disk foreign = disk("sda");
    foreign.content = Content::foreign;
    EXPECT_EQ(chosen(choose({}, {foreign, disk("sdb")}, gib)), "none: 2 disks match the rule, and it must mean one");
}

} // namespace
