// A site comes to other authorities while it runs: the former ones are worth nothing afterwards.

#include "site_test.hpp"

#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

constexpr auto long_patience = 600s; // three steps, each voter after the other

class Rotating : public SiteTest {
protected:
    [[nodiscard]] static std::string authority(const Node& node) { return node.run({"ashlarctl", "site", "authority"}).output; }
    [[nodiscard]] static std::string progress(const Node& node) { return node.run({"ashlarctl", "site", "authority", "progress"}).output; }
    [[nodiscard]] static bool comes_to_say_of_it(const Node& voter, const std::string& text) {
        return wait_until(long_patience, [&] { return progress(voter).find(text) != std::string::npos; });
    }
    // The site and its nodes have done all of it.
    [[nodiscard]] static bool settles(const Node& voter) {
        return wait_until(long_patience, [&] {
            const auto said = progress(voter);
            return said.find("the former authorities count no more") != std::string::npos && said.find("waits for") == std::string::npos;
        });
    }
    // A number each 200 ms, and how many milliseconds it took until the site's etcd had it.
    void write_all_the_time(const Node& node, const Nodes& voters) const {
        std::vector<std::string> endpoints;
        for (const auto* voter : voters) endpoints.push_back(fmt::format("https://{}:12379", address(*voter)));
        const auto put = fmt::format("etcdctl --dial-timeout 1s --command-timeout 3s --endpoints {} --cacert /run/ashlar/etcd/authority.pem --cert /run/ashlar/etcd/certificate.pem --key /run/ashlar/etcd/key.pem put /test/$i $i", join(endpoints, ","));
        said(node, {"systemd-run", "--unit", "writer", "--collect", "sh", "-c", "i=0; while [ ! -e /run/enough ]; do i=$((i+1)); begin=$(date +%s%3N); until " + put + " >/dev/null 2>>/run/trouble; do :; done; echo $(($(date +%s%3N)-begin)) >>/run/took; sleep 0.2; done; echo $i >/run/written"});
    }
    struct Writing {
        int written = 0, longest = 0;
    };
    [[nodiscard]] static Writing written(const Node& node) {
        said(node, {"touch", "/run/enough"});
        EXPECT_TRUE(wait_until(patience, [&] { return node.run({"cat", "/run/written"}).ok(); }));
        return {std::stoi(said(node, {"cat", "/run/written"})), std::stoi(said(node, {"sh", "-c", "sort -n /run/took | tail -1"}))};
    }
};

TEST_F(Rotating, AllNodesComeToTheNextAuthoritiesAndTheFormerAreWorthNothing) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 3, .others = 1}), voters(nodes.begin(), nodes.begin() + 3);
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    const std::string before = authority(*nodes[3]), begun = genesis(*nodes[0]);
    said(*nodes[0], {"cp", "-a", "/run/ashlar/etcd", "/run/former"});
    ASSERT_TRUE(comes_to_keep(*nodes[0], "/kept", "before"));
    write_all_the_time(*nodes[0], voters);

    said(*nodes[0], {"ashlarctl", "site", "authority", "rotate"});
    EXPECT_THAT(nodes[1]->run({"ashlarctl", "site", "authority", "rotate"}).errors, HasSubstr("being replaced already"));
    ASSERT_TRUE(settles(*nodes[0])) << progress(*nodes[0]) << what_they_say(nodes);

    const auto [count, longest] = written(*nodes[0]);
    RecordProperty("longest_write_ms", longest);
    fmt::print("{} writes meanwhile, the longest took {} ms\n", count, longest);
    EXPECT_LT(longest, 15'000);
    const std::string keys = etcd(*nodes[1], {"get", "--prefix", "--keys-only", "/test/"});
    std::set<std::string> kept;
    for (const auto key : split(keys, '\n'))
        if (!key.empty()) kept.emplace(key);
    EXPECT_EQ(kept.size(), static_cast<std::size_t>(count)) << "what was written is there";

    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_EQ(genesis(*nodes[2]), begun);
    for (const auto* node : nodes) {
        EXPECT_NE(authority(*node), before) << node->name();
        EXPECT_EQ(authority(*node), authority(*nodes[0])) << node->name();
    }
    EXPECT_EQ(etcd(*nodes[2], {"get", "--print-value-only", "/kept"}), "before");
    // What a voter had that was stolen before: etcd does not take it, and is not taken by it.
    const auto with = [&](const char* trusted, const char* own) {
        return nodes[0]->run({"etcdctl", "--dial-timeout", "2s", "--endpoints", fmt::format("https://{}:12379", address(*nodes[1])), "--cacert", fmt::format("/run/{}/authority.pem", trusted), "--cert", fmt::format("/run/{}/certificate.pem", own), "--key", fmt::format("/run/{}/key.pem", own), "get", "/kept"}).ok();
    };
    EXPECT_TRUE(with("ashlar/etcd", "ashlar/etcd"));
    EXPECT_FALSE(with("ashlar/etcd", "former"));
    EXPECT_FALSE(with("former", "ashlar/etcd"));

    // It is in the state of each.
    cut_power(nodes);
    power_on(nodes);
    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_NE(authority(*nodes[3]), before);
}

// One is off all the time, another one comes for the first time afterwards; and there is a second rotation.
TEST_F(Rotating, WhoWasAwayComesBackAndWhoIsNewComesIn) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 2});
    Node &voter = *nodes[0], &away = *nodes[1], &late = *nodes[2];
    power_on({&voter, &away});
    ASSERT_TRUE(are_members({&voter, &away})) << what_they_say({&voter, &away});
    away.cut_power();

    said(voter, {"ashlarctl", "site", "authority", "rotate"});
    ASSERT_TRUE(comes_to_say_of_it(voter, "waits for: berlin-n2")) << progress(voter);
    EXPECT_THAT(voter.run({"ashlarctl", "site", "authority", "finish", "--without", "berlin-n3"}).errors, HasSubstr("it waits for berlin-n2, and these must all be named"));
    // A power cut of the site in the middle.
    voter.cut_power();
    voter.power_on();
    ASSERT_TRUE(are_members({&voter})) << what_they_say({&voter});
    EXPECT_TRUE(wait_until(patience, [&] { return voter.run({"ashlarctl", "site", "authority", "finish", "--without", "berlin-n2"}).ok(); }));
    ASSERT_TRUE(comes_to_say_of_it(voter, "the former authorities count no more")) << progress(voter) << what_they_say({&voter});

    late.power_on();
    away.power_on();
    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_TRUE(settles(voter)) << progress(voter) << what_they_say(nodes);
    EXPECT_EQ(authority(away), authority(voter));
    EXPECT_EQ(authority(late), authority(voter));

    const auto first = authority(voter);
    EXPECT_TRUE(wait_until(patience, [&] { return voter.run({"ashlarctl", "site", "authority", "rotate"}).ok(); }));
    ASSERT_TRUE(comes_to_say_of_it(voter, "step 6: ")) << progress(voter) << what_they_say(nodes);
    EXPECT_TRUE(settles(voter)) << progress(voter) << what_they_say(nodes);
    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_NE(authority(late), first);
}

} // namespace
} // namespace ashlar::virtual_site
