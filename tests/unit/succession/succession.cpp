// A site comes to other authorities: the steps as a table, and what a real etcd has of them.

#include <succession/succession.hpp>

#include <error_of.hpp>
#include <one_etcd.hpp>

#include <gmock/gmock.h>

namespace ashlar::succession {
namespace {

using certificates::Authority;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

NodeId node_of(const SigningKey& key) { return node_id_of(key.verifying_key()); }

class Rotation : public testing::Test {
protected:
    Rotation() {
        std::vector<genesis::Candidate> candidates;
        for (const auto* key : {&n01, &n02, &n03}) {
            candidates.push_back({.key = key->verifying_key(), .name = fmt::format("n0{}", candidates.size() + 1), .roles = {"control"}, .addresses = {fmt::format("10.0.0.1{}", candidates.size() + 1)}});
            voters.insert(node_of(*key));
        }
        value.emplace(genesis::build(site, GenesisId::random(), candidates, now));
        authorities.emplace(std::get<genesis::Authorities>(genesis::open(*value, *genesis::keys_for(*value, node_of(n01)), n01)));
        members = voters;
        members.insert(node_of(c01));
    }

    [[nodiscard]] State begun(Former former = Former::trusted) const {
        return begin({.value = *value, .authorities = *authorities, .lineage = std::nullopt}, {n01.verifying_key(), n02.verifying_key(), n03.verifying_key()}, former, now);
    }
    [[nodiscard]] Followed all_at(Step step) const {
        Followed followed;
        for (const auto& node : members) followed[node] = step;
        return followed;
    }
    [[nodiscard]] genesis::Authorities opened(const State& state, const SigningKey& key) const {
        return std::get<genesis::Authorities>(genesis::open(value_with(*value, state.newest()), state.keys.at(node_of(key)), key));
    }

    const SiteId site = SiteId::random();
    const SigningKey n01 = SigningKey::generate(site_scheme), n02 = SigningKey::generate(site_scheme), n03 = SigningKey::generate(site_scheme), c01 = SigningKey::generate(site_scheme);
    std::set<NodeId> voters, members;
    std::optional<genesis::Value> value;
    std::optional<genesis::Authorities> authorities;
};

TEST_F(Rotation, StepsHaveTheirPhases) {
    const std::vector<std::pair<Step, std::string_view>> table{{0, "settled"}, {1, "trusted"}, {2, "issuing"}, {3, "settled"}, {4, "trusted"}, {5, "issuing"}, {6, "settled"}};
    for (const auto& [step, phase] : table) EXPECT_EQ(name_of(phase_of(step)), phase) << step;
}

TEST_F(Rotation, GoesFromOneAuthorityOverBothToTheOther) {
    const State trusted = begun();
    EXPECT_EQ(trusted.step(), 1U);
    EXPECT_EQ(trusted.lineage.issuing.site, value->authority);
    const AuthorityPair next = *trusted.lineage.also;

    const State issuing = succession::next(trusted, all_at(1), members, voters).value();
    EXPECT_EQ(issuing.step(), 2U);
    EXPECT_EQ(issuing.lineage.issuing, next);
    EXPECT_EQ(issuing.lineage.also->site, value->authority);
    EXPECT_EQ(issuing.keys, trusted.keys);

    const State settled = succession::next(issuing, all_at(2), members, voters).value();
    EXPECT_EQ(settled.step(), 3U);
    EXPECT_EQ(settled.lineage.issuing, next);
    EXPECT_EQ(settled.lineage.also, std::nullopt) << "the former counts no more";
    EXPECT_EQ(succession::next(settled, all_at(3), members, voters), std::nullopt) << "it is over";
}

TEST_F(Rotation, WaitsForWhoeverHasNotDoneTheStep) {
    struct Row {
        const char* about;
        Step of_c01, of_n02;
        bool is_c01_left, is_n02_left, goes_on;
    };
    const std::vector<Row> table{
        {"all have", 2, 2, false, false, true},
        {"a node has not", 1, 2, false, false, false},
        {"a node has not, and is left behind", 1, 2, true, false, true},
        {"a voter has not", 2, 1, false, false, false},
        {"a voter is never left behind", 2, 1, false, true, false},
        {"a node is further", 3, 2, false, false, true},
    };
    State state = succession::next(begun(), all_at(1), members, voters).value();
    for (const auto& row : table) {
        Followed followed = all_at(2);
        followed[node_of(c01)] = row.of_c01;
        followed[node_of(n02)] = row.of_n02;
        state.left.clear();
        if (row.is_c01_left) state.left.insert(node_of(c01));
        if (row.is_n02_left) state.left.insert(node_of(n02));
        EXPECT_EQ(succession::next(state, followed, members, voters).has_value(), row.goes_on) << row.about;
    }
    Followed silent = all_at(2);
    silent.erase(node_of(c01));
    EXPECT_THAT(awaited(state, silent, members), ElementsAre(node_of(c01))) << "one that has said nothing";
    EXPECT_EQ(succession::next(state, silent, members, {}), std::nullopt) << "a site without voters";
}

TEST_F(Rotation, ForgetsWhoWasLeftBehindWhenItIsOver) {
    State state = succession::next(begun(), all_at(1), members, voters).value();
    state.left.insert(node_of(c01));
    EXPECT_THAT(succession::next(state, all_at(2), members, voters)->left, IsEmpty());
}

TEST_F(Rotation, VotersDoAStepOneAfterTheOther) {
    const State state = begun();
    Followed followed;
    std::vector<NodeId> order;
    while (const auto turn = whose_turn(state, followed, voters)) {
        order.push_back(*turn);
        followed[*turn] = 1;
    }
    EXPECT_EQ(order, std::vector<NodeId>(voters.begin(), voters.end()));
}

TEST_F(Rotation, EachVoterHasTheNextKeysAndNobodyElse) {
    const State state = begun();
    for (const auto* key : {&n01, &n02, &n03}) {
        const auto keys = opened(state, *key);
        EXPECT_EQ(keys.site.certificate(), state.newest().site);
        EXPECT_EQ(keys.etcd.certificate(), state.newest().etcd);
    }
    const auto foreign = genesis::open(value_with(*value, state.newest()), state.keys.at(node_of(n01)), c01);
    EXPECT_TRUE(std::holds_alternative<genesis::Refused>(foreign));
    EXPECT_TRUE(std::holds_alternative<genesis::Refused>(genesis::open(*value, state.keys.at(node_of(n01)), n01))) << "they are not those of the genesis";
}

TEST_F(Rotation, ANodeThatWasAwayIsLedFromWhatItKnows) {
    const State first = begun();
    const auto known = value->authority.digest();
    EXPECT_TRUE(certificates::leads(first.lineage.successions, site, known, first.newest().site.digest()));
    EXPECT_FALSE(certificates::leads(first.lineage.successions, SiteId::random(), known, first.newest().site.digest())) << "of another site";
    EXPECT_FALSE(certificates::leads(first.lineage.successions, site, first.newest().site.digest(), known)) << "and not back";
    EXPECT_FALSE(certificates::leads({}, site, known, first.newest().site.digest()));

    // Away during two rotations.
    State settled = first;
    for (const Step step : {Step{1}, Step{2}}) settled = succession::next(settled, all_at(step), members, voters).value();
    const auto present = value_with(*value, settled.lineage.issuing);
    const auto keys = opened(settled, n01);
    const State second = begin({.value = present, .authorities = keys, .lineage = settled.lineage}, {n01.verifying_key()}, Former::trusted, now);
    EXPECT_EQ(second.step(), 4U);
    EXPECT_TRUE(certificates::leads(second.lineage.successions, site, known, second.newest().site.digest()));

    auto changed = first.lineage.successions;
    changed.front().signature.back() ^= std::byte{1};
    EXPECT_FALSE(certificates::leads(changed, site, known, first.newest().site.digest()));
    const Authority own = Authority::found(site, now);
    EXPECT_FALSE(certificates::leads({{value->authority, own.certificate(), certificates::succession(own, own.certificate()).signature}}, site, known, own.certificate().digest())) << "signed by another key";
}

TEST_F(Rotation, TheWordOfACompromisedAuthorityIsWorthNothing) {
    EXPECT_THAT(begun(Former::compromised).lineage.successions, IsEmpty());
}

TEST_F(Rotation, IsReadAsItWasWritten) {
    const State trusted = begun();
    EXPECT_EQ(state_from(text_of(trusted), site), trusted);
    State settled = trusted;
    for (const Step step : {Step{1}, Step{2}}) settled = succession::next(settled, all_at(step), members, voters).value();
    settled.left.insert(node_of(c01));
    EXPECT_EQ(state_from(text_of(settled), site), settled);

    EXPECT_THAT(error_of([&] { (void)state_from(text_of(trusted), SiteId::random()); }), HasSubstr("it is not the certificate of an authority of the site"));
    State wrong = settled;
    wrong.lineage.step = 4;
    EXPECT_THAT(error_of([&] { (void)state_from(text_of(wrong), site); }), HasSubstr("it has not the authorities of its step"));
}

TEST_F(Rotation, ABackupSaysWhichAuthoritiesThereAreNow) {
    const State state = begun();
    const auto keys = opened(state, n01);
    const auto changed = genesis::with_authorities(*value, keys, now);
    const auto read = genesis::check_from_outside(genesis::text_of(changed), site);
    ASSERT_TRUE(std::holds_alternative<genesis::Value>(read)) << std::get<genesis::Refused>(read).text;
    const auto& again = std::get<genesis::Value>(read);
    EXPECT_EQ(again.genesis, value->genesis);
    EXPECT_TRUE(std::holds_alternative<genesis::Authorities>(genesis::authorities_with(again, keys.site.secret(), keys.etcd.secret())));
    EXPECT_TRUE(std::holds_alternative<genesis::Refused>(genesis::authorities_with(again, authorities->site.secret(), authorities->etcd.secret())));
}

// ---- In etcd -----------------------------------------------------------------------------------

class InEtcd : public testing::Test {
protected:
    void enrol(const SigningKey& key, const std::string& name, bool seat) {
        const roster::Member member{.key = key.verifying_key(), .bearer = {.node = node_of(key), .name = name, .roles = {"control"}, .addresses = {}}, .serial = {}, .state = roster::Member::State::member, .since = now};
        (void)client.put(roster::key::node(member.node()), roster::text_of(member));
        if (seat) (void)client.put(roster::key::seat(member.node()), roster::text_of(roster::Seat{.address = etcd.address, .authority = bytes("a"), .etcd_authority = bytes("b"), .site_key = bytes("c")}));
    }
    static Bytes bytes(std::string_view text) {
        const auto view = bytes_of(text);
        return {view.begin(), view.end()};
    }
    bool advances() { return advance(client, etcd.value.site, roster::read(client), "node n01", now); }

    OneEtcd etcd;
    etcd::Client client = etcd.client();
    const SigningKey c01 = SigningKey::generate(site_scheme);
};

TEST_F(InEtcd, ASiteGoesOnWhenAllHaveFollowed) {
    EXPECT_EQ(read(client, etcd.value.site), std::nullopt);
    EXPECT_FALSE(advances()) << "nothing was begun";
    enrol(etcd.key, "n01", true);
    enrol(c01, "c01", false);
    const auto authorities = std::get<genesis::Authorities>(genesis::open(etcd.value, *genesis::keys_for(etcd.value, node_of(etcd.key)), etcd.key));
    const State state = begin({.value = etcd.value, .authorities = authorities, .lineage = std::nullopt}, {etcd.key.verifying_key()}, Former::trusted, now);
    (void)client.put(key::state, text_of(state));

    for (const Step step : {Step{1}, Step{2}}) {
        EXPECT_EQ(read(client, etcd.value.site)->value.step(), step);
        EXPECT_FALSE(advances());
        follow(client, node_of(etcd.key), step);
        EXPECT_FALSE(advances()) << "c01 has not";
        follow(client, node_of(c01), step);
        EXPECT_THAT(read_followed(client), UnorderedElementsAre(std::pair(node_of(etcd.key), step), std::pair(node_of(c01), step)));
        EXPECT_TRUE(advances());
        EXPECT_FALSE(advances()) << "another voter was faster";
    }
    EXPECT_EQ(read(client, etcd.value.site)->value.phase(), Phase::settled);
    EXPECT_EQ(client.range("/audit/").pairs.size(), 2U);
}

TEST_F(InEtcd, WhoIsRemovedIsNotWaitedFor) {
    enrol(etcd.key, "n01", true);
    const auto authorities = std::get<genesis::Authorities>(genesis::open(etcd.value, *genesis::keys_for(etcd.value, node_of(etcd.key)), etcd.key));
    (void)client.put(key::state, text_of(begin({.value = etcd.value, .authorities = authorities, .lineage = std::nullopt}, {etcd.key.verifying_key()}, Former::trusted, now)));
    enrol(c01, "c01", false);
    follow(client, node_of(etcd.key), 1);
    EXPECT_FALSE(advances());
    roster::Member gone = *roster::read(client).member(node_of(c01));
    gone.state = roster::Member::State::removed;
    (void)client.put(roster::key::node(gone.node()), roster::text_of(gone));
    EXPECT_TRUE(advances());
}

} // namespace
} // namespace ashlar::succession
