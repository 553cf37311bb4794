// All asks by all kinds of callers, and the store by nodes: pure, without etcd.

#include "rig.hpp"

#include <sstream>

namespace ashlar::voters::rig {
namespace {

using testing::HasSubstr;

class Authorisation : public testing::Test {
protected:
    Authorisation() {
        for (const auto* machine : {&n01, &n02, &c01}) roster.nodes.emplace(machine->id(), roster::Stored<roster::Member>{machine->member(), 1});
        auto left = gone.member();
        left.state = roster::Member::State::removed;
        roster.nodes.emplace(gone.id(), roster::Stored<roster::Member>{left, 1});
    }
    static Machine machine(const std::string& name, const std::string& role) { return {.key = SigningKey::generate(site_scheme), .name = name, .roles = {role}}; }

    [[nodiscard]] std::optional<Refusal> may_now(const Caller& caller, const Request& request) const {
        const forming::Site site = placed(roster);
        return may(caller, request, built_in_asks(), {.roster = roster, .formations = all, .site = site, .ledger = &ledger});
    }
    [[nodiscard]] static NodeCaller caller(const Machine& machine) { return {machine.id(), machine.name}; }
    // "yes", or why not.
    [[nodiscard]] std::string swap(const Machine& machine, const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) const {
        const auto refusal = may_now(caller(machine), {"store.swap", {{"key", key}, {"revision", revision}, {"value", value ? base64_of(*value) : Json(nullptr)}}});
        return refusal ? refusal->text : "yes";
    }
    static std::string marker(const Machine& machine, bool done, const std::string& plan = "db/create") { return forming::to_text(forming::Marker{{machine.id().text(), "b1", plan, "R0.1"}, done}); }
    static std::string lock(const Machine& machine, const std::string& plan = "db/join") { return held_by(machine.id(), plan); }
    static forming::Stored<forming::Holder> held(const Machine& machine) { return {{machine.id().text(), "b0", "db/join", "R0.1"}, 7}; }
    static std::string enrolled(const std::string& name, const std::string& address = "10.0.0.1") { return forming::to_text(forming::Enrolled{name, address}); }
    static std::string key(const std::string& part, const std::string& name) { return "formations/db/" + part + "/" + name; }

    const Machine n01 = machine("n01", "control"), n02 = machine("n02", "control"), c01 = machine("c01", "compute"), gone = machine("n09", "control");
    const formation::Formations all = formations();
    roster::Roster roster;
    forming::Ledger ledger;
};

Json sample(const Ask& ask) {
    Json parameters = Json::object();
    for (const auto& parameter : ask.parameters) {
        switch (parameter.kind) {
        case Kind::text: parameters[parameter.name] = ask.name == "store.list" ? "formations/db/" : ask.name == "store.swap" ? "formations/nova/facts/x" : ask.name == "service.certificate" && parameter.name == "formation" ? "agent" : "x"; break;
        case Kind::number: parameters[parameter.name] = 0; break;
        case Kind::bytes:
        case Kind::maybe_bytes: parameters[parameter.name] = base64_of("x"); break;
        case Kind::files: parameters[parameter.name] = Json{{"site.toml", base64_of("x")}}; break;
        case Kind::object: parameters[parameter.name] = Json::object(); break;
        }
    }
    return parameters;
}

// Written once more by hand: who may ask what. `store.swap` has rules of its own, below.
const std::map<std::string, std::string> who_may{
    {"roster", "node viewer root"},     {"store.mark", "node viewer root"},  {"plan", "node viewer root"},       {"store.list", "node viewer root"}, {"store.swap", ""},
    {"renew", "node"},                  {"service.certificate", "node"},
    {"operator.certificate", "node root viewer operator approver admin nobody"}, {"status", "viewer root"},       {"audit", "viewer root"},
    {"applicants", "viewer root"},      {"proposal.list", "viewer root"},   {"proposal.show", "viewer root"},   {"node.approve", "approver root"},
    {"node.deny", "approver root"},     {"proposal.agree", "approver root"}, {"node.remove", "operator root"},  {"node.replace", "operator root"},
    {"lock.free", "operator root"},     {"formation.retry", "operator root"}, {"plan.apply", "admin root"},     {"secret.rotate", "admin root"},
    {"secret.give", "admin root"},      {"backup", "admin root"},           {"node.wipe", "admin root"},        {"proposal.make", "admin root"},
    {"proposal.withdraw", "admin root"}, {"site.key", "node"},              {"site.key.status", "viewer root"}, {"site.key.rotate", "admin root"},
    {"site.key.finish", "admin root"},
    {"authority", "node viewer root"},  {"authority.rotate", "admin root"}, {"authority.finish", "admin root"},
};

TEST_F(Authorisation, EachAskHasItsCallersAndNoOther) {
    std::map<std::string, Caller> callers{{"node", caller(c01)}, {"root", LocalCaller{n01.id(), "n01", 0}}, {"user", LocalCaller{n01.id(), "n01", 1000}}, {"nobody", OperatorCaller{{"nora", sha256("x")}, {}}}};
    for (const Right right : {Right::view, Right::operate, Right::approve, Right::administer}) callers.emplace(certificates::name_of(right), OperatorCaller{{"anna", sha256("x")}, {right}});
    ASSERT_EQ(built_in_asks().size(), who_may.size());
    for (const auto& [name, ask] : built_in_asks()) {
        std::istringstream words(who_may.at(name));
        const std::set<std::string> expected{std::istream_iterator<std::string>(words), {}};
        for (const auto& [who, caller] : callers) EXPECT_EQ(!may_now(caller, {name, sample(ask)}), expected.contains(who)) << name << " by " << who;
    }
}

TEST_F(Authorisation, AServiceHasACertificateWhereItRuns) {
    const auto asks = [&](const Machine& machine, const std::string& formation) {
        const auto refusal = may_now(caller(machine), {"service.certificate", {{"formation", formation}, {"request", base64_of("x")}}});
        return refusal ? refusal->text : "yes";
    };
    EXPECT_EQ(asks(n01, "db"), "yes");
    EXPECT_EQ(asks(c01, "agent"), "yes");
    EXPECT_EQ(asks(c01, "db"), "formation 'db' does not run on this node");
    EXPECT_EQ(asks(n01, "agent"), "formation 'agent' does not run on this node");
    EXPECT_EQ(asks(n01, "plain"), "formation 'plain' has no certificates");
    EXPECT_EQ(asks(n01, "none"), "'none' is no formation that this voter knows");
    EXPECT_EQ(asks(gone, "db"), "formation 'db' does not run on this node");
}

// Nobody looks for a right in the code.
TEST(Page, HasTheSameTable) {
    const std::string page = read_file(std::filesystem::path(ASHLAR_SOURCE_DIR) / "docs/formats/voters-interface.md");
    for (const auto& [name, ask] : built_in_asks()) {
        const auto lines = split(page, '\n');
        const auto row = std::ranges::find_if(lines, [&](std::string_view line) { return line.starts_with("| `") && split(line, '|')[1].find("`" + name + "`") != std::string_view::npos; });
        ASSERT_NE(row, lines.end()) << name;
        const auto cells = split(*row, '|');
        ASSERT_GE(cells.size(), 6U) << name;
        for (const auto& parameter : ask.parameters) EXPECT_NE(cells[2].find("`" + parameter.name + "`"), std::string_view::npos) << name << " " << parameter.name;
        EXPECT_EQ(trim(cells[3]), ask.nodes == Nodes::no ? "" : name == "store.swap" ? "[below](#the-store)" : "yes") << name;
        const std::string right = ask.right ? fmt::format("`{}`", certificates::name_of(*ask.right)) : "";
        EXPECT_EQ(trim(cells[4]), right + (ask.persons == Persons::two ? ", two persons" : "")) << name;
    }
}

TEST_F(Authorisation, NothingOutsideFormationsIsListed) {
    for (const auto* prefix : {"", "/", "seats/", "nodes/", "audit/", "plan/", "formation", "lock", "/formations/", "../seats/"}) {
        for (const Caller& who : {Caller(caller(n01)), Caller(OperatorCaller{{"anna", sha256("x")}, {Right::view}}), Caller(LocalCaller{n01.id(), "n01", 0})})
            EXPECT_TRUE(may_now(who, {"store.list", {{"prefix", prefix}}})) << prefix;
    }
    EXPECT_FALSE(may_now(caller(c01), {"store.list", {{"prefix", "locks/db"}}}));
}

// ---- Who somebody is ---------------------------------------------------------------------------

std::string who(const std::variant<Caller, Refusal>& identified) {
    const auto* const refusal = std::get_if<Refusal>(&identified);
    return refusal == nullptr ? text_of(std::get<Caller>(identified)) : std::string(name_of(refusal->reason)) + ": " + refusal->text;
}

TEST_F(Authorisation, ANodeIsWhatTheRosterSays) {
    const auto identify = [&](const Machine& machine) { return who(caller_of(machine.bearer(), machine.key.verifying_key(), roster, nullptr)); };
    EXPECT_EQ(identify(n01), "node n01 (" + n01.id().text() + ")");
    EXPECT_THAT(identify(gone), HasSubstr("not-member: node n09"));
    EXPECT_THAT(identify(machine("n01", "control")), HasSubstr("not-member"));
    // Another key than the roster's for that id.
    EXPECT_THAT(who(caller_of(n01.bearer(), n02.key.verifying_key(), roster, nullptr)), HasSubstr("not-member"));
    EXPECT_THAT(who(caller_of(certificates::ServiceBearer{.node = n01.id(), .service = "etcd", .addresses = {}}, n01.key.verifying_key(), roster, nullptr)), HasSubstr("not-member"));
}

TEST_F(Authorisation, AnOperatorHasTheRightsThatThePlanAndTheCertificateHave) {
    const Human anna{.key = SigningKey::generate(site_scheme), .name = "anna", .rights = {Right::view, Right::approve}};
    const auto plan = plan_of({&anna});
    const auto identify = [&](std::set<Right> rights, const VerifyingKey& key, const site::Site* now) { return caller_of(certificates::OperatorBearer{"anna", std::move(rights)}, key, roster, now); };
    const auto key = anna.key.verifying_key();
    EXPECT_EQ(std::get<OperatorCaller>(std::get<Caller>(identify({Right::view, Right::administer}, key, &plan))).rights, std::set<Right>{Right::view});
    EXPECT_THAT(who(identify({Right::view}, n01.key.verifying_key(), &plan)), HasSubstr("not-member"));
    EXPECT_THAT(who(identify({Right::view}, key, nullptr)), HasSubstr("not-member"));
    const auto without = plan_of({});
    EXPECT_THAT(who(identify({Right::view}, key, &without)), HasSubstr("the site's plan has no operator 'anna' with that key"));
}

// ---- The store ---------------------------------------------------------------------------------

TEST_F(Authorisation, ANodeWritesOnlyWhereItsRolePlacesIt) {
    for (const auto& [key, value] : std::map<std::string, std::string>{{"locks/db", lock(c01)}, {key("once", "create"), marker(c01, false)}, {key("members", c01.id().text()), enrolled("c01")},
                                                                       {key("settled", c01.id().text()), "b1"}, {key("facts", "token"), "x"}, {key("secrets", "root"), "x"}})
        EXPECT_EQ(swap(c01, key, 0, value), "formation 'db' does not run on this node") << key;
    EXPECT_EQ(swap(c01, "locks/agent", 0, lock(c01, "agent/join")), "yes");
    EXPECT_EQ(swap(n01, "locks/nova", 0, lock(n01, "nova/join")), "'nova' is no formation that this voter knows");
}

TEST_F(Authorisation, NothingElseIsWritten) {
    for (const auto* key : {"nodes/x", "seats/x", "plan/site.toml", "audit/x", "names/n01", "approvals/x", "proposals/x", "genesis", "formations/db/x", "formations/db/once/", "formations/db/other/x",
                            "formations/db/once/create/more", "locks/db/more", "locks/", "/locks/db", "locks/../seats", "formations//once/x"})
        EXPECT_THAT(swap(n01, key, 0, "x"), HasSubstr("no node writes")) << key;
}

TEST_F(Authorisation, ALockIsTakenForOneself) {
    EXPECT_EQ(swap(n01, "locks/db", 0, lock(n01)), "yes");
    EXPECT_EQ(swap(n01, "locks/db", 0, lock(n02)), "a node claims for itself alone");
    for (const auto* plan : {"db/replace", "db/remove", "db/restart"}) EXPECT_EQ(swap(n01, "locks/db", 0, lock(n01, plan)), "yes");
    for (const auto* plan : {"db/create", "agent/join", "join", "db/"}) EXPECT_THAT(swap(n01, "locks/db", 0, lock(n01, plan)), HasSubstr("is no step for that")) << plan;
    EXPECT_EQ(swap(n01, "locks/db", 0, "{}"), "the value is not what stands under such a key");
    EXPECT_EQ(swap(n01, "locks/db", 0, " " + lock(n01)), "the value is not what stands under such a key");
}

TEST_F(Authorisation, ALockIsNotTakenFromALivingOwner) {
    ledger.lock = held(n02);
    EXPECT_THAT(swap(n01, "locks/db", 7, lock(n01)), HasSubstr("has it, for 'db/join', and belongs to the site"));
    EXPECT_EQ(swap(n01, "locks/db", 7, std::nullopt), "the lock of 'db' is freed by its owner, or by an operator");
    EXPECT_EQ(swap(n02, "locks/db", 7, lock(n02)), "yes"); // its next boot
    EXPECT_EQ(swap(n02, "locks/db", 7, std::nullopt), "yes");
    // Who was too late is told so by the swap itself.
    EXPECT_EQ(swap(n01, "locks/db", 0, lock(n01)), "yes");
    EXPECT_FALSE(is_current(*store_key_in("locks/db"), 0, ledger));
    EXPECT_FALSE(is_current(*store_key_in("locks/db"), 8, ledger)); // a revision that is yet to come
    EXPECT_TRUE(is_current(*store_key_in("locks/db"), 7, ledger));
}

TEST_F(Authorisation, ALockIsTakenOverFromANodeThatLeft) {
    ledger.lock = held(gone);
    EXPECT_EQ(swap(n01, "locks/db", 7, lock(n01)), "yes");
    EXPECT_THAT(swap(n01, "locks/db", 7, std::nullopt), HasSubstr("freed by its owner"));
}

TEST_F(Authorisation, AStepThatHappensOnceIsOnesOwn) {
    const auto once = key("once", "create");
    EXPECT_EQ(swap(n01, once, 0, marker(n01, false)), "yes");
    EXPECT_EQ(swap(n01, once, 0, marker(n01, true)), "'create' was not begun by this node");
    EXPECT_EQ(swap(n01, once, 0, marker(n02, false)), "a node claims for itself alone");
    EXPECT_THAT(swap(n01, key("once", "join"), 0, marker(n01, false, "db/join")), HasSubstr("has no step 'join' that happens once"));
    EXPECT_THAT(swap(n01, once, 0, std::nullopt), HasSubstr("nobody takes away"));
    ledger.once.emplace("create", forming::Stored<forming::Marker>{{{n01.id().text(), "b0", "db/create", "R0.1"}, false}, 3});
    EXPECT_EQ(swap(n01, once, 3, marker(n01, false)), "yes");
    EXPECT_EQ(swap(n01, once, 3, marker(n01, true)), "yes");
    EXPECT_THAT(swap(n02, once, 3, marker(n02, false)), HasSubstr("has it, for 'db/create', and belongs to the site"));
    ledger.once.at("create").value.is_done = true;
    EXPECT_EQ(swap(n01, once, 3, marker(n01, false)), "'create' is done, for ever");
    ledger.once.at("create").value = {{gone.id().text(), "b0", "db/create", "R0.1"}, false};
    EXPECT_EQ(swap(n02, once, 3, marker(n02, false)), "yes");
    EXPECT_EQ(swap(n02, once, 3, marker(n02, true)), "'create' was not begun by this node");
}

TEST_F(Authorisation, AMemberIsOnesOwn) {
    const std::string own = key("members", n01.id().text()), other = key("members", n02.id().text()), left = key("members", gone.id().text());
    EXPECT_EQ(swap(n01, own, 0, enrolled("n01")), "yes");
    EXPECT_EQ(swap(n01, own, 0, enrolled("n01", "")), "yes");
    EXPECT_EQ(swap(n01, own, 0, enrolled("n02")), "this node is called 'n01'");
    EXPECT_EQ(swap(n01, own, 0, enrolled("n01", "10.9.9.9")), "10.9.9.9 is none of the addresses of this node");
    EXPECT_EQ(swap(n01, other, 0, enrolled("n02")), "a node becomes a member by itself");
    EXPECT_EQ(swap(n01, own, 4, std::nullopt), "yes");
    EXPECT_THAT(swap(n01, other, 4, std::nullopt), HasSubstr("forgotten by itself alone"));
    EXPECT_EQ(swap(n01, left, 4, std::nullopt), "yes");
    EXPECT_EQ(swap(n01, key("settled", n01.id().text()), 0, "b1"), "yes");
    EXPECT_THAT(swap(n01, key("settled", n02.id().text()), 0, "b1"), HasSubstr("of itself alone"));
    EXPECT_THAT(swap(n01, key("settled", n02.id().text()), 4, std::nullopt), HasSubstr("of itself alone"));
    EXPECT_EQ(swap(n01, key("settled", gone.id().text()), 4, std::nullopt), "yes");
    EXPECT_THAT(swap(n01, key("settled", gone.id().text()), 0, "b1"), HasSubstr("of itself alone"));
}

TEST_F(Authorisation, FactsAndSecretsAreMadeOnce) {
    EXPECT_EQ(swap(n01, key("facts", "token"), 0, "x"), "yes");
    EXPECT_EQ(swap(n01, key("facts", "token"), 5, "y"), "a fact is made once");
    EXPECT_EQ(swap(n01, key("facts", "token"), 5, std::nullopt), "a fact is made once");
    EXPECT_THAT(swap(n01, key("facts", "other"), 0, "x"), HasSubstr("has no fact 'other'"));
    EXPECT_EQ(swap(n01, key("facts", "seen"), 0, "x"), "only a member of 'db' knows what is seen there");
    ledger.members.emplace(n01.id().text(), forming::Stored<forming::Enrolled>{{"n01", ""}, 2});
    EXPECT_EQ(swap(n01, key("facts", "seen"), 0, "x"), "yes");
    EXPECT_EQ(swap(n01, key("secrets", "root"), 0, "sealed"), "yes");
    EXPECT_EQ(swap(n01, key("secrets", "root"), 5, "sealed"), "a secret is made once");
    EXPECT_THAT(swap(n01, key("secrets", "other"), 0, "sealed"), HasSubstr("has no secret 'other'"));
}

} // namespace
} // namespace ashlar::voters::rig
