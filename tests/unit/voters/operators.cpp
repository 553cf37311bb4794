// Operators with the program that they use, before a voter's port and a real etcd: from afar, and at a node of the site.

#include "rig.hpp"

#include <control/server.hpp>
#include <voters/by_address.hpp>
#include <voters/order.hpp>

#include <base/process.hpp>

#include <filesystem>

namespace ashlar::voters::rig {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Whereabouts, AreAddressesAndNothingElse) {
    EXPECT_EQ(whereabouts_in("10.0.0.11"), (Whereabouts{"10.0.0.11", 4748}));
    EXPECT_EQ(whereabouts_in("10.0.0.11:4749"), (Whereabouts{"10.0.0.11", 4749}));
    EXPECT_EQ(whereabouts_in("fd00::11"), (Whereabouts{"fd00::11", 4748}));
    EXPECT_EQ(whereabouts_in("[fd00::11]:4749"), (Whereabouts{"fd00::11", 4749}));
    for (const auto* text : {"", "n01", "n01:4748", "10.0.0.11:", "10.0.0.11:0", "10.0.0.11:70000", "10.0.0.11:+1", "[10.0.0.11", "[fd00::11]", "10.0.0.011", "fd00:0::11"}) EXPECT_EQ(whereabouts_in(text), std::nullopt) << text;
    for (const auto* text : {"10.0.0.11", "10.0.0.11:4749", "fd00::11", "[fd00::11]:4749"}) EXPECT_EQ(text_of(*whereabouts_in(text)), text);
}

// Somebody with files on a machine of their own.
class Desktop {
public:
    Desktop(const Human& human, const certificates::SiteCertificate& certificate, const certificates::SiteCertificate& authority, std::string voter) : voter_(std::move(voter)) {
        human.key.save_new(file("own.key"), std::nullopt);
        write_file(file("own.pem"), certificate.pem());
        write_file(file("authority.pem"), authority.pem());
    }
    [[nodiscard]] fs::path file(const std::string& name) const { return directory_.path() / name; }

    [[nodiscard]] ashlar::Outcome say(std::vector<std::string> words) const {
        std::vector<std::string> argv{ASHLARCTL};
        argv.insert(argv.end(), words.begin(), words.end());
        for (const auto& [option, value] : {std::pair{"--voter", voter_}, {"--key", file("own.key").native()}, {"--certificate", file("own.pem").native()}, {"--authority", file("authority.pem").native()}}) {
            argv.emplace_back(option);
            argv.push_back(value);
        }
        return run({.argv = std::move(argv)});
    }
    // What it prints; how it ended in the place of that, when not well.
    [[nodiscard]] std::string said(std::vector<std::string> words) const {
        const ashlar::Outcome outcome = say(std::move(words));
        return outcome.ok() ? outcome.output : fmt::format("{}: {}", outcome.exit_code, outcome.errors);
    }

private:
    const std::string voter_;
    TemporaryDirectory directory_{testing::TempDir(), "desktop-"};
};

class Operators : public SiteWithVoter {
protected:
    certificates::SiteCertificate of(const Human& human, Time when = OneEtcd::now()) const { return authority_.issue(certificates::OperatorBearer{human.name, human.rights}, human.key.verifying_key(), when); }
    Desktop of_own(const Human& human) const { return {human, of(human), authority_.certificate(), where()}; }
    [[nodiscard]] std::string where() const { return fmt::format("127.0.0.1:{}", here_.port()); }

    void apply(const std::string& name) { client_.put(roster::key::applicant(NodeId::random()), Json{{"name", name}, {"code", "4173 0262"}}.dump()); }
    // A site's directory with that plan.
    [[nodiscard]] std::string directory(const std::string& text) {
        write_file(plan_.path() / "site.toml", text);
        return plan_.path().native();
    }

    TemporaryDirectory plan_{testing::TempDir(), "plan-"};
    // A voter whose certificate says where it is.
    const certificates::SiteCertificate own_ = authority_.issue(
        [&] {
            auto bearer = n01_.bearer();
            bearer.addresses = {"127.0.0.1"};
            return bearer;
        }(),
        n01_.key.verifying_key(), OneEtcd::now());
    PortParts parts_here() {
        auto parts = port_parts();
        parts.certificate = [this] { return own_; };
        return parts;
    }
    VotersPort here_{parts_here(), 0};
};

TEST_F(Operators, AViewerLooksAndDoesNotApprove) {
    apply("n04");
    const auto vera = of_own(vera_);
    EXPECT_THAT(vera.said({"node", "list"}), AllOf(HasSubstr("n01          voter  control"), HasSubstr("n04          code 4173 0262")));
    EXPECT_EQ(parse_json(vera.said({"node", "list", "--json"}), "answer").at("members").size(), 3U);
    const ashlar::Outcome refused = vera.say({"node", "approve", "n04"});
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.errors, StartsWith("ashlarctl: the voters refuse 'node.approve': "));
    EXPECT_THAT(refused.errors, HasSubstr("approver"));
    EXPECT_EQ(client_.range("/approvals/").pairs.size(), 0U);
    EXPECT_EQ(of_own(ben_).said({"node", "approve", "n04"}), "n04 may come in\n");
    EXPECT_EQ(client_.range("/approvals/").pairs.size(), 1U);
    EXPECT_THAT(vera.said({"site", "audit"}), AllOf(HasSubstr("node.approve   n04"), HasSubstr("operator ben"), HasSubstr("operator vera: refused (not-allowed)")));
}

TEST_F(Operators, WhatCannotCountIsSaidBeforeItIsShown) {
    const Desktop late(vera_, of(vera_, OneEtcd::now() - certificates::operator_life - std::chrono::days(2)), authority_.certificate(), where());
    EXPECT_THAT(late.said({"node", "list"}), AllOf(StartsWith("3: ashlarctl: cannot use the certificate"), HasSubstr(": it expired at "), HasSubstr("hint: ask any node of the site for another one")));
    const auto foreign = certificates::Authority::found(SiteId::random(), OneEtcd::now());
    const auto of_foreign = foreign.issue(certificates::OperatorBearer{vera_.name, vera_.rights}, vera_.key.verifying_key(), OneEtcd::now());
    EXPECT_THAT(Desktop(vera_, of_foreign, authority_.certificate(), where()).said({"node", "list"}), HasSubstr("it is not signed by the site's authority"));
    EXPECT_THAT(Desktop(vera_, of(ben_), authority_.certificate(), where()).said({"node", "list"}), HasSubstr("it is of another key than --key"));
    EXPECT_THAT(Desktop(vera_, own_, authority_.certificate(), where()).said({"node", "list"}), HasSubstr("it is not that of an operator"));
    // Who trusts another site's authority does not trust this voter.
    EXPECT_THAT(Desktop(vera_, of_foreign, foreign.certificate(), where()).said({"node", "list"}), AllOf(StartsWith("3: ashlarctl: cannot ask the voters: 127.0.0.1:"), HasSubstr("its certificate does not count")));
    EXPECT_THAT(Desktop(vera_, of(vera_), of(vera_), where()).said({"node", "list"}), HasSubstr("it is not the certificate of an authority of the site"));
    EXPECT_THAT(log(), Not(Contains(HasSubstr("status"))));
}

// While one authority takes the place of another, the file has both.
TEST_F(Operators, TrustEachAuthorityOfTheirFile) {
    const auto next = certificates::Authority::found(authority_.trust().site(), OneEtcd::now());
    const Desktop vera(vera_, of(vera_), next.certificate(), where());
    EXPECT_THAT(vera.said({"node", "list"}), HasSubstr("it is not signed by the site's authority"));
    write_file(vera.file("authority.pem"), next.certificate().pem() + authority_.certificate().pem());
    EXPECT_THAT(vera.said({"node", "list"}), HasSubstr("n01"));
    write_file(vera.file("authority.pem"), authority_.certificate().pem() + certificates::Authority::found(SiteId::random(), OneEtcd::now()).certificate().pem());
    EXPECT_THAT(vera.said({"node", "list"}), HasSubstr("cannot trust an authority of the site"));
}

// A program that does not look itself is refused all the same.
TEST_F(Operators, TheVoterRefusesThemToo) {
    const auto foreign = certificates::Authority::found(SiteId::random(), OneEtcd::now());
    const auto ask = [&](const certificates::SiteCertificate& certificate) {
        const ClientParts own{.key = vera_.key, .certificate = [&] { return certificate; }, .trust = authority_.trust(), .now = OneEtcd::now};
        return error_of([&] { (void)who_answers(own, {{"127.0.0.1", here_.port()}}); });
    };
    EXPECT_THAT(ask(of(vera_, OneEtcd::now() - certificates::operator_life - std::chrono::days(2))), HasSubstr("it does not trust us: "));
    EXPECT_THAT(ask(foreign.issue(certificates::OperatorBearer{vera_.name, vera_.rights}, vera_.key.verifying_key(), OneEtcd::now())), HasSubstr("it does not trust us: "));
}

// A node of the site that is somewhere else, or an operator, is no voter at this address.
TEST_F(Operators, WhoAnswersMustBelongThere) {
    const Desktop elsewhere(vera_, of(vera_), authority_.certificate(), fmt::format("127.0.0.1:{}", port_.port()));
    EXPECT_THAT(elsewhere.said({"node", "list"}), HasSubstr("node n01 answers, whose certificate does not name that address"));
    std::uint16_t nobody = 0;
    { nobody = sockets::Listener(0, "a port", [](const Fd&) {}).port(); }
    EXPECT_THAT(Desktop(vera_, of(vera_), authority_.certificate(), fmt::format("127.0.0.1:{}", nobody)).said({"node", "list"}), HasSubstr("nobody answers"));
    EXPECT_THAT(Desktop(vera_, of(vera_), authority_.certificate(), fmt::format("127.0.0.1:{},{}", nobody, where())).said({"node", "list"}), HasSubstr("n01")) << "the next one does";
    EXPECT_THAT(Desktop(vera_, of(vera_), authority_.certificate(), "n01").said({"node", "list"}), HasSubstr("cannot ask 'n01': it is no address"));
    const auto vera = of_own(vera_);
    EXPECT_THAT(vera.said({"status"}), HasSubstr("cannot do that from afar"));
    EXPECT_THAT(vera.said({"why", "db"}), HasSubstr("cannot ask that from afar"));
    EXPECT_THAT(run({.argv = {ASHLARCTL, "node", "list", "--voter", where()}}).exit_code, 2) << "without key and certificate";
}

TEST_F(Operators, APlanNamesRolesThatThereAre) {
    std::string text = plan_text(site_, {&anna_, &ben_, &vera_, &otto_});
    text.replace(text.find("\"control\""), std::string("\"control\"").size(), "\"contrl\"");
    EXPECT_THAT(of_own(anna_).said({"site", "apply", directory(text)}), AllOf(HasSubstr("it gives 'n01' the role 'contrl', which this voter's release does not know"), HasSubstr("did you mean 'control'?")));
}

TEST_F(Operators, ForWhatTakesTwoOneIsNotEnough) {
    const auto anna = of_own(anna_), ben = of_own(ben_), vera = of_own(vera_);
    const std::string other = directory(plan_text(site_, {&anna_, &ben_, &otto_}, "berlin-3"));
    EXPECT_THAT(anna.said({"site", "apply", other}), AllOf(StartsWith("3: ashlarctl: the voters refuse 'plan.apply': 'plan.apply' takes two persons"), HasSubstr("ashlarctl proposal make")));
    EXPECT_THAT(anna.said({"proposal", "make", "plan.apply", other}), AllOf(HasSubstr("plan.apply   by anna, until "), HasSubstr("ashlarctl proposal agree ")));
    const std::string list = vera.said({"proposal", "list"});
    const std::string id = list.substr(0, list.find(' '));
    EXPECT_THAT(vera.said({"proposal", "show", id}), AllOf(HasSubstr("---- site.toml ----"), HasSubstr("name = \"berlin-3\"")));
    EXPECT_THAT(anna.said({"proposal", "agree", id}), HasSubstr("who proposed it cannot agree to it"));
    EXPECT_THAT(vera.said({"proposal", "agree", id}), StartsWith("3: "));
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-1");
    EXPECT_EQ(ben.said({"proposal", "agree", id}), "agreed, and done\n");
    EXPECT_EQ(read_plan(client_)->site.name, "berlin-3");
    EXPECT_THAT(log(), Contains(AllOf(StartsWith("operator ben plan.apply site.toml proposed by anna, proposal " + id), HasSubstr("with other operators"))));
    EXPECT_THAT(vera.said({"proposal", "list"}), HasSubstr("the site's plan has no operator 'vera'")) << "it was about her";
    const std::string second = anna.said({"proposal", "make", "plan.apply", directory(plan_text(site_, {&anna_, &ben_}))});
    EXPECT_EQ(anna.said({"proposal", "withdraw", second.substr(0, second.find(' '))}), "withdrawn\n");
    EXPECT_EQ(client_.range("/proposals/").pairs.size(), 0U);
    EXPECT_EQ(anna.say({"proposal", "make", "node.approve", "n04"}).exit_code, 2);
}

TEST_F(Operators, ANodeIsWipedByTwo) {
    const auto anna = of_own(anna_), ben = of_own(ben_);
    const std::string proposed = anna.said({"node", "wipe", "c01"});
    EXPECT_THAT(proposed, AllOf(HasSubstr("node.wipe    by anna, until "), HasSubstr("ashlarctl proposal agree ")));
    const std::string id = proposed.substr(0, proposed.find(' '));
    EXPECT_THAT(of_own(vera_).said({"proposal", "show", id}), HasSubstr("c01"));
    EXPECT_EQ(ben.said({"proposal", "agree", id}), "agreed, and done\n");
    EXPECT_TRUE(client_.get(roster::key::wipe(c01_.id())));
    EXPECT_EQ(as(c01_)->refusal("roster"), "to-wipe");
}

// A node makes it, each signs it at home, and the node takes it.
TEST_F(Operators, AnOrderIsMadeSignedShownAndCarriedOut) {
    const TemporaryDirectory node(testing::TempDir(), "node-");
    const std::string made = text_of(SignedOrder{.order = {.site = site_, .what = Recovery{.genesis = GenesisId::random(), .survivor = {n01_.id(), "n01"}, .lost = {{n02_.id(), "n02"}}, .made = OneEtcd::now(), .expires = OneEtcd::now() + order_life}}, .signatures = {}});
    std::vector<std::pair<std::string, Json>> asked;
    control::Server server(node.path() / "socket", [&](const std::string& method, const Json& parameters, const control::Caller&) -> Json {
        asked.emplace_back(method, parameters);
        if (method == "org.ashlar.Node.Status") return {{"site", {{"site", "berlin-1"}}}};
        return {{"order", made}};
    });
    std::jthread running([&] { server.run([] {}); });
    const std::shared_ptr<void> end(nullptr, [&](void*) { server.stop(); }); // whatever fails below
    const auto at_node = [&](std::vector<std::string> words) {
        std::vector<std::string> argv{ASHLARCTL, "--socket", (node.path() / "socket").native()};
        argv.insert(argv.end(), words.begin(), words.end());
        return run({.argv = std::move(argv)});
    };
    const std::string order = (node.path() / "order.json").native();
    const ashlar::Outcome printed = at_node({"order", "make", "recover", "--lost", "n02"});
    EXPECT_EQ(printed.output, made) << printed.errors;
    write_file(order, printed.output);
    const auto anna = of_own(anna_), ben = of_own(ben_);
    const std::string plan = directory(plan_text(site_, {&anna_, &ben_}));
    EXPECT_THAT(at_node({"order", "show", order}).output, AllOf(StartsWith("recover the site: n01 (node " + n01_.id().text() + ") goes on alone\n  given up for good: n02 (node " + n02_.id().text() + ")\n"), HasSubstr("nobody has signed it")));
    EXPECT_EQ(at_node({"order", "sign", order, "--key", anna.file("own.key").native()}).output, "signed; " + order + " now has 1 signature\n");
    EXPECT_THAT(at_node({"order", "sign", order, "--key", anna.file("own.key").native()}).errors, HasSubstr("this key has signed it already"));
    EXPECT_THAT(at_node({"order", "show", order, "--site", plan}).output, AllOf(HasSubstr("signed by anna\n"), HasSubstr("anna cannot order it")));
    EXPECT_EQ(at_node({"order", "sign", order, "--key", ben.file("own.key").native()}).exit_code, 0);
    EXPECT_THAT(at_node({"order", "show", order, "--site", plan}).output, HasSubstr("signed by anna\n  signed by ben\n  these may order it\n"));
    EXPECT_THAT(at_node({"order", "show", order, "--site", directory(plan_text(site_, {&anna_}))}).errors, HasSubstr("no [[access.operator]]"));
    EXPECT_EQ(parse_json(at_node({"--json", "order", "show", order}).output, "order"), parse_json(read_file(order), "order"));

    EXPECT_THAT(at_node({"site", "recover", "--order", order, "--yes", "munich"}).errors, HasSubstr("this node belongs to the site 'berlin-1'"));
    EXPECT_EQ(at_node({"site", "recover", "--order", order, "--yes", "berlin-1"}).exit_code, 0);
    EXPECT_EQ(asked.back(), (std::pair<std::string, Json>("org.ashlar.Site.Recover", {{"order", read_file(order)}})));
    EXPECT_EQ(at_node({"site", "recover", "--lost", "n02", "--yes", "berlin-1"}).exit_code, 0);
    EXPECT_EQ(asked.back().second, (Json{{"lost", {"n02"}}}));
    EXPECT_EQ(at_node({"site", "recover", "--lost", "n02", "--order", order}).exit_code, 2) << "one or the other";
    EXPECT_THAT(at_node({"site", "recover", "--yes", "berlin-1"}).errors, HasSubstr("nobody is named who is lost"));
    EXPECT_EQ(at_node({"order", "make", "found", "--without", "n03"}).output, made);
    EXPECT_EQ(asked.back(), (std::pair<std::string, Json>("org.ashlar.Site.FoundationOrder", {{"without", {"n03"}}, {"despite", Json::array()}})));
    EXPECT_THAT(at_node({"order", "make", "found"}).errors, HasSubstr("it would order nothing"));
    EXPECT_THAT(at_node({"site", "found", "--order", order}).output, HasSubstr("goes by that order from now on"));
}

// At a node without a seat: it passes the request on as its own question.
TEST_F(Operators, ACertificateComesFromAnyNode) {
    const TemporaryDirectory node(testing::TempDir(), "node-");
    Voice c01(c01_.key, authority_, c01_.bearer(), voter_);
    control::Server server(node.path() / "socket", [&](const std::string& method, const Json& parameters, const control::Caller&) -> Json {
        if (method == "org.ashlar.Site.Authority") return {{"site", site_.text()}, {"certificate", base64(authority_.certificate().der())}, {"voters", {"127.0.0.1"}}};
        const auto answer = c01.ask("operator.certificate", {{"request", parameters.at("request")}});
        const auto* const refusal = std::get_if<Refusal>(&answer);
        return refusal != nullptr ? refused(*refusal) : answered(std::get<Json>(answer));
    });
    std::jthread running([&] { server.run([] {}); });
    const std::shared_ptr<void> end(nullptr, [&](void*) { server.stop(); }); // whatever fails below
    const auto at_node = [&](std::vector<std::string> words, std::optional<std::string> input = std::nullopt) {
        std::vector<std::string> argv{ASHLARCTL, "--socket", (node.path() / "socket").native()};
        argv.insert(argv.end(), words.begin(), words.end());
        return run({.argv = std::move(argv), .input = std::move(input)});
    };
    const auto vera = of_own(vera_);
    const std::string request = run_checked({.argv = {ASHLARCTL, "operator", "request", "--key", vera.file("own.key").native()}});
    EXPECT_THAT(request, StartsWith("-----BEGIN CERTIFICATE REQUEST-----\n"));
    const ashlar::Outcome got = at_node({"operator", "certificate", "-"}, request);
    ASSERT_EQ(got.exit_code, 0) << got.errors;
    EXPECT_EQ(got.output, certificates::SiteCertificate::from_pem(got.output, "own").pem());
    write_file(vera.file("own.pem"), got.output);
    write_file(vera.file("authority.pem"), at_node({"site", "authority"}).output);
    EXPECT_THAT(vera.said({"node", "list"}), HasSubstr("n01"));
    EXPECT_THAT(log(), Contains(StartsWith("node c01 (" + c01_.id().text() + ") operator.certificate vera until ")));

    // With the one that holds, from afar; for nobody else.
    write_file(vera.file("own.csr"), request);
    const std::string next = vera.said({"operator", "certificate", vera.file("own.csr").native()});
    EXPECT_EQ(next, certificates::SiteCertificate::from_pem(next, "own").pem());
    EXPECT_THAT(log(), Contains(StartsWith("operator vera operator.certificate vera until ")));
    EXPECT_THAT(of_own(ben_).said({"operator", "certificate", vera.file("own.csr").native()}), HasSubstr("an operator renews for their own key alone"));

    // Somebody whom the plan does not name; what is no request; a key that a site does not certify.
    const TemporaryDirectory other(testing::TempDir(), "other-");
    SigningKey::generate(site_scheme).save_new(other.path() / "nobody.key", std::nullopt);
    const std::string nobodys = run_checked({.argv = {ASHLARCTL, "operator", "request", "--key", (other.path() / "nobody.key").native()}});
    EXPECT_THAT(at_node({"operator", "certificate", "-"}, nobodys).errors, HasSubstr("the voters refuse 'operator.certificate': no [[access.operator]] of site.toml has that key"));
    EXPECT_THAT(at_node({"operator", "certificate", "-"}, "x").errors, HasSubstr("it is no certificate request in PEM"));
    std::string forged = request;
    forged.at(forged.size() / 2) = forged.at(forged.size() / 2) == 'A' ? 'B' : 'A';
    EXPECT_EQ(at_node({"operator", "certificate", "-"}, forged).exit_code, 3);
    SigningKey::generate(SignatureScheme::ed25519).save_new(other.path() / "ed.key", std::nullopt);
    EXPECT_THAT(run({.argv = {ASHLARCTL, "operator", "request", "--key", (other.path() / "ed.key").native()}}).errors, HasSubstr("it is not on P-256"));
    const TemporaryDirectory secret(testing::TempDir(), "secret-");
    write_file(secret.path() / "passphrase", "a long one\n", 0600);
    SigningKey::generate(site_scheme).save_new(secret.path() / "own.key", "a long one");
    EXPECT_EQ(run({.argv = {ASHLARCTL, "operator", "request", "--key", (secret.path() / "own.key").native()}}).exit_code, 3);
    EXPECT_EQ(run({.argv = {ASHLARCTL, "operator", "request", "--key", (secret.path() / "own.key").native(), "--passphrase-file", (secret.path() / "passphrase").native()}}).exit_code, 0);
}

} // namespace
} // namespace ashlar::voters::rig
