// A site's key is rotated while the site runs.

#include "site_test.hpp"

#include <site/key.hpp>

#include <filesystem>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;

class Rekeying : public SiteTest {
protected:
    // A desk is on the node here: the site's directory, with its key.
    static void put_directory(const Node& node, const fs::path& medium) {
        said(node, {"mkdir", "-p", "/var/tmp/desk"});
        said(node, {"sh", "-c", "umask 077; printf '%s\\n' \"$1\" > /var/tmp/desk/site.key", "sh", first_line(medium / "site.key")});
    }
    static std::string first_line(const fs::path& file) {
        const std::string text = read_file(file);
        return text.substr(0, text.find('\n'));
    }
    static Json key_status(const Node& node) {
        const auto outcome = node.run({"ashlarctl", "site", "key", "status", "--json"});
        return outcome.ok() ? parse_json(outcome.output, "status") : Json::object();
    }
    // The site's other key counts, and that of before does no more.
    static bool comes_to_be_done(const Node& node, const std::string& key) {
        return wait_until(patience, [&] {
            const Json status = key_status(node);
            return status.value("key", "") == key && status.at("former").is_null();
        });
    }
    // Also that it hears by the new one alone.
    static bool have_only(const Nodes& nodes, const std::string& key) {
        return wait_until(patience, [&] {
            const Json status = key_status(*nodes[0]);
            unsigned number = 0;
            for (const Json& member : status.value("members", Json::array())) number += member.at("key") == key && member.at("former").is_null() ? 1U : 0U;
            return number == nodes.size();
        });
    }
    static bool all_are_heard(const Nodes& nodes) {
        return wait_until(patience, [&] {
            for (const auto* node : nodes) {
                const Json site = site_of(*node);
                const Json members = site.value("members", Json::array());
                if (members.size() != nodes.size()) return false;
                for (const Json& member : members)
                    if (!member.at("heard").get<bool>()) return false;
            }
            return true;
        });
    }
};

TEST_F(Rekeying, AnotherKeyIsTakenOverAndThatOfBeforeIsWorthless) {
    const Sketch sketch{.name = "berlin", .voters = 3, .others = 2};
    const fs::path old_medium = bench_.site(sketch);
    const auto node = [&](unsigned number, const fs::path& medium) { return &bench_.add(sketch.serial(number), medium); };
    const Nodes voters{node(1, old_medium), node(2, old_medium), node(3, old_medium)};
    power_on(voters);
    ASSERT_TRUE(are_members(voters)) << what_they_say(voters);

    put_directory(*voters[0], old_medium);
    // One is cut off before, and comes back in the middle; another one is in the middle.
    voters[2]->cut_power();
    said(*voters[0], {"ashlarctl", "site", "key", "rotate", "/var/tmp/desk"});
    const auto key = site::SiteKey::parse(said(*voters[0], {"cat", "/var/tmp/desk/site.key"}), "site.key");
    EXPECT_EQ(said(*voters[0], {"cat", "/var/tmp/desk/site.key.previous"}), first_line(old_medium / "site.key"));
    ASSERT_TRUE(wait_until(patience, [&] { return key_status(*voters[0]).value("missing", Json::array()) == Json::array({"berlin-n3"}); })) << key_status(*voters[0]).dump();
    voters[1]->cut_power();
    voters[1]->power_on();
    voters[2]->power_on();
    EXPECT_TRUE(comes_to_be_done(*voters[0], key.id().text())) << key_status(*voters[0]).dump() << what_they_say(voters);
    EXPECT_TRUE(have_only(voters, key.id().text())) << key_status(*voters[0]).dump();
    EXPECT_TRUE(all_are_heard(voters)) << what_they_say(voters);

    // Media of before are nobody's; those of now are a node's.
    Node* const stranger = node(4, old_medium);
    fs::path new_medium = old_medium;
    new_medium += "-now";
    fs::create_directory(new_medium);
    fs::copy(old_medium / "site.toml", new_medium);
    key.save_new(new_medium / "site.key");
    Node* const newcomer = node(5, new_medium);
    stranger->power_on();
    newcomer->power_on();
    EXPECT_TRUE(are_members({newcomer})) << what_they_say({newcomer});
    EXPECT_TRUE(wait_until(patience, [&] { return site_of(*stranger).value("trouble", "").starts_with("somebody speaks for this site under another key"); })) << what_they_say({stranger});
    EXPECT_EQ(genesis(*stranger), "none");
    EXPECT_EQ(said(*voters[1], {"ashlarctl", "node", "list"}).find("berlin-n4"), std::string::npos);

    // After all of them were cut off it is the same.
    const Nodes all{voters[0], voters[1], voters[2], newcomer};
    cut_power(all);
    power_on(all);
    EXPECT_TRUE(are_members(all)) << what_they_say(all);
    EXPECT_TRUE(all_are_heard(all)) << what_they_say(all);
}

// It was away, and the operator did not wait for it.
TEST_F(Rekeying, WhoWasLeftBehindComesBackByItsCertificate) {
    const Sketch sketch{.name = "berlin", .voters = 1, .others = 1};
    const fs::path medium = bench_.site(sketch);
    Node* const voter = &bench_.add(sketch.serial(1), medium);
    Node* const member = &bench_.add(sketch.serial(2), Bench::with_ticket(medium));
    const Nodes both{voter, member};
    power_on(both);
    ASSERT_TRUE(are_members(both)) << what_they_say(both);
    ASSERT_TRUE(all_are_heard(both)) << what_they_say(both);
    put_directory(*voter, medium);
    member->cut_power();
    said(*voter, {"ashlarctl", "site", "key", "rotate", "/var/tmp/desk"});
    ASSERT_TRUE(wait_until(patience, [&] { return key_status(*voter).value("missing", Json::array()) == Json::array({"berlin-n2"}); })) << key_status(*voter).dump();
    said(*voter, {"ashlarctl", "site", "key", "finish", "--without", "berlin-n2"});
    const std::string key = site::SiteKey::parse(said(*voter, {"cat", "/var/tmp/desk/site.key"}), "site.key").id().text();
    EXPECT_TRUE(comes_to_be_done(*voter, key));
    member->power_on();
    EXPECT_TRUE(have_only(both, key)) << key_status(*voter).dump() << what_they_say(both);
    EXPECT_TRUE(all_are_heard(both)) << what_they_say(both);
}

} // namespace
} // namespace ashlar::virtual_site
