#include "rig.hpp"

namespace ashlar::voters::rig {
namespace {

using testing::HasSubstr;

const Time now{std::chrono::seconds(1790000000)};
const Human anna{.key = SigningKey::generate(site_scheme), .name = "anna", .rights = {Right::administer, Right::approve}}, ben{.key = SigningKey::generate(site_scheme), .name = "ben", .rights = {Right::approve}},
    carl{.key = SigningKey::generate(site_scheme), .name = "carl", .rights = {Right::administer}};
const LocalCaller root{NodeId{}, "n01", 0};
const Request wipe{"node.wipe", {{"name", "n03"}}};

Proposal by(const Human& human) { return {.id = ProposalId::random(), .what = wipe, .by = human.person(), .made = now, .expires = now + proposal_life}; }
std::string said(const std::optional<Refusal>& refusal) { return refusal ? std::string(name_of(refusal->reason)) + ": " + refusal->text : "yes"; }
const Ask& ask_for(const std::string& name) { return built_in_asks().find(name)->second; }

TEST(TwoPersons, AProposalIsReadAsItWasWritten) {
    const Proposal proposal = by(anna);
    EXPECT_EQ(proposal_from(text_of(proposal)), proposal);
    Json more = parse_json(text_of(proposal), "proposal");
    more["agreed"] = true;
    EXPECT_THAT(error_of([&] { (void)proposal_from(more.dump()); }), HasSubstr("unknown key 'agreed'"));
}

TEST(TwoPersons, AnotherOneAgrees) {
    const auto plan = plan_of({&anna, &ben});
    EXPECT_TRUE(can_be_two(plan));
    EXPECT_EQ(said(may_propose(anna.caller(), ask_for("node.wipe"), &plan, 0)), "yes");
    EXPECT_EQ(said(may_agree(ben.caller(), by(anna), &plan, now + 23h)), "yes");
}

TEST(TwoPersons, TheSameOneDoesNot) {
    const auto plan = plan_of({&anna, &ben});
    EXPECT_THAT(said(may_agree(anna.caller(), by(anna), &plan, now)), HasSubstr("takes-two: who proposed it cannot agree to it"));
    // Another name with the same key, and the same name with another key, are the same person.
    EXPECT_THAT(said(may_agree(OperatorCaller{{"anja", anna.person().key}, {Right::approve}}, by(anna), &plan, now)), HasSubstr("takes-two"));
    EXPECT_THAT(said(may_agree(OperatorCaller{{"anna", ben.person().key}, {Right::approve}}, by(anna), &plan, now)), HasSubstr("takes-two"));
    EXPECT_THAT(said(may_agree(root, by(anna), &plan, now)), HasSubstr("who agrees is a person"));
}

TEST(TwoPersons, AProposalHoldsForADayAndAsLongAsWhoMadeItIsAdmin) {
    const auto plan = plan_of({&anna, &ben, &carl}), without_anna = plan_of({&carl, &ben});
    EXPECT_THAT(said(may_agree(ben.caller(), by(anna), &plan, now + 24h)), HasSubstr("has expired"));
    EXPECT_THAT(said(may_agree(ben.caller(), by(anna), &without_anna, now)), HasSubstr("'anna', who proposed it, is no admin of the site any more"));
    Proposal lasting = by(anna);
    lasting.expires = now + 1000h;
    EXPECT_THAT(said(may_agree(ben.caller(), lasting, &plan, now)), HasSubstr("has expired"));
}

TEST(TwoPersons, WhereThereAreNoTwoOnlyRootMay) {
    for (const auto& plan : {plan_of({&anna}), plan_of({&carl}), plan_of({&ben}), plan_of({})}) {
        EXPECT_FALSE(can_be_two(plan));
        EXPECT_THAT(said(may_alone(anna.caller(), wipe, &plan)), HasSubstr("takes-two: 'node.wipe' takes two persons, and the site declares no two"));
        EXPECT_EQ(said(may_alone(root, wipe, &plan)), "yes");
        EXPECT_THAT(said(may_propose(anna.caller(), ask_for("node.wipe"), &plan, 0)), HasSubstr("no other one who could agree"));
    }
    const auto plan = plan_of({&anna, &ben});
    EXPECT_THAT(said(may_alone(root, wipe, &plan)), HasSubstr("takes-two"));
    EXPECT_THAT(said(may_alone(anna.caller(), wipe, &plan)), HasSubstr("takes-two"));
}

TEST(TwoPersons, OnlyWhatTakesTwoIsProposedAndNotWithoutEnd) {
    const auto plan = plan_of({&anna, &ben});
    EXPECT_THAT(said(may_propose(anna.caller(), ask_for("node.remove"), &plan, 0)), HasSubstr("takes one person"));
    EXPECT_THAT(said(may_propose(anna.caller(), ask_for("node.wipe"), &plan, most_proposals)), HasSubstr("too-many"));
    EXPECT_THAT(said(may_propose(root, ask_for("node.wipe"), &plan, 0)), HasSubstr("who proposes is a person"));
}

} // namespace
} // namespace ashlar::voters::rig
