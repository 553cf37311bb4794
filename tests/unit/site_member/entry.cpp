// Which node of the plan a machine is, before it is a member and afterwards.

#include <site_member/entry.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

namespace ashlar::site_member {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

site::Node node(const char* name, const char* serial, const char* mac = nullptr) {
    site::Node made;
    made.name = name;
    made.serial = serial;
    if (mac != nullptr) made.mac = site::Mac::parse(mac);
    return made;
}

class Entries : public testing::Test {
protected:
    Entries() { site_.nodes = {node("n01", "S1"), node("n02", "S2"), node("n03", "S3", "3c:ec:ef:00:00:03")}; }
    [[nodiscard]] Entry of(const char* serial, const std::optional<std::string>& member = std::nullopt) const { return entry_of(site_, {.serial = serial, .macs = {}, .tpm_ek = std::nullopt}, member); }
    site::Site site_;
};

TEST_F(Entries, OfWhoIsNoMemberYetIsThatOfItsMachine) {
    EXPECT_EQ(of("S2").node->name, "n02");
    EXPECT_THAT(of("S2").remark, IsEmpty());
    EXPECT_EQ(of("S9").node, nullptr);
    EXPECT_THAT(of("S9").remark, HasSubstr("no node of site.toml is this machine: serial number 'S9'"));
}

TEST_F(Entries, OfAMemberIsItsOwnOnWhateverBoard) {
    EXPECT_EQ(of("S2", "n02").node->name, "n02");
    EXPECT_THAT(of("S2", "n02").remark, IsEmpty());
    EXPECT_EQ(of("S9", "n02").node->name, "n02");
    EXPECT_EQ(of("S9", "n02").remark, "site.toml knows 'n02' by serial number 'S2', and this machine has serial number 'S9': write what it has, and order it with `ashlarctl site apply`");
    EXPECT_EQ(of("", "n02").remark, "site.toml knows 'n02' by serial number 'S2', and this machine has no serial number: write what it has, and order it with `ashlarctl site apply`");
    // Another port in the same machine.
    EXPECT_EQ(of("S3", "n03").node->name, "n03");
    EXPECT_THAT(of("S3", "n03").remark, HasSubstr("knows 'n03' by MAC address 3c:ec:ef:00:00:03, and"));
}

TEST_F(Entries, OfAMemberInAnotherNodesMachineAreNone) {
    try {
        (void)of("S1", "n02");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot be a node of the site: these are the disks of 'n02', and this machine is 'n01'");
    }
}

TEST_F(Entries, OfAMemberThatThePlanHasUnderAnotherNameIsThatOfItsMachine) {
    EXPECT_EQ(of("S2", "n99").node->name, "n02");
    EXPECT_EQ(of("S9", "n99").node, nullptr);
}

} // namespace
} // namespace ashlar::site_member
