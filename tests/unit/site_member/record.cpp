// What a node keeps of its membership is read as it was written.

#include <site_member/record.hpp>

#include <base/error.hpp>
#include <signing/node_id.hpp>

#include <gtest/gtest.h>

namespace ashlar::site_member {
namespace {

using certificates::Authority;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

class MembershipRecord : public testing::Test {
protected:
    MembershipRecord() {
        record.certificate = former.issue(certificates::NodeBearer{.node = node_id_of(key.verifying_key()), .name = "n01", .roles = {}, .addresses = {}}, key.verifying_key(), now);
        record.has_voted = true;
    }

    const SiteId site = SiteId::random();
    const Authority former = Authority::found(site, now), former_etcd = Authority::found(site, now), next = Authority::found(site, now), next_etcd = Authority::found(site, now);
    const SigningKey key = SigningKey::generate(site_scheme);
    Record record;
};

TEST_F(MembershipRecord, HasNothingOfAuthoritiesBeforeTheFirstRotation) {
    const Json json = to_json(record);
    EXPECT_FALSE(json.contains("authorities") || json.contains("authority_keys"));
    EXPECT_EQ(record_from(json, site).lineage, std::nullopt);
    EXPECT_EQ(record_from(json, site).certificate, record.certificate);
}

TEST_F(MembershipRecord, KeepsTheAuthoritiesOfNow) {
    record.lineage = certificates::Lineage{.step = 2, .issuing = {next.certificate(), next_etcd.certificate()}, .also = certificates::AuthorityPair{former.certificate(), former_etcd.certificate()}, .successions = {certificates::succession(former, next.certificate())}};
    record.keys = genesis::SealedKeys{.authority = Bytes(3, std::byte{1}), .etcd_authority = Bytes(3, std::byte{2})};
    // As the state partition gives it back.
    const Record again = record_from(parse_json(to_json(record).dump(), "record"), site);
    EXPECT_EQ(again.lineage, record.lineage);
    EXPECT_EQ(again.keys, record.keys);
    EXPECT_THROW((void)record_from(to_json(record), SiteId::random()), Error) << "of another site";
}

} // namespace
} // namespace ashlar::site_member
