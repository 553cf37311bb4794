// How etcd is started, in each of the three cases.

#include <base/error.hpp>
#include <error_of.hpp>
#include <etcd/setup.hpp>

#include <gmock/gmock.h>

#include <map>

using namespace ashlar;
using namespace ashlar::etcd;
using testing::HasSubstr;
using testing::Not;

namespace {

NodeId node(unsigned char number) {
    NodeId id;
    id.bytes.fill(static_cast<std::byte>(number));
    return id;
}

class EtcdSetup : public testing::Test {
protected:
    etcd::Setup setup{.self = {node(0x11), "10.0.0.11"},
                .cluster = {{node(0x11), "10.0.0.11"}, {node(0x12), "fd00::12"}, {node(0x13), "10.0.0.13"}},
                .genesis = {},
                .start = Start::initial,
                .data = "/var/lib/ashlar/etcd",
                .credentials = "/run/ashlar/etcd"};

    [[nodiscard]] std::string of(const std::string& name) const {
        const auto all = environment(setup);
        return std::map<std::string, std::string>(all.begin(), all.end()).at(name);
    }
};

} // namespace

TEST_F(EtcdSetup, NamesTheVotersAndTheGenesis) {
    EXPECT_EQ(of("ETCD_NAME"), "11111111111111111111111111111111");
    EXPECT_EQ(of("ETCD_INITIAL_CLUSTER"), "11111111111111111111111111111111=https://10.0.0.11:12380,12121212121212121212121212121212=https://[fd00::12]:12380,"
                                          "13131313131313131313131313131313=https://10.0.0.13:12380");
    EXPECT_EQ(of("ETCD_INITIAL_CLUSTER_TOKEN"), std::string(32, '0'));
    EXPECT_EQ(of("ETCD_LISTEN_CLIENT_URLS"), "https://10.0.0.11:12379");
}

TEST_F(EtcdSetup, BeginsOnceOnly) {
    EXPECT_EQ(of("ETCD_INITIAL_CLUSTER_STATE"), "new");
    for (const Start start : {Start::join, Start::again}) {
        setup.start = start;
        EXPECT_EQ(of("ETCD_INITIAL_CLUSTER_STATE"), "existing");
    }
}

TEST(EtcdStart, OfAMemberWithoutItsDataIsNone) {
    EXPECT_EQ(start_after({.was_member = true, .has_data = false, .awaited = false}), std::nullopt);
}

TEST(EtcdStart, FollowsFromThePast) {
    EXPECT_EQ(start_after({.was_member = false, .has_data = false, .awaited = false}), Start::initial);
    EXPECT_EQ(start_after({.was_member = false, .has_data = true, .awaited = false}), Start::initial); // the same words again
    EXPECT_EQ(start_after({.was_member = false, .has_data = false, .awaited = true}), Start::join);
    EXPECT_EQ(start_after({.was_member = true, .has_data = false, .awaited = true}), Start::join); // it was replaced
    EXPECT_EQ(start_after({.was_member = true, .has_data = true, .awaited = false}), Start::again);
    EXPECT_EQ(start_after({.was_member = true, .has_data = true, .awaited = true}), Start::again);
    EXPECT_EQ(start_after({.was_member = false, .has_data = true, .awaited = true}), Start::again);
}

TEST_F(EtcdSetup, WantsACertificateOfItsOwnAuthority) {
    for (const auto* name : {"ETCD_CLIENT_CERT_AUTH", "ETCD_PEER_CLIENT_CERT_AUTH"}) EXPECT_EQ(of(name), "true");
    for (const auto* name : {"ETCD_TRUSTED_CA_FILE", "ETCD_PEER_TRUSTED_CA_FILE"}) EXPECT_EQ(of(name), "/run/ashlar/etcd/authority.pem");
}

TEST_F(EtcdSetup, SpeaksNothingPlainly) { EXPECT_THAT(environment_file(setup), Not(HasSubstr("http://"))); }

TEST_F(EtcdSetup, IsALineForEachVariable) {
    const std::string text = environment_file(setup);
    EXPECT_THAT(text, HasSubstr("\nETCD_DATA_DIR=/var/lib/ashlar/etcd\n"));
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(text, '\n')), environment(setup).size());
}

TEST_F(EtcdSetup, OfOneThatIsNotInTheClusterIsRefused) {
    setup.self.address = "10.0.0.99";
    EXPECT_THAT(error_of([&] { (void)environment(setup); }), HasSubstr("is not in its cluster"));
}
