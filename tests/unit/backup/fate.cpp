// What comes back: the table of docs/formats/site-backup.md.

#include <backup/fate.hpp>

#include <algorithm>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::backup;
using testing::ElementsAre;

namespace {

TEST(Fate, IsThatOfTheTable) {
    const auto all_are = [](Fate fate, const std::vector<std::string>& keys) {
        for (const auto& key : keys) EXPECT_EQ(fate_of(key), fate) << key;
    };
    all_are(Fate::kept, {"/test", "/tickets/01", "/denials/01", "/wipes/01", "/formations/ceph/facts/fsid", "/something/else", "/genesis-of-mine", "/formations/ceph", "/retry"});
    all_are(Fate::removed, {"/nodes/01"});
    all_are(Fate::done, {"/formations/ceph/once/begin"});
    all_are(Fate::newest, {"/audit/000001796000000-0123456789abcdef"});
    all_are(Fate::dropped, {"/names/n01", "/seats/01", "/applicants/01", "/approvals/01", "/replacements/n01", "/proposals/01", "/locks/ceph", "/plan/site.toml", "/genesis", "/restored", "/restored/0", "/authority", "/authority/followed/01",
                            "/formations/ceph/secrets/admin", "/formations/ceph/members/01", "/formations/ceph/settled/01", "/formations/ceph/retry"});
}

TEST(Fate, OfABackupIsToHoldAllButWhatItHasElsewhere) {
    for (const char* key : {"/test", "/plan/site.toml", "/locks/ceph", "/seats/01", "/formations/ceph/once/begin"}) EXPECT_TRUE(is_backed_up(key)) << key;
    for (const char* key : {"/genesis", "/formations/ceph/secrets/admin"}) EXPECT_FALSE(is_backed_up(key)) << key;
}

Content with(std::vector<Pair> pairs) {
    return {.genesis = "g", .authority = Secret("a"), .etcd_authority = Secret("e"), .site_key = Secret("s"), .secrets = {}, .pairs = std::move(pairs)};
}
std::vector<std::string> keys_of(const Content& content) {
    std::vector<std::string> keys;
    std::ranges::transform(content.pairs, std::back_inserter(keys), &Pair::key);
    return keys;
}
Header header() { return {.site = SiteId::random(), .name = "berlin-1", .genesis = GenesisId::random(), .made = {}, .holds = {.nodes = 1, .secrets = 0, .pairs = 3, .audit = 0, .audit_left_out = 2}}; }

TEST(Fate, OfARestoreFileIsToHoldNoMoreThanIsRestored) {
    Header said = header();
    const auto left = for_restore(with({{"/locks/ceph", "x"}, {"/nodes/01", "x"}, {"/test", "kept"}}), said);
    EXPECT_THAT(keys_of(left), ElementsAre("/nodes/01", "/test"));
    EXPECT_EQ(said.holds, (Holdings{.nodes = 1, .secrets = 0, .pairs = 2, .audit = 0, .audit_left_out = 2}));
}

TEST(Fate, OfTheAuditIsThatTheNewestComeBack) {
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < newest_audit + 3; ++i) pairs.push_back({fmt::format("/audit/{:05}", i), "x"});
    pairs.push_back({"/test", "kept"});
    Header said = header();
    const auto left = for_restore(with(std::move(pairs)), said);
    EXPECT_EQ(left.pairs.size(), newest_audit + 1);
    EXPECT_EQ(left.pairs.front().key, "/audit/00003");
    EXPECT_EQ(said.holds.audit, newest_audit);
    EXPECT_EQ(said.holds.audit_left_out, 5U);
}

} // namespace
