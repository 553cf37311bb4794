// Over real TLS, before a real etcd: nodes that may and may not, operators, strangers, and those who only hold the line.

#include "rig.hpp"

#include <sockets/sockets.hpp>

#include <future>
#include <thread>

namespace ashlar::voters::rig {
namespace {

using testing::Contains;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

using VotersInterface = SiteWithVoter;

std::string own_key(const Machine& machine, const std::string& part = "members") { return "formations/db/" + part + "/" + machine.id().text(); }
std::string enrolled(const Machine& machine) { return forming::to_text(forming::Enrolled{machine.name, "10.0.0.1"}); }

// ---- What a certificate of the wrong role cannot do ----------------------------------------------

TEST_F(VotersInterface, AComputeCertificateCannotWriteMembership) {
    const auto before = everything();
    const auto c01 = as(c01_);
    EXPECT_EQ(c01->swap(own_key(c01_), 0, enrolled(c01_)), "not-allowed");
    EXPECT_EQ(c01->swap(own_key(n01_), 0, enrolled(n01_)), "not-allowed");
    EXPECT_EQ(c01->swap("nodes/" + c01_.id().text(), 0, "x"), "not-allowed");
    EXPECT_EQ(c01->swap("seats/" + c01_.id().text(), 0, "x"), "not-allowed");
    for (const auto* ask : {"node.approve", "node.deny"}) EXPECT_EQ(c01->refusal(ask, {{"node", "n09"}}), "not-allowed");
    EXPECT_EQ(c01->refusal("node.remove", {{"name", "n01"}}), "not-allowed");
    EXPECT_EQ(everything(), before);
}

TEST_F(VotersInterface, AComputeCertificateCannotWriteThePlan) {
    const auto before = everything();
    const auto c01 = as(c01_);
    EXPECT_EQ(c01->refusal("plan.apply", {{"files", {{"site.toml", base64_of(plan_text(site_, {}))}}}}), "not-allowed");
    EXPECT_EQ(c01->swap("plan/site.toml", revision_of("plan/site.toml"), plan_text(site_, {})), "not-allowed");
    EXPECT_EQ(everything(), before);
}

TEST_F(VotersInterface, AComputeCertificateCannotWriteALock) {
    const auto c01 = as(c01_);
    EXPECT_EQ(c01->swap("locks/db", 0, held_by(c01_.id(), "db/join")), "not-allowed");
    EXPECT_EQ(c01->swap("locks/db", 0, held_by(n01_.id(), "db/join")), "not-allowed");
    EXPECT_EQ(c01->refusal("lock.free", {{"name", "db"}}), "not-allowed");
    EXPECT_EQ(revision_of("locks/db"), 0U);
    // Its own it can, or nothing above would be proven.
    EXPECT_EQ(c01->swap("locks/agent", 0, held_by(c01_.id(), "agent/join")), "swapped");
    EXPECT_NE(revision_of("locks/agent"), 0U);
    EXPECT_THAT(log(), UnorderedElementsAre(HasSubstr("node c01 (" + c01_.id().text() + ") store.swap  refused (not-allowed)"), HasSubstr(" lock.free  refused (not-allowed)")));
}

TEST_F(VotersInterface, TheRoleOfTheCertificateIsNotLookedAt) {
    auto bearer = c01_.bearer();
    bearer.roles = {"control"};
    Voice liar(c01_.key, authority_, bearer, voter_);
    EXPECT_EQ(liar.swap("locks/db", 0, held_by(c01_.id(), "db/join")), "not-allowed");
}

TEST_F(VotersInterface, WhoWasRemovedOrIsUnknownIsNobody) {
    const auto n02 = as(n02_);
    EXPECT_EQ(n02->refusal("roster"), "");
    remove(n02_);
    EXPECT_EQ(n02->refusal("roster"), "not-member");
    EXPECT_EQ(n02->swap("locks/db", 0, held_by(n02_.id(), "db/join")), "not-member");
    EXPECT_EQ(n02->refusal("renew", {{"request", base64(certificates::make_request(n02_.key))}}), "not-member");
    const Machine unknown{.key = SigningKey::generate(site_scheme), .name = "n01", .roles = {"control"}};
    EXPECT_EQ(as(unknown)->refusal("roster"), "not-member");
    const Human nora{.key = SigningKey::generate(site_scheme), .name = "anna", .rights = {Right::administer}};
    EXPECT_EQ(as(nora)->refusal("status"), "not-member");
}

TEST_F(VotersInterface, AStrangerIsNotLetInAndLeavesOneEntry) {
    const auto foreign = certificates::Authority::found(SiteId::random(), OneEtcd::now());
    const auto certificate = foreign.issue(c01_.bearer(), c01_.key.verifying_key(), OneEtcd::now());
    VotersClient stranger({.key = c01_.key, .certificate = [&] { return certificate; }, .trust = authority_.trust(), .now = OneEtcd::now}, {voter_});
    for (int i = 0; i < 50; ++i) EXPECT_THAT(error_of([&] { (void)stranger.ask({"roster", Json::object()}, VotersClient::Changes::nothing); }), HasSubstr("no voter of the site answers"));
    std::this_thread::sleep_for(300ms); // the entry is written when the stranger is gone
    EXPECT_THAT(log(), ElementsAre(StartsWith("a stranger connect  refused (not-member): its certificate does not count")));
}

TEST_F(VotersInterface, AThousandRefusalsAreOneEntry) {
    const Asker asker = Certified{c01_.bearer(), c01_.key.verifying_key()};
    const Json message = message_of({"store.swap", {{"key", "locks/db"}, {"revision", 0}, {"value", base64_of(held_by(c01_.id(), "db/join"))}}});
    for (int i = 0; i < 1000; ++i) (void)desk_.answer(asker, message, client_);
    EXPECT_THAT(log(), SizeIs(1));
}

// ---- What nodes ask --------------------------------------------------------------------------------

TEST_F(VotersInterface, ANodeReadsRosterAndPlan) {
    const auto c01 = as(c01_);
    const Json roster = c01->answer("roster");
    EXPECT_EQ(voters_in(roster), (std::vector<VoterAddress>{{n01_.id(), etcd_.address, 4748}}));
    ASSERT_EQ(roster.at("members").size(), 3U);
    EXPECT_EQ(roster.at("members")[0], (Json{{"node", c01_.id().text()}, {"name", "c01"}, {"roles", {"compute"}}, {"addresses", {"10.0.0.1"}}, {"key", base64(c01_.key.verifying_key().der())}, {"seat", false}}));
    EXPECT_EQ(roster.at("members")[1].at("seat"), true);
    const Json plan = c01->answer("plan");
    EXPECT_EQ(plan.at("files").at("site.toml"), base64_of(plan_text(site_, {&anna_, &ben_, &vera_, &otto_})));
    EXPECT_EQ(plan.at("revision"), revision_of("plan/site.toml"));
}

TEST_F(VotersInterface, ANodeRenewsAsTheRosterHasItNow) {
    auto member = c01_.member();
    member.bearer.roles = {"compute", "storage"};
    client_.put(roster::key::node(c01_.id()), roster::text_of(member));
    const auto c01 = as(c01_);
    const Json answer = c01->answer("renew", {{"request", base64(certificates::make_request(c01_.key))}});
    const auto bearer = certificates::verify(*from_base64(answer.at("certificate").get<std::string>()), authority_.trust(), OneEtcd::now());
    EXPECT_EQ(std::get<certificates::NodeBearer>(std::get<certificates::Bearer>(bearer)), member.bearer);
    EXPECT_EQ(c01->refusal("renew", {{"request", base64(certificates::make_request(n01_.key))}}), "not-allowed");
    EXPECT_EQ(c01->refusal("renew", {{"request", base64_of("x")}}), "malformed");
}

// By what the voter knows of the site; the node says which formation it is for, and has the key.
TEST_F(VotersInterface, ANodeHasCertificatesForItsServices) {
    const auto n02 = as(n02_), c01 = as(c01_);
    const auto key = SigningKey::generate(site_scheme);
    const std::string request = base64(certificates::make_request(key));
    const auto issued = [&](Voice& node, const std::string& formation) {
        const auto der = *from_base64(node.answer("service.certificate", {{"formation", formation}, {"request", request}}).at("certificate").get<std::string>());
        EXPECT_EQ(certificates::SiteCertificate::from_der(der, "x").key(), key.verifying_key());
        return std::get<certificates::ServiceBearer>(std::get<certificates::Bearer>(certificates::verify(der, authority_.trust(), OneEtcd::now())));
    };
    EXPECT_EQ(issued(*n02, "db"), (certificates::ServiceBearer{.node = n02_.id(), .service = "db", .addresses = {"10.0.0.1"}}));
    EXPECT_EQ(issued(*n02, "front"), (certificates::ServiceBearer{.node = n02_.id(), .service = "front", .addresses = {"10.0.0.1", "10.0.0.100", "fd00::64"}}));
    EXPECT_EQ(issued(*c01, "agent"), (certificates::ServiceBearer{.node = c01_.id(), .service = "agent", .addresses = {"10.0.0.1"}}));
    EXPECT_EQ(c01->refusal("service.certificate", {{"formation", "db"}, {"request", request}}), "not-allowed");
    EXPECT_EQ(n02->refusal("service.certificate", {{"formation", "plain"}, {"request", request}}), "not-allowed");
    EXPECT_EQ(n02->refusal("service.certificate", {{"formation", "none"}, {"request", request}}), "not-allowed");
    EXPECT_EQ(n02->refusal("service.certificate", {{"formation", "db"}, {"request", base64_of("x")}}), "malformed");
    EXPECT_EQ(n02->refusal("service.certificate", {{"formation", "db"}, {"request", base64(certificates::make_request(n02_.key))}}), "not-allowed") << "a service has not its node's key";
    // Who has one is no node by it.
    const auto stolen = authority_.issue(certificates::ServiceBearer{.node = n02_.id(), .service = "db", .addresses = {}}, key.verifying_key(), OneEtcd::now());
    VotersClient service({.key = key, .certificate = [&] { return stolen; }, .trust = authority_.trust(), .now = OneEtcd::now}, {voter_});
    const auto answer = service.ask({"roster", Json::object()}, VotersClient::Changes::nothing);
    EXPECT_EQ(std::get<Refusal>(answer).reason, Reason::not_member);
}

TEST_F(VotersInterface, ANodePassesOnWhatAnOperatorAsks) {
    const auto c01 = as(c01_);
    const Json parameters{{"request", base64(certificates::make_request(ben_.key))}};
    const Json answer = c01->answer("operator.certificate", parameters);
    const auto bearer = certificates::verify(*from_base64(answer.at("certificate").get<std::string>()), authority_.trust(), OneEtcd::now());
    EXPECT_EQ(std::get<certificates::OperatorBearer>(std::get<certificates::Bearer>(bearer)), (certificates::OperatorBearer{"ben", {Right::approve}}));
    EXPECT_EQ(c01->refusal("operator.certificate", {{"request", base64(certificates::make_request(c01_.key))}}), "not-allowed");
    for (std::size_t i = 1; i < Ration::most; ++i) EXPECT_EQ(c01->refusal("operator.certificate", parameters), "");
    EXPECT_EQ(c01->refusal("operator.certificate", parameters), "too-many");
    EXPECT_THAT(log(), Contains(HasSubstr("operator.certificate ben until ")).Times(Ration::most));
}

TEST_F(VotersInterface, TheStoreFromAfarIsTheStore) {
    const auto n01 = as(n01_);
    RemoteStore remote(n01->client());
    EXPECT_THAT(remote.list("locks/"), IsEmpty());
    const std::string lock = held_by(n01_.id(), "db/join");
    EXPECT_TRUE(remote.swap("locks/db", 0, lock));
    EXPECT_FALSE(remote.swap("locks/db", 0, lock));
    const auto entries = remote.list("locks/");
    ASSERT_THAT(entries, SizeIs(1));
    EXPECT_EQ(entries.at("locks/db").value, lock);
    EXPECT_EQ(entries.at("locks/db").revision, revision_of("locks/db"));
    EXPECT_TRUE(remote.swap("locks/db", entries.at("locks/db").revision, std::nullopt));
    EXPECT_THAT(remote.list("locks/"), IsEmpty());
    EXPECT_TRUE(remote.swap("formations/db/facts/token", 0, "")); // no text is one as well
    EXPECT_EQ(remote.list("formations/db/facts/").at("formations/db/facts/token").value, "");
    EXPECT_THAT(error_of([&] { (void)remote.list("seats/"); }), HasSubstr("the voters refuse: a node lists"));
    EXPECT_EQ(forming::read_ledger(remote, "db").lock, std::nullopt);
}

// A bell: what was written by whomever is another mark, and nothing else is.
TEST_F(VotersInterface, TheMarkIsAnotherWhenSomebodyHasWritten) {
    const auto n01 = as(n01_), c01 = as(c01_);
    const auto marks = [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(120)); // longer than a voter remembers
        return *ask_marks(c01->client());
    };
    const Marks first = marks();
    client_.put("/audit/elsewhere", "x");
    EXPECT_EQ(marks(), first);
    EXPECT_EQ(n01->swap("locks/db", 0, held_by(n01_.id(), "db/join")), "swapped");
    const Marks locked = marks();
    EXPECT_NE(locked.formations, first.formations);
    EXPECT_EQ(locked.members, first.members);
    EXPECT_EQ(n01->swap("locks/db", revision_of("locks/db"), std::nullopt), "swapped");
    EXPECT_NE(marks().formations, locked.formations) << "also what is removed";
    EXPECT_EQ(n01->swap("formations/db/facts/token", 0, "t"), "swapped");
    const Marks last = marks();
    remove(n02_);
    EXPECT_EQ(marks().formations, last.formations);
    EXPECT_NE(marks().members, last.members);
}

// ---- Locks -----------------------------------------------------------------------------------------

TEST_F(VotersInterface, ALockIsFreedByItsOwnerByAnOperatorOrTakenOverFromWhoLeft) {
    const auto n01 = as(n01_), n02 = as(n02_);
    EXPECT_EQ(n01->swap("locks/db", 0, held_by(n01_.id(), "db/join")), "swapped");
    auto revision = revision_of("locks/db");
    EXPECT_EQ(n02->swap("locks/db", revision, held_by(n02_.id(), "db/join")), "not-allowed");
    EXPECT_EQ(n02->swap("locks/db", revision, std::nullopt), "not-allowed");
    EXPECT_EQ(n02->swap("locks/db", 0, held_by(n02_.id(), "db/join")), "late");
    EXPECT_EQ(revision_of("locks/db"), revision);
    EXPECT_EQ(n01->swap("locks/db", revision, held_by(n01_.id(), "db/join", "b2")), "swapped"); // its next boot
    EXPECT_EQ(n01->swap("locks/db", revision, std::nullopt), "late");
    EXPECT_EQ(n01->swap("locks/db", revision_of("locks/db"), std::nullopt), "swapped");

    EXPECT_EQ(n01->swap("locks/db", 0, held_by(n01_.id(), "db/join")), "swapped");
    EXPECT_EQ(as(vera_)->refusal("lock.free", {{"name", "db"}}), "not-allowed");
    EXPECT_EQ(as(otto_)->answer("lock.free", {{"name", "db"}}).at("holder"), "n01");
    EXPECT_EQ(revision_of("locks/db"), 0U);
    EXPECT_EQ(as(otto_)->refusal("lock.free", {{"name", "db"}}), "not-found");
    EXPECT_THAT(log(), Contains("operator otto lock.free db n01 had it for 'db/join'"));

    EXPECT_EQ(n02->swap("locks/db", 0, held_by(n02_.id(), "db/join")), "swapped");
    revision = revision_of("locks/db");
    EXPECT_EQ(n01->swap("locks/db", revision, held_by(n01_.id(), "db/join")), "not-allowed");
    remove(n02_);
    EXPECT_EQ(n01->swap("locks/db", revision, held_by(n01_.id(), "db/join")), "swapped");
}

TEST_F(VotersInterface, OfTwoWhoRaceOneHasTheLock) {
    const auto n01 = as(n01_), n02 = as(n02_);
    const auto race = [](Voice& voice, const Machine& machine) { return voice.swap("locks/db", 0, held_by(machine.id(), "db/join")); };
    for (int round = 0; round < 25; ++round) {
        auto other = std::async(std::launch::async, [&] { return race(*n02, n02_); });
        const std::string mine = race(*n01, n01_), yours = other.get();
        EXPECT_THAT((std::vector{mine, yours}), UnorderedElementsAre("swapped", "late"));
        const auto& [winner, machine] = mine == "swapped" ? std::tie(*n01, n01_) : std::tie(*n02, n02_);
        EXPECT_EQ(client_.get("/locks/db")->value, held_by(machine.id(), "db/join"));
        EXPECT_EQ(winner.swap("locks/db", revision_of("locks/db"), std::nullopt), "swapped");
    }
    EXPECT_THAT(log(), IsEmpty());
}

// Somebody is faster than the swap, after it was judged.
class Overtaken final : public forming::SiteStore {
public:
    Overtaken(forming::SiteStore& store, std::function<void()> meanwhile) : store_(store), meanwhile_(std::move(meanwhile)) {}
    Entries list(std::string_view prefix) const override { return store_.list(prefix); }
    bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        meanwhile_();
        return store_.swap(key, revision, value);
    }

private:
    forming::SiteStore& store_;
    std::function<void()> meanwhile_;
};

TEST_F(VotersInterface, ALockThatIsYetToComeCannotBeTaken) {
    const std::string lock = held_by(n02_.id(), "db/join");
    Overtaken store(store_, [&] { EXPECT_TRUE(store_.swap("locks/db", 0, lock)); });
    Desk desk({.site = site_, .authority = authority_, .formations = formations_, .roles = roles_, .place = placed, .store = store, .now = OneEtcd::now});
    const auto next = client_.range("/locks/").revision + 1; // of whatever is written next
    const Request guess{"store.swap", {{"key", "locks/db"}, {"revision", next}, {"value", base64_of(held_by(n01_.id(), "db/join"))}}};
    const Json answer = desk.answer(Certified{n01_.bearer(), n01_.key.verifying_key()}, message_of(guess), client_);
    if (!client_.get("/locks/db")) (void)store_.swap("locks/db", 0, lock); // it was not even tried
    EXPECT_EQ(client_.get("/locks/db")->value, lock);
    EXPECT_EQ(answer.at("answer").at("swapped"), false);
}

// ---- What operators ask ----------------------------------------------------------------------------

TEST_F(VotersInterface, AnApproverLetsANodeInAndKeepsOneOut) {
    const NodeId first = NodeId::random(), second = NodeId::random(), third = NodeId::random();
    const auto apply = [&](const NodeId& node, const std::string& name) { client_.put(roster::key::applicant(node), Json{{"name", name}, {"code", "4173 0262"}}.dump()); };
    apply(first, "n04");
    apply(second, "n05");
    apply(third, "n05");
    const auto ben = as(ben_);
    EXPECT_EQ(as(vera_)->answer("applicants").at("applicants").size(), 3U);
    EXPECT_EQ(as(otto_)->refusal("node.approve", {{"node", "n04"}}), "not-allowed");
    EXPECT_EQ(ben->answer("node.approve", {{"node", "n04"}}).at("node"), first.text());
    EXPECT_TRUE(client_.get(roster::key::approval(first)));
    EXPECT_EQ(ben->refusal("node.approve", {{"node", "n05"}}), "not-now"); // which of them?
    EXPECT_EQ(ben->refusal("node.approve", {{"node", "n06"}}), "not-found");
    EXPECT_EQ(ben->answer("node.approve", {{"node", second.text()}}).at("name"), "n05");
    EXPECT_EQ(ben->refusal("node.deny", {{"node", third.text()}}), "");
    EXPECT_TRUE(client_.get("/denials/" + third.text()));
    EXPECT_FALSE(client_.get(roster::key::applicant(third)));
    EXPECT_EQ(ben->refusal("node.deny", {{"node", second.text()}}), "");
    EXPECT_FALSE(client_.get(roster::key::approval(second)));
    EXPECT_THAT(log(), Contains(StartsWith("operator ben node.approve n04 (" + first.text() + ")")));
    EXPECT_THAT(log(), Contains(StartsWith("operator ben node.deny n05 (" + third.text() + ")")));
    EXPECT_THAT(log(), Contains(StartsWith("operator otto node.approve  refused (not-allowed)")));
}

// Nobody is shut out for ever; but a name may be another one's by now.
TEST_F(VotersInterface, WhoWasTurnedAwayOrRemovedIsApprovedByItsId) {
    const NodeId turned_away = NodeId::random();
    client_.put(roster::key::applicant(turned_away), Json{{"name", "n05"}}.dump());
    const auto ben = as(ben_);
    EXPECT_EQ(ben->refusal("node.deny", {{"node", "n05"}}), "");
    const auto by_name = std::get<Refusal>(ben->ask("node.approve", {{"node", "n05"}}));
    EXPECT_EQ(by_name.reason, Reason::not_found);
    EXPECT_THAT(by_name.details, Contains(HasSubstr("by its node id")));
    EXPECT_EQ(ben->refusal("node.approve", {{"node", NodeId::random().text()}}), "not-found");
    EXPECT_EQ(ben->answer("node.approve", {{"node", turned_away.text()}}).at("node"), turned_away.text());
    EXPECT_FALSE(client_.get(roster::key::denial(turned_away)));
    EXPECT_TRUE(client_.get(roster::key::approval(turned_away)));

    EXPECT_EQ(ben->refusal("node.approve", {{"node", c01_.id().text()}}), "not-found") << "it is a member";
    EXPECT_EQ(as(otto_)->refusal("node.remove", {{"name", "c01"}}), "");
    EXPECT_EQ(ben->answer("node.approve", {{"node", c01_.id().text()}}).at("name"), "c01");
    EXPECT_TRUE(client_.get(roster::key::approval(c01_.id())));
}

// etcd, but for one answer: what it says when too few of the others are there.
class Unwilling final : public etcd::Door {
public:
    explicit Unwilling(etcd::Door& door) : door_(door) {}
    std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout, Enough enough) override {
        if (path == "/v3/cluster/member/remove") return Answer{503, R"({"code":14,"message":"etcdserver: unhealthy cluster"})"};
        return door_.ask(endpoint, path, body, timeout, enough);
    }

private:
    etcd::Door& door_;
};

// ---- Wiping ----------------------------------------------------------------------------------------

const Json wipe_c01{{"what", "node.wipe"}, {"parameters", {{"name", "c01"}}}};

TEST_F(VotersInterface, ANodeIsWipedByTwo) {
    const auto anna = as(anna_), ben = as(ben_);
    const auto c01 = as(c01_);
    EXPECT_EQ(anna->refusal("node.wipe", {{"name", "c01"}}), "takes-two");
    EXPECT_EQ(as_root("node.wipe", {{"name", "c01"}}).at("refused").at("reason"), "takes-two");
    EXPECT_EQ(ben->refusal("proposal.make", wipe_c01), "not-allowed");
    const Json proposed = anna->answer("proposal.make", wipe_c01);
    const Json proposal{{"proposal", proposed.at("proposal")}};
    EXPECT_EQ(c01->refusal("roster"), "") << "nobody has agreed";
    EXPECT_EQ(anna->refusal("proposal.agree", proposal), "takes-two");
    EXPECT_EQ(ben->answer("proposal.agree", proposal), (Json{{"node", c01_.id().text()}, {"voter", false}}));

    EXPECT_EQ(roster::read(client_).member(c01_.id()), nullptr);
    EXPECT_FALSE(client_.get(roster::key::name("c01")));
    const auto told = std::get<Refusal>(c01->ask("roster"));
    EXPECT_EQ(told.reason, Reason::to_wipe);
    EXPECT_EQ(told.text, "node c01 (" + c01_.id().text() + ") was removed from the site, and is to erase what it has");
    EXPECT_THAT(told.details, ElementsAre("ordered by operator ben"));
    EXPECT_THAT(log(), Contains("operator anna proposal.make node.wipe, proposal " + proposed.at("proposal").get<std::string>() + " c01 (" + c01_.id().text() + "): it erases what it has as soon as it hears of it"));
    EXPECT_THAT(log(), Contains("operator ben node.wipe c01 (" + c01_.id().text() + ") proposed by anna, proposal " + proposed.at("proposal").get<std::string>() + ": it erases what it has as soon as it hears of it"));
    EXPECT_THAT(log(), Contains(StartsWith("node c01 (" + c01_.id().text() + ") roster  refused (to-wipe)"))) << "when it was told";
    EXPECT_EQ(ben->refusal("node.approve", {{"node", c01_.id().text()}}), "not-found") << "it does not come back under that key";
    EXPECT_EQ(anna->refusal("proposal.make", wipe_c01), "not-found");
}

// Who was only removed is told no more than before; nor is another machine with its id, which has another key.
TEST_F(VotersInterface, NobodyElseIsToldToWipe) {
    remove(c01_);
    EXPECT_EQ(as(c01_)->refusal("roster"), "not-member");
    client_.put(roster::key::wipe(n02_.id()), "{}");
    EXPECT_EQ(as(n02_)->refusal("roster"), "") << "it is a member";
    client_.put(roster::key::wipe(c01_.id()), Json{{"who", "root on n01"}}.dump());
    EXPECT_EQ(as(c01_)->refusal("roster"), "to-wipe");
    const Machine other{.key = SigningKey::generate(site_scheme), .name = "c01", .roles = {"compute"}};
    const Json answer = desk_.answer(Certified{c01_.bearer(), other.key.verifying_key()}, message_of({"roster", Json::object()}), client_);
    EXPECT_EQ(answer.at("refused").at("reason"), "not-member");
}

TEST_F(VotersInterface, RootWipesWhereThereAreNoTwo) {
    client_.put("/plan/site.toml", plan_text(site_, {&anna_}));
    EXPECT_EQ(as(anna_)->refusal("proposal.make", wipe_c01), "takes-two");
    EXPECT_EQ(as_root("node.wipe", {{"name", "n01"}}).at("refused").at("text"), "it is the site's last voter: without it nothing of the site would be left");
    EXPECT_EQ(as_root("node.wipe", {{"name", "c01"}}).at("answer").at("node"), c01_.id().text());
    EXPECT_EQ(as(c01_)->refusal("roster"), "to-wipe");
    EXPECT_THAT(log(), Contains(StartsWith("root on n01 node.wipe c01")));
}

// A proposal changes nothing yet, and a voter that the others need stays.
TEST_F(VotersInterface, AVoterLeavesEtcdOnlyWhenItIsAgreed) {
    const std::string address = "127.0.0.77";
    client_.add_learner(etcd::peer_url(address));
    client_.put(roster::key::seat(n02_.id()), roster::text_of(roster::Seat{.address = address, .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}}));
    EXPECT_EQ(as(anna_)->refusal("proposal.make", {{"what", "node.wipe"}, {"parameters", {{"name", "n01"}}}}), "not-now") << "it is the last voter";
    const Json proposal{{"proposal", as(anna_)->answer("proposal.make", {{"what", "node.wipe"}, {"parameters", {{"name", "n02"}}}}).at("proposal")}};
    EXPECT_THAT(client_.members(), SizeIs(2));
    {
        etcd::HttpsDoor door(etcd_.identification());
        Unwilling unwilling(door);
        etcd::Client client(unwilling, {etcd::client_url(etcd_.address)});
        const Json answer = desk_.answer(Certified{certificates::OperatorBearer{"ben", ben_.rights}, ben_.key.verifying_key()}, message_of({"proposal.agree", proposal}), client);
        EXPECT_EQ(answer.at("refused").at("text"), "the site's etcd does not let this voter go now: too few of the others are there");
        EXPECT_NE(roster::read(client_).member(n02_.id()), nullptr);
    }
    EXPECT_EQ(as(ben_)->answer("proposal.agree", proposal).at("voter"), true);
    EXPECT_THAT(client_.members(), SizeIs(1));
    EXPECT_THAT(roster::read(client_).seats, SizeIs(1));
}

TEST_F(VotersInterface, ANodeIsRemovedAndItsNameIsFree) {
    const auto otto = as(otto_);
    const auto c01 = as(c01_);
    EXPECT_EQ(otto->answer("node.remove", {{"name", "c01"}}), (Json{{"node", c01_.id().text()}, {"voter", false}}));
    EXPECT_EQ(roster::read(client_).member(c01_.id()), nullptr);
    EXPECT_EQ(roster::read(client_).nodes.at(c01_.id()).value.state, roster::Member::State::removed);
    EXPECT_FALSE(client_.get(roster::key::name("c01")));
    EXPECT_EQ(c01->refusal("roster"), "not-member");
    EXPECT_EQ(otto->refusal("node.remove", {{"name", "c01"}}), "not-found");
    EXPECT_THAT(log(), Contains(StartsWith("operator otto node.remove c01 (" + c01_.id().text() + ")")));
}

TEST_F(VotersInterface, TheLastVoterStays) {
    const auto before = everything();
    const auto refused = std::get<Refusal>(as(otto_)->ask("node.remove", {{"name", "n01"}}));
    EXPECT_EQ(refused.text, "it is the site's last voter: without it nothing of the site would be left");
    // Also where another seat stands in the roster, whose member etcd does not have.
    client_.put(roster::key::seat(n02_.id()), client_.get(roster::key::seat(n01_.id()))->value);
    EXPECT_EQ(as(otto_)->refusal("node.remove", {{"name", "n01"}}), "not-now");
    client_.remove(roster::key::seat(n02_.id()));
    EXPECT_EQ(roster::read(client_).seats.size(), 1U);
    EXPECT_NE(roster::read(client_).member(n01_.id()), nullptr);
    EXPECT_THAT(client_.members(), SizeIs(1));
}

TEST_F(VotersInterface, AVoterThatNeverStartedIsRemovedFromEtcdToo) {
    const std::string address = "127.0.0.77";
    client_.add_learner(etcd::peer_url(address));
    client_.put(roster::key::seat(n02_.id()), roster::text_of(roster::Seat{.address = address, .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}}));
    ASSERT_THAT(client_.members(), SizeIs(2));
    EXPECT_EQ(as(otto_)->answer("node.remove", {{"name", "n02"}}).at("voter"), true);
    EXPECT_THAT(client_.members(), SizeIs(1));
    EXPECT_THAT(roster::read(client_).seats, SizeIs(1));
}

TEST_F(VotersInterface, AVoterWithoutWhomThereIsNoQuorumStays) {
    const std::string address = "127.0.0.77";
    client_.add_learner(etcd::peer_url(address));
    client_.put(roster::key::seat(n02_.id()), roster::text_of(roster::Seat{.address = address, .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}}));
    const auto before = everything();
    etcd::HttpsDoor door(etcd_.identification());
    Unwilling unwilling(door);
    etcd::Client client(unwilling, {etcd::client_url(etcd_.address)});
    const Certified otto{certificates::OperatorBearer{"otto", otto_.rights}, otto_.key.verifying_key()};
    const Json answer = desk_.answer(otto, message_of({"node.remove", {{"name", "n02"}}}), client);
    EXPECT_EQ(answer.at("refused").at("text"), "the site's etcd does not let this voter go now: too few of the others are there");
    EXPECT_EQ(everything(), before);
    EXPECT_THAT(log(), ElementsAre(StartsWith("operator otto node.remove  refused (not-now)")));
}

TEST_F(VotersInterface, AReplacementIsApprovedByName) {
    EXPECT_EQ(as(otto_)->answer("node.replace", {{"name", "c01"}}).at("node"), c01_.id().text());
    EXPECT_TRUE(client_.get("/replacements/c01"));
    EXPECT_EQ(as(otto_)->refusal("node.replace", {{"name", "c99"}}), "not-found");
    EXPECT_EQ(as(otto_)->refusal("formation.retry", {{"name", "db"}}), "");
    EXPECT_TRUE(client_.get("/formations/db/retry"));
    EXPECT_EQ(as(otto_)->refusal("formation.retry", {{"name", "nova"}}), "not-found");
}

TEST_F(VotersInterface, AViewerSeesTheSite) {
    EXPECT_EQ(as(n01_)->swap("locks/db", 0, held_by(n01_.id(), "db/join")), "swapped");
    EXPECT_EQ(as(n01_)->swap(own_key(n01_), 0, enrolled(n01_)), "swapped");
    EXPECT_EQ(as(n01_)->swap(own_key(n01_, "settled"), 0, "b1"), "swapped");
    const Json status = as(vera_)->answer("status");
    EXPECT_EQ(status.at("locks")[0].at("holder"), "n01");
    EXPECT_EQ(status.at("locks")[0].at("left"), false);
    EXPECT_EQ(status.at("formations"), (Json{{"db", {{"members", {"n01"}}, {"settled", {"n01"}}}}}));
    EXPECT_EQ(status.at("etcd").size(), 1U);
    EXPECT_EQ(status.at("members").size(), 3U);
    EXPECT_EQ(status.at("plan"), revision_of("plan/site.toml"));
    EXPECT_EQ(as(otto_)->refusal("status"), "not-allowed"); // a right has no other in it
    EXPECT_EQ(as(vera_)->answer("audit", {{"newest", 10}}).at("entries")[0].at("what"), "status");
    EXPECT_EQ(as(vera_)->answer("audit", {{"newest", 10}}).at("entries")[0].at("who"), "operator otto");
}

// ---- The plan, and two persons ---------------------------------------------------------------------

Outcome show_nothing(const Occasion&) { return Json::object(); }
Json files_of(const std::string& text) { return {{"files", {{"site.toml", base64_of(text)}}}}; }

TEST_F(VotersInterface, APlanIsAppliedByAnAdmin) {
    const std::string renamed = plan_text(site_, {&anna_, &ben_, &vera_, &otto_}, "berlin-2");
    EXPECT_EQ(as(ben_)->refusal("plan.apply", files_of(renamed)), "not-allowed");
    const auto anna = as(anna_);
    EXPECT_EQ(anna->answer("plan.apply", files_of(renamed)).at("operators"), "as before");
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-2");
    EXPECT_THAT(log(), Contains(StartsWith("operator anna plan.apply site.toml SHA-256 ")));
    const auto bad = std::get<Refusal>(anna->ask("plan.apply", files_of("[site]\nname = \"x\"\nnam = 1\n")));
    EXPECT_EQ(bad.text, "the plan is not in order");
    EXPECT_THAT(bad.details, Contains(HasSubstr("unknown key 'nam'")));
    EXPECT_EQ(anna->refusal("plan.apply", files_of(plan_text(SiteId::random(), {&anna_, &ben_, &vera_, &otto_}))), "malformed");
    EXPECT_EQ(anna->refusal("plan.apply", {{"files", {{"site.toml", base64_of(renamed)}, {"notes.txt", base64_of("x")}}}}), "malformed");
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-2");
}

TEST_F(VotersInterface, OtherOperatorsTakeTwoPersons) {
    const std::string without_ben = plan_text(site_, {&anna_, &vera_, &otto_}, "berlin-3");
    const auto anna = as(anna_), ben = as(ben_);
    EXPECT_EQ(anna->refusal("plan.apply", files_of(without_ben)), "takes-two");
    EXPECT_EQ(as_root("plan.apply", files_of(without_ben)).at("refused").at("reason"), "takes-two");
    const Json proposed = anna->answer("proposal.make", {{"what", "plan.apply"}, {"parameters", files_of(without_ben)}});
    const Json proposal{{"proposal", proposed.at("proposal")}};
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-1");
    EXPECT_EQ(anna->refusal("proposal.agree", proposal), "takes-two"); // she is an approver as well
    EXPECT_EQ(as(vera_)->answer("proposal.show", proposal).at("parameters"), files_of(without_ben));
    EXPECT_EQ(as(vera_)->refusal("proposal.agree", proposal), "not-allowed");
    EXPECT_EQ(ben->answer("proposal.agree", proposal).at("operators"), "changed");
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-3");
    EXPECT_EQ(ben->refusal("proposal.agree", proposal), "not-member"); // it was about him
    EXPECT_THAT(log(), Contains(StartsWith("operator anna proposal.make plan.apply, proposal ")));
    EXPECT_THAT(log(), Contains(AllOf(StartsWith("operator ben plan.apply site.toml proposed by anna, proposal "), HasSubstr("with other operators"))));
    EXPECT_THAT(log(), Contains(StartsWith("operator anna proposal.agree  refused (takes-two)")));
}

TEST_F(VotersInterface, AProposalIsWithdrawnAndOneThatCannotBeIsNotMade) {
    const auto anna = as(anna_);
    EXPECT_EQ(anna->refusal("proposal.make", {{"what", "node.remove"}, {"parameters", {{"name", "c01"}}}}), "not-allowed");
    EXPECT_EQ(anna->refusal("proposal.make", {{"what", "node.wipe"}, {"parameters", Json::object()}}), "malformed");
    EXPECT_EQ(anna->refusal("proposal.make", {{"what", "node.wipe"}, {"parameters", {{"name", "c99"}}}}), "not-found");
    EXPECT_EQ(anna->refusal("proposal.make", {{"what", "site.recover"}, {"parameters", {{"voter", "n01"}}}}), "unknown-ask"); // by an order of another kind
    EXPECT_EQ(anna->refusal("proposal.make", {{"what", "plan.apply"}, {"parameters", files_of("x")}}), "malformed");
    EXPECT_EQ(anna->refusal("node.wipe", {{"name", "c01"}}), "takes-two");
    const Json proposed = anna->answer("proposal.make", {{"what", "plan.apply"}, {"parameters", files_of(plan_text(site_, {&anna_}))}});
    EXPECT_EQ(as(vera_)->answer("proposal.list").at("proposals"), Json::array({proposed}));
    EXPECT_EQ(anna->refusal("proposal.withdraw", {{"proposal", proposed.at("proposal")}}), "");
    EXPECT_EQ(as(ben_)->refusal("proposal.agree", {{"proposal", proposed.at("proposal")}}), "not-found");
    EXPECT_EQ(as(vera_)->answer("proposal.list").at("proposals"), Json::array());
}

TEST_F(VotersInterface, RootAtAVoterMayAloneWhereThereIsNobodyElse) {
    (void)client_.remove("/plan/site.toml");
    EXPECT_EQ(as(anna_)->refusal("status"), "not-member"); // no plan, no operators
    EXPECT_EQ(as_root("plan.apply", files_of(plan_text(site_, {&anna_}))).at("answer").at("operators"), "changed");
    EXPECT_EQ(as(anna_)->refusal("plan.apply", files_of(plan_text(site_, {&anna_, &ben_}))), "takes-two");
    EXPECT_EQ(as_root("plan.apply", files_of(plan_text(site_, {&anna_, &ben_}))).at("answer").at("operators"), "changed");
    EXPECT_EQ(as_root("plan.apply", files_of(plan_text(site_, {&anna_}))).at("refused").at("reason"), "takes-two");
    EXPECT_THAT(log(), Contains(StartsWith("root on n01 plan.apply site.toml")).Times(2));
    EXPECT_EQ(desk_.answer(LocalCaller{n01_.id(), "n01", 1000}, message_of({"status", Json::object()}), client_).at("refused").at("reason"), "not-allowed");
}

TEST_F(VotersInterface, MoreCanBeAsked) {
    Desk desk({.site = site_, .authority = authority_, .formations = formations_, .roles = roles_, .place = placed, .store = store_, .now = OneEtcd::now});
    desk.add({.name = "seat.take", .nodes = Nodes::yes, .right = std::nullopt, .parameters = {{"address", Kind::text}}}, [](const Occasion& occasion) { return Json{{"node", text_of(occasion.caller)}}; });
    desk.add("backup", [](const Occasion&) { return Deed{.conditions = {}, .changes = {}, .answer = {{"backup", "x"}}, .about = {}, .text = "12 kB", .what = {}}; });
    EXPECT_THAT(error_of([&] { desk.add("backup", show_nothing); }), HasSubstr("it has an answer"));
    const auto ask = [&](const Asker& asker, const Request& request) { return desk.answer(asker, message_of(request), client_); };
    EXPECT_EQ(ask(Certified{c01_.bearer(), c01_.key.verifying_key()}, {"seat.take", {{"address", "10.0.0.1"}}}).at("answer").at("node"), "node c01 (" + c01_.id().text() + ")");
    const Certified anna{certificates::OperatorBearer{"anna", anna_.rights}, anna_.key.verifying_key()};
    EXPECT_EQ(ask(anna, {"seat.take", {{"address", "10.0.0.1"}}}).at("refused").at("reason"), "not-allowed");
    EXPECT_EQ(ask(anna, {"backup", Json::object()}).at("answer").at("backup"), "x");
    EXPECT_THAT(log(), Contains("operator anna backup  12 kB"));
}

// ---- Those who only hold the line --------------------------------------------------------------------

TEST_F(VotersInterface, NobodyHoldsItUp) {
    // Far more than one address may have, from an address that is not the others'.
    std::vector<Fd> silent;
    for (int i = 0; i < 100; ++i) silent.push_back(sockets::connect_to("127.0.0.1", port_.port(), 1s));
    std::this_thread::sleep_for(100ms);
    const VoterAddress other{n01_.id(), "::1", port_.port()};
    Voice n01(n01_.key, authority_, n01_.bearer(), other);
    EXPECT_EQ(n01.refusal("roster"), "");
    // Its own neighbours wait until the silent ones were cut off.
    const auto begin = std::chrono::steady_clock::now();
    const auto patient = as(n02_);
    std::string answer = "none";
    while (answer == "none" && std::chrono::steady_clock::now() - begin < 10s) {
        try {
            answer = patient->refusal("roster");
        } catch (const Error&) {
            std::this_thread::sleep_for(100ms);
        }
    }
    EXPECT_EQ(answer, "");
}

// ---- One voter after the other -----------------------------------------------------------------------

// Answers as a voter, and does with the connection what a test wants.
class OtherVoter {
public:
    OtherVoter(const SigningKey& key, const certificates::SiteCertificate& certificate, const certificates::Trust& trust, std::function<void(channel::Channel&)> serve)
        : listener_(0, "a port", [&key, &certificate, &trust, serve = std::move(serve)](Fd connection) {
              const auto until = std::chrono::steady_clock::now() + 5s;
              auto opened = channel::accept(std::move(connection), {key, certificate, trust}, OneEtcd::now(), until);
              if (auto* const channel = std::get_if<channel::Channel>(&opened)) serve(*channel);
          }) {}
    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

private:
    sockets::Listener listener_;
};

class OneAfterTheOther : public SiteWithVoter {
protected:
    const certificates::SiteCertificate own_ = authority_.issue(n02_.bearer(), n02_.key.verifying_key(), OneEtcd::now());
    const certificates::SiteCertificate mine_ = authority_.issue(c01_.bearer(), c01_.key.verifying_key(), OneEtcd::now());
    // In this order, whichever its own would be.
    void ask_in_order(VotersClient& client, const VoterAddress& first, const VoterAddress& second) {
        const auto own = std::to_integer<std::size_t>(c01_.id().bytes[0]);
        client.set_voters(own % 2 == 0 ? std::vector{first, second} : std::vector{second, first});
    }
    ClientParts parts() { return {.key = c01_.key, .certificate = [this] { return mine_; }, .trust = authority_.trust(), .now = OneEtcd::now}; }
    const Request change_{"store.swap", {{"key", "locks/agent"}, {"revision", 0}, {"value", base64_of(held_by(c01_.id(), "agent/join"))}}};
    const Request read_{"roster", Json::object()};
};

TEST_F(OneAfterTheOther, WhoIsNotThereIsPassedBy) {
    std::uint16_t nobody = 0;
    { nobody = sockets::Listener(0, "a port", [](const Fd&) {}).port(); }
    VotersClient asked(parts(), {voter_});
    ask_in_order(asked, {n02_.id(), "127.0.0.1", nobody}, voter_);
    EXPECT_TRUE(std::holds_alternative<Json>(asked.ask(change_, VotersClient::Changes::something)));
    EXPECT_NE(revision_of("locks/agent"), 0U);
}

TEST_F(OneAfterTheOther, WhoIsAnotherNodeIsNotAsked) {
    VotersClient asked(parts(), {{n02_.id(), "127.0.0.1", port_.port()}});
    EXPECT_THAT(error_of([&] { (void)asked.ask(read_, VotersClient::Changes::nothing); }), HasSubstr("not the node " + n02_.id().text()));
}

TEST_F(OneAfterTheOther, AChangeThatMayHaveArrivedIsNotRepeated) {
    const OtherVoter silent(n02_.key, own_, authority_.trust(), [](channel::Channel& channel) { (void)channel.receive(std::chrono::steady_clock::now() + 5s); });
    VotersClient asked(parts(), {voter_});
    ask_in_order(asked, {n02_.id(), "127.0.0.1", silent.port()}, voter_);
    EXPECT_THROW((void)asked.ask(change_, VotersClient::Changes::something), OutcomeUnknown);
    EXPECT_EQ(revision_of("locks/agent"), 0U);
    EXPECT_TRUE(std::holds_alternative<Json>(asked.ask(read_, VotersClient::Changes::nothing)));
}

TEST_F(OneAfterTheOther, AVoterWithoutEtcdSaysThatNothingWasDone) {
    const OtherVoter cut_off(n02_.key, own_, authority_.trust(), [](channel::Channel& channel) {
        (void)channel.receive(std::chrono::steady_clock::now() + 5s);
        channel.send(refused({Reason::unavailable, "no member of etcd answers", {}}), std::chrono::steady_clock::now() + 5s);
    });
    VotersClient asked(parts(), {voter_});
    ask_in_order(asked, {n02_.id(), "127.0.0.1", cut_off.port()}, voter_);
    EXPECT_TRUE(std::holds_alternative<Json>(asked.ask(change_, VotersClient::Changes::something)));
    VotersClient alone(parts(), {{n02_.id(), "127.0.0.1", cut_off.port()}});
    EXPECT_EQ(std::get<Refusal>(alone.ask(change_, VotersClient::Changes::something)).reason, Reason::unavailable);
}

} // namespace
} // namespace ashlar::voters::rig
