// A site's key is rotated: a real etcd, a voter's desk behind a real port, members, and operators.

#include "../voters/rig.hpp"

#include <key_rotation/voter.hpp>
#include <site/ticket.hpp>

namespace ashlar::voters::rig {
namespace {

using key_rotation::Has;
using key_rotation::Held;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class KeyRotation : public SiteWithVoter {
protected:
    KeyRotation() {
        desk_.add("site.key", key_rotation::hands_out(voter_keys_));
        desk_.add("site.key.status", key_rotation::shows(voter_keys_));
        desk_.add("site.key.rotate", key_rotation::rotates(voter_keys_));
        desk_.add("site.key.finish", key_rotation::finishes());
    }
    [[nodiscard]] static Json offer(const site::SiteKey& key) { return {{"key", base64_of(key.text().text())}}; }
    key_rotation::Told asked_by(const Machine& machine, const Held& held, Has has = Has::key) { return key_rotation::told(as(machine)->answer("site.key", key_rotation::question(held, has)), site_, machine.key); }
    void tend() { key_rotation::tend(client_, voter_keys_, roster::read(client_), "voter n01", OneEtcd::now()); }
    [[nodiscard]] std::string digits(const site::SiteKey& key) const {
        const std::string text(key.text().text());
        return text.substr(text.size() - 65, 64);
    }
    [[nodiscard]] Json status() { return as(vera_)->answer("site.key.status"); }

    const site::SiteKey first_ = site::SiteKey::generate(site_), second_ = site::SiteKey::generate(site_), third_ = site::SiteKey::generate(site_);
    const key_rotation::Voter voter_keys_{site_, n01_.key, first_};
    const Held old_{first_.id(), std::nullopt}, both_{second_.id(), first_.id()}, new_{second_.id(), std::nullopt};
};

TEST_F(KeyRotation, IsAnAdminsAndStandsInTheLogWithoutTheKey) {
    const auto before = everything();
    for (const auto* human : {&ben_, &vera_, &otto_}) EXPECT_EQ(as(*human)->refusal("site.key.rotate", offer(second_)), "not-allowed") << human->name;
    for (const auto* machine : {&n02_, &c01_}) {
        EXPECT_EQ(as(*machine)->refusal("site.key.rotate", offer(second_)), "not-allowed");
        EXPECT_EQ(as(*machine)->refusal("site.key.finish", {{"without", "n02"}}), "not-allowed");
    }
    EXPECT_EQ(everything(), before);
    EXPECT_EQ(asked_by(c01_, old_).key, std::nullopt) << "it was never rotated";
    EXPECT_EQ(as(anna_)->answer("site.key.rotate", offer(second_)), (Json{{"key", second_.id().text()}, {"former", first_.id().text()}}));
    EXPECT_THAT(log(), Contains("operator anna site.key.rotate " + second_.id().text() + " the site's key, in the place of " + first_.id().text()));
    for (const auto& pair : client_.range("").pairs)
        for (const auto* key : {&first_, &second_}) EXPECT_THAT(pair.value, Not(HasSubstr(digits(*key)))) << pair.key;
    EXPECT_EQ(key_rotation::keys_now(client_, voter_keys_).key.id(), second_.id());
    // Cut off before it heard the answer, it says it again: nothing is changed.
    const auto after = everything();
    EXPECT_EQ(as_root("site.key.rotate", offer(second_)).at("answer").at("key"), second_.id().text());
    EXPECT_EQ(everything(), after);
    // Two at once are not.
    const auto refusal = std::get<Refusal>(as(anna_)->ask("site.key.rotate", offer(third_)));
    EXPECT_EQ(refusal.text, "the site is taking over the key " + second_.id().text() + " still; it waits for c01, n01, n02");
    EXPECT_EQ(everything(), after);
}

TEST_F(KeyRotation, OfWhatIsNoKeyOfTheSiteIsRefused) {
    EXPECT_EQ(as(anna_)->refusal("site.key.rotate", {{"key", base64_of("secret")}}), "malformed");
    EXPECT_EQ(as(anna_)->refusal("site.key.rotate", offer(site::SiteKey::generate(SiteId::random()))), "malformed");
    EXPECT_EQ(as(anna_)->refusal("site.key.finish", {{"without", "c01"}}), "not-now");
    EXPECT_EQ(as(anna_)->answer("site.key.rotate", offer(first_)), (Json{{"key", first_.id().text()}, {"former", nullptr}})) << "it is that already";
    EXPECT_FALSE(client_.get("/site_key"));
}

TEST_F(KeyRotation, EndsWhenEveryMemberHasTakenItOver) {
    (void)as(anna_)->answer("site.key.rotate", offer(second_));
    for (const auto* machine : {&n01_, &n02_, &c01_}) {
        const auto told = asked_by(*machine, old_);
        EXPECT_EQ(told.key, second_.id());
        EXPECT_EQ(told.former, first_.id());
        ASSERT_TRUE(told.site_key);
        EXPECT_EQ(told.site_key->text(), second_.text().text());
        tend();
        EXPECT_TRUE(key_rotation::keys_now(client_, voter_keys_).former);
        EXPECT_THAT(status().at("missing"), Contains(machine->name));
    }
    for (const auto* machine : {&n01_, &n02_, &c01_}) {
        tend();
        EXPECT_EQ(status().at("former"), first_.id().text());
        EXPECT_EQ(asked_by(*machine, both_).site_key, std::nullopt);
        EXPECT_THAT(status().at("missing"), Not(Contains(machine->name)));
    }
    tend();
    EXPECT_FALSE(key_rotation::keys_now(client_, voter_keys_).former);
    EXPECT_EQ(asked_by(c01_, both_).former, std::nullopt);
    EXPECT_THAT(log(), Contains(StartsWith("voter n01 site.key.finish " + second_.id().text())));
    // And again: the key that it replaces is the one of now.
    EXPECT_EQ(as(anna_)->answer("site.key.rotate", offer(third_)).at("former"), second_.id().text());
}

TEST_F(KeyRotation, IsEndedByHandWithAllWhoAreLeftBehindNamed) {
    (void)as(anna_)->answer("site.key.rotate", offer(second_));
    (void)asked_by(n01_, both_);
    const auto refusal = std::get<Refusal>(as(anna_)->ask("site.key.finish", {{"without", "c01"}}));
    EXPECT_EQ(refusal.text, "c01, n02 have not taken over the key, and others are named");
    EXPECT_EQ(as(anna_)->refusal("site.key.finish", {{"without", "c01,n01,n02"}}), "not-now");
    EXPECT_EQ(as(anna_)->answer("site.key.finish", {{"without", "n02,c01"}}).at("without"), (Json::array({"c01", "n02"})));
    EXPECT_FALSE(key_rotation::keys_now(client_, voter_keys_).former);
    EXPECT_THAT(log(), Contains("operator anna site.key.finish " + second_.id().text() + " " + first_.id().text() + " counts no more; left behind: c01, n02"));
    // It comes back: its certificate counts.
    const auto told = asked_by(c01_, old_);
    EXPECT_EQ(told.former, std::nullopt);
    EXPECT_EQ(told.site_key->text(), second_.text().text());
}

// Whatever it says of itself.
TEST_F(KeyRotation, WhoCameByATicketIsGivenATicketOfItsOwn) {
    client_.put(roster::key::ticket("0123456789abcdef0123456789abcdef"), Json::array({c01_.id().text()}).dump());
    (void)as(anna_)->answer("site.key.rotate", offer(second_));
    for (const Has has : {Has::ticket, Has::key}) {
        const auto told = asked_by(c01_, old_, has);
        EXPECT_EQ(told.site_key, std::nullopt);
        ASSERT_TRUE(told.ticket);
        const auto ticket = site::parse_ticket(told.ticket->text());
        EXPECT_EQ(ticket.claim.terms.node, "c01");
        EXPECT_EQ(ticket.claim.terms.uses, 1U);
        EXPECT_EQ(site::key_id_of(ticket.beacon), second_.id());
        EXPECT_TRUE(std::holds_alternative<Secret>(site::check_ticket(second_, ticket.claim, "c01", OneEtcd::now())));
        EXPECT_EQ(client_.get(roster::key::ticket(ticket.claim.terms.id.text()))->value, Json::array({c01_.id().text()}).dump()) << "used, by that node";
    }
    // With a seat it is entitled to all that voters have.
    client_.put(roster::key::seat(c01_.id()), roster::text_of(roster::Seat{.address = "127.0.0.9", .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}}));
    EXPECT_TRUE(asked_by(c01_, old_, Has::ticket).site_key);
}

TEST_F(KeyRotation, TheAnswerIsForThatNodeAlone) {
    (void)as(anna_)->answer("site.key.rotate", offer(second_));
    const Json answer = as(c01_)->answer("site.key", key_rotation::question(old_, Has::key));
    EXPECT_THAT(error_of([&] { (void)key_rotation::told(answer, site_, n02_.key); }), HasSubstr("'site_key' is not sealed to this node"));
    EXPECT_THAT(answer.dump(), Not(HasSubstr(digits(second_))));
    EXPECT_EQ(as(c01_)->refusal("site.key", {{"held", "x"}, {"has", "key"}}), "malformed");
    EXPECT_EQ(as(anna_)->refusal("site.key", key_rotation::question(old_, Has::key)), "not-allowed");
}

} // namespace
} // namespace ashlar::voters::rig
