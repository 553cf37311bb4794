// What every formation owes, tried with its own programs. A new formation is a line in INSTANTIATE below.

#include <formation_rig.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::forming;
using namespace ashlar::forming::rig;
using testing::Contains;
using testing::Not;
using State = Standing::State;

namespace {

// ```toml recipes/formations/tally.toml … ``` of a page: the text by its path.
std::map<std::string, std::string> files_of_guide(const fs::path& page) {
    std::map<std::string, std::string> files;
    const std::string text = read_file(page);
    std::string* file = nullptr;
    for (const auto line : split(text, '\n')) {
        if (line.starts_with("```")) {
            const std::size_t blank = line.find(' ');
            file = file || blank == std::string_view::npos ? nullptr : &files[std::string(line.substr(blank + 1))];
            continue;
        }
        if (file) file->append(line).push_back('\n');
    }
    return files;
}

// The files of a page: a formation, and overlays/<name>/<path as in the image>.
Kit kit_of_guide(const std::string& page, const std::string& name) {
    Kit kit{name, {}, {}};
    for (const auto& [path, text] : files_of_guide(fs::path(ASHLAR_SOURCE_DIR "/docs/guides") / page)) {
        if (path.starts_with("overlays/")) kit.programs[path.substr(path.find('/', 9))] = text;
        else kit.formations.emplace(name, formation::read_formation(toml::source_from_text(path, text), name));
    }
    return kit;
}

Kit tally() { return kit_of_guide("add-a-service.md", "tally"); }

using Tree = std::map<std::string, std::pair<std::string, fs::file_time_type>>;
Tree tree_of(const fs::path& root) {
    Tree tree;
    for (const auto& entry : fs::recursive_directory_iterator(root))
        if (entry.is_regular_file() && entry.path().filename() != "formations.journal") tree[entry.path()] = {read_file(entry.path()), entry.last_write_time()};
    return tree;
}

std::uint64_t revision_of(const SiteStore& store) {
    std::uint64_t newest = 0;
    for (const auto& [key, entry] : store.list("")) newest = std::max(newest, entry.revision);
    return newest;
}

std::size_t count_of(const SiteOfNodes& site, const std::string& step) {
    std::size_t count = 0;
    for (const auto& node : site.nodes) count += static_cast<std::size_t>(std::ranges::count(node->steps(), step));
    return count;
}

class Contract : public testing::TestWithParam<Kit (*)()> {
protected:
    const Kit kit = GetParam()();
    [[nodiscard]] const formation::Formation& formation() const { return kit.formations.at(kit.name); }
    // The step that must not be done twice.
    [[nodiscard]] std::string once() const {
        for (const auto& step : formation().steps)
            if (step.kind == formation::Step::Kind::once) return step.id.value;
        return {};
    }
};

} // namespace

TEST_P(Contract, FormsOnThreeNodesAndIsCreatedOnce) {
    SiteOfNodes site(kit, 3);
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_TRUE(site.all(State::settled)) << site.standings();
    EXPECT_EQ(count_of(site, once()), once().empty() ? 0u : 1u);
    EXPECT_FALSE(read_ledger(site.store, kit.name).lock) << "a lock is given back";
}

TEST_P(Contract, ApplyingItTwiceChangesNothing) {
    SiteOfNodes site(kit, 2);
    ASSERT_TRUE(site.converge()) << site.standings();
    const auto revision = revision_of(site.store);
    std::vector<Tree> before;
    for (auto& node : site.nodes) {
        before.push_back(tree_of(node->root()));
        node->jobs.clear();
        node->start();
    }
    site.now += std::chrono::minutes(10);
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_EQ(revision_of(site.store), revision);
    for (std::size_t i = 0; i < site.nodes.size(); ++i) {
        EXPECT_TRUE(site.nodes[i]->steps().empty());
        EXPECT_FALSE(site.nodes[i]->jobs.empty()) << "it was looked at";
        EXPECT_EQ(tree_of(site.nodes[i]->root()), before[i]);
    }
}

TEST_P(Contract, GoesOnWhereverItIsKilled) {
    for (const auto end : {Life::End::before, Life::End::after})
        for (unsigned changes = 0;; ++changes) {
            SiteOfNodes site(kit, 2);
            Node& mortal = *site.nodes.front();
            mortal.life = {end, changes};
            ASSERT_TRUE(site.converge()) << "killed after " << changes << " changes\n" << site.standings();
            ASSERT_TRUE(site.all(State::settled)) << "killed after " << changes << " changes\n" << site.standings();
            ASSERT_FALSE(read_ledger(site.store, kit.name).lock);
            if (!mortal.life.is_over) break; // it has lived longer than the work
        }
}

TEST_P(Contract, AWipedNodeIsReplacedAndNothingIsMadeAnew) {
    if (!formation().present) GTEST_SKIP() << "it has no data";
    SiteOfNodes site(kit, 3);
    ASSERT_TRUE(site.converge()) << site.standings();
    const auto facts = read_ledger(site.store, kit.name).facts;
    for (auto& node : site.nodes) node->jobs.clear();
    site.nodes.front()->wipe();
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_TRUE(site.all(State::settled)) << site.standings();
    EXPECT_EQ(count_of(site, once()), 0u);
    EXPECT_EQ(read_ledger(site.store, kit.name).facts, facts);
}

TEST_P(Contract, WhereAllDataIsGoneItAlarmsAndCreatesNothing) {
    if (!formation().present || once().empty()) GTEST_SKIP() << "it has no data that is made once";
    SiteOfNodes site(kit, 1);
    ASSERT_TRUE(site.converge()) << site.standings();
    site.nodes.front()->jobs.clear();
    site.nodes.front()->wipe();
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_TRUE(site.all(State::alarmed)) << site.standings();
    EXPECT_EQ(count_of(site, once()), 0u);
}

TEST_P(Contract, ANodeThatLeavesIsForgotten) {
    SiteOfNodes site(kit, 3);
    ASSERT_TRUE(site.converge()) << site.standings();
    const std::string gone = site.nodes.back()->member().id;
    site.nodes.pop_back();
    site.site.members.pop_back();
    site.now += std::chrono::minutes(10);
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_TRUE(site.all(State::settled)) << site.standings();
    EXPECT_FALSE(read_ledger(site.store, kit.name).members.contains(gone));
    EXPECT_FALSE(read_ledger(site.store, kit.name).settled.contains(gone));
}

// The runner makes all read-only for observations, so that one that writes fails; this sees that it has not found another way.
TEST_P(Contract, ObservingWritesNothing) {
    SiteOfNodes site(kit, 1);
    ASSERT_TRUE(site.converge()) << site.standings();
    Node& node = *site.nodes.front();
    const Tree before = tree_of(node.root()), shared = tree_of(site.shared.path());
    site.now += std::chrono::minutes(10);
    node.jobs.clear();
    ASSERT_TRUE(site.converge()) << site.standings();
    EXPECT_FALSE(node.jobs.empty());
    EXPECT_EQ(tree_of(node.root()), before);
    EXPECT_EQ(tree_of(site.shared.path()), shared);
}

TEST_P(Contract, SecretsAreInNoArgumentAndInNoJournal) {
    SiteOfNodes site(kit, 2);
    ASSERT_TRUE(site.converge()) << site.standings();
    for (const auto& secret : formation().secrets) {
        const auto entries = site.store.list(key::secret(kit.name, secret.name.value));
        ASSERT_FALSE(entries.empty());
        const std::string& value = entries.begin()->second.value;
        for (const auto& node : site.nodes) {
            for (const auto& job : node->jobs) EXPECT_THAT(job.argv, Not(Contains(testing::HasSubstr(value))));
            EXPECT_THAT(read_file(node->root() / "journal/formations.journal"), Not(testing::HasSubstr(value)));
            for (const auto& render : formation().renders)
                EXPECT_TRUE(!render.has_secrets || (fs::status(node->root() / fs::path(render.path.value).relative_path()).permissions() & fs::perms(077)) == fs::perms::none);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Formations, Contract, testing::Values(tally));

// ---- The suite can fail ----

TEST(ContractSuite, RefusesAnObservationThatWrites) {
    Kit kit = tally();
    kit.programs["/usr/lib/tally/observe"].insert(std::string("#!/bin/sh\n").size(), "set -e; echo seen >/var/lib/seen\n");
    SiteOfNodes site(kit, 1);
    EXPECT_FALSE(site.converge(20));
    EXPECT_THAT(site.standings(), testing::HasSubstr("Read-only file system"));
}
