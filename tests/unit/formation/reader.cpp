// Formations from text: what is read, and the whole text of what is refused.

#include <formation/lint.hpp>
#include <formation/reader.hpp>

#include <base/file.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::formation;
using testing::HasSubstr;

namespace {

constexpr std::string_view head = "summary = \"x\"\nroles = [\"control\"]\nhealthy = \"observation.up\"\nunits = [\"a.service\"]\n";
constexpr std::string_view observe = "[observe]\nrun = [\"/usr/lib/x/observe\"]\nprints = { up = \"boolean\", id = \"text?\" }\n";
constexpr std::string_view step = "[[step]]\nid = \"start\"\nkind = \"local\"\nsummary = \"starts it\"\nwhen = \"not observation.up\"\nstart = [\"a.service\"]\ntimeout = \"30 s\"\nverify = \"observation.up\"\n";

Formation read(const std::string& text, const std::string& name = "x") { return read_formation(toml::source_from_text("x.toml", text), name); }
std::string whole(const std::string& middle = {}, const std::string& end = {}) { return std::string(head) + middle + std::string(observe) + std::string(step) + end; }
std::string error(const std::string& text) {
    return error_of([&] { (void)read(text); });
}

} // namespace

TEST(Reader, ReadsWhatIsSaid) {
    const Formation formation = read(whole("count = 3\namong = \"voters\"\nrequires = [\"time\", \"mariadb\"]\n"));
    EXPECT_EQ(formation.placement.count, 3u);
    EXPECT_EQ(formation.placement.among, Placement::Among::voters);
    ASSERT_EQ(formation.steps.size(), 1u);
    EXPECT_EQ(formation.steps[0].deed.timeout, std::chrono::seconds(30));
    EXPECT_EQ(formation.observation.timeout, std::chrono::seconds(10));
    EXPECT_FALSE(formation.is_formed_once());
}

TEST(Reader, RefusesAStepWithoutVerify) {
    std::string text = whole();
    text.erase(text.find("verify"));
    EXPECT_EQ(error(text), "x.toml:8:1: missing key 'verify'\n  8 | [[step]]\n    | ^~~~~~~~");
}

TEST(Reader, ReadsItsChecks) {
    const std::string check = "[[check]]\nid = \"works\"\nsummary = \"it works\"\nrun = [\"/usr/lib/x/check\", \"${node.address}\"]\n";
    const Formation formation = read(whole({}, check + "timeout = \"20 s\"\n"));
    ASSERT_EQ(formation.checks.size(), 1u);
    EXPECT_EQ(formation.checks[0].summary, "it works");
    EXPECT_EQ(formation.checks[0].run.at(1).text(), "${node.address}");
    EXPECT_EQ(formation.checks[0].timeout, std::chrono::seconds(20));
    EXPECT_THAT(error(whole({}, check)), HasSubstr("missing key 'timeout'"));
    EXPECT_THAT(error(whole({}, check + "timeout = \"20 s\"\n" + check + "timeout = \"20 s\"\n")), HasSubstr("check 'works' is given twice"));
    EXPECT_THAT(error(whole({}, "[secrets.key]\n[[check]]\nid = \"works\"\nsummary = \"it works\"\nrun = [\"/usr/lib/x/check\", \"${secrets.key}\"]\ntimeout = \"1 s\"\n")), HasSubstr("a secret is never an argument"));
}

TEST(Reader, AFileMayBeLeftOut) {
    const auto file = [](const std::string& more) { return whole({}, "[[render]]\npath = \"/run/x\"\nowner = \"root:root\"\nmode = \"0600\"\ntext = \"\"\n" + more); };
    EXPECT_FALSE(read(file("")).renders[0].is_optional);
    EXPECT_TRUE(read(file("optional = true\n")).renders[0].is_optional);
    EXPECT_THAT(error(file("optional = \"yes\"\n")), HasSubstr("optional"));
}

TEST(Reader, KeepsSecretsInMemoryAndToTheirOwner) {
    const std::string secret = "[secrets.key]\n[[render]]\nowner = \"root:root\"\ntext = \"${secrets.key}\"\n";
    EXPECT_THAT(error(whole({}, secret + "path = \"/etc/x/key\"\nmode = \"0600\"\n")), HasSubstr("a file with a secret lies in memory only"));
    EXPECT_THAT(error(whole({}, secret + "path = \"/run/x/key\"\nmode = \"0640\"\n")), HasSubstr("a file with a secret is for its owner alone"));
    EXPECT_EQ(error(whole({}, secret + "path = \"/run/x/key\"\nmode = \"0600\"\n")), "no error");
    std::string text = whole({}, "[secrets.key]\n");
    text.replace(text.find("start = ["), std::string("start = [\"a.service\"]").size(), "run = [\"/usr/bin/x\", \"--key=${secrets.key}\"]");
    EXPECT_THAT(error(text), HasSubstr("a secret is never an argument"));
}

TEST(Reader, ASecretThatAPersonGivesHasNoSize) {
    const Formation formation = read(whole({}, "[secrets.key]\ngiven = \"text\"\n[secrets.public]\ngiven = \"certificate\"\n[secrets.own]\n"));
    EXPECT_EQ(formation.secret("key")->given, Secret::Given::text);
    EXPECT_EQ(formation.secret("public")->given, Secret::Given::certificate);
    EXPECT_EQ(formation.secret("own")->given, std::nullopt);
    EXPECT_THAT(error(whole({}, "[secrets.key]\ngiven = \"text\"\nsize = 32\n")), HasSubstr("what a person gives has neither 'size' nor 'form'"));
    EXPECT_THAT(error(whole({}, "[secrets.key]\ngiven = \"file\"\n")), HasSubstr("given"));
}

TEST(Reader, AServiceThatSpeaksTlsHasAKeyInMemory) {
    const auto rendered = [](const std::string& path, const std::string& mode, const std::string& text) { return fmt::format("[[render]]\npath = \"{}\"\nowner = \"root:root\"\nmode = \"{}\"\ntext = \"{}\"\n", path, mode, text); };
    const std::string table = "[certificate]\n", key = rendered("/run/x/key", "0400", "${certificate.key}"), chain = rendered("/etc/x/crt", "0644", "${certificate.chain}${site.authority}");
    const Formation formation = read(whole({}, table + key + chain));
    ASSERT_TRUE(formation.certificate);
    EXPECT_FALSE(formation.certificate->is_for_vip);
    EXPECT_TRUE(formation.renders[0].has_secrets);
    EXPECT_FALSE(formation.renders[1].has_secrets);
    EXPECT_TRUE(read(whole({}, "[certificate]\nalso_for = [\"vip\"]\n")).certificate->is_for_vip);
    EXPECT_FALSE(read(whole()).certificate);
    EXPECT_THAT(error(whole({}, "[certificate]\nalso_for = [\"all\"]\n")), testing::AllOf(HasSubstr("a certificate is for the node, and for nothing that is called 'all'"), HasSubstr("write \"vip\"")));
    EXPECT_THAT(error(whole({}, "[certificate]\nlife = 1\n")), HasSubstr("unknown key 'life'"));
    EXPECT_THAT(error(whole({}, chain)), HasSubstr("certificate.chain"));
    EXPECT_THAT(error(whole({}, table + rendered("/etc/x/key", "0600", "${certificate.key}"))), HasSubstr("a file with a secret lies in memory only"));
    EXPECT_THAT(error(whole({}, table + rendered("/run/x/key", "0640", "${certificate.key}"))), HasSubstr("a file with a secret is for its owner alone"));
    std::string text = whole({}, table);
    text.replace(text.find("start = ["), std::string("start = [\"a.service\"]").size(), "run = [\"/usr/bin/x\", \"--key=${certificate.key}\"]");
    EXPECT_THAT(error(text), HasSubstr("a secret is never an argument"));
    EXPECT_THAT(error_of([&] { (void)read(whole({}, table), "x-"); }), HasSubstr("'x-' cannot be a host name, which it is in a certificate"));
}

TEST(Reader, RefusesWhatMakesDataWithoutSayingWhoHasIt) {
    std::string text = whole();
    text.replace(text.find("\"local\""), 7, "\"once\"");
    EXPECT_THAT(error(text), HasSubstr("nothing says whether a node has it"));
}

TEST(Reader, PortsThatFollowEachOtherAreOne) {
    const auto ports = [](const std::string& text) { return whole({}, "[[port]]\n" + text + "summary = \"x\"\n"); };
    EXPECT_EQ(read(ports("number = 6800\nlast = 7055\n")).ports.at(0).numbers(), "6800-7055");
    EXPECT_EQ(read(ports("number = 80\n")).ports.at(0).numbers(), "80");
    EXPECT_THAT(error(ports("number = 80\nlast = 80\n")), HasSubstr("80 is not the last of several ports that begin with 80"));
    EXPECT_THAT(error(ports("number = 80\nlast = 65536\n")), HasSubstr("65536 is not the last"));
}

TEST(Reader, RefusesFilesThatAreNobodysOrOutlastARestart) {
    EXPECT_THAT(error(whole({}, "[[render]]\npath = \"/var/x\"\nmode = \"0644\"\ntext = \"\"\n")), testing::AllOf(HasSubstr("missing key 'owner'"), HasSubstr("not a place for a file that is rendered")));
}

TEST(Reader, RefusesUnitsThatAreNotItsOwn) {
    std::string text = whole();
    text.replace(text.find("start = [\"a.service\"]"), 21, "start = [\"ab.service\"]");
    EXPECT_THAT(error(text), testing::AllOf(HasSubstr("unit 'ab.service' is none of the formation's"), HasSubstr("did you mean 'a.service'?")));
}

TEST(Reader, NamesOfConditionsAreThoseThatAreObserved) { EXPECT_THAT(error(whole("present = \"observation.dta\"\n")), HasSubstr("unknown name 'observation.dta'")); }

TEST(Reader, AListMayBeOfSomeItems) {
    const auto list = [](const std::string& of, const std::string& where) { return whole({}, "[lists.some]\nof = \"" + of + "\"\nwhere = \"" + where + "\"\nitem = \"x\"\n"); };
    const Formation formation = read(list("nodes", "item.voter and item.id != node.id"));
    ASSERT_EQ(formation.listings.size(), 1u);
    EXPECT_TRUE(formation.listings[0].where.has_value());
    EXPECT_EQ(error(list("site.subnets.management", "node.voter and item != ''")), "no error");
    EXPECT_THAT(error(list("nodes", "item.vote")), HasSubstr("item.vote"));
    EXPECT_THAT(error(list("nodes", "item.name")), HasSubstr("where"));
}

// ---- Together ----

namespace {

std::string lint(const std::vector<std::pair<std::string, std::string>>& texts, const std::vector<CarryingRole>& roles = {}) {
    Formations all;
    for (const auto& [name, text] : texts) all.emplace(name, read_formation(toml::source_from_text(name + ".toml", text), name));
    return error_of([&] {
        toml::Problems problems;
        check_together(all, problems);
        if (!roles.empty()) check_roles(all, roles, {"base", "control", "compute"}, problems);
        problems.raise();
    });
}

CarryingRole control(std::vector<std::string> carried) { return {"control", {"base", "control"}, std::move(carried), {toml::source_from_text("control.toml", "")}}; }

} // namespace

TEST(Lint, FindsCirclesAndNamesThatAreNotThere) {
    EXPECT_EQ(lint({{"a", whole("requires = [\"b\"]\n")}, {"b", whole("requires = [\"a\"]\n")}}), R"(a.toml:5:13: formation 'a' requires itself by way of 'b'
  5 | requires = ["b"]
    |             ^~~
b.toml:5:13: formation 'b' requires 'a'
  5 | requires = ["a"]
    |             ^~~
take one 'requires' out of the circle)");
    EXPECT_THAT(lint({{"a", whole("requires = [\"tme\"]\n")}}), testing::AllOf(HasSubstr("there is no formation 'tme'"), HasSubstr("did you mean 'time'?")));
}

TEST(Lint, FactsAndSecretsOfOthersAreThereAndForThisOne) {
    const std::string other = whole({}, "[facts.id]\nonce = \"uuid\"\n[secrets.key]\nalso = [\"b\"]\n");
    const auto reading = [](const std::string& what, const std::string& more) { return whole("requires = [\"a\"]\n", "[[render]]\npath = \"/run/x\"\nowner = \"root:root\"\nmode = \"0600\"\ntext = \"" + what + "\"\n" + more); };
    EXPECT_EQ(lint({{"a", other}, {"b", reading("${facts.a.id} ${secrets.a.key}", "")}}), "no error");
    EXPECT_THAT(lint({{"a", other}, {"b", reading("${facts.a.ix}", "")}}), HasSubstr("formation 'a' has no fact 'ix'"));
    EXPECT_THAT(lint({{"a", other}, {"b", whole()}, {"c", reading("${secrets.a.key}", "")}}), HasSubstr("secret 'key' of 'a' is not for 'c'"));
}

TEST(Lint, RolesCarryWhatRunsOnThem) {
    EXPECT_EQ(lint({{"a", whole()}}, {control({"a"})}), "no error");
    EXPECT_THAT(lint({{"a", whole()}}, {control({})}), HasSubstr("role 'control' runs 'a' and does not carry it"));
    EXPECT_THAT(lint({{"a", whole()}}, {{"compute", {"base", "compute"}, {}, {}}}), HasSubstr("no train has the role 'control'"));
    std::string elsewhere = whole();
    elsewhere.replace(elsewhere.find("control"), 7, "contrl");
    EXPECT_THAT(lint({{"a", elsewhere}}, {control({})}), testing::AllOf(HasSubstr("there is no role 'contrl'"), HasSubstr("did you mean 'control'?")));
    EXPECT_THAT(lint({{"a", whole("requires = [\"b\"]\n")}, {"b", whole()}}, {control({"a"})}), HasSubstr("and not 'b', which that requires"));
    const std::string port = "[[port]]\nnumber = 80\nsummary = \"x\"\n";
    EXPECT_THAT(lint({{"a", whole({}, port)}, {"b", whole({}, port)}}, {control({"a", "b"})}), HasSubstr("role 'control' listens twice on tcp 80 of the plane 'management'"));
    const std::string ports = "[[port]]\nnumber = 70\nlast = 80\nsummary = \"x\"\n", next = "[[port]]\nnumber = 81\nlast = 90\nsummary = \"x\"\n";
    EXPECT_THAT(lint({{"a", whole({}, port)}, {"b", whole({}, ports)}}, {control({"a", "b"})}), HasSubstr("role 'control' listens twice on tcp 70-80 of the plane 'management'"));
    EXPECT_EQ(lint({{"a", whole({}, port)}, {"b", whole({}, next)}}, {control({"a", "b"})}), "no error");
}

TEST(Lint, TheRootHasUnitsProgramsAndAccounts) {
    struct Empty final : Root {
        bool has_unit(std::string_view) const override { return false; }
        bool has_program(std::string_view) const override { return false; }
        bool has_user(std::string_view) const override { return false; }
        bool has_group(std::string_view) const override { return true; }
        std::vector<std::string> units() const override { return {"aa.service"}; }
    };
    const Formation formation = read(whole({}, "[[render]]\npath = \"/run/x\"\nowner = \"x:root\"\nmode = \"0644\"\ntext = \"\"\n"));
    EXPECT_THAT(error_of([&] {
                    toml::Problems problems;
                    check_root(formation, Empty(), problems);
                    problems.raise();
                }),
                testing::AllOf(HasSubstr("has the unit 'a.service'"), HasSubstr("has the program '/usr/lib/x/observe'"), HasSubstr("the root has no user 'x'")));
}
