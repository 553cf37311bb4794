// What a node keeps for services that speak TLS: asked of an authority that is there, by clocks that tests set.

#include "scene.hpp"

#include <base/file.hpp>
#include <certificates/authority.hpp>
#include <formations/service_certificates.hpp>
#include <signing/base64.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

namespace ashlar::formations {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using certificates::Authority;
using certificates::ServiceBearer;
using certificates::SiteCertificate;
using certificates::Trust;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view speaks = R"(
summary = "speaks TLS"
roles = ["control"]
healthy = "observation.up"
[certificate]
also_for = ["vip"]
[observe]
run = ["/usr/lib/x/observe"]
prints = { up = "boolean" }
)";

class Certified : public testing::Test {
protected:
    Certified() {
        formations.emplace("tls", formation::read_formation(toml::source_from_text("tls.toml", std::string(speaks)), "tls"));
        site.members.push_back({.id = node.text(), .name = "n1", .role = "control", .lineage = {"base", "control"}, .is_voter = true, .addresses = {{"management", "10.0.0.1"}}, .all_addresses = {"10.0.0.1", "10.0.2.1"}});
        site.vips = {"10.0.0.100"};
    }
    // As after a start of the daemon.
    ServiceCertificates begun() {
        return {formations, {.directory = directory.path() / "kept", .key = key, .trust = [this] { return trust; }, .ask = [this](const auto& formation, const auto& request) { return answer(formation, request); }, .now = [this] { return time; }, .alarm = [this](const auto& text) { alarms.push_back(text); }}};
    }
    // As a voter does it.
    SiteCertificate answer(const std::string& formation, const Bytes& request) {
        ++asked;
        if (is_silent) throw Error("no voter of the site answers");
        const ServiceBearer bearer{.node = node, .service = formation, .addresses = known};
        return issuing->issue(bearer, std::get<VerifyingKey>(certificates::check_request(request)), time);
    }
    [[nodiscard]] forming::Self self() const { return {.id = node.text(), .boot = "b1", .release = "R0.1", .fulfilled = fulfilled}; }
    void tend(ServiceCertificates& kept) { kept.tend(site, self(), now); }
    [[nodiscard]] ServiceBearer bearer(const ServiceCertificates& kept) const {
        const auto certificate = SiteCertificate::from_pem(kept.credentials("tls")->chain, "x");
        return std::get<ServiceBearer>(std::get<certificates::Bearer>(certificates::verify(certificate.der(), trust, time)));
    }
    [[nodiscard]] static Trust both(const Authority& first, const Authority& second) { return first.trust().and_also(second.trust()); }
    [[nodiscard]] fs::path file() const { return directory.path() / "kept/tls.json"; }

    const SiteId id = SiteId::random();
    const SigningKey key = SigningKey::generate(site_scheme);
    const NodeId node = node_id_of(key.verifying_key());
    Time time{std::chrono::seconds(1'790'000'000)};
    forming::Time now{};
    const Authority first = Authority::found(id, time), second = Authority::found(id, time);
    const Authority* issuing = &first;
    Trust trust = first.trust();
    std::set<std::string> known{"10.0.0.1", "10.0.0.100", "10.0.2.1"}; // by the voter
    std::set<std::string, std::less<>> fulfilled{"time", "site-ca", "store"};
    bool is_silent = false;
    unsigned asked = 0;
    std::vector<std::string> alarms;
    formation::Formations formations;
    forming::Site site{.id = id.text(), .name = "s", .genesis = {}, .domain = {}, .time_servers = {}, .members = {}};
    TemporaryDirectory directory{fs::temp_directory_path(), "ashlar-certificates-"};
};

TEST_F(Certified, AreAskedForOnceAndShownWithTheirKey) {
    auto kept = begun();
    EXPECT_FALSE(kept.credentials("tls"));
    tend(kept);
    tend(kept);
    EXPECT_EQ(asked, 1U);
    EXPECT_EQ(bearer(kept), (ServiceBearer{.node = node, .service = "tls", .addresses = {"10.0.0.1", "10.0.0.100", "10.0.2.1"}}));
    const auto shown = *kept.credentials("tls");
    EXPECT_EQ(SigningKey::from_secret(Secret(shown.key), "x").verifying_key(), SiteCertificate::from_pem(shown.chain, "x").key());
    EXPECT_THAT(shown.key, HasSubstr("BEGIN PRIVATE KEY"));
    EXPECT_EQ(kept.expires("tls"), time + certificates::node_life);
    EXPECT_TRUE(kept.is_of_now("tls"));
}

TEST_F(Certified, OutliveTheDaemonAndAVoterThatIsGone) {
    std::string before;
    {
        auto kept = begun();
        tend(kept);
        before = kept.credentials("tls")->key;
    }
    is_silent = true;
    fulfilled = {}; // not even the time is known
    auto kept = begun();
    tend(kept);
    EXPECT_EQ(asked, 1U);
    ASSERT_TRUE(kept.credentials("tls"));
    EXPECT_EQ(kept.credentials("tls")->key, before);
}

// A disk alone gives no key away.
TEST_F(Certified, LieSealedToTheNodesKeyOnTheDisk) {
    auto kept = begun();
    tend(kept);
    const std::string text = read_file(file());
    EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const std::string pem = kept.credentials("tls")->key;
    const std::string line = pem.substr(pem.find('\n') + 1, 40);
    EXPECT_EQ(text.find(line), std::string::npos);
    EXPECT_THAT(text, HasSubstr("hpke-p256"));
}

TEST_F(Certified, AreMadeAnewWhereWhatIsKeptIsNotTheirs) {
    const auto damaged = [&](const std::function<void()>& damage) {
        fs::remove(file());
        {
            auto kept = begun();
            tend(kept);
        }
        damage();
        alarms.clear();
        asked = 0;
        auto kept = begun();
        tend(kept);
        EXPECT_TRUE(kept.credentials("tls"));
        EXPECT_THAT(alarms, SizeIs(1));
        return asked;
    };
    EXPECT_EQ(damaged([&] { write_file(file(), "{"); }), 1U);
    EXPECT_EQ(damaged([&] {
                  Json json = Json::parse(read_file(file()));
                  auto sealed = *from_base64(json["key"].get<std::string>());
                  sealed.back() ^= std::byte{1};
                  json["key"] = base64(sealed);
                  write_file(file(), json.dump());
              }),
              1U);
    // Another's certificate with a key that is there.
    EXPECT_EQ(damaged([&] {
                  Json json = Json::parse(read_file(file()));
                  json["certificate"] = base64(first.issue(ServiceBearer{.node = node, .service = "tls", .addresses = {}}, SigningKey::generate(site_scheme).verifying_key(), time).der());
                  write_file(file(), json.dump());
              }),
              1U);
    // Another site's authority.
    EXPECT_EQ(damaged([&] { trust = second.trust(), issuing = &second; }), 1U);
}

TEST_F(Certified, AreRenewedWhenAThirdOfTheirLifeIsOver) {
    auto kept = begun();
    tend(kept);
    const std::string before = kept.credentials("tls")->key;
    time += std::chrono::days(10) - 1s;
    tend(kept);
    EXPECT_EQ(asked, 1U);
    time += 1s;
    fulfilled.erase("time"); // a clock that cannot be believed
    tend(kept);
    EXPECT_EQ(asked, 1U);
    fulfilled.insert("time");
    tend(kept);
    EXPECT_EQ(asked, 2U);
    EXPECT_NE(kept.credentials("tls")->key, before);
    EXPECT_EQ(kept.expires("tls"), time + certificates::node_life);
}

TEST_F(Certified, AreTriedAgainRarerAndRarerAndAPersonIsToldInTime) {
    auto kept = begun();
    tend(kept);
    time += std::chrono::days(10);
    is_silent = true;
    for (unsigned seconds = 0; seconds < 120; ++seconds, now += 1s) tend(kept);
    EXPECT_EQ(asked, 1U + 8U) << "after 1, 2, 4, 8, 16 and 30 s";
    EXPECT_THAT(kept.trouble("tls"), HasSubstr("no voter of the site answers"));
    EXPECT_GT(kept.next(), now);
    EXPECT_TRUE(kept.credentials("tls"));
    EXPECT_THAT(alarms, IsEmpty());
    time += std::chrono::days(10);
    for (unsigned seconds = 0; seconds < 120; ++seconds, now += 1s) tend(kept);
    EXPECT_THAT(alarms, ElementsAre(HasSubstr("tls: its certificate on this node is not renewed, and will expire: no voter of the site answers")));
    is_silent = false;
    now += 1min;
    tend(kept);
    EXPECT_EQ(kept.trouble("tls"), "");
    EXPECT_EQ(kept.next(), forming::Time::max());
}

TEST_F(Certified, NobodyIsAskedWithoutAStoreOrACertificateOfTheNode) {
    for (const char* missing : {"store", "site-ca"}) {
        auto kept = begun();
        fulfilled.erase(missing);
        tend(kept);
        EXPECT_EQ(asked, 0U) << missing;
        fulfilled.insert(missing);
    }
    site.without = {"tls"};
    auto kept = begun();
    tend(kept);
    EXPECT_EQ(asked, 0U);
}

TEST_F(Certified, FollowTheAddressesOfTheNode) {
    auto kept = begun();
    tend(kept);
    const std::string before = kept.credentials("tls")->key;
    site.members[0].all_addresses.insert("10.0.3.1");
    // The voter does not know yet: what it gives is no better, and nobody restarts a service for that.
    tend(kept);
    EXPECT_EQ(asked, 2U);
    EXPECT_EQ(kept.credentials("tls")->key, before);
    tend(kept);
    EXPECT_EQ(asked, 2U);
    known.insert("10.0.3.1");
    now += 1min;
    tend(kept);
    EXPECT_EQ(asked, 3U);
    EXPECT_TRUE(bearer(kept).addresses.contains("10.0.3.1"));
}

TEST_F(Certified, FollowTheAuthority) {
    {
        auto kept = begun();
        tend(kept);
    }
    // Both count, the former issues.
    trust = both(first, second);
    {
        auto kept = begun();
        tend(kept);
        EXPECT_EQ(asked, 1U);
        EXPECT_TRUE(kept.is_of_now("tls"));
    }
    // The next one issues; a voter that is not so far gives one that is no better.
    trust = both(second, first);
    auto kept = begun();
    tend(kept);
    EXPECT_EQ(asked, 2U);
    EXPECT_FALSE(kept.is_of_now("tls"));
    EXPECT_TRUE(kept.credentials("tls"));
    issuing = &second;
    now += 1min;
    tend(kept);
    EXPECT_EQ(asked, 3U);
    EXPECT_TRUE(kept.is_of_now("tls"));
}

TEST_F(Certified, WhatDoesNotRunHereAnyMoreHasNoKeyHere) {
    auto kept = begun();
    tend(kept);
    ASSERT_TRUE(fs::exists(file()));
    site.without = {"tls"};
    tend(kept);
    EXPECT_FALSE(kept.credentials("tls"));
    EXPECT_FALSE(fs::exists(file()));
    site.without = {};
    tend(kept);
    EXPECT_TRUE(kept.credentials("tls"));
}

TEST_F(Certified, ServeAlsoWhereTheyCannotBeKept) {
    write_file(directory.path() / "kept", "no directory");
    auto kept = begun();
    tend(kept);
    EXPECT_TRUE(kept.credentials("tls"));
    EXPECT_THAT(alarms, ElementsAre(HasSubstr("tls: its certificate is not kept on the disk")));
    tend(kept);
    EXPECT_EQ(asked, 1U);
}

TEST_F(Certified, AnAnswerThatIsAnothersIsNotTaken) {
    auto kept = ServiceCertificates(formations, {.directory = directory.path() / "kept", .key = key, .trust = [this] { return trust; },
                                                 .ask = [this](const auto&, const auto& request) { return first.issue(ServiceBearer{.node = node, .service = "other", .addresses = known}, std::get<VerifyingKey>(certificates::check_request(request)), time); },
                                                 .now = [this] { return time; }});
    tend(kept);
    EXPECT_FALSE(kept.credentials("tls"));
    EXPECT_THAT(kept.trouble("tls"), HasSubstr("it is another's"));
    EXPECT_FALSE(fs::exists(file()));
}

} // namespace
} // namespace ashlar::formations
