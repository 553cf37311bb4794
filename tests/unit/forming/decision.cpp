// The core, asked about pictures that are painted by hand.

#include <forming/decision.hpp>
#include <forming/journal.hpp>

#include <formation/reader.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::forming;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

constexpr std::string_view text = R"(
summary = "x"
roles = ["control"]
units = ["db.service"]
present = "observation.data"
healthy = "observation.up"
[observe]
run = ["/usr/lib/x/observe"]
prints = { data = "boolean", up = "boolean", quorum = "boolean", id = "text?" }
[facts.id]
observed = "observation.id"
[[step]]
id = "create"
kind = "once"
summary = "creates it"
when = "not observation.data and not formation.formed"
run = ["/usr/lib/x/create"]
timeout = "30 s"
verify = "observation.data"
[[step]]
id = "join"
kind = "serial"
summary = "joins"
when = "formation.formed and not observation.data"
run = ["/usr/lib/x/join"]
timeout = "30 s"
verify = "observation.data"
[replace]
summary = "lets itself be forgotten"
when = "observation.quorum"
run = ["/usr/lib/x/forget"]
timeout = "30 s"
verify = "false"
)";

struct Painted {
    Formation subject = formation::read_formation(toml::source_from_text("x.toml", std::string(text)), "x");
    Site site{.id = "s", .members = {member("n1"), member("n2"), member("n3")}};
    Self self{.id = "n1", .boot = "b1", .release = "R0.1", .fulfilled = {"time", "store"}};
    Ledger ledger;
    std::optional<Json> observation = Json{{"data", false}, {"up", false}, {"quorum", false}};
    std::map<std::string, Attempt, std::less<>> attempts;
    std::optional<Settling> settling;
    std::vector<std::string> unmet;
    std::optional<std::string> missing; // for its files
    Time now = 100s;

    static Member member(const std::string& id) { return {.id = id, .name = id, .role = "control", .lineage = {"base", "control"}, .is_voter = true, .addresses = {}}; }
    void see(bool data, bool up, bool quorum = true) { observation = Json{{"data", data}, {"up", up}, {"quorum", quorum}}; }
    void formed_by(const std::string& id) {
        ledger.once["create"] = {{{id, "b1", "x/create", "R0.1"}, true}, 1};
        ledger.members[id] = {{id, ""}, 2};
    }
    [[nodiscard]] Action decide() const {
        Picture picture{.formation = subject, .site = site, .self = self, .ledger = ledger, .unmet = unmet, .observation = observation, .attempts = attempts, .settling = settling, .now = now};
        picture.missing_for_files = missing;
        return forming::decide(picture);
    }
    template <typename Kind> [[nodiscard]] Kind expect() const {
        const Action action = decide();
        if (const auto* kind = std::get_if<Kind>(&action)) return *kind;
        const auto* rest = std::get_if<Rest>(&action);
        ADD_FAILURE() << "the action is number " << action.index() << (rest ? ": " + rest->why : "");
        return {};
    }
};

} // namespace

TEST(Decision, NothingIsDoneBeforeItWasLookedAt) {
    Painted painted;
    painted.observation.reset();
    (void)painted.expect<Observe>();
    painted.attempts["observe"] = {.failures = 1, .not_before = 110s, .needs_person = false, .reason = "exit code 1"};
    EXPECT_EQ(painted.expect<Rest>().why, "cannot be observed: exit code 1; the next attempt is in 10 s");
}

TEST(Decision, WhatThePlanDoesNotWantRunsNowhere) {
    Painted painted;
    painted.site.without = {"y"};
    (void)painted.expect<Claim>();
    painted.site.without = {"x"};
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::absent);
    EXPECT_THAT(painted.expect<Rest>().why, testing::HasSubstr("[services] x = false"));
    EXPECT_TRUE(forming::placed(painted.subject, painted.site).empty());
}

TEST(Decision, WhatAPersonGivesIsWaitedForAndNotMade) {
    Painted painted;
    painted.subject.secrets.push_back({.name = {"public", {}}, .also = {}, .given = formation::Secret::Given::certificate});
    painted.missing = "secrets.public";
    EXPECT_EQ(painted.expect<Rest>().why, "waits for its secret 'public', which a person gives: ashlarctl formation give x public FILE");
    painted.missing = "secrets.other.public";
    EXPECT_EQ(painted.expect<Rest>().why, "waits for secrets.other.public, which its files need");
}

// Not "it does not run here": that would be a guess.
TEST(Decision, ARoleThatIsNotKnownIsSaid) {
    Painted painted;
    painted.site.members[0].lineage = {"base"};
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::absent);
    painted.site.members[0].unknown_roles = {"hyperconverged"};
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::alarmed);
    EXPECT_THAT(painted.expect<Rest>().why, testing::HasSubstr("this release knows no role 'hyperconverged'"));
    painted.subject.placement.among = formation::Placement::Among::voters;
    painted.site.members[0].is_voter = false; // then no role would place it
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::absent);
    painted.site.members[0].is_voter = true;
    painted.site.members[0].lineage = {"base", "control"}; // by another role that it has as well
    (void)painted.expect<Claim>();
}

TEST(Decision, ClaimsBeforeItCreates) {
    Painted painted;
    EXPECT_EQ(painted.expect<Claim>().step, "create");
    painted.ledger.once["create"] = {{{"n1", "b1", "x/create", "R0.1"}, false}, 7};
    EXPECT_EQ(painted.expect<forming::Run>().step, "create");
}

TEST(Decision, AClaimOfAnEarlierStartIsRenewedFirst) {
    Painted painted;
    painted.ledger.once["create"] = {{{"n1", "b0", "x/create", "R0.1"}, false}, 7};
    EXPECT_EQ(painted.expect<Claim>().revision, 7u);
}

TEST(Decision, WhatAnotherNodeCreatesIsWaitedForAndNotTakenOver) {
    Painted painted;
    painted.ledger.once["create"] = {{{"n2", "b9", "x/create", "R0.1"}, false}, 7};
    EXPECT_EQ(painted.expect<Rest>().why, "waits for node 'n2', which creates it: that happens once in the site");
    painted.site.members.erase(painted.site.members.begin() + 1);
    EXPECT_EQ(painted.expect<Claim>().revision, 7u) << "it has left the site";
}

TEST(Decision, DoneIsWhatIsSeen) {
    Painted painted;
    painted.ledger.once["create"] = {{{"n1", "b1", "x/create", "R0.1"}, false}, 7};
    painted.settling = Settling{"create", {}, 130s};
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("is not seen to be done yet"));
    painted.see(true, false);
    EXPECT_EQ(painted.expect<Confirm>().step, "create");
    painted.see(false, false);
    painted.now = 130s;
    EXPECT_EQ(painted.expect<Fail>().step, "create");
}

TEST(Decision, WhatWasDoneBeforeACutIsNoted) {
    Painted painted;
    painted.ledger.once["create"] = {{{"n1", "b0", "x/create", "R0.1"}, false}, 7};
    painted.see(true, true);
    EXPECT_EQ(painted.expect<Confirm>().step, "create");
}

TEST(Decision, OneNodeAtATime) {
    Painted painted;
    painted.formed_by("n2");
    EXPECT_EQ(painted.expect<TakeLock>().plan, "x/join");
    painted.ledger.lock = {{"n3", "b3", "x/join", "R0.1"}, 9};
    EXPECT_EQ(painted.expect<Rest>().why, "joins: waits for node 'n3', which has the lock for 'x/join'; it is one node's turn at a time");
    painted.ledger.lock = {{"n1", "b0", "x/join", "R0.1"}, 9};
    EXPECT_EQ(painted.expect<TakeLock>().revision, 9u) << "of an earlier start";
    painted.ledger.lock = {{"n1", "b1", "x/join", "R0.1"}, 9};
    EXPECT_EQ(painted.expect<forming::Run>().step, "join");
    painted.site.members.pop_back();
    painted.ledger.lock = {{"n3", "b3", "x/join", "R0.1"}, 9};
    EXPECT_EQ(painted.expect<TakeLock>().revision, 9u) << "its owner has left the site";
}

TEST(Decision, TheLockIsGivenBackByHealth) {
    Painted painted;
    painted.formed_by("n2");
    painted.ledger.members["n1"] = {{"n1", ""}, 3};
    painted.ledger.lock = {{"n1", "b1", "x/join", "R0.1"}, 9};
    painted.see(true, false);
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("not healthy yet"));
    painted.see(true, true);
    EXPECT_EQ(painted.expect<ReleaseLock>().revision, 9u);
    painted.ledger.lock.reset();
    (void)painted.expect<Settle>();
    painted.ledger.settled.insert("n1");
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::settled);
    painted.see(true, false);
    (void)painted.expect<Unsettle>();
}

TEST(Decision, LostDataIsReplacedAndNeverMadeAnew) {
    Painted painted;
    painted.formed_by("n1");
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("no other node has it")) << "the only one";
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::alarmed);
    painted.ledger.members["n2"] = {{"n2", ""}, 3};
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("it is replaced when this holds: observation.quorum"));
    painted.see(false, false, true);
    EXPECT_EQ(painted.expect<TakeLock>().plan, "x/replace");
    painted.ledger.lock = {{"n1", "b1", "x/replace", "R0.1"}, 9};
    EXPECT_EQ(painted.expect<forming::Run>().step, "replace");
}

TEST(Decision, ASecondClusterIsAnAlarm) {
    Painted painted;
    painted.formed_by("n1");
    painted.observation = Json{{"data", true}, {"up", true}, {"quorum", true}, {"id", "c1"}};
    EXPECT_EQ(painted.expect<MakeFact>().value, "c1");
    painted.ledger.facts["id"] = "c2";
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::alarmed);
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("id is 'c1' here, and 'c2' in the site"));
}

TEST(Decision, AnUpgradeStopsAllAndATrialAllThatChangesTheSite) {
    Painted painted;
    painted.self.upgrade = Self::Upgrade::under_way;
    EXPECT_EQ(painted.expect<Rest>().why, "waits: an upgrade of this node is under way");
    painted.self.upgrade = Self::Upgrade::trial;
    EXPECT_THAT(painted.expect<Rest>().why, HasSubstr("the release is on trial"));
}

TEST(Decision, WithoutTheStoreNothingIsCreated) {
    Painted painted;
    painted.self.fulfilled.erase("store");
    EXPECT_EQ(painted.expect<Rest>().why, "waits for the site's store");
}

TEST(Decision, AStepThatFailedWaitsLongerEachTimeOrForAPerson) {
    Painted painted;
    painted.ledger.once["create"] = {{{"n1", "b1", "x/create", "R0.1"}, false}, 7};
    painted.attempts["create"] = {.failures = 2, .not_before = 102s, .needs_person = false, .reason = "exit code 1: no route"};
    EXPECT_EQ(painted.expect<Rest>().why, "creates it: exit code 1: no route (failed 2 times); the next attempt is in 2 s");
    painted.attempts["create"].needs_person = true;
    EXPECT_EQ(painted.expect<Rest>().state, Rest::State::alarmed);
    EXPECT_EQ(backoff(1), 1s);
    EXPECT_EQ(backoff(4), 8s);
    EXPECT_EQ(backoff(1000), 5min);
}

TEST(FileJournal, SurvivesATornLineAndADamagedOne) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    const auto file = directory.path() / "formations.journal";
    const Record first{.what = Record::What::intent, .formation = "x", .step = "create", .boot = "b1"};
    const Record second{.what = Record::What::failed, .formation = "x", .step = "create", .boot = "b1", .text = "no \"route\"\n", .failures = 2};
    {
        FileJournal journal(directory.path());
        journal.append(first);
        journal.append(second);
        EXPECT_EQ(journal.recall(), (std::vector{first, second}));
    }
    EXPECT_EQ(FileJournal(directory.path()).recall(), (std::vector{first, second}));
    const std::string whole = read_file(file);
    write_file(file, whole.substr(0, whole.size() - 5));
    EXPECT_EQ(FileJournal(directory.path()).recall(), std::vector{first});
    std::string damaged = whole;
    damaged[20] ^= 1;
    write_file(file, damaged);
    FileJournal journal(directory.path());
    EXPECT_EQ(journal.recall(), std::vector{second});
    journal.append(first);
    EXPECT_EQ(FileJournal(directory.path()).recall(), (std::vector{second, first}));
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
}
