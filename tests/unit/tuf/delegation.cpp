#include "simulator.hpp"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <algorithm>
#include <fmt/format.h>
#include <fnmatch.h>

using namespace ashlar;
using namespace ashlar::tuf;
using namespace ashlar::tuf::test;
using testing::ElementsAre;

namespace {

bool covers(const std::string& pattern, std::string_view path) { return DelegatedRole{.paths = {pattern}}.covers(path); }

TEST(Delegation, CoversPathsByPattern) {
    EXPECT_TRUE(covers("trains/R1/*/*", "trains/R1/R1.0/release.json"));
    EXPECT_TRUE(covers("*.tgz", "foo.tgz"));
    EXPECT_TRUE(covers("foo-?.tgz", "foo-1.tgz"));
    EXPECT_TRUE(covers("a*b*c", "aXbXbXc"));
    EXPECT_TRUE(covers("*", ""));
    EXPECT_TRUE(covers("trains/**/x", "trains/anything/x"));
    EXPECT_TRUE(covers("[a]", "[a]"));
    EXPECT_FALSE(covers("trains/R1/*", "trains/R1/R1.0/release.json")) << "'*' does not match '/'";
    EXPECT_FALSE(covers("trains/R1?R1.0", "trains/R1/R1.0")) << "nor does '?'";
    EXPECT_FALSE(covers("trains/R1/*/*", "trains/R10/R1.0/release.json"));
    EXPECT_FALSE(covers("foo-?.tgz", "foo-alpha.tgz"));
    EXPECT_FALSE(covers("*.md", "README.MD"));
    EXPECT_FALSE(covers("[ab]", "a")) << "no sets of characters";
    EXPECT_FALSE(covers("a/*", "a"));
    EXPECT_FALSE(covers("*", "a/"));
    EXPECT_FALSE(DelegatedRole{}.covers("anything"));
}

// The C library as judge; it does not end within the time that a pattern of many stars can take of a naive matcher.
TEST(Delegation, MatchesAsTheShellDoes) {
    const auto text = rc::gen::container<std::string>(rc::gen::element('a', 'b', '/', '*', '?', '.'));
    EXPECT_TRUE(rc::check("pattern", [&] {
        const auto pattern = *text, path = *text;
        RC_ASSERT(covers(pattern, path) == (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_NOESCAPE) == 0));
    }));
    EXPECT_FALSE(covers("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Delegation, CoversPathsByHash) {
    const std::string hash = sha256("trains/R1/x").hex();
    EXPECT_TRUE((DelegatedRole{.path_hash_prefixes = {"zz", hash.substr(0, 3)}}.covers("trains/R1/x")));
    EXPECT_TRUE((DelegatedRole{.path_hash_prefixes = {hash}}.covers("trains/R1/x")));
    EXPECT_FALSE((DelegatedRole{.path_hash_prefixes = {hash}}.covers("trains/R1/y")));
}

// ---- the walk ----------------------------------------------------------------------------------

// Roles that all sign with one key, and the order in which they are asked.
struct Graph {
    Simulator site;
    Client client{site};
    SharedKey signer = new_key();
    Key key = key_of(signer->verifying_key());

    Graph() { site.targets.delegations.clear(); }
    Targets& at(const std::string& role) { return role == "targets" ? site.targets : site.delegated[role]; }
    DelegatedRole& edge(const std::string& from, const std::string& to, bool terminating = false, std::vector<std::string> paths = {"*"}) {
        Targets& parent = at(from);
        parent.keys.emplace(key.id, key);
        parent.delegations.push_back({.name = to, .role = {{key.id}, 1}, .terminating = terminating, .paths = std::move(paths)});
        site.signers[to] = {signer};
        at(to).expires = day(1);
        return parent.delegations.back();
    }
    std::string find(std::string_view path) {
        for (const auto& [role, targets] : site.delegated)
            if (role.find('-') == role.npos) site.publish_delegated(role);
        site.publish_release();
        return client.find(path);
    }
    [[nodiscard]] std::vector<std::string> visited() const {
        std::vector<std::string> roles;
        for (const auto& file : site.asked)
            if (file.find("root") == file.npos && file.find("timestamp") == file.npos && file.find("snapshot") == file.npos && file.find("targets") == file.npos)
                roles.push_back(file.substr(2, file.size() - 7));
        return roles;
    }
};

TEST(Delegation, IsWalkedDepthFirstInOrder) {
    Graph graph;
    graph.edge("targets", "A");
    graph.edge("targets", "B");
    graph.edge("A", "C");
    graph.edge("A", "D");
    EXPECT_EQ(graph.find("nothing"), "");
    EXPECT_THAT(graph.visited(), ElementsAre("A", "C", "D", "B"));
    graph.at("D").targets.emplace("file", Simulator::target("D"));
    graph.at("B").targets.emplace("file", Simulator::target("B"));
    EXPECT_EQ(graph.find("file"), "D");
}

TEST(Delegation, TerminatesTheSearch) {
    Graph graph;
    graph.edge("targets", "A");
    graph.edge("targets", "B");
    graph.edge("A", "C", true);
    graph.edge("A", "D");
    graph.edge("C", "E");
    graph.at("B").targets.emplace("file", Simulator::target("B"));
    EXPECT_EQ(graph.find("file"), "");
    EXPECT_THAT(graph.visited(), ElementsAre("A", "C", "E"));
}

TEST(Delegation, GoesRoundNoCircle) {
    Graph graph;
    graph.edge("targets", "A");
    graph.edge("A", "B");
    graph.edge("B", "A");
    graph.edge("B", "B");
    EXPECT_EQ(graph.find("nothing"), "");
    EXPECT_THAT(graph.visited(), ElementsAre("A", "B"));
}

TEST(Delegation, PassesOverWhatDoesNotCoverThePath) {
    Graph graph;
    graph.edge("targets", "A", true, {"*.doc"});
    graph.edge("targets", "B");
    graph.edge("B", "C", false, {"x*"});
    EXPECT_EQ(graph.find("nothing"), "");
    EXPECT_THAT(graph.visited(), ElementsAre("B"));
}

TEST(Delegation, EndsAfterThirtyTwo) {
    Graph graph;
    graph.edge("targets", "r1");
    for (unsigned i = 1; i < most_delegations; ++i) graph.edge(fmt::format("r{}", i), fmt::format("r{}", i + 1));
    graph.at("r32").targets.emplace("file", Simulator::target("32"));
    EXPECT_EQ(graph.find("file"), "r32");
    graph.edge("r32", "r33");
    EXPECT_EQ(graph.find("nothing"), "cannot find 'nothing': more than 32 delegated roles lie on the way to it");
    EXPECT_EQ(graph.client.fault, Fault::endless);
}

// What one parent vouches for is not vouched for by another.
TEST(Delegation, IsVerifiedByEachParent) {
    Graph graph;
    graph.edge("targets", "A", false, {"a*"});
    graph.edge("targets", "B", false, {"b*"});
    graph.edge("A", "C");
    DelegatedRole& second = graph.edge("B", "C");
    const Key other = key_of(new_key()->verifying_key());
    graph.at("B").keys.emplace(other.id, other);
    second.role.key_ids = {other.id};
    graph.at("C").targets.emplace("a", Simulator::target("a"));
    graph.at("C").targets.emplace("b", Simulator::target("b"));
    EXPECT_EQ(graph.find("a"), "C");
    Updater updater(graph.site, graph.client.store, graph.client.options);
    updater.refresh();
    EXPECT_TRUE(updater.find("a"));
    EXPECT_EQ(error_of([&] { (void)updater.find("b"); }), "cannot trust 'C.json': 0 of the 1 keys that must sign it have");
}

TEST(Delegation, IsFoundByName) {
    Simulator site;
    Client client(site);
    Updater updater(site, client.store, client.options);
    updater.refresh();
    EXPECT_EQ(updater.role("train-R1").train->security_floor, "R1.0");
    EXPECT_EQ(error_of([&] { (void)updater.role("train-R7"); }), "cannot trust 'train-R7.json': the snapshot does not name it");
    EXPECT_EQ(error_of([&] { (void)updater.role("targets"); }), "cannot trust 'targets.json': 'targets' does not delegate to it");
}

} // namespace
