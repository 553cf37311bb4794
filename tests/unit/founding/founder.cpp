#include "nodes.hpp"

#include <gmock/gmock.h>

namespace ashlar::founding {
namespace {

using beacon::Standing;
using std::chrono::milliseconds;

const Self n1 = node(1, "n01"), n2 = node(2, "n02"), n3 = node(3, "n03");
const Electorate all{{"n01", n1.node}, {"n02", n2.node}, {"n03", n3.node}};

// One node, and what the others say to it.
class Alone : public testing::Test {
protected:
    explicit Alone() { start(); }

    void start(Journal journal = {}, bool marked = false, Charter charter = three_listed(), Self self = n1) {
        charter_ = charter;
        founder_.emplace(charter, self, Bytes{}, std::move(journal), 1, Pace(), goes_on_for_);
        tell(Started{marked});
    }
    std::vector<Action> tell(const Event& event) { return founder_->on(now_, event); }
    std::vector<Action> hear(const Self& self, Standing standing = Standing::hearing) { return tell(Heard{beacon_of(self, charter_, standing)}); }
    std::vector<Action> hear_member(const Self& self, std::uint8_t genesis) {
        auto beacon = beacon_of(self, charter_, Standing::member);
        beacon.genesis = genesis_of(genesis).id;
        return tell(Heard{beacon});
    }
    std::vector<Action> receive(const Self& from, Message message) { return tell(Received{from.node, from.life, std::move(message)}); }
    std::vector<Action> pass(milliseconds time) {
        std::vector<Action> actions;
        for (const auto end = now_ + time; now_ < end;) {
            now_ += milliseconds(100);
            for (auto& action : tell(Tick{})) actions.push_back(std::move(action));
        }
        return actions;
    }
    [[nodiscard]] std::string sentence() const { return founder_->status().sentence; }
    [[nodiscard]] std::string_view phase() const { return name_of(founder_->phase()); }
    static Prepare prepare(std::uint64_t round, const Self& proposer, Electorate electorate = all, std::optional<Order> order = {}) {
        return {{round, proposer.node, proposer.life.mark}, std::move(electorate), three_listed().summary(), std::move(order)};
    }

    Charter charter_;
    Founder::Predecessor goes_on_for_;
    std::optional<Founder> founder_;
    milliseconds now_{1000};
};

TEST_F(Alone, NamesWhoIsMissing) {
    EXPECT_EQ(sentence(), "1 of 3 voters: waiting for n02 (serial B), never heard, waiting for n03 (serial C), never heard");
    hear(n2);
    EXPECT_EQ(sentence(), "2 of 3 voters: waiting for n03 (serial C), never heard");
    hear(n3);
    EXPECT_EQ(sentence(), "3 of 3 voters: they agree in a moment");
    pass(milliseconds(50'000));
    hear(n2);
    EXPECT_EQ(sentence(), "2 of 3 voters: waiting for n03 (serial C), last heard 50 s ago");
    EXPECT_THAT(founder_->status().remedy, testing::HasSubstr("power on n03"));
}

TEST_F(Alone, NamesWhoCannotAgree) {
    hear(n2, Standing::foreign_data);
    auto other = beacon_of(n3, charter_);
    other.charter = {};
    tell(Heard{other});
    EXPECT_EQ(sentence(), "1 of 3 voters: n02 has disks that carry this site, and waits, n03 has another list of voters in its site.toml");
    hear(node(9, "n02"));
    EXPECT_THAT(sentence(), testing::HasSubstr("n02 is claimed by two nodes"));
}

TEST_F(Alone, FoundsNothingWhileAVoterIsMissing) {
    for (int i = 0; i < 100; ++i) {
        hear(n2);
        EXPECT_TRUE(only<Send>(pass(milliseconds(10'000))).empty());
    }
    EXPECT_EQ(phase(), "hearing");
}

TEST_F(Alone, ProposesWhenAllAreThere) {
    hear(n2), hear(n3);
    EXPECT_TRUE(said<Prepare>(pass(milliseconds(2'500))).empty());
    const auto asked = said<Prepare>(pass(milliseconds(1'500)));
    ASSERT_FALSE(asked.empty());
    EXPECT_EQ(asked.front().electorate, all);
}

TEST_F(Alone, PromisesOnlyWhenThePromiseIsOnTheDisk) {
    const auto at_once = receive(n2, prepare(1, n2));
    EXPECT_TRUE(said<Promise>(at_once).empty());
    const auto writes = only<Persist>(at_once);
    ASSERT_EQ(writes.size(), 1U);
    EXPECT_EQ(writes.front().journal.votes.promised, prepare(1, n2).ballot);
    EXPECT_TRUE(said<Promise>(receive(n2, prepare(1, n2))).empty()) << "asked again";
    EXPECT_EQ(said<Promise>(tell(Persisted{writes.front().number})).size(), 2U);
    EXPECT_EQ(phase(), "promised");
    EXPECT_EQ(said<Promise>(receive(n2, prepare(1, n2))).size(), 1U) << "what is on the disk is said at once";
}

TEST_F(Alone, AcceptsOnlyWhatItPromisedAndSaysSoWhenItIsOnTheDisk) {
    const Propose proposal{prepare(1, n2).ballot, genesis_of(7, all)};
    EXPECT_EQ(said<Refused>(receive(n2, proposal)).front().objection, Objection::unpromised);
    receive(n2, prepare(1, n2));
    tell(Persisted{1});
    EXPECT_TRUE(said<Accepted>(receive(n2, proposal)).empty());
    EXPECT_EQ(said<Accepted>(tell(Persisted{2})).size(), 1U);
    EXPECT_EQ(phase(), "accepted");
    receive(n3, prepare(2, n3));
    const auto promised = said<Promise>(tell(Persisted{3}));
    ASSERT_EQ(promised.size(), 1U);
    EXPECT_EQ(promised.front().accepted->genesis, genesis_of(7, all));
    EXPECT_EQ(said<Refused>(receive(n2, proposal)).front().objection, Objection::older);
}

TEST_F(Alone, WhoWasOutFindsItsVotesAgain) {
    start({.votes = {prepare(3, n2).ballot, Vote{prepare(2, n2).ballot, genesis_of(7, all)}}});
    EXPECT_EQ(phase(), "accepted");
    EXPECT_EQ(said<Refused>(receive(n2, prepare(2, n2))).front().objection, Objection::older);
}

TEST_F(Alone, AMemberOnTheNetworkEndsFounding) {
    hear_member(node(9, "n09", false), 7);
    EXPECT_EQ(phase(), "joining");
    EXPECT_EQ(said<Refused>(receive(n2, prepare(1, n2))).front().objection, Objection::exists);
    EXPECT_EQ(founder_->journal().told, genesis_of(7).id);
    start(founder_->journal());
    EXPECT_EQ(phase(), "joining") << "also after a restart, when the member is gone";
    EXPECT_THAT(sentence(), testing::HasSubstr("waits for a member that tells about it"));
}

TEST_F(Alone, JoinsWhatAMemberTells) {
    const Self member = node(9, "n09", false);
    hear_member(member, 7);
    EXPECT_FALSE(said<Ask>(pass(milliseconds(2'100))).empty());
    const auto written = only<Persist>(receive(member, Known{genesis_of(7)}));
    ASSERT_EQ(written.size(), 1U);
    const auto settle = only<Settle>(tell(Persisted{written.front().number}));
    ASSERT_EQ(settle.size(), 1U);
    EXPECT_FALSE(settle.front().voter) << "it is none of the voters of then";
    tell(Persisted{only<Persist>(tell(Settled{})).front().number});
    EXPECT_EQ(phase(), "member");
}

TEST_F(Alone, AVoterThatMissedTheCommitIsAFounder) {
    hear_member(n2, 7);
    const auto written = only<Persist>(receive(n2, Known{genesis_of(7, all)}));
    EXPECT_TRUE(only<Settle>(tell(Persisted{written.front().number})).front().voter);
    EXPECT_EQ(phase(), "founding");
}

TEST_F(Alone, WhatItAcceptedItKnowsWhenSomebodySaysThatItIsTheOne) {
    start({.votes = {prepare(1, n2).ballot, Vote{prepare(1, n2).ballot, genesis_of(7, all)}}});
    const auto written = only<Persist>(hear_member(n2, 7));
    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(written.front().journal.genesis, genesis_of(7, all));
}

TEST_F(Alone, DisksThatCarryTheSiteAreNotFoundedOver) {
    start({}, true);
    EXPECT_EQ(phase(), "foreign-data");
    hear(n2), hear(n3);
    EXPECT_TRUE(only<Send>(pass(milliseconds(30'000))).empty());
    EXPECT_EQ(said<Refused>(receive(n2, prepare(1, n2))).front().objection, Objection::foreign_data);
    hear_member(node(9, "n09", false), 7);
    EXPECT_EQ(phase(), "joining");
}

TEST_F(Alone, AnOperatorMayOrderToFoundDespiteTheDisks) {
    start({}, true);
    tell(Ordered{{.number = 1, .without = {}, .despite = {"n02"}}});
    EXPECT_EQ(phase(), "foreign-data") << "that is another's";
    tell(Ordered{{.number = 2, .without = {}, .despite = {"n01"}}});
    EXPECT_EQ(phase(), "hearing");
}

TEST_F(Alone, GoesOnWithoutAVoterOnlyByOrder) {
    const Electorate two{{"n01", n1.node}, {"n02", n2.node}};
    EXPECT_EQ(said<Refused>(receive(n2, prepare(1, n2, two))).front().objection, Objection::other_voters);
    EXPECT_EQ(only<Persist>(receive(n2, prepare(1, n2, two, Order{1, {"n03"}, {}}))).size(), 1U);
}

TEST_F(Alone, TakesNoOrderThatLeavesTooFew) {
    tell(Ordered{{.number = 1, .without = {"n02", "n03"}, .despite = {}}});
    EXPECT_FALSE(founder_->journal().order);
    tell(Ordered{{.number = 1, .without = {"n99"}, .despite = {}}});
    EXPECT_FALSE(founder_->journal().order) << "of a place that is not declared";
    tell(Ordered{{.number = 2, .without = {"n03"}, .despite = {}}});
    tell(Ordered{{.number = 1, .without = {"n02"}, .despite = {}}});
    EXPECT_EQ(founder_->journal().order->number, 2U) << "an older one";
}

TEST_F(Alone, AnotherGenesisIsLoudAndMergesNothing) {
    start({.told = genesis_of(7).id, .genesis = genesis_of(7, all), .settled = true});
    EXPECT_EQ(phase(), "member");
    EXPECT_EQ(only<Alarm>(hear_member(node(9, "n09", false), 8)).size(), 1U);
    EXPECT_EQ(phase(), "conflict");
    receive(node(9, "n09", false), Known{genesis_of(8)});
    EXPECT_EQ(founder_->journal().genesis, genesis_of(7, all));
    EXPECT_TRUE(only<Alarm>(hear_member(node(9, "n09", false), 8)).empty()) << "once";
    pass(milliseconds(60'000));
    EXPECT_EQ(phase(), "member") << "the other is gone";
}

// Genesis 7 goes on for 6, and for nothing else.
TEST_F(Alone, WhatItsSiteWasBeforeItWasRestoredIsNoRival) {
    goes_on_for_ = [](const Genesis& genesis) { return genesis.id == genesis_of(7).id ? std::optional(genesis_of(6).id) : std::nullopt; };
    const Self old = node(9, "n09", false), other = node(8, "n08", false);
    const auto look = [&] {
        EXPECT_EQ(phase(), "member");
        const auto alarms = only<Alarm>(hear_member(old, 6));
        ASSERT_EQ(alarms.size(), 1U);
        EXPECT_EQ(alarms.front().text, "n09 still is what the site was before it was restored, genesis 06060606: switch off, and flash anew");
        EXPECT_EQ(founder_->status().remedy, alarms.front().text);
        EXPECT_TRUE(only<Alarm>(hear_member(old, 6)).empty()) << "once";
        receive(old, Known{genesis_of(6)});
        EXPECT_EQ(phase(), "member");
        EXPECT_EQ(founder_->journal().genesis, genesis_of(7, all));
        // It is told what there is, and keeps to what it was.
        EXPECT_EQ(said<Known>(receive(old, Ask{})).front().genesis, genesis_of(7, all));
    };
    start({.told = genesis_of(7).id, .genesis = genesis_of(7, all), .settled = true});
    look();
    // A third is a rival, and ends alone: the old one keeps nobody in a conflict.
    hear_member(other, 5);
    EXPECT_EQ(phase(), "conflict");
    for (int i = 0; i < 6; ++i) {
        pass(milliseconds(10'000));
        hear_member(old, 6);
    }
    EXPECT_EQ(phase(), "member");
    pass(milliseconds(60'000));
    EXPECT_EQ(founder_->status().remedy, "");

    // Learned in this life, and not read from the disk.
    start();
    hear_member(other, 7);
    receive(other, Known{genesis_of(7, all)});
    tell(Persisted{9});
    tell(Settled{});
    tell(Persisted{9});
    look();

    // Who is of the past knows nothing of it.
    start({.told = genesis_of(6).id, .genesis = genesis_of(6, all), .settled = true});
    hear_member(other, 7);
    EXPECT_EQ(phase(), "conflict");
}

TEST_F(Alone, ABlankNodeThatHearsOfTwoJoinsNeither) {
    hear_member(node(9, "n09", false), 7);
    hear_member(node(8, "n08", false), 8);
    EXPECT_EQ(phase(), "conflict");
    EXPECT_TRUE(only<Persist>(receive(node(9, "n09", false), Known{genesis_of(7)})).empty());
}

TEST_F(Alone, TwoMachinesWithOneIdStop) {
    Self copy = n1;
    copy.life.mark = 99;
    EXPECT_EQ(only<Alarm>(hear(copy)).size(), 1U);
    EXPECT_EQ(phase(), "identity-conflict");
    EXPECT_EQ(said<Refused>(receive(n2, prepare(1, n2))).front().objection, Objection::conflict);
    pass(milliseconds(60'000));
    EXPECT_EQ(phase(), "hearing");
}

TEST_F(Alone, AnotherKeyUnderItsIdIsAnotherMachine) {
    Self impostor = n1;
    impostor.key.back() = std::byte{9};
    impostor.life.boot = 0;
    hear(impostor);
    EXPECT_EQ(phase(), "identity-conflict");
}

TEST_F(Alone, ItsOwnOldBeaconsFrightenNobody) {
    Self before = n1;
    before.life = {0, 99};
    hear(before);
    hear(n1);
    EXPECT_EQ(phase(), "hearing");
}

TEST_F(Alone, BeaconsComeOftenAtFirstAndThenSlowlyForEver) {
    const auto first = only<Announce>(pass(milliseconds(60'000))).size();
    EXPECT_GT(first, 48U);
    EXPECT_LT(first, 78U);
    const auto later = only<Announce>(pass(milliseconds(600'000))).size();
    EXPECT_GT(later, 48U);
    EXPECT_LT(later, 78U);
}

TEST_F(Alone, AFloodFindsABoundAndTheVotersStayHeard) {
    hear(n2);
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        Self stranger = node(0, "x", false);
        put_little_endian(std::span(stranger.node.bytes), 0, i);
        put_little_endian(std::span(stranger.key), 0, i);
        stranger.key[31] = std::byte{1};
        hear(stranger);
    }
    EXPECT_LE(founder_->peers().count(), 256U);
    hear(n3);
    EXPECT_EQ(sentence(), "3 of 3 voters: they agree in a moment");
}

TEST_F(Alone, ReplayedBeaconsChangeNothing) {
    const auto old = beacon_of(n2, charter_, Standing::foreign_data);
    hear(n2);
    tell(Heard{old});
    EXPECT_THAT(sentence(), testing::StartsWith("2 of 3"));
    Self again = n2;
    again.life = {0, 77};
    EXPECT_EQ(said<Ask>(hear(again)).size(), 1U) << "a replay, or flashed again: it is asked";
    EXPECT_TRUE(said<Ask>(hear(again)).empty()) << "not at every beacon";
    receive(again, Known{});
    hear(again, Standing::foreign_data);
    EXPECT_THAT(sentence(), testing::HasSubstr("n02 has disks that carry this site"));
}

TEST_F(Alone, AnonymousVotersAreCountedExactly) {
    start({}, false, {.mode = Mode::anonymous, .places = {}, .expect = 2}, node(1, ""));
    EXPECT_EQ(sentence(), "1 of 2 blank nodes: waiting for 1 more");
    hear(node(2, "")), hear(node(3, ""));
    EXPECT_THAT(sentence(), testing::StartsWith("3 of 2 blank nodes: 1 too many"));
}

} // namespace
} // namespace ashlar::founding
