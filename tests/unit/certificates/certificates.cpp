// A site's authority and its certificates, judged by openssl(1) as well.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <certificates/authority.hpp>
#include <error_of.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::certificates;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

constexpr std::chrono::days day{1};

class Site : public testing::Test {
protected:
    const SiteId site = SiteId::random();
    const Time birth{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
    const Authority authority = Authority::found(site, birth);
    const SigningKey key = SigningKey::generate(site_scheme);
    const NodeId id = node_id_of(key.verifying_key());
    const NodeBearer node{.node = id, .name = "n01", .roles = {"control", "storage"}, .addresses = {"10.0.0.11", "fd00::11"}};
    const SiteCertificate certificate = authority.issue(node, key.verifying_key(), birth);

    [[nodiscard]] SiteCertificate issued(const Bearer& bearer) const { return authority.issue(bearer, key.verifying_key(), birth); }
    [[nodiscard]] std::variant<Bearer, Refusal> judged(ByteView der, Time now) const { return verify(der, authority.trust(), now); }
    [[nodiscard]] std::string refusal(ByteView der, Time now) const {
        const auto judgement = judged(der, now);
        const auto* const found = std::get_if<Refusal>(&judgement);
        return found == nullptr ? "no refusal" : found->text;
    }
    [[nodiscard]] std::optional<Fault> fault(ByteView der, Time now) const {
        const auto judgement = judged(der, now);
        const auto* const found = std::get_if<Refusal>(&judgement);
        return found == nullptr ? std::nullopt : std::optional(found->fault);
    }
};

// What openssl(1) says of certificates, with the time at `now`.
std::string openssl_verify(const SiteCertificate& authority, const SiteCertificate& leaf, Time now, const std::string& purpose) {
    const TemporaryDirectory directory(testing::TempDir());
    write_file(directory.path() / "ca.pem", authority.pem());
    write_file(directory.path() / "leaf.pem", leaf.pem());
    const Outcome outcome = run({.argv = {"openssl", "verify", "-x509_strict", "-attime", std::to_string(now.time_since_epoch().count()), "-purpose", purpose, "-CAfile",
                                          directory.path() / "ca.pem", directory.path() / "leaf.pem"}});
    return outcome.output + outcome.errors;
}
std::string openssl_text(const SiteCertificate& certificate) {
    const TemporaryDirectory directory(testing::TempDir());
    write_file(directory.path() / "leaf.pem", certificate.pem());
    return run_checked({.argv = {"openssl", "x509", "-noout", "-text", "-nameopt", "oneline", "-in", directory.path() / "leaf.pem"}});
}

} // namespace

TEST_F(Site, ANodeIsWhoItsCertificateSays) { EXPECT_EQ(std::get<Bearer>(judged(certificate.der(), birth)), Bearer(node)); }

TEST_F(Site, AServiceIsWhoItsCertificateSays) {
    const ServiceBearer service{.node = id, .service = "etcd", .addresses = {"127.0.0.1"}};
    EXPECT_EQ(std::get<Bearer>(judged(issued(service).der(), birth)), Bearer(service));
}

TEST_F(Site, AnOperatorHasExactlyTheRightsOfTheCertificate) {
    for (const Right right : {Right::view, Right::operate, Right::approve, Right::administer}) {
        const OperatorBearer person{.name = "anna", .rights = {right}};
        EXPECT_EQ(std::get<Bearer>(judged(issued(person).der(), birth)), Bearer(person));
        EXPECT_EQ(right_named(name_of(right)), right);
    }
    EXPECT_EQ(right_named("root"), std::nullopt);
}

// A role of a node is never a right, whatever it is called.
TEST_F(Site, ANodeWithARoleThatIsCalledAsARightIsStillANode) {
    const NodeBearer named{.node = id, .name = "operator", .roles = {"admin"}, .addresses = {}};
    EXPECT_EQ(std::get<Bearer>(judged(issued(named).der(), birth)), Bearer(named));
}

TEST_F(Site, OpensslAgrees) {
    EXPECT_THAT(openssl_verify(authority.certificate(), certificate, birth, "sslserver"), HasSubstr("leaf.pem: OK"));
    EXPECT_THAT(openssl_verify(authority.certificate(), certificate, birth, "sslclient"), HasSubstr("leaf.pem: OK"));
    const SiteCertificate person = issued(OperatorBearer{.name = "anna", .rights = {Right::view}});
    EXPECT_THAT(openssl_verify(authority.certificate(), person, birth, "sslclient"), HasSubstr("leaf.pem: OK"));
    EXPECT_THAT(openssl_verify(authority.certificate(), person, birth, "sslserver"), HasSubstr("unsuitable certificate purpose"));
    EXPECT_THAT(openssl_verify(authority.certificate(), certificate, birth + 31 * day, "sslserver"), HasSubstr("certificate has expired"));
}

TEST_F(Site, ACertificateHasTheFormOfItsPage) {
    const std::string text = openssl_text(certificate);
    EXPECT_THAT(text, HasSubstr("Subject: O = " + site.text() + ", OU = control, OU = storage, CN = n01"));
    EXPECT_THAT(text, HasSubstr("URI:ashlar:" + site.text() + "/" + id.text() + ", DNS:n01, IP Address:10.0.0.11, IP Address:FD00:0:0:0:0:0:0:11"));
    EXPECT_THAT(text, HasSubstr("Signature Algorithm: ecdsa-with-SHA256"));
    EXPECT_THAT(openssl_text(issued(ServiceBearer{.node = id, .service = "etcd", .addresses = {}})), HasSubstr("DNS:etcd.ashlar"));
}

TEST_F(Site, ACertificateLivesThirtyDaysAndBeginsADayBefore) {
    EXPECT_EQ(certificate.not_before(), birth - 24h);
    EXPECT_EQ(certificate.not_after(), birth + 30 * day);
    EXPECT_EQ(fault(certificate.der(), birth - 24h), std::nullopt);
    EXPECT_EQ(fault(certificate.der(), birth + 30 * day - 1s), std::nullopt);
    EXPECT_EQ(fault(certificate.der(), birth - 24h - 1s), Fault::not_yet_valid);
    EXPECT_EQ(refusal(certificate.der(), birth + 30 * day + 1s), "it expired at 2026-12-30 00:00:00 UTC");
}

TEST_F(Site, IsDueWhenAThirdOfItsLifeIsOver) {
    EXPECT_FALSE(is_due(certificate, birth + 10 * day - 1s));
    EXPECT_TRUE(is_due(certificate, birth + 10 * day));
}

TEST_F(Site, TheAuthorityLivesTenYearsAndNothingOutlivesIt) {
    EXPECT_EQ(authority.certificate().not_before(), birth - 366 * day);
    EXPECT_EQ(authority.certificate().not_after(), birth + 3653 * day);
    const Time late = birth + 3650 * day;
    EXPECT_EQ(authority.issue(node, key.verifying_key(), late).not_after(), birth + 3653 * day);
    EXPECT_THAT(error_of([&] { (void)authority.issue(node, key.verifying_key(), birth + 4000 * day); }), HasSubstr("the authority's own certificate is not valid now"));
    const SiteCertificate last = authority.issue(node, key.verifying_key(), late);
    EXPECT_EQ(fault(last.der(), birth + 3654 * day), Fault::expired);
}

TEST_F(Site, ACertificateOfAnotherSiteIsForeign) {
    const Authority other = Authority::found(SiteId::random(), birth);
    EXPECT_EQ(fault(other.issue(node, key.verifying_key(), birth).der(), birth), Fault::foreign);
    EXPECT_EQ(refusal(other.issue(node, key.verifying_key(), birth).der(), birth), "it is not signed by the site's authority");
}

// Also when both call themselves by the same site id: the key decides.
TEST_F(Site, ACertificateOfAnotherAuthorityOfTheSameNameIsForeign) {
    const Authority twin = Authority::found(site, birth);
    EXPECT_EQ(fault(twin.issue(node, key.verifying_key(), birth).der(), birth), Fault::foreign);
}

TEST_F(Site, TheAuthorityItselfIsNobodysPeer) { EXPECT_EQ(fault(authority.certificate().der(), birth), Fault::malformed); }

TEST_F(Site, NoByteOfACertificateCanBeAnother) {
    for (std::size_t at = 0; at < certificate.der().size(); ++at) {
        Bytes changed = certificate.der();
        changed[at] ^= std::byte{0x01};
        EXPECT_TRUE(fault(changed, birth)) << at;
    }
}

TEST_F(Site, ForeignBytesAreRefusedAndNotAnError) {
    EXPECT_EQ(fault({}, birth), Fault::malformed);
    EXPECT_EQ(fault(bytes_of("certificate"), birth), Fault::malformed);
    EXPECT_EQ(refusal(Bytes(5000), birth), "cannot read the certificate 'peer': it has more than 4096 bytes");
    Bytes longer = certificate.der();
    longer.push_back(std::byte{0});
    EXPECT_EQ(fault(longer, birth), Fault::malformed);
}

TEST_F(Site, AnAuthoritySaysOfWhichSiteItIs) {
    const auto trust = Trust::of_authority(authority.certificate().der());
    EXPECT_EQ(std::get<Trust>(trust).site(), site);
    EXPECT_EQ(std::get<Refusal>(Trust::of_authority(certificate.der())).fault, Fault::foreign) << "a member's";
    EXPECT_EQ(std::get<Refusal>(Trust::of_authority({})).fault, Fault::malformed);
}

TEST_F(Site, TrustIsPinnedByDigest) {
    const SiteCertificate& own = authority.certificate();
    EXPECT_TRUE(std::holds_alternative<Trust>(Trust::pinned(site, own.der(), own.digest())));
    EXPECT_EQ(std::get<Refusal>(Trust::pinned(site, own.der(), sha256("another"))).text, "the certificate of the authority is not the one that is trusted");
    EXPECT_EQ(std::get<Refusal>(Trust::pinned(SiteId::random(), own.der(), own.digest())).fault, Fault::foreign);
    EXPECT_EQ(std::get<Refusal>(Trust::pinned(site, certificate.der(), certificate.digest())).fault, Fault::foreign);
    EXPECT_EQ(std::get<Refusal>(Trust::pinned(site, {}, sha256(""))).fault, Fault::malformed);
}

TEST_F(Site, AnAuthorityIsUsedWithItsOwnKeyOnly) {
    const Authority again = Authority::with(SigningKey::from_secret(authority.secret(), "authority"), authority.trust());
    EXPECT_EQ(fault(again.issue(node, key.verifying_key(), birth).der(), birth), std::nullopt);
    EXPECT_THAT(error_of([&] { (void)Authority::with(SigningKey::generate(site_scheme), authority.trust()); }), HasSubstr("it does not belong to the authority's certificate"));
}

TEST_F(Site, WhoCannotStandInACertificateGetsNone) {
    const auto refused = [&](const Bearer& bearer) { return error_of([&] { (void)issued(bearer); }); };
    EXPECT_THAT(refused(NodeBearer{.node = id, .name = "a.ashlar", .roles = {}, .addresses = {}}), HasSubstr("'a.ashlar' is no name of a node"));
    EXPECT_THAT(refused(NodeBearer{.node = id, .name = "n01", .roles = {"a,b"}, .addresses = {}}), HasSubstr("'a,b' is no role"));
    EXPECT_THAT(refused(NodeBearer{.node = id, .name = "n01", .roles = {}, .addresses = {"10.0.0.011"}}), HasSubstr("'10.0.0.011' is no address"));
    EXPECT_THAT(refused(NodeBearer{.node = NodeId::random(), .name = "n01", .roles = {}, .addresses = {}}), HasSubstr("its node id is not that of its key"));
    EXPECT_THAT(refused(OperatorBearer{.name = "anna", .rights = {}}), HasSubstr("it has no right"));
    EXPECT_THAT(error_of([&] { (void)authority.issue(OperatorBearer{.name = "anna", .rights = {Right::view}}, SigningKey::generate(SignatureScheme::ed25519).verifying_key(), birth); }),
                HasSubstr("its key is not on P-256"));
}

// ---- Renewal -----------------------------------------------------------------------------------

TEST_F(Site, ANodeThatWasColdForAYearMayRenew) {
    const Time later = birth + 400 * day;
    EXPECT_EQ(fault(certificate.der(), later), Fault::expired);
    EXPECT_EQ(std::get<NodeBearer>(may_renew(certificate.der(), key.verifying_key(), authority.trust(), later)), node);
}

TEST_F(Site, NobodyElseMayRenew) {
    const Time later = birth + 400 * day;
    const auto fault_of_renewal = [&](const SiteCertificate& one, const VerifyingKey& of, Time now) { return std::get<Refusal>(may_renew(one.der(), of, authority.trust(), now)).fault; };
    const VerifyingKey other = SigningKey::generate(site_scheme).verifying_key();
    EXPECT_EQ(fault_of_renewal(certificate, other, later), Fault::other_key);
    EXPECT_EQ(fault_of_renewal(Authority::found(site, birth).issue(node, key.verifying_key(), birth), key.verifying_key(), later), Fault::foreign);
    EXPECT_EQ(fault_of_renewal(issued(OperatorBearer{.name = "anna", .rights = {Right::view}}), key.verifying_key(), later), Fault::malformed);
    EXPECT_EQ(fault_of_renewal(certificate, key.verifying_key(), birth - 2 * day), Fault::not_yet_valid);
    EXPECT_EQ(fault_of_renewal(certificate, key.verifying_key(), birth + 4000 * day), Fault::expired);
}

TEST_F(Site, AtNoTimeNothingHasExpired) {
    EXPECT_EQ(std::get<Bearer>(verify_at_no_time(certificate.der(), authority.trust())), Bearer(node));
    EXPECT_TRUE(std::holds_alternative<Refusal>(verify_at_no_time(Authority::found(site, birth).issue(node, key.verifying_key(), birth).der(), authority.trust())));
}

// ---- Requests ----------------------------------------------------------------------------------

TEST_F(Site, ARequestSaysWhoseKeyItIs) {
    const Bytes request = make_request(key);
    EXPECT_EQ(std::get<VerifyingKey>(check_request(request)), key.verifying_key());
    for (std::size_t at = 0; at < request.size(); ++at) {
        Bytes changed = request;
        changed[at] ^= std::byte{0x01};
        EXPECT_TRUE(std::holds_alternative<Refusal>(check_request(changed))) << at;
    }
}

TEST_F(Site, ARequestThatIsNoneIsRefused) {
    EXPECT_EQ(std::get<Refusal>(check_request({})).text, "the request for a certificate is not one, or not signed by its own key");
    EXPECT_EQ(std::get<Refusal>(check_request(Bytes(5000))).text, "the request for a certificate has more than 4096 bytes");
    EXPECT_TRUE(std::holds_alternative<Refusal>(check_request(make_request(SigningKey::generate(SignatureScheme::ecdsa_p384)))));
}

// ---- Two authorities ---------------------------------------------------------------------------

TEST_F(Site, WhileTwoCountEachIsAskedByItself) {
    const Authority next = Authority::found(site, birth), foreign = Authority::found(site, birth);
    const Trust both = authority.trust().and_also(next.trust());
    EXPECT_EQ(both.authority(), authority.certificate());
    EXPECT_EQ(both.authorities().size(), 2U);
    EXPECT_EQ(both.and_also(next.trust()).authorities().size(), 2U);
    const auto of_next = next.issue(node, key.verifying_key(), birth), of_foreign = foreign.issue(node, key.verifying_key(), birth);
    EXPECT_EQ(std::get<Bearer>(verify(certificate.der(), both, birth)), Bearer(node));
    EXPECT_EQ(std::get<Bearer>(verify(of_next.der(), both, birth)), Bearer(node));
    EXPECT_EQ(std::get<Refusal>(verify(of_foreign.der(), both, birth)).fault, Fault::foreign);
    EXPECT_EQ(std::get<Refusal>(verify(of_next.der(), authority.trust(), birth)).fault, Fault::foreign);
    for (const auto& one : {certificate, of_next}) {
        EXPECT_EQ(std::get<Refusal>(verify(one.der(), both, birth + 31 * day)).fault, Fault::expired) << "and not foreign";
        EXPECT_EQ(std::get<NodeBearer>(may_renew(one.der(), key.verifying_key(), both, birth + 365 * day)), node);
    }
    EXPECT_EQ(std::get<Refusal>(may_renew(of_foreign.der(), key.verifying_key(), both, birth)).fault, Fault::foreign);
    EXPECT_THAT(error_of([&] { (void)both.and_also(Authority::found(SiteId::random(), birth).trust()); }), HasSubstr("cannot trust an authority of the site"));
}
