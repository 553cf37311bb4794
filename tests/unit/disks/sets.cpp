// Which disks a service may have: the rules of a plan against disks that are made up.

#include <disks/sets.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::disks;
using site::DataDisks;
using site::Wipe;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

DataDisk disk(const std::string& name, Holds holds = Holds::nothing, Bus bus = Bus::nvme, std::uint64_t size = 100 * gib) {
    return {.disk = {.name = name, .device = "/dev/" + name, .bus = bus, .model = "ACME", .serial = "S-" + name, .size = size, .carries = holds == Holds::foreign ? "ext4" : ""}, .link = {}, .holds = holds, .trouble = {}};
}
DataDisks rule(Wipe wipe = Wipe::if_ours, std::optional<unsigned> max = {}) { return {.rule = {.buses = {Bus::nvme}, .wipe = wipe}, .min = 1, .max = max, .roles = {}}; }

// "nvme0 nothing usable wipe", or why not.
std::vector<std::string> shown(const DiskSet& set) {
    std::vector<std::string> all;
    for (const auto& entry : set.disks)
        all.push_back(entry.disk.disk.name + " " + std::string(name_of(entry.disk.holds)) + (entry.is_usable ? " usable" : ": " + entry.why) + (entry.may_be_wiped ? " wipe" : ""));
    return all;
}
std::vector<std::string> shown(const DataDisks& rule, const std::vector<DataDisk>& disks) { return shown(sets_of({{"ceph", {rule}}}, {"storage"}, disks).at("ceph")); }

TEST(Sets, WhatADiskHoldsDecidesWhetherItIsGiven) {
    const std::vector<DataDisk> disks{disk("a"), disk("b", Holds::ours), disk("c", Holds::foreign)};
    EXPECT_THAT(shown(rule(Wipe::if_blank), disks), ElementsAre("a nothing usable wipe", "b ours usable", "c foreign: it carries ext4, and wipe is \"if-blank\""));
    EXPECT_THAT(shown(rule(Wipe::if_ours), disks), ElementsAre("a nothing usable wipe", "b ours usable wipe", "c foreign: it carries ext4, and wipe is \"if-ours\""));
    EXPECT_THAT(shown(rule(Wipe::always), disks), ElementsAre("a nothing usable wipe", "b ours usable wipe", "c foreign usable wipe"));
}

TEST(Sets, WhatIsInUseIsNobodysEvenWhereEverythingMayBeWiped) {
    auto node = disk("a"), mounted = disk("b"), fixed = disk("c"), part = disk("d", Holds::foreign), own = disk("e", Holds::ours), empty = disk("f"), broken = disk("g");
    node.is_node = true;
    mounted.is_mounted = true;
    fixed.disk.read_only = true;
    part.disk.held_by = {"md0"};
    own.disk.held_by = {"dm-3"};
    empty.disk.size = 0;
    broken.trouble = "cannot read '/dev/g': Input/output error";
    EXPECT_THAT(shown(rule(Wipe::always), {node, mounted, fixed, part, own, empty, broken}),
                ElementsAre("a nothing: the node itself lies on it", "b nothing: it is mounted", "c nothing: it is read-only", "d foreign: it is part of md0", "e ours usable wipe", "f nothing: it has no medium",
                            "g nothing: cannot read '/dev/g': Input/output error"));
}

TEST(Sets, OnlyWhatTheRuleMeansIsListed) {
    DataDisks large = rule();
    large.rule.min_size = 200 * gib;
    EXPECT_THAT(shown(large, {disk("a"), disk("b", Holds::nothing, Bus::nvme, 300 * gib), disk("c", Holds::nothing, Bus::usb, 300 * gib)}), ElementsAre("b nothing usable wipe"));
}

TEST(Sets, ALoopDeviceOfAContainerIsOnAnyBus) {
    auto loop = disk("loop7", Holds::nothing, Bus::other);
    EXPECT_THAT(shown(rule(), {loop}), IsEmpty());
    loop.is_of_any_bus = true;
    EXPECT_THAT(shown(rule(), {loop}), ElementsAre("loop7 nothing usable wipe"));
    DataDisks any = rule();
    any.rule.buses.clear();
    EXPECT_THAT(shown(any, {loop}), SizeIs(1));
}

TEST(Sets, NoMoreThanTheRuleSaysAndWhatIsTakenStaysTaken) {
    EXPECT_THAT(shown(rule(Wipe::if_ours, 2), {disk("a"), disk("b"), disk("c", Holds::ours)}), ElementsAre("a nothing usable wipe", "b nothing: the rule takes 2 disks at most", "c ours usable wipe"));
    EXPECT_THAT(shown(rule(Wipe::if_ours, 1), {disk("a", Holds::ours), disk("b", Holds::ours)}), ElementsAre("a ours usable wipe", "b ours usable wipe"));
}

TEST(Sets, AreForTheRolesOfTheNode) {
    DataDisks storage = rule();
    storage.roles = {"storage"};
    EXPECT_THAT(sets_of({{"ceph", {storage}}}, {"base", "compute"}, {disk("a")}), IsEmpty());
    EXPECT_THAT(shown(sets_of({{"ceph", {storage}}}, {"base", "storage", "hyperconverged"}, {disk("a")}).at("ceph")), SizeIs(1));
    // There are none, which is something else than no set.
    EXPECT_THAT(sets_of({{"ceph", {storage}}}, {"storage"}, {}).at("ceph").disks, IsEmpty());
}

TEST(Sets, RulesOfOneNameAreOneSetAndADiskIsInOne) {
    DataDisks fast = rule(Wipe::if_blank, 1), slow = rule(Wipe::if_blank, 4);
    slow.rule.buses = {Bus::sata};
    const std::vector<DataDisk> disks{disk("nvme0"), disk("nvme1"), disk("sda", Holds::nothing, Bus::sata)};
    const auto sets = sets_of({{"ceph", {fast, slow}}, {"swift", {rule()}}}, {}, disks);
    EXPECT_EQ(sets.at("ceph").min, 2U);
    EXPECT_EQ(sets.at("ceph").max, 5U);
    EXPECT_THAT(shown(sets.at("ceph")), ElementsAre("nvme0 nothing usable wipe", "nvme1 nothing: the rule takes 1 disks at most", "sda nothing usable wipe"));
    EXPECT_THAT(sets.at("swift").disks, IsEmpty());
    EXPECT_EQ(sets.at("swift").max, std::nullopt);
}

TEST(Sets, AreWrittenAsServicesReadThem) {
    auto one = disk("a", Holds::ours);
    one.link = "/dev/disk/by-id/wwn-1";
    one.is_rotational = true;
    EXPECT_EQ(to_json(sets_of({{"ceph", {rule(Wipe::if_blank, 8)}}}, {}, {one, disk("b", Holds::foreign)}), "5e"), Json::parse(R"({"format": 1, "mark": "ashlar-site:5e", "sets": {"ceph": {"min": 1, "max": 8, "disks": [
        {"name": "a", "device": "/dev/disk/by-id/wwn-1", "bytes": 107374182400, "rotational": true, "holds": "ours", "usable": true, "wipe": false, "model": "ACME", "serial": "S-a"},
        {"name": "b", "device": "/dev/b", "bytes": 107374182400, "rotational": false, "holds": "foreign", "usable": false, "wipe": false, "model": "ACME", "serial": "S-b", "why": "it carries ext4, and wipe is \"if-blank\""}]}}})"));
    EXPECT_EQ(to_json({}, "5e").at("sets"), Json::object());
}

} // namespace
