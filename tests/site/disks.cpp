// Disks with other people's data.

#include "site_test.hpp"

#include <base/error.hpp>
#include <base/random.hpp>
#include <error_of.hpp>
#include <virtual_site/loop_disk.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Of another machine: an MBR's signature, a volume of LVM, and noise.
std::string foreign_data() {
    std::string data(std::size_t{16} << 20U, '\0');
    fill_with_random(std::as_writable_bytes(std::span(data)));
    data.replace(510, 2, "\x55\xaa");
    data.replace(512, 8, "LABELONE");
    data.replace(536, 8, "LVM2 001");
    return data;
}

class Disks : public SiteTest {
protected:
    const Nodes nodes_ = voters_of({.name = "berlin", .voters = 1});
    Node& node_ = *nodes_[0];
    const TemporaryDirectory work_{fs::temp_directory_path(), "ashlar-disk-"};
};

TEST_F(Disks, OfOthersAreNotTouched) {
    const std::string before = foreign_data();
    const fs::path file = work_.path() / "disk";
    write_file(file, before);
    {
        const LoopDisk disk(file);
        node_.give_disk(disk.path());
        node_.power_on();
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        EXPECT_EQ(said(node_, {"find", "/dev", "-exec", "test", "-b", "{}", ";", "-print"}), disk.path().native());
        // It could: what keeps the disk whole is the node.
        EXPECT_EQ(said(node_, {"sh", "-c", "exec 3<>" + disk.path().native() + " && head -c 8 /dev/fd/3 | od -An -tx1 | wc -w"}), "8");
        node_.cut_power();
        node_.power_on();
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        node_.shut_down();
    }
    EXPECT_TRUE(read_file(file) == before);
}

// What services are told of them: docs/formats/disks.md.
TEST_F(Disks, AreNamedForTheServicesThatThePlanGivesThem) {
    constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
    const Nodes nodes = voters_of({.name = "paris", .voters = 1, .letter = 'p', .first_address = 31, .more = "\n[[disks.ceph]]\nbus = [\"nvme\"]\nmin = 1\nwipe = \"if-ours\"\nroles = [\"base\"]\n"});
    Node& node = *nodes[0];
    write_file(work_.path() / "theirs", foreign_data());
    make_disk_file(work_.path() / "blank", 64 * mib);
    const LoopDisk theirs(work_.path() / "theirs"), blank(work_.path() / "blank");
    node.give_disk(theirs.path());
    node.give_disk(blank.path());
    node.power_on();
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    const auto told = [&] { return Json::parse(node.run({"cat", "/run/ashlar/disks.json"}).output, nullptr, false); };
    ASSERT_TRUE(wait_until(patience, [&] { return told().is_object(); }));
    const auto entry = [&](const LoopDisk& disk) {
        const Json all = told();
        for (const Json& one : all.at("sets").at("ceph").at("disks"))
            if (one.at("device") == disk.path().native()) return one;
        return Json::object();
    };
    EXPECT_EQ(told().at("sets").at("ceph").at("disks").size(), 2U) << told();
    EXPECT_EQ(entry(blank), (Json{{"name", blank.path().filename().native()}, {"device", blank.path().native()}, {"bytes", 64 * mib}, {"rotational", entry(blank).at("rotational")}, {"holds", "nothing"}, {"usable", true}, {"wipe", true}, {"model", "loop"}, {"serial", "blank"}}));
    EXPECT_EQ(entry(theirs).at("holds"), "foreign");
    EXPECT_EQ(entry(theirs).at("usable"), false);
    EXPECT_THAT(entry(theirs).at("why").get<std::string>(), testing::AllOf(testing::StartsWith("it carries "), testing::EndsWith(", and wipe is \"if-ours\"")));
    // A service takes it, and is told so soon.
    const std::string mark = told().at("mark");
    said(node, {"sh", "-c", fmt::format("printf %s {} | dd of={} bs=4096 seek=1 conv=notrunc status=none", mark, blank.path().native())});
    EXPECT_TRUE(wait_until(patience, [&] { return entry(blank).at("holds") == "ours"; }));
    EXPECT_EQ(entry(blank).at("wipe"), true);
}

TEST_F(Disks, OfThisMachineAreNotGivenAway) {
    const fs::path file = work_.path() / "disk";
    write_file(file, "not a device");
    EXPECT_THAT(error_of([&] { node_.give_disk("/dev/null"); }), HasSubstr("cannot give '/dev/null' to node 'n1': it is no loop device"));
    EXPECT_THAT(error_of([&] { node_.give_disk(file); }), HasSubstr("it is no loop device"));
    EXPECT_THAT(error_of([&] { node_.give_disk("/dev/no-such-disk"); }), HasSubstr("/dev/no-such-disk"));
}

} // namespace
} // namespace ashlar::virtual_site
