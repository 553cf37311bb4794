#include <node_key/own_key.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/base64.hpp>
#include <signing/node_id.hpp>
#include <state/state.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

using namespace ashlar;
using testing::HasSubstr;
using testing::Not;

namespace {

class OwnKey : public testing::Test {
protected:
    OwnKey() {
        const Fd file = open_file(partition, O_RDWR | O_CREAT);
        EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(state::partition_size)), 0);
    }
    void begin() const { state::write(partition, {{"format", 1}, {"hostname", "node-1"}}); }
    [[nodiscard]] Json content() const { return state::read(partition).value().content; }

    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path partition = directory.path() / "state";
};

Json changed(const char* name, const Json& value) {
    Json record = node_key::record_of(SigningKey::generate(site_scheme));
    record[name] = value;
    return record;
}
std::string refusal(const Json& record) {
    return error_of([&] { (void)node_key::key_in(record); });
}

} // namespace

TEST_F(OwnKey, IsMadeOnceAndKeptBesideWhatTheStateHas) {
    begin();
    const VerifyingKey made = node_key::own_key(partition).verifying_key();
    const auto written = state::read(partition).value();
    EXPECT_EQ(written.content.at("hostname"), "node-1");
    EXPECT_EQ(node_key::own_key(partition).verifying_key(), made);
    EXPECT_EQ(state::read(partition).value().generation, written.generation);
}

TEST_F(OwnKey, OfAnotherStateIsAnotherNode) {
    begin();
    const NodeId before = node_id_of(node_key::own_key(partition).verifying_key());
    state::erase(partition);
    begin();
    EXPECT_NE(node_id_of(node_key::own_key(partition).verifying_key()), before);
}

TEST_F(OwnKey, IsNotMadeWhereThereIsNoState) {
    EXPECT_THAT(error_of([&] { (void)node_key::own_key(partition); }), HasSubstr("was never written"));
    EXPECT_EQ(state::read(partition), std::nullopt);
}

// A key that cannot be used is never replaced by a new one: the node would be another.
TEST_F(OwnKey, ThatIsBrokenStays) {
    state::write(partition, {{"node", changed("private", "AAAA")}});
    const Json before = content();
    EXPECT_THROW((void)node_key::own_key(partition), Error);
    EXPECT_EQ(content(), before);
}

TEST(OwnKeyRecord, NamesAlgorithmAndHolder) {
    const Json record = node_key::record_of(SigningKey::generate(site_scheme));
    EXPECT_EQ(record.at("algorithm"), "ecdsa-sha2-nistp256");
    EXPECT_EQ(record.at("holder"), "state");
    EXPECT_EQ(record.size(), 4U);
}

TEST(OwnKeyRecord, OfAnotherKindIsRefused) {
    EXPECT_THAT(refusal(changed("algorithm", "ed25519")), HasSubstr("its algorithm is 'ed25519', which this release does not know"));
    EXPECT_THAT(refusal(changed("holder", "tpm2")), HasSubstr("it is held by 'tpm2', which this release does not know"));
    EXPECT_THAT(refusal(changed("holder", nullptr)), HasSubstr("'holder' in the state is missing or no text"));
    EXPECT_THAT(refusal(changed("private", "!")), HasSubstr("'private' in the state is not base64"));
    EXPECT_THAT(refusal(Json::array()), HasSubstr("it is no object in the state"));
}

TEST(OwnKeyRecord, WithHalvesOfTwoKeysIsRefused) {
    EXPECT_THAT(refusal(changed("public", base64(SigningKey::generate(site_scheme).verifying_key().der()))), HasSubstr("its two halves do not belong together"));
}

TEST(OwnKeyRecord, IsRefusedWithoutItsPrivateHalfInTheMessage) {
    const Json record = changed("public", "AAAA");
    EXPECT_THAT(refusal(record), Not(HasSubstr(record.at("private").get<std::string>())));
}
