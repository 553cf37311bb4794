// A node and a voter who meet, in every case that has a name; and whoever stands between them.

#include <base/error.hpp>
#include <enrolment/conversation.hpp>
#include <signing/base64.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::enrolment;
using namespace std::chrono_literals;
using certificates::Authority;
using certificates::NodeBearer;
using testing::HasSubstr;

namespace {

constexpr std::chrono::days day{1};

Nonce nonce_of(unsigned char fill) {
    Nonce nonce{};
    nonce.fill(static_cast<std::byte>(fill));
    return nonce;
}
const Nonce node_nonce = nonce_of(1), voter_nonce = nonce_of(2);

class Enrolment : public testing::Test {
protected:
    const Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
    const SiteId site = SiteId::random();
    const GenesisId genesis = GenesisId::random();
    const Authority authority = Authority::found(site, now);
    const SigningKey key = SigningKey::generate(site_scheme);
    const NodeId node = node_id_of(key.verifying_key());
    const Bytes exporter = Bytes(32, std::byte{7});
    const NodeBearer bearer{.node = node, .name = "n01", .roles = {"control"}, .addresses = {"10.0.0.11"}};

    Application application{.site = site, .facts = {{"serial", "ABC"}}, .ticket = std::nullopt, .certificate = std::nullopt};
    View view{.members = {}, .assignment = Assignment{.name = "n01", .roles = {"control"}, .addresses = {"10.0.0.11"}}};
    Time voters_now = now;

    [[nodiscard]] Json message() const { return application_message(application, key, node_nonce, exporter); }
    [[nodiscard]] Applicant applicant() const { return std::get<Applicant>(read_application(message(), site, exporter)); }
    [[nodiscard]] Decision decision() const {
        return decide(applicant(), view, [](std::string_view ticket, const NodeId&) { return ticket == "good" ? std::nullopt : std::optional<std::string>("it has expired"); }, authority.trust(), voters_now);
    }
    [[nodiscard]] Reason reason() const { return std::get<Refused>(decision()).reason; }
    [[nodiscard]] Member member() const { return {.key = key.verifying_key(), .bearer = bearer, .serial = "ABC"}; }
    [[nodiscard]] Member other_member() const {
        const VerifyingKey other = SigningKey::generate(site_scheme).verifying_key();
        return {.key = other, .bearer = {.node = node_id_of(other), .name = "n01", .roles = {"control"}, .addresses = {}}, .serial = "XYZ"};
    }

    [[nodiscard]] Seeker seeker(const Known& known) const { return {key, known, application, node_nonce, exporter}; }
    [[nodiscard]] Seeker seeker() const { return seeker({.site = site, .authority = std::nullopt, .genesis = std::nullopt}); }
    [[nodiscard]] Doorkeeper doorkeeper() {
        return {site, authority.certificate().digest(), voter_nonce, exporter, [this](const Applicant&) { return decision(); }};
    }
    [[nodiscard]] Json grant(const VerifyingKey& to) const {
        return granted(genesis, "value", authority.certificate(), authority.issue(NodeBearer{.node = node_id_of(to), .name = "n01", .roles = {"control"}, .addresses = {}}, to, now));
    }
};

} // namespace

// ---- The application ---------------------------------------------------------------------------

TEST_F(Enrolment, AnApplicationIsReadAsItWasMade) {
    application.ticket = "ticket";
    application.certificate = authority.issue(bearer, key.verifying_key(), now).der();
    const Applicant read = applicant();
    EXPECT_EQ(read.key, key.verifying_key());
    EXPECT_EQ(read.node, node);
    EXPECT_EQ(read.application.facts, application.facts);
    EXPECT_EQ(read.application.ticket, "ticket");
    EXPECT_EQ(read.application.certificate, application.certificate);
    EXPECT_EQ(read.commitment, commitment_to(node_nonce));
}

TEST_F(Enrolment, AnApplicationIsForOneConnectionOnly) {
    const Bytes another(32, std::byte{8});
    EXPECT_EQ(std::get<Refused>(read_application(message(), site, another)).reason, Reason::unproven);
}

TEST_F(Enrolment, NoWordOfAnApplicationCanBeAnother) {
    application.ticket = "ticket";
    const Json whole = message();
    for (const auto& [name, value] : whole.items()) {
        Json changed = whole;
        changed.erase(name);
        EXPECT_TRUE(std::holds_alternative<Refused>(read_application(changed, site, exporter))) << "without " << name;
    }
    Json changed = whole;
    changed["facts"]["serial"] = "ABD";
    EXPECT_EQ(std::get<Refused>(read_application(changed, site, exporter)).reason, Reason::unproven);
    changed = whole;
    changed["commitment"] = commitment_to(voter_nonce).hex();
    EXPECT_EQ(std::get<Refused>(read_application(changed, site, exporter)).reason, Reason::unproven);
    changed = whole;
    changed["request"] = base64(certificates::make_request(SigningKey::generate(site_scheme)));
    EXPECT_EQ(std::get<Refused>(read_application(changed, site, exporter)).reason, Reason::unproven);
    changed = whole;
    changed["more"] = 1;
    EXPECT_EQ(std::get<Refused>(read_application(changed, site, exporter)).reason, Reason::malformed);
    EXPECT_EQ(std::get<Refused>(read_application(Json::array(), site, exporter)).reason, Reason::malformed);
}

TEST_F(Enrolment, AnApplicationIsForOneSite) { EXPECT_EQ(std::get<Refused>(read_application(message(), SiteId::random(), exporter)).reason, Reason::other_site); }

TEST_F(Enrolment, FactsAreBounded) {
    application.facts = {{"serial", std::string(20'000, 'x')}};
    EXPECT_EQ(std::get<Refused>(read_application(message(), site, exporter)).reason, Reason::malformed);
}

// ---- The decision ------------------------------------------------------------------------------

TEST_F(Enrolment, ANewcomerIsWhoThePlanSays) {
    const auto admit = std::get<Admit>(decision());
    EXPECT_EQ(admit.as, Admit::As::newcomer);
    EXPECT_EQ(admit.bearer, bearer);
    EXPECT_EQ(admit.instead_of, std::nullopt);
}

TEST_F(Enrolment, AMachineThatIsNotInThePlanIsUnknown) {
    view.assignment.reset();
    view.approved = true;
    EXPECT_EQ(reason(), Reason::unknown);
}

TEST_F(Enrolment, ASiteThatTakesNodesWithATpmOnlyTakesNoOther) {
    view.lacks_tpm = true;
    view.approved = true;
    EXPECT_EQ(reason(), Reason::no_tpm);
    EXPECT_EQ(std::get<Refused>(decision()).text, "this site takes nodes with a TPM only, and this machine says nothing of one");
    EXPECT_EQ(reason_named("no-tpm"), Reason::no_tpm);
    view.members = {member()}; // who is one already stays one
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::member);
}

TEST_F(Enrolment, AStrictSiteAsksAPerson) {
    view.newcomers = Admittance::by_hand;
    EXPECT_EQ(std::get<Await>(decision()).text, "shall this machine be n01?");
    view.approved = true;
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::newcomer);
}

TEST_F(Enrolment, WhoComesLateNeedsATicket) {
    view.open = false;
    EXPECT_EQ(reason(), Reason::closed);
    application.ticket = "good";
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::newcomer);
    application.ticket = "old";
    EXPECT_EQ(std::get<Refused>(decision()), (Refused{Reason::bad_ticket, "it has expired"}));
}

TEST_F(Enrolment, ABadTicketIsNeverAsGoodAsNone) {
    application.ticket = "old";
    EXPECT_EQ(reason(), Reason::bad_ticket);
}

// A power cut between the membership and the answer; the plan may say something else by now, the membership counts.
TEST_F(Enrolment, WhoComesTwiceIsTheSameMember) {
    view.members = {member()};
    view.assignment->name = "n09";
    view.open = false;
    view.newcomers = Admittance::by_hand;
    const auto admit = std::get<Admit>(decision());
    EXPECT_EQ(admit.as, Admit::As::member);
    EXPECT_EQ(admit.bearer, bearer);
}

TEST_F(Enrolment, WhoWasColdForAYearComesBack) {
    view.members = {member()};
    application.certificate = authority.issue(bearer, key.verifying_key(), now).der();
    voters_now = now + 400 * day;
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::member);
}

TEST_F(Enrolment, AnOldCertificateMustBeTheMembersOwn) {
    view.members = {member()};
    application.certificate = Authority::found(site, now).issue(bearer, key.verifying_key(), now).der();
    EXPECT_EQ(reason(), Reason::bad_certificate);
}

TEST_F(Enrolment, TheSameDisksOnAnotherBoardAreTheSameNode) {
    view.members = {member()};
    view.members[0].serial = "XYZ";
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::member);
}

TEST_F(Enrolment, TheSameKeyOnTwoBoardsIsAConflict) {
    view.members = {member()};
    view.members[0].serial = "XYZ";
    view.members[0].alive = true;
    view.approved = true;
    EXPECT_EQ(std::get<Refused>(decision()), (Refused{Reason::identity_conflict, "n01 lives on the board XYZ with the same key: one of the two is a copy"}));
}

TEST_F(Enrolment, AReflashedNodeReplacesTheOneThatWas) {
    view.members = {other_member()};
    EXPECT_THAT(std::get<Await>(decision()).text, HasSubstr("shall this machine be n01 instead of the one that was"));
    view.approved = true;
    const auto admit = std::get<Admit>(decision());
    EXPECT_EQ(admit.as, Admit::As::replacement);
    EXPECT_EQ(admit.instead_of, view.members[0].bearer.node);
    view.approved = false;
    view.replacements = Admittance::by_itself;
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::replacement);
}

TEST_F(Enrolment, NobodyReplacesALivingMember) {
    view.members = {other_member()};
    view.members[0].alive = true;
    view.replacements = Admittance::by_itself;
    view.approved = true;
    EXPECT_EQ(reason(), Reason::identity_conflict);
}

TEST_F(Enrolment, WhoWasRemovedComesBackByApprovalOnly) {
    view.members = {member()};
    view.members[0].removed = true;
    EXPECT_EQ(reason(), Reason::removed);
    view.approved = true;
    EXPECT_EQ(std::get<Admit>(decision()).as, Admit::As::newcomer);
}

// ---- The conversation --------------------------------------------------------------------------

TEST_F(Enrolment, IsOneQuestionAndOneAnswer) {
    Doorkeeper voter = doorkeeper();
    const auto granting = std::get<Grant>(voter.receive(seeker().begin()));
    EXPECT_EQ(granting.admit.bearer, bearer);
    const auto enrolled = std::get<Enrolled>(seeker().receive(grant(granting.applicant.key)));
    EXPECT_EQ(enrolled.genesis, genesis);
    EXPECT_EQ(enrolled.bearer.node, node);
    EXPECT_EQ(enrolled.trust.authority(), authority.certificate());
}

TEST_F(Enrolment, ByHandBothShowTheSameCode) {
    view.newcomers = Admittance::by_hand;
    Doorkeeper voter = doorkeeper();
    Seeker seeking = seeker();
    const auto asked = std::get<Say>(voter.receive(seeking.begin()));
    const auto compare = std::get<Compare>(seeking.receive(asked.message));
    const auto pending = std::get<Pending>(voter.receive(compare.reveal));
    EXPECT_EQ(compare.code, pending.code);
    EXPECT_EQ(compare.code.size(), 9U);
    EXPECT_EQ(compare.text, "shall this machine be n01?");
    view.approved = true;
    EXPECT_TRUE(std::holds_alternative<Grant>(voter.approved()));
    EXPECT_TRUE(std::holds_alternative<Enrolled>(seeking.receive(grant(key.verifying_key()))));
}

TEST_F(Enrolment, AnApprovalThatIsNotOfThisKeyIsNone) {
    view.newcomers = Admittance::by_hand;
    Doorkeeper voter = doorkeeper();
    Seeker seeking = seeker();
    const auto compare = std::get<Compare>(seeking.receive(std::get<Say>(voter.receive(seeking.begin())).message));
    (void)voter.receive(compare.reveal);
    EXPECT_EQ(std::get<Turn>(voter.approved()).why.reason, Reason::not_approved);
    EXPECT_EQ(std::get<Turn>(voter.approved()).why.reason, Reason::malformed);
}

TEST_F(Enrolment, TheCodeIsOfThisConnectionKeyAuthorityAndNonces) {
    const Digest digest = authority.certificate().digest();
    const VerifyingKey own = key.verifying_key();
    const std::string code = short_code(exporter, own, digest, node_nonce, voter_nonce);
    EXPECT_EQ(short_code(exporter, own, digest, node_nonce, voter_nonce), code);
    EXPECT_NE(short_code(Bytes(32, std::byte{8}), own, digest, node_nonce, voter_nonce), code);
    EXPECT_NE(short_code(exporter, SigningKey::generate(site_scheme).verifying_key(), digest, node_nonce, voter_nonce), code);
    EXPECT_NE(short_code(exporter, own, sha256("another"), node_nonce, voter_nonce), code);
    EXPECT_NE(short_code(exporter, own, digest, voter_nonce, node_nonce), code);
}

// Whoever has the site key and stands in the middle has two connections. It can answer, but not with the same code.
TEST_F(Enrolment, ByHandAMiddleIsSeen) {
    view.newcomers = Admittance::by_hand;
    const Bytes far_exporter(32, std::byte{9});
    const SigningKey middle_key = SigningKey::generate(site_scheme);
    Doorkeeper voter{site, authority.certificate().digest(), voter_nonce, far_exporter, [](const Applicant&) { return Await{"shall this machine be n01?"}; }};
    Seeker seeking = seeker();
    // The node's own words do not fit the other connection, so they must be the middle's.
    EXPECT_EQ(std::get<Turn>(Doorkeeper(voter).receive(seeking.begin())).why.reason, Reason::unproven);
    const Nonce middle_nonce = nonce_of(3);
    const auto asked = std::get<Say>(voter.receive(application_message(application, middle_key, middle_nonce, far_exporter)));
    const auto compare = std::get<Compare>(seeking.receive(asked.message));
    const auto pending = std::get<Pending>(voter.receive({{"type", "reveal"}, {"format", 1}, {"nonce", base64(middle_nonce)}}));
    EXPECT_NE(compare.code, pending.code);
}

TEST_F(Enrolment, ANonceThatWasNotBoundToIsRefused) {
    view.newcomers = Admittance::by_hand;
    Doorkeeper voter = doorkeeper();
    (void)voter.receive(seeker().begin());
    EXPECT_EQ(std::get<Turn>(voter.receive({{"type", "reveal"}, {"format", 1}, {"nonce", base64(nonce_of(5))}})).why.reason, Reason::unproven);
}

TEST_F(Enrolment, ARefusalArrivesWithItsReason) {
    view.assignment.reset();
    Doorkeeper voter = doorkeeper();
    const auto turned = std::get<Turn>(voter.receive(seeker().begin()));
    EXPECT_EQ(std::get<Refused>(seeker().receive(turned.message)), turned.why);
}

// ---- The node believes only what fits ----------------------------------------------------------

TEST_F(Enrolment, AnotherAuthorityThanTheKnownOneIsNotTrusted) {
    Seeker seeking = seeker({.site = site, .authority = sha256("genesis"), .genesis = std::nullopt});
    EXPECT_EQ(std::get<Refused>(seeking.receive(grant(key.verifying_key()))).reason, Reason::untrusted);
}

// The site came to another authority while the node was away.
TEST_F(Enrolment, AnAuthorityIsTakenThatFollowsTheKnownOne) {
    const Authority next = Authority::found(site, now), etcd = Authority::found(site, now);
    const auto known = authority.certificate().digest();
    const auto certificate = next.issue(bearer, key.verifying_key(), now);
    certificates::Lineage lineage{.step = 3, .issuing = {next.certificate(), etcd.certificate()}, .also = std::nullopt, .successions = {certificates::succession(authority, next.certificate())}};
    const auto answer = [&](const Known& what, const std::optional<certificates::Lineage>& with) { return seeker(what).receive(granted(genesis, "value", next.certificate(), certificate, with)); };

    const auto enrolled = std::get<Enrolled>(answer({.site = site, .authority = known, .genesis = genesis}, lineage));
    EXPECT_EQ(enrolled.lineage, lineage);
    EXPECT_EQ(enrolled.trust.authority(), next.certificate());
    EXPECT_EQ(std::get<Enrolled>(answer({.site = site, .authority = std::nullopt, .genesis = std::nullopt}, lineage)).certificate, certificate) << "a newcomer";
    EXPECT_EQ(std::get<Enrolled>(answer({.site = site, .authority = sha256("x"), .genesis = genesis, .also = next.certificate().digest()}, lineage)).certificate, certificate) << "one of two that are known";

    EXPECT_EQ(std::get<Refused>(answer({.site = site, .authority = known, .genesis = genesis}, std::nullopt)).reason, Reason::untrusted) << "without a word of the former";
    EXPECT_EQ(std::get<Refused>(answer({.site = site, .authority = sha256("x"), .genesis = genesis}, lineage)).reason, Reason::untrusted) << "of one that is not known here";
    lineage.successions = {certificates::succession(etcd, next.certificate())};
    EXPECT_EQ(std::get<Refused>(answer({.site = site, .authority = known, .genesis = genesis}, lineage)).text, "the site has another authority now, and nothing shows that it follows the one that is known here");
    lineage.issuing = {authority.certificate(), etcd.certificate()};
    EXPECT_EQ(std::get<Refused>(answer({.site = site, .authority = std::nullopt, .genesis = genesis}, lineage)).text, "the authority is not the one that issues");
}

TEST_F(Enrolment, AnotherGenesisThanTheKnownOneIsNotTrusted) {
    Seeker seeking = seeker({.site = site, .authority = std::nullopt, .genesis = GenesisId::random()});
    EXPECT_EQ(std::get<Refused>(seeking.receive(grant(key.verifying_key()))).reason, Reason::untrusted);
}

TEST_F(Enrolment, AnAuthorityOfAnotherSiteIsNotTrusted) {
    Seeker seeking = seeker({.site = SiteId::random(), .authority = std::nullopt, .genesis = std::nullopt});
    EXPECT_EQ(std::get<Refused>(seeking.receive(grant(key.verifying_key()))).reason, Reason::untrusted);
}

TEST_F(Enrolment, ACertificateOfAnotherKeyIsNotTrusted) {
    Seeker seeking = seeker();
    EXPECT_EQ(std::get<Refused>(seeking.receive(grant(SigningKey::generate(site_scheme).verifying_key()))).text, "the certificate is not for this node's key");
}

TEST_F(Enrolment, WhatWasComparedIsWhatIsTaken) {
    view.newcomers = Admittance::by_hand;
    Doorkeeper voter = doorkeeper();
    Seeker seeking = seeker();
    (void)seeking.receive(std::get<Say>(voter.receive(seeking.begin())).message);
    const Authority twin = Authority::found(site, now);
    const Json other = granted(genesis, "value", twin.certificate(), twin.issue(bearer, key.verifying_key(), now));
    EXPECT_EQ(std::get<Refused>(seeking.receive(other)).reason, Reason::untrusted);
}

TEST_F(Enrolment, MessagesOutOfTurnAreRefused) {
    Seeker seeking = seeker();
    for (const Json& message : {Json::object(), Json(1), Json{{"type", "reveal"}, {"format", 1}}, Json{{"type", "enrolled"}, {"format", 2}}})
        EXPECT_EQ(std::get<Refused>(seeking.receive(message)).reason, Reason::malformed) << message;
    Doorkeeper voter = doorkeeper();
    EXPECT_EQ(std::get<Turn>(voter.receive({{"type", "reveal"}})).why.reason, Reason::malformed);
    EXPECT_EQ(std::get<Turn>(voter.receive(seeker().begin())).why.reason, Reason::malformed) << "it is over";
}
