// All nodes of a site are lost, and it goes on.

#include "site_test.hpp"

#include <base/process.hpp>
#include <signing/key.hpp>

#include <algorithm>
#include <cstdlib>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Restoring : public SiteTest {
protected:
    Restoring() {
        recovery_.save_new(desk_.path() / "recovery.key");
        for (const Node* node : all_) {
            const fs::path file = medium(*node) / "site.toml";
            std::string text = read_file(file);
            const std::string off = "encryption = \"off\"\n";
            text.insert(text.find(off) + off.size(), fmt::format("recovery_key = '''\n{}'''\n", recovery_.public_key().pem()));
            write_file(file, text);
        }
    }
    // What the node was flashed with, and is again.
    [[nodiscard]] static fs::path medium(const Node& node) { return node.console().parent_path() / "medium"; }
    [[nodiscard]] static fs::path disk(const Node& node) { return node.console().parent_path(); }
    static void copy(const fs::path& from, const fs::path& to) { run_checked({.argv = {"cp", "-a", (from / "state").native(), (from / "var").native(), to.native()}}); }
    [[nodiscard]] static std::string authority_of(const Node& node) { return said(node, {"cat", "/run/ashlar/etcd/authority.pem"}); }
    [[nodiscard]] static bool comes_to_a_seat(const Node& node) {
        return wait_until(patience, [&] { return site_of(node).value("seat", false); });
    }
    [[nodiscard]] Outcome restore() const {
        return ashlar::run({.argv = {std::getenv("ASHLAR"), "site", "restore", medium(*nodes_[0]).native(), (desk_.path() / "berlin.backup").native(), "--key", (desk_.path() / "recovery.key").native()}});
    }

    TemporaryDirectory desk_{fs::temp_directory_path(), "ashlar-desk-"};
    const PrivateKey recovery_ = PrivateKey::generate(RsaBits::rsa2048);
    const Nodes all_ = nodes_of({.name = "berlin", .others = 1}), nodes_{all_.begin(), all_.end() - 1}; // the voters
    Node& other_ = *all_.back();
};

// In ring long.
TEST_F(Restoring, ASiteWhoseNodesAreAllLostIsTheSameSiteOnOthers) {
    power_on(all_);
    ASSERT_TRUE(are_members(all_)) << what_they_say(all_);
    ASSERT_TRUE(comes_to_keep(*nodes_[0], "/test", "kept"));
    const std::string founded = genesis(*nodes_[0]), authority = authority_of(*nodes_[0]);
    const auto node = site_of(*nodes_[0]).at("node");

    const std::string backed_up = said(*nodes_[0], {"ashlarctl", "site", "backup", "/var/tmp/berlin.backup"});
    EXPECT_THAT(backed_up, HasSubstr("/var/tmp/berlin.backup: site 'berlin' as of "));
    EXPECT_THAT(backed_up, HasSubstr("4 nodes"));
    EXPECT_EQ(said(*nodes_[0], {"stat", "-c", "%a", "/var/tmp/berlin.backup"}), "600");
    EXPECT_THAT(said(*nodes_[1], {"ashlarctl", "site", "audit"}), HasSubstr("backup"));
    const auto again = nodes_[0]->run({"ashlarctl", "site", "backup", "/var/tmp/berlin.backup"});
    EXPECT_FALSE(again.ok());
    EXPECT_THAT(again.errors, HasSubstr("it is there already"));
    write_file(desk_.path() / "berlin.backup", nodes_[0]->run({"cat", "/var/tmp/berlin.backup"}).output, 0600);
    ASSERT_TRUE(comes_to_keep(*nodes_[0], "/too-late", "lost"));

    // All is lost, but for one disk that somebody finds later.
    cut_power(all_);
    Node& found = *nodes_[2];
    copy(disk(found), desk_.path());
    for (Node* lost : all_) lost->reflash();

    const auto restored = restore();
    ASSERT_TRUE(restored.ok()) << restored.errors;
    EXPECT_THAT(restored.output, HasSubstr("put it on the media of the voters as ashlar/restore"));
    const std::string file = read_file(medium(*nodes_[0]) / "restore");
    for (const Node* other : {nodes_[1], nodes_[2]}) write_file(medium(*other) / "restore", file, 0600);

    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    const std::string now = genesis(*nodes_[0]);
    EXPECT_NE(now, founded);
    EXPECT_EQ(geneses(nodes_), std::set<std::string>{now});
    EXPECT_NE(site_of(*nodes_[0]).at("node"), node);
    for (const Node* one : nodes_) {
        EXPECT_TRUE(comes_to_a_seat(*one)) << what_they_say(nodes_);
        EXPECT_EQ(authority_of(*one), authority);
        EXPECT_EQ(kept_by(*one, "/test"), "kept");
        EXPECT_EQ(kept_by(*one, "/too-late"), "");
        EXPECT_EQ(read_file(disk(*one) / "state").find("ashlar site restore"), std::string::npos) << one->name();
    }
    const std::string audit = said(*nodes_[0], {"ashlarctl", "site", "audit"});
    EXPECT_THAT(audit, HasSubstr("site.restore"));
    EXPECT_THAT(audit, HasSubstr(founded));
    EXPECT_THAT(audit, HasSubstr("one of the first voters"));
    EXPECT_THAT(said(*nodes_[0], {"ashlarctl", "node", "list"}), HasSubstr("berlin-n3"));

    // Who is no voter comes back as whoever it was, by the site key alone.
    other_.power_on();
    ASSERT_TRUE(are_members(all_)) << what_they_say(all_);
    EXPECT_EQ(genesis(other_), now);
    EXPECT_THAT(said(*nodes_[0], {"ashlarctl", "node", "list"}), HasSubstr("berlin-n4"));

    // It is the same site after a power cut, from its own disks.
    cut_power(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_), std::set<std::string>{now});

    // The disk that was found is of a site that is no more.
    found.cut_power();
    for (const char* part : {"state", "var"}) fs::remove_all(disk(found) / part);
    copy(desk_.path(), disk(found));
    found.power_on();
    EXPECT_TRUE(wait_until(patience, [&] { return phase(found) == "conflict"; })) << what_they_say(nodes_);
    EXPECT_EQ(genesis(found), founded);
    // The others know what it is, and are in no conflict.
    const Nodes restored_ones{nodes_[0], nodes_[1], &other_};
    for (const Node* one : restored_ones)
        EXPECT_TRUE(wait_until(patience, [&] { return site_of(*one).value("remedy", "").find("berlin-n3 still is what the site was before it was restored, genesis " + founded.substr(0, 8)) != std::string::npos; })) << what_they_say(nodes_);
    EXPECT_TRUE(stays(10s, [&] { return std::ranges::all_of(restored_ones, [](const Node* one) { return phase(*one) == "member"; }); })) << what_they_say(all_);
    ASSERT_TRUE(comes_to_keep(*nodes_[0], "/test", "goes on"));
    EXPECT_TRUE(stays(10s, [&] { return genesis(found) == founded && genesis(*nodes_[0]) == now && kept_by(*nodes_[1], "/test") == "goes on"; })) << what_they_say(nodes_);
}

// Two of three say to restore it, and the third was flashed with what lay about.
TEST_F(Restoring, IsNotBegunWhereOneMediumSaysAnotherThing) {
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    (void)said(*nodes_[0], {"ashlarctl", "site", "backup", "/var/tmp/berlin.backup"});
    write_file(desk_.path() / "berlin.backup", nodes_[0]->run({"cat", "/var/tmp/berlin.backup"}).output, 0600);
    cut_power(nodes_);
    for (Node* lost : nodes_) lost->reflash();
    ASSERT_TRUE(restore().ok());
    write_file(medium(*nodes_[1]) / "restore", read_file(medium(*nodes_[0]) / "restore"), 0600);
    power_on(nodes_);
    // Whoever proposes first, somebody refuses it.
    const auto refuses = [](const Node* node) { return site_of(*node).value("trouble", "").find("this node's medium has") != std::string::npos; };
    EXPECT_TRUE(wait_until(patience, [&] { return std::ranges::any_of(nodes_, refuses); })) << what_they_say(nodes_);
    EXPECT_TRUE(stays(10s, [&] { return geneses(nodes_) == std::set<std::string>{"none"}; })) << what_they_say(nodes_);
}

} // namespace
} // namespace ashlar::virtual_site
