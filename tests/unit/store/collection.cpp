// Collecting: what goes, what stays, and what a build that runs does not lose.

#include <store/collection.hpp>

#include <base/error.hpp>

#include "aging.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::store;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;
using std::chrono::hours;

namespace {

struct CollectionTest : testing::Test {
    TemporaryDirectory dir{fs::temp_directory_path()};
    Store store{dir.path() / "store"};

    void old_blob(const std::string& text, hours by = hours(24 * 60)) {
        store.insert_text(text);
        age(store.blob_path(sha256(text)), by);
    }
    void old_stage(const std::string& key, hours by = hours(24 * 60)) {
        const fs::path output = store.stage("unpack", sha256(key), [](const fs::path& path) { write_file(path / "x", std::string(100'000, 'x')); });
        age(output.parent_path(), by);
    }
    static std::string blob(const std::string& text) { return "blobs/" + sha256(text).hex(); }
    static std::string stage(const std::string& key) { return "stages/unpack/" + sha256(key).hex(); }
    std::vector<std::string> names(const Collected& collected) const {
        std::vector<std::string> found;
        for (const auto& one : collected.taken) found.push_back(one.name);
        return found;
    }
    // Not Store::find(), which is use.
    bool there(const std::string& name) const {
        const fs::path path = name;
        const std::string last = path.filename();
        return fs::exists(name.starts_with("blobs/") ? store.root() / "blobs" / last.substr(0, 2) / last : store.root() / path);
    }
};

} // namespace

TEST_F(CollectionTest, TakesWhatNobodyUsed) {
    old_blob("unused");
    old_blob("used lately", hours(24));
    old_stage("unused");
    old_stage("used lately", hours(24));
    const Collected collected = collect(store, {});
    EXPECT_THAT(names(collected), UnorderedElementsAre(blob("unused"), stage("unused")));
    EXPECT_EQ(collected.blobs.count, 1U);
    EXPECT_EQ(collected.stages.count, 1U);
    EXPECT_EQ(collected.excess, 0U);
    EXPECT_FALSE(there(blob("unused")) || there(stage("unused")));
    EXPECT_TRUE(there(blob("used lately")) && there(stage("used lately")));
    EXPECT_TRUE(fs::is_empty(store.root() / "tmp"));
}

TEST_F(CollectionTest, WhatARunningBuildFoundIsItsOwn) {
    old_blob("found");
    old_blob("not found");
    old_stage("found");
    Store build(store.root());
    EXPECT_TRUE(build.find(sha256("found")));
    EXPECT_TRUE(build.has_stage("unpack", sha256("found")));
    EXPECT_THAT(names(collect(store, {.unused = hours(0), .most = 0})), ElementsAre(blob("not found")));
    EXPECT_TRUE(there(blob("found")) && there(stage("found")));
}

TEST_F(CollectionTest, AfterTheBuildItMayGo) {
    {
        Store build(store.root());
        build.insert_text("made");
        EXPECT_THAT(names(collect(store, {.unused = hours(0)})), IsEmpty());
    }
    age(store.blob_path(sha256("made")), hours(1));
    EXPECT_THAT(names(collect(store, {.unused = hours(0)})), ElementsAre(blob("made")));
}

TEST_F(CollectionTest, ARehearsalOnlySays) {
    old_blob("unused");
    old_stage("unused");
    const auto said = collect(store, {.run = Collecting::Run::rehearsal});
    EXPECT_TRUE(there(blob("unused")) && there(stage("unused")));
    const auto done = collect(store, {});
    EXPECT_EQ(names(said), names(done));
    EXPECT_EQ(said.left, done.left);
    EXPECT_EQ(said.blobs, done.blobs);
    EXPECT_EQ(said.stages, done.stages);
}

TEST_F(CollectionTest, RootsKeepBlobsAlwaysAndResultsByAge) {
    old_blob("kept");
    old_stage("kept");
    keep(store, "release-R1.0", {.reason = "release R1.0", .while_exists = {}, .blobs = {sha256("kept"), sha256("elsewhere")}, .stages = {{"unpack", sha256("kept")}}});
    EXPECT_THAT(names(collect(store, {})), IsEmpty());
    const Collected collected = collect(store, {.most = 1});
    EXPECT_THAT(names(collected), ElementsAre(stage("kept")));
    EXPECT_EQ(collected.taken.front().cause, Collected::Cause::too_large);
    EXPECT_TRUE(there(blob("kept")));
    EXPECT_EQ(collected.excess, collected.left - 1) << "the blob";
    EXPECT_TRUE(forget(store, "release-R1.0"));
    EXPECT_FALSE(forget(store, "release-R1.0"));
    EXPECT_THAT(names(collect(store, {})), ElementsAre(blob("kept")));
}

TEST_F(CollectionTest, RootsEndWithWhatTheyAreFor) {
    old_blob("kept");
    write_file(dir.path() / "R0.lock", "a lock");
    keep(store, "lock-R0", {.reason = "lock of train R0", .while_exists = dir.path() / "R0.lock", .blobs = {sha256("kept")}, .stages = {}});
    EXPECT_THAT(names(collect(store, {})), IsEmpty());
    fs::remove(dir.path() / "R0.lock");
    EXPECT_THAT(names(collect(store, {.run = Collecting::Run::rehearsal})), ElementsAre("roots/lock-R0", blob("kept")));
    EXPECT_THAT(names(collect(store, {})), ElementsAre("roots/lock-R0", blob("kept")));
    EXPECT_TRUE(fs::is_empty(store.root() / "roots"));
}

TEST_F(CollectionTest, TheOldestGoUntilTheRestFits) {
    old_stage("oldest", hours(30));
    old_stage("old", hours(20));
    old_stage("newest", hours(10));
    const std::uint64_t whole = collect(store, {}).left;
    const Collected collected = collect(store, {.most = whole - 1});
    EXPECT_THAT(names(collected), ElementsAre(stage("oldest")));
    EXPECT_EQ(collected.left + collected.stages.bytes, whole);
    EXPECT_THAT(names(collect(store, {.most = collected.left})), IsEmpty()) << "it fits";
}

TEST_F(CollectionTest, RootsThatCannotBeReadStopIt) {
    old_blob("unused");
    write_file(store.root() / "roots/mine", "blob\n");
    try {
        (void)collect(store, {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot read '" + (store.root() / "roots/mine").native() + "': line 1: not 'ashlar-roots 1'\n"
                                  "  while collecting what nobody needs of the store '" + store.root().native() + "'\n"
                                  "  hint: write it again, or remove it when what it keeps may go");
    }
    EXPECT_TRUE(there(blob("unused")));
}

TEST_F(CollectionTest, BegunTransfersAndWhatWasDamagedGoToo) {
    const Digest digest = sha256("whole");
    {
        auto partial = store.claim_partial(digest);
        write_all(partial->claim.fd(), "who", "partial");
        age(partial->path, hours(24 * 60));
        write_file(store.root() / "quarantine/x", "damaged");
        age(store.root() / "quarantine/x", hours(24 * 60));
        EXPECT_THAT(names(collect(store, {})), ElementsAre("quarantine/x")) << "somebody is at the other";
    }
    EXPECT_THAT(names(collect(store, {})), ElementsAre("partial/" + digest.hex()));
}

TEST_F(CollectionTest, NothingGoesThatWasUsedSinceSomebodyLooked) {
    old_blob("seen");
    const auto all = objects(store);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_TRUE(store.find(sha256("seen")));
    EXPECT_FALSE(store.remove(all.front().path, all.front().last_use));
    EXPECT_TRUE(there(blob("seen")));
}

TEST_F(CollectionTest, TheInventorySaysWhoKeepsWhat) {
    store.insert_text("!<arch>\ndebian-binary   1");
    old_blob("Package: hello\n");
    old_blob("-----BEGIN PGP SIGNED MESSAGE-----\n", hours(1));
    old_stage("made");
    keep(store, "lock-R0", {.reason = "lock of train R0", .while_exists = {}, .blobs = {sha256("!<arch>\ndebian-binary   1"), sha256("elsewhere")}, .stages = {}});
    const Inventory inventory = take_inventory(store, std::chrono::system_clock::now() - hours(24 * 30));
    EXPECT_EQ(inventory.blobs.at(Kind::package).count, 1U);
    EXPECT_EQ(inventory.blobs.at(Kind::index).count, 1U);
    EXPECT_EQ(inventory.blobs.at(Kind::release).count, 1U);
    EXPECT_EQ(inventory.stages.at("unpack").count, 1U);
    ASSERT_EQ(inventory.roots.size(), 1U);
    EXPECT_EQ(inventory.roots[0].reason, "lock of train R0");
    EXPECT_EQ(inventory.roots[0].here.count, 1U);
    EXPECT_EQ(inventory.roots[0].missing, 1U);
    EXPECT_EQ(inventory.reachable.count, 1U);
    EXPECT_EQ(inventory.unreachable.count, 3U);
    EXPECT_EQ(inventory.old.count, 2U);
    EXPECT_EQ(inventory.total().count, 4U);
    EXPECT_EQ(inventory.old.bytes, collect(store, {.run = Collecting::Run::rehearsal}).blobs.bytes + inventory.stages.at("unpack").bytes);
}
