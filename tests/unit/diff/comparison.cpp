#include "samples.hpp"

#include <diff/capabilities.hpp>
#include <diff/report.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::diff;
using namespace ashlar::facts;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const ImageDifference& step() {
    static const ImageDifference difference = compare(samples::before(), samples::after());
    return difference;
}

std::string refusal(const std::vector<ImageFacts>& before, const std::vector<ImageFacts>& after) {
    try {
        (void)compare_releases(before, after);
    } catch (const Error& error) {
        return error.message();
    }
    return "(no error)";
}

} // namespace

TEST(Comparison, AnImageWithItselfIsTheSame) {
    ImageDifference nothing{.role = "base", .architecture = "amd64"};
    nothing.old_kernel = nothing.new_kernel = "6.12.1";
    const ImageFacts facts = samples::before();
    ImageDifference same = compare(facts, facts);
    ASSERT_EQ(same.sizes.size(), 1u);
    EXPECT_EQ(same.sizes[0].growth(), 0);
    same.sizes.clear();
    EXPECT_EQ(same, nothing);
}

TEST(Comparison, PackagesBySource) {
    std::vector<std::string> lines;
    for (const auto& source : step().sources) lines.push_back(fmt::format("{} {} {}->{} {}", source.source, name_of(source.kind), source.old_version, source.new_version, source.packages.size()));
    EXPECT_THAT(lines, ElementsAre("bash downgraded 5.2-1->5.1-1 1", "gone removed 1-1-> 1", "new added ->1-1 1", "openssl upgraded 3.5.8-1->3.5.9-1 2"));
}

TEST(Comparison, FilesAndWhoseTheyAre) {
    std::vector<std::string> lines;
    for (const auto& file : step().files) lines.push_back(fmt::format("{} {}{}", file.path, name_of(file.kind), file.own ? " own" : ""));
    EXPECT_THAT(lines, ElementsAre("etc/motd changed own", "etc/systemd/system/multi-user.target.wants/old.service removed own", "etc/systemd/system/sockets.target.wants/new.socket added own",
                                   "usr/bin/bash changed", "usr/bin/gone removed", "usr/bin/new added", "usr/bin/su_do changed own", "usr/lib/libssl.so.3 changed", "usr/lib/os-release changed own",
                                   "usr/lib/systemd/system/new.service added", "usr/lib/systemd/system/new.socket added", "usr/lib/systemd/system/old.service removed"));
}

TEST(Comparison, PrivilegesUnitsAccounts) {
    EXPECT_THAT(step().privileges, ElementsAre(PrivilegeChange{"usr/bin/su_do", "sudo", "", "4755 root:root"}));
    EXPECT_THAT(step().units, ElementsAre(UnitChange{"new.service", "new", "absent", "off", {}}, UnitChange{"new.socket", "new", "absent", "on", {"22"}}, UnitChange{"old.service", "gone", "on", "absent", {}}));
    using enum AccountChange::Kind;
    EXPECT_THAT(step().accounts, ElementsAre(AccountChange{user, "gone", 101, std::nullopt}, AccountChange{user, "moved", 102, 103}, AccountChange{user, "new", std::nullopt, 104}));
}

TEST(Comparison, KernelAndCommandLine) {
    EXPECT_THAT(step().kernel_options, ElementsAre(OptionChange{"CONFIG_BAR", "", "m"}, OptionChange{"CONFIG_FOO", "y", "n"}));
    EXPECT_THAT(step().words_added, ElementsAre("lockdown=integrity"));
    EXPECT_THAT(step().words_removed, ElementsAre("panic=10"));
}

TEST(Comparison, WhatIsNotKnownIsSaid) {
    ImageFacts before = samples::before();
    before.accounts.reset();
    before.kernel_options.reset();
    EXPECT_THAT(compare(before, samples::after()).unknown, ElementsAre("accounts: neither the record of 'ashlar_base_R0.0_amd64' nor a disk image beside it says them",
                                                                       "kernel options: 'ashlar_base_R0.0_amd64' has no configuration of its kernel that could be read"));
}

TEST(Comparison, PairsRoles) {
    const auto difference = compare_releases({samples::before(), samples::before("gone")}, {samples::after(), samples::after("new")});
    EXPECT_EQ(difference.images.size(), 1u);
    EXPECT_THAT(difference.added_images, ElementsAre("new (amd64)"));
    EXPECT_THAT(difference.removed_images, ElementsAre("gone (amd64)"));
    EXPECT_EQ(refusal({samples::before("one")}, {samples::after("two")}), "cannot compare 'R0.0' with 'R0.1': they have no role in common");
    EXPECT_EQ(refusal({samples::before(), samples::after()}, {samples::after()}), "cannot compare: 'ashlar_base_R0.0_amd64' and 'ashlar_base_R0.1_amd64' are both of role base (amd64)");
}

TEST(Comparison, APolicyRefuses) {
    using enum policy::Verdict;
    const auto difference = compare_releases({samples::before()}, {samples::after()});
    std::vector<std::string> lines;
    for (const auto& one : judge({refuse, refuse, refuse, refuse, 1}, difference)) lines.push_back(one.rule + ": " + one.subject + ": " + one.message);
    EXPECT_THAT(lines, ElementsAre("changes.downgrades: bash: it goes back from 5.2-1 to 5.1-1, in base", "changes.privileges: /usr/bin/su_do: it is new with 4755 root:root, in base",
                                   "changes.accounts: moved: the user had the number 102 and has 103, in base", "changes.listening: new.socket: it listens on 22, in base",
                                   "changes.growth: base: the files of the root grow by 41 B, 1 B are allowed, in base"));
    EXPECT_THAT(judge({}, difference), IsEmpty());
}

TEST(Capabilities, AsText) {
    const std::string version_2("\x01\x00\x00\x02\x00\x24\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
    EXPECT_EQ(capabilities_text(version_2), "cap_net_bind_service,cap_net_raw=ep");
    EXPECT_EQ(capabilities_text("ab"), "6162");
}

TEST(Facts, OfTexts) {
    EXPECT_EQ(parse_ids("root:x:0:0:root:/root:/bin/sh\nbroken\nfoo:x:12x:1\nbar:x:7:"), (Ids{{"bar", 7}, {"root", 0}}));
    EXPECT_EQ(parse_kernel_options("# comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x=y\"\n"), (KernelOptions{{"CONFIG_A", "y"}, {"CONFIG_B", "n"}, {"CONFIG_C", "\"x=y\""}}));
    EXPECT_THAT(listens_of("[Socket]\nListenStream=1\nListenStream=\nListenStream = 22\nListenDatagram=/run/x\n"), ElementsAre("22", "/run/x"));
}

TEST(Facts, UnitsAreOnWhenWanted) {
    samples::Image image("base", "R0.0");
    image.file("usr/lib/systemd/system/a.service", "").file("usr/lib/systemd/system/a.service.d/x.conf", "").link("usr/lib/systemd/system/x.target.wants/a.service", "../a.service");
    image.link("etc/systemd/system/b.timer", "/dev/null").file("usr/lib/systemd/system/c.mount", "").link("etc/systemd/system/x.target.requires/b.timer", "x").file("usr/lib/systemd/system/d.path", "");
    const ImageFacts facts = image.done();
    ASSERT_EQ(facts.units.size(), 3u);
    EXPECT_EQ(facts.units.at("a.service").state, Unit::State::on);
    EXPECT_THAT(facts.units.at("a.service").wanted_by, ElementsAre("x.target"));
    EXPECT_EQ(facts.units.at("b.timer").state, Unit::State::masked);
    EXPECT_EQ(facts.units.at("d.path").state, Unit::State::off);
}

// Whatever changed one way is what changes the other way.
RC_GTEST_PROP(Comparison, BackIsThereTurnedRound, (const std::map<std::string, std::uint8_t>& one, const std::map<std::string, std::uint8_t>& two)) {
    const auto image = [](const std::map<std::string, std::uint8_t>& files) {
        samples::Image made("base", "R0.0");
        for (const auto& [name, value] : files) {
            made.file(name, std::to_string(value), {}, value % 2 == 0 ? 0644 : 04755);
            made.package(name, std::to_string(value));
        }
        return made.done();
    };
    const auto there = compare(image(one), image(two)), back = compare(image(two), image(one));
    RC_ASSERT(there.files.size() == back.files.size());
    RC_ASSERT(there.sources.size() == back.sources.size());
    RC_ASSERT(there.privileges.size() == back.privileges.size());
    for (std::size_t i = 0; i < there.privileges.size(); ++i) RC_ASSERT(there.privileges[i].before == back.privileges[i].after);
    for (std::size_t i = 0; i < there.sources.size(); ++i) RC_ASSERT(there.sources[i].old_version == back.sources[i].new_version);
}
