// `secret.rotate` and `secret.give`: a real vault on the store of a real etcd.

#include "rig.hpp"

#include <formations/sealed_vault.hpp>
#include <voters/secrets.hpp>

#include <random>

namespace ashlar::voters::rig {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Random final : public forming::Randomness {
public:
    void fill(std::span<std::byte> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::byte>(device_());
    }

private:
    std::random_device device_;
};

class SecretRotation : public SiteWithVoter {
protected:
    SecretRotation() {
        desk_.add("secret.rotate", rotates_secrets([this](const std::string& formation, const std::string& secret) {
                      before_rotation_();
                      auto next = vault_.rotation(formation, secret);
                      return Rotation{std::move(next.key), next.revision, std::move(next.value)};
                  }));
        desk_.add("secret.give", gives_secrets([this](const std::string& formation, const std::string& secret, const Secret& value) {
                      auto next = vault_.gift(formation, secret, value);
                      return Rotation{std::move(next.key), next.revision, std::move(next.value)};
                  }));
        forming::Site site{.id = site_.text(), .name = "berlin-1", .genesis = {}, .domain = {}, .time_servers = {}, .members = {}};
        formations::Keys keys;
        for (const auto* machine : {&n01_, &n02_, &c01_}) {
            site.members.push_back({.id = machine->id().text(), .name = machine->name, .role = *machine->roles.begin(), .lineage = {*machine->roles.begin()}, .is_voter = machine == &n01_, .addresses = {}});
            keys.emplace(machine->id().text(), machine->key.verifying_key());
        }
        vault_.see(site, keys);
        other_vault_.see(site, keys);
    }
    void make() { vault_.make("db", *formations_.at("db").secret("root")); }
    std::string stored() { return client_.get("/formations/db/secrets/root")->value; }

    const Json root_{{"formation", "db"}, {"secret", "root"}};
    Random random_;
    formations::SealedVault vault_{store_, formations_, n01_.key, random_};
    PlainStore other_store_{etcd_.client()};
    formations::SealedVault other_vault_{other_store_, formations_, n02_.key, random_};
    std::function<void()> before_rotation_ = [] {};
};

TEST_F(SecretRotation, IsAnAdminsAndStandsInTheLog) {
    make();
    const auto before = vault_.open("db", "root");
    for (const auto* human : {&ben_, &vera_, &otto_}) EXPECT_EQ(as(*human)->refusal("secret.rotate", root_), "not-allowed") << human->name;
    EXPECT_EQ(as(n02_)->refusal("secret.rotate", root_), "not-allowed");
    EXPECT_EQ(vault_.open("db", "root"), before);
    EXPECT_EQ(as(anna_)->answer("secret.rotate", root_), root_);
    const auto after = vault_.open("db", "root");
    ASSERT_TRUE(after);
    EXPECT_NE(after, before);
    EXPECT_EQ(other_vault_.open("db", "root"), after) << "the other one that is entitled";
    EXPECT_THAT(stored(), Not(HasSubstr(c01_.id().text()))) << "and nobody else";
    EXPECT_THAT(log(), Contains("operator anna secret.rotate db/root another value, sealed to the nodes that are entitled now"));
    for (const auto& line : log()) EXPECT_THAT(line, Not(HasSubstr(*after)));
    EXPECT_EQ(as_root("secret.rotate", root_).at("answer"), root_);
    EXPECT_NE(vault_.open("db", "root"), after);
    EXPECT_THAT(log(), Contains(StartsWith("root on n01 secret.rotate db/root")));
}

TEST_F(SecretRotation, OfWhatIsNotThereIsRefused) {
    const auto anna = as(anna_);
    EXPECT_EQ(anna->refusal("secret.rotate", {{"formation", "mq"}, {"secret", "root"}}), "not-found");
    const auto misspelt = std::get<Refusal>(anna->ask("secret.rotate", {{"formation", "db"}, {"secret", "rooot"}}));
    EXPECT_EQ(misspelt.text, "'db' has no secret 'rooot'");
    EXPECT_THAT(misspelt.details, testing::ElementsAre("it has: root, licence, public"));
    const auto early = std::get<Refusal>(anna->ask("secret.rotate", root_));
    EXPECT_EQ(early.reason, Reason::not_now);
    EXPECT_EQ(early.text, "cannot rotate the secret 'db/root': it has not been made yet");
    EXPECT_EQ(revision_of("formations/db/secrets/root"), 0U);
}

// Whoever gives a copy to a newcomer meanwhile is not overwritten unseen: it is made again for what is there then.
TEST_F(SecretRotation, IsDoneOnWhatIsThereWithItsEntryOrNotAtAll) {
    make();
    int times = 0;
    before_rotation_ = [&] { ++times; };
    bool is_disturbed = false;
    // The transaction of the first attempt meets another revision than it was made for.
    desk_.add({.name = "secret.late", .nodes = Nodes::no, .right = Right::administer, .parameters = {}}, [&](const Occasion& occasion) {
        const Request rotate{"secret.rotate", root_};
        const auto handler = rotates_secrets([&](const std::string& formation, const std::string& secret) {
            before_rotation_();
            auto next = vault_.rotation(formation, secret);
            if (!std::exchange(is_disturbed, true)) client_.put("/" + next.key, stored());
            return Rotation{std::move(next.key), next.revision, std::move(next.value)};
        });
        return handler({.caller = occasion.caller, .request = rotate, .picture = occasion.picture, .plan = occasion.plan, .etcd = occasion.etcd, .now = occasion.now});
    });
    EXPECT_EQ(as(anna_)->answer("secret.late"), root_);
    EXPECT_EQ(times, 2);
    EXPECT_THAT(log(), testing::SizeIs(1));
}

Json gift(const std::string& secret, std::string_view value) { return {{"formation", "db"}, {"secret", secret}, {"value", base64_of(value)}}; }

TEST_F(SecretRotation, APersonGivesWhatOnlyAPersonHas) {
    for (const auto* human : {&ben_, &vera_, &otto_}) EXPECT_EQ(as(*human)->refusal("secret.give", gift("licence", "abc-1")), "not-allowed") << human->name;
    EXPECT_EQ(as(n02_)->refusal("secret.give", gift("licence", "abc-1")), "not-allowed");
    const auto anna = as(anna_);
    EXPECT_EQ(anna->answer("secret.give", gift("licence", "abc-1\n")), Json({{"formation", "db"}, {"secret", "licence"}}));
    EXPECT_EQ(other_vault_.open("db", "licence"), "abc-1\n") << "as it was given";
    (void)anna->answer("secret.give", gift("licence", "abc-2"));
    EXPECT_EQ(other_vault_.open("db", "licence"), "abc-2");
    EXPECT_THAT(log(), Contains("operator anna secret.give db/licence a value that a person gave, sealed to the nodes that are entitled now"));
    for (const auto& line : log()) EXPECT_THAT(line, Not(HasSubstr("abc-")));
    const auto random = std::get<Refusal>(anna->ask("secret.give", gift("root", "mine")));
    EXPECT_EQ(random.text, "cannot take the secret 'db/root' from a person: it is random, and made by the site");
    EXPECT_EQ(anna->refusal("secret.give", gift("licence", std::string(most_given + 1, 'x'))), "not-now");
    EXPECT_EQ(anna->refusal("secret.rotate", {{"formation", "db"}, {"secret", "licence"}}), "not-now");
}

TEST_F(SecretRotation, ACertificateIsLookedAtBeforeItIsTaken) {
    const auto anna = as(anna_);
    const auto refused = std::get<Refusal>(anna->ask("secret.give", gift("public", "no certificate")));
    EXPECT_EQ(refused.reason, Reason::not_now);
    EXPECT_THAT(refused.text, HasSubstr("there is no private key with it"));
    EXPECT_EQ(revision_of("formations/db/secrets/public"), 0U);

    const auto key = SigningKey::generate(site_scheme);
    const auto certificate = authority_.issue(certificates::ServiceBearer{.node = n01_.id(), .service = "web", .addresses = {"10.0.0.10"}}, key.verifying_key(), OneEtcd::now());
    const std::string pem = std::string(key.secret().text()) + certificate.pem();
    EXPECT_EQ(anna->answer("secret.give", gift("public", pem)).at("names"), Json({"web.ashlar", "10.0.0.10"}));
    EXPECT_EQ(other_vault_.open("db", "public"), pem);
    EXPECT_THAT(log(), Contains(StartsWith("operator anna secret.give db/public a certificate for web.ashlar, 10.0.0.10, until ")));
}

} // namespace
} // namespace ashlar::voters::rig
