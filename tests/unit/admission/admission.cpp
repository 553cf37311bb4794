// Nodes that come to a voter of a site with a real etcd, over real channels.

#include <admission/admission.hpp>
#include <admission/facts.hpp>
#include <admission/seek.hpp>

#include <error_of.hpp>
#include <one_etcd.hpp>

#include <base/text.hpp>
#include <roster/audit.hpp>
#include <site/ticket.hpp>

#include <gmock/gmock.h>

#include <array>
#include <future>
#include <set>
#include <sys/socket.h>

namespace ashlar::admission {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Admitting : public testing::Test {
protected:
    Admitting() { begin(nullptr); }
    void begin(const site::SiteKey* former) { admission_ = std::make_unique<Admission>(Voter{.value = etcd.value, .authority = authority, .site_key = site_key, .name = "n01", .former_key = former}, outside()); }

    struct Machine {
        std::string serial;
        SigningKey key = SigningKey::generate(site_scheme);
        std::optional<site::Ticket> ticket = std::nullopt;
        bool tpm = false;
        bool has_former_key = false;
        [[nodiscard]] NodeId node() const { return node_id_of(key.verifying_key()); }
    };

    // As the machine is told: nothing, or why not.
    std::string enrol(const Machine& machine) {
        std::optional<enrolment::Enrolled> enrolled;
        const auto told = error_of([&] { enrolled = seek(visit(), shared_key(machine), seeking(machine), [this](const std::string& code) { show(code); }); });
        const std::lock_guard lock(mutex);
        last = std::move(enrolled);
        return last ? std::string() : told;
    }
    [[nodiscard]] site::Ticket ticket(std::optional<std::string> node, unsigned uses = 1) const { return ticket_of(site_key, std::move(node), uses); }
    [[nodiscard]] site::Ticket ticket_of(const site::SiteKey& key, std::optional<std::string> node, unsigned uses = 1) const {
        return site::make_ticket(key, {.site = etcd.value.site, .id = site::TicketId::random(), .node = std::move(node), .expires = now + 1h, .uses = uses}, now);
    }
    [[nodiscard]] roster::Roster roster() {
        auto client = etcd.client();
        return roster::read(client);
    }
    void show(const std::string& code) {
        const std::lock_guard lock(mutex);
        shown = code;
    }
    // Until a newcomer waits for a person.
    Json applicant(const Machine& machine) {
        auto client = etcd.client();
        for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms)) {
            const auto pair = client.get(roster::key::applicant(machine.node()));
            const std::lock_guard lock(mutex);
            if (pair && !shown.empty()) return parse_json(pair->value, "applicant");
        }
        throw Error("nobody waits");
    }

    OneEtcd etcd;
    const certificates::Authority authority = std::get<certificates::Authority>(genesis::authority_in(etcd.value, etcd.key));
    const site::SiteKey site_key = site::SiteKey::generate(etcd.value.site), former_key = site::SiteKey::generate(etcd.value.site);
    site::Site plan{.genesis = site::Genesis{}, .nodes = {{.name = "n04", .serial = "S4", .roles = {"compute"}}, {.name = "n05", .serial = "S5", .roles = {"compute"}}}};
    std::set<NodeId> heard;
    Time now = OneEtcd::now();
    std::optional<enrolment::Enrolled> last;
    std::mutex mutex;
    std::string shown;
    std::vector<std::string> alarms;

private:
    [[nodiscard]] Outside outside() {
        return {.etcd = [this] { return std::make_unique<etcd::Session>(etcd.identification(), std::vector{etcd::client_url(etcd.address)}); },
                .plan = [this] { return plan; },
                .is_heard = [this](const NodeId& node) { return heard.contains(node); },
                .now = [this] { return now; },
                .alarm = [this](const std::string& text) {
                    const std::lock_guard lock(mutex);
                    alarms.push_back(text);
                }};
    }
    [[nodiscard]] channel::SharedKey shared_key(const Machine& machine) const {
        if (machine.ticket) return {text_of(machine.ticket->claim), Secret(machine.ticket->secret.text())};
        const auto& key = machine.has_former_key ? former_key : site_key;
        return {membership::identity_of(etcd.value.site, key.id()), key.derive(site::enrolment_key_info, site::SiteKey::size)};
    }
    [[nodiscard]] Seeking seeking(const Machine& machine) const {
        return {machine.key,
                {.site = etcd.value.site, .authority = std::nullopt, .genesis = std::nullopt},
                {.site = etcd.value.site,
                 .facts = to_json(Facts{.machine = {.serial = machine.serial, .macs = {}, .tpm_ek = std::nullopt}, .role = "compute", .addresses = {}, .tpm = machine.tpm}),
                 .ticket = machine.ticket ? std::optional(text_of(machine.ticket->claim)) : std::nullopt,
                 .certificate = std::nullopt}};
    }
    // As the site port does it.
    Fd visit() {
        std::array<int, 2> both{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
        const std::lock_guard lock(mutex);
        ports_.push_back(std::async(std::launch::async, [this, server = std::make_shared<Fd>(both[1])] {
            const auto until = std::chrono::steady_clock::now() + 10s;
            const auto keys = [this](std::string_view identity) {
                for (const auto* const key : {&site_key, &former_key})
                    if (identity == membership::identity_of(etcd.value.site, key->id())) return std::optional(key->derive(site::enrolment_key_info, site::SiteKey::size));
                return admission_->key_of(identity);
            };
            auto opened = channel::accept(std::move(*server), keys, until);
            auto* const channel = std::get_if<channel::Channel>(&opened);
            if (channel == nullptr) return;
            if (auto first = channel->receive(until)) admission_->receive(std::move(*channel), std::move(*first));
        }));
        return Fd(both[0]);
    }

    std::unique_ptr<Admission> admission_;
    std::vector<std::future<void>> ports_;
};

TEST_F(Admitting, ANewcomerIsOneOfUs) {
    const Machine machine{.serial = "S4"};
    EXPECT_EQ(enrol(machine), "");
    EXPECT_EQ(last->bearer.name, "n04");
    EXPECT_EQ(last->genesis, etcd.value.genesis);
    EXPECT_EQ(last->value, genesis::text_of(etcd.value));
    const auto* const member = roster().member_called("n04");
    ASSERT_NE(member, nullptr);

    // It comes again after its answer was lost, on another board: the same member, and one entry.
    Machine moved{.serial = "S5", .key = SigningKey::from_secret(machine.key.secret(), "moved")};
    EXPECT_EQ(enrol(moved), "");
    EXPECT_EQ(last->bearer.name, "n04");
    EXPECT_EQ(roster().members().size(), 1U);
    EXPECT_EQ(roster().member_called("n04")->serial, "S5");
    // But not when both are there.
    heard.insert(machine.node());
    EXPECT_THAT(enrol(machine), HasSubstr("lives on the board S5 with the same key"));
}

TEST_F(Admitting, WhoIsNotInThePlanIsNot) {
    EXPECT_THAT(enrol({.serial = "S9"}), HasSubstr("cannot enrol: this site declares no machine with these facts"));
    EXPECT_TRUE(roster().nodes.empty());
}

TEST_F(Admitting, WhoSaysNothingOfATpmIsTurnedAwayWhereTheSiteTakesNodesWithOneOnly) {
    plan.trust.require_tpm = true;
    const Machine machine{.serial = "S4"};
    for (int tries = 0; tries < 2; ++tries) EXPECT_THAT(enrol(machine), HasSubstr("cannot enrol: this site takes nodes with a TPM only, and this machine says nothing of one"));
    EXPECT_TRUE(roster().nodes.empty());
    {
        const std::lock_guard lock(mutex);
        EXPECT_THAT(alarms, testing::ElementsAre("turned away a machine that would be n04: this site takes nodes with a TPM only, and it says nothing of one"));
    }
    EXPECT_EQ(enrol({.serial = "S4", .tpm = true}), "");
    // Who is a member stays one.
    plan.trust.require_tpm = false;
    const Machine other{.serial = "S5"};
    EXPECT_EQ(enrol(other), "");
    plan.trust.require_tpm = true;
    EXPECT_EQ(enrol(other), "");
}

TEST_F(Admitting, TicketsCount) {
    plan.trust.enrol_until = std::chrono::floor<std::chrono::days>(now) - std::chrono::days(1);
    EXPECT_THAT(enrol({.serial = "S4"}), HasSubstr("takes no more nodes without a ticket"));
    const Machine first{.serial = "S4", .ticket = ticket(std::nullopt)};
    EXPECT_EQ(enrol(first), "");
    EXPECT_EQ(enrol(first), ""); // its answer was lost
    Machine second{.serial = "S5", .ticket = site::parse_ticket(std::string(text_of(first.ticket->claim)) + "secret: " + to_hex(bytes_of(first.ticket->secret.text())) + "\nbeacon: " + to_hex(bytes_of(first.ticket->beacon.text())) + "\n")};
    EXPECT_THAT(enrol(second), HasSubstr("the ticket was used 1 time already"));
    EXPECT_THAT(enrol({.serial = "S5", .ticket = ticket("n04")}), HasSubstr("the ticket is for 'n04', and this is 'n05'"));
    // After a year in a cupboard it is still who it was.
    now += 365 * 24h;
    EXPECT_EQ(enrol(first), "");
    EXPECT_EQ(roster().members().size(), 1U);
}

TEST_F(Admitting, AReplacementWaitsForAPerson) {
    const Machine before{.serial = "S4"}, after{.serial = "S4"};
    ASSERT_EQ(enrol(before), "");
    heard.insert(before.node());
    EXPECT_THAT(enrol(after), HasSubstr("n04 is a living member with another key"));
    heard.clear();

    auto told = std::async(std::launch::async, [&] { return enrol(after); });
    const Json waiting = applicant(after);
    EXPECT_EQ(waiting.at("name"), "n04");
    {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(waiting.at("code"), shown);
    }
    EXPECT_EQ(roster().member_called("n04")->node(), before.node());
    etcd.client().put(roster::key::approval(after.node()), "{}");
    EXPECT_EQ(told.get(), "");
    EXPECT_EQ(roster().member_called("n04")->node(), after.node());
    EXPECT_EQ(roster().nodes.at(before.node()).value.state, roster::Member::State::removed);
    auto client = etcd.client();
    EXPECT_FALSE(client.get(roster::key::approval(after.node())));
    EXPECT_FALSE(client.get(roster::key::applicant(after.node())));
    // The one that was comes back: not by itself.
    EXPECT_THAT(enrol(before), HasSubstr("it was removed from this site, and comes back only when"));
    // Nor does one that is to be wiped, whoever approves it.
    client.put(roster::key::approval(before.node()), "{}");
    client.put(roster::key::wipe(before.node()), "{}");
    EXPECT_THAT(enrol(before), HasSubstr("it was removed from this site, and is to be wiped"));
    std::set<std::string> log;
    for (const auto& entry : audit::read(client)) log.insert(entry.what + " " + entry.about + ": " + entry.text);
    EXPECT_EQ(log, (std::set<std::string>{"enrol n04: a new node, by n01", "enrol n04: instead of the one that was, by n01"}));
}

TEST_F(Admitting, AReplacementThatWasOrderedWaitsForNobody) {
    const Machine before{.serial = "S4"}, after{.serial = "S4"}, another{.serial = "S4"};
    ASSERT_EQ(enrol(before), "");
    etcd.client().put(roster::key::replacement("n04"), "{}");
    EXPECT_EQ(enrol(after), "");
    EXPECT_EQ(roster().member_called("n04")->node(), after.node());
    // Once.
    EXPECT_FALSE(etcd.client().get(roster::key::replacement("n04")));
    etcd.client().put(roster::key::denial(another.node()), "{}");
    EXPECT_THAT(enrol(another), HasSubstr("an operator of this site has turned it away"));
}

TEST_F(Admitting, APersonSaysNo) {
    plan.trust.approve = site::Approval::by_hand;
    const Machine machine{.serial = "S4"};
    auto told = std::async(std::launch::async, [&] { return enrol(machine); });
    EXPECT_EQ(applicant(machine).at("text"), "shall this machine be n04?");
    etcd.client().remove(roster::key::applicant(machine.node()));
    EXPECT_THAT(told.get(), HasSubstr("an operator of this site has not approved it"));
    EXPECT_TRUE(roster().nodes.empty());
}

// While the site's key is rotated. From the order on nobody new comes by what was stolen.
TEST_F(Admitting, ByTheKeyOfBeforeMembersComeBackAndNobodyNew) {
    Machine member{.serial = "S4"};
    ASSERT_EQ(enrol(member), "");
    member.has_former_key = true;
    begin(&former_key);
    EXPECT_EQ(enrol(member), "");
    EXPECT_THAT(enrol({.serial = "S5", .has_former_key = true}), HasSubstr("cannot enrol: the site has another key since this medium was made"));
    EXPECT_THAT(enrol({.serial = "S5", .ticket = ticket_of(former_key, "n05")}), HasSubstr("the site has another key since this ticket was made: make another one"));
    Machine again{.serial = "S4", .key = SigningKey::from_secret(member.key.secret(), "again"), .ticket = ticket_of(former_key, "n04")};
    EXPECT_EQ(enrol(again), "");
    EXPECT_EQ(roster().members().size(), 1U);
    EXPECT_EQ(enrol({.serial = "S5", .ticket = ticket("n05")}), "");
    begin(nullptr);
    EXPECT_THAT(enrol({.serial = "S5", .ticket = ticket_of(former_key, "n05")}), HasSubstr("cannot enrol: "));
}

// Two machines that are one entry of the plan, at once: one of them is it, and the other one is told of it.
TEST_F(Admitting, OfTwoAtOnceOneIsIt) {
    const Machine one{.serial = "S4"}, other{.serial = "S4"};
    heard = {one.node(), other.node()};
    std::array<std::future<std::string>, 2> told{std::async(std::launch::async, [&] { return enrol(one); }), std::async(std::launch::async, [&] { return enrol(other); })};
    const std::string first = told[0].get(), second = told[1].get();
    EXPECT_NE(first.empty(), second.empty()) << first << second;
    EXPECT_THAT(first + second, HasSubstr("is a living member with another key"));
    EXPECT_EQ(roster().members().size(), 1U);
}

} // namespace
} // namespace ashlar::admission
