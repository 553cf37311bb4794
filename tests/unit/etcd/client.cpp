// The client, against members that answer as a test wants.

#include <base/error.hpp>
#include <error_of.hpp>
#include <etcd/client.hpp>

#include <gmock/gmock.h>

#include <map>

using namespace ashlar;
using namespace ashlar::etcd;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

using Said = std::variant<Door::Answer, Door::NoAnswer>;
const Said away = Door::NoAnswer{false, "Connection refused"}, lost = Door::NoAnswer{true, "the connection ended"};
Said good(const std::string& body) { return Door::Answer{200, body}; }

// What each member says, and what was asked.
class Members final : public Door {
public:
    std::map<std::string, Said> says;
    std::vector<std::string> asked;
    Json last;

    std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds, Enough) override {
        asked.push_back(endpoint + path);
        last = Json::parse(body);
        return says.at(endpoint);
    }
};

class EtcdClient : public testing::Test {
protected:
    Members door;
    Client client{door, {"a", "b", "c"}};
    void say(const Said& a, const Said& b, const Said& c) { door.says = {{"a", a}, {"b", b}, {"c", c}}; }
    void say(const std::string& body) { say(good(body), good(body), good(body)); }
};

const std::string empty = R"({"header":{"revision":"7"}})";

} // namespace

TEST_F(EtcdClient, ReadsAPair) {
    say(R"({"header":{"revision":"7"},"kvs":[{"key":"Zm9v","create_revision":"3","mod_revision":"5","version":"2","value":"YmFy"}],"count":"1"})");
    EXPECT_EQ(client.get("foo"), (Pair{.key = "foo", .value = "bar", .created = 3, .modified = 5}));
    EXPECT_EQ(door.last, (Json{{"key", "Zm9v"}}));
}

TEST_F(EtcdClient, WhatIsNotThereIsNothing) {
    say(empty);
    EXPECT_EQ(client.get("foo"), std::nullopt);
}

TEST_F(EtcdClient, APrefixIsARange) {
    say(empty);
    EXPECT_EQ(client.range("a/").revision, 7);
    EXPECT_EQ(door.last.at("key"), "YS8=");
    EXPECT_EQ(door.last.at("range_end"), "YTA=");
    (void)client.range("");
    EXPECT_EQ(door.last.at("key"), "AA==");
    EXPECT_EQ(door.last.at("range_end"), "AA==");
    (void)client.range("a\xff");
    EXPECT_EQ(door.last.at("range_end"), "Yg==");
}

TEST_F(EtcdClient, ATransactionSaysWhetherItsConditionsHeld) {
    say(R"({"header":{"revision":"8"},"succeeded":true})");
    EXPECT_TRUE(client.commit({{.of = Condition::Of::created, .key = "foo", .is = 0}}, {Put{"foo", "bar"}, Delete{"x"}}).done);
    EXPECT_EQ(door.last.at("compare"), Json::parse(R"([{"key":"Zm9v","result":"EQUAL","target":"CREATE","create_revision":"0"}])"));
    EXPECT_EQ(door.last.at("success"), Json::parse(R"([{"request_put":{"key":"Zm9v","value":"YmFy"}},{"request_delete_range":{"key":"eA=="}}])"));
    say(empty);
    EXPECT_FALSE(client.commit({{.of = Condition::Of::modified, .key = "foo", .is = 3}}, {}).done);
}

TEST_F(EtcdClient, AnotherMemberIsAskedAndStaysTheFirst) {
    say(away, good(empty), good(empty));
    (void)client.get("foo");
    (void)client.put("foo", "bar");
    EXPECT_THAT(door.asked, ElementsAre("a/v3/kv/range", "b/v3/kv/range", "b/v3/kv/put"));
}

TEST_F(EtcdClient, AReadThatWasLostIsAskedAgain) {
    say(lost, lost, good(empty));
    EXPECT_EQ(client.get("foo"), std::nullopt);
}

// The second one would say "the condition does not hold", about what the first one has done.
TEST_F(EtcdClient, AWriteThatMayHaveArrivedIsNotRepeated) {
    say(lost, good(empty), good(empty));
    EXPECT_THROW((void)client.commit({}, {Put{"foo", "bar"}}), OutcomeUnknown);
    EXPECT_EQ(door.asked.size(), 1U);
    say(Door::Answer{503, R"({"error":"etcdserver: request timed out","code":14,"message":"etcdserver: request timed out"})"}, good(empty), good(empty));
    EXPECT_THROW((void)client.put("foo", "bar"), OutcomeUnknown);
}

TEST_F(EtcdClient, AMemberWithoutALeaderIsPassedByWhenReading) {
    say(Door::Answer{503, R"({"error":"etcdserver: no leader","code":14,"message":"etcdserver: no leader"})"}, good(empty), good(empty));
    EXPECT_EQ(client.get("foo"), std::nullopt);
}

TEST_F(EtcdClient, WhenNobodyAnswersAllAreNamed) {
    say(away, away, away);
    EXPECT_EQ(error_of([&] { (void)client.put("foo", "bar"); }), "cannot write 'foo': no member of etcd answers: a: Connection refused; b: Connection refused; c: Connection refused\n"
                                                                  "  hint: `ashlarctl status` shows the voters and the quorum");
}

TEST_F(EtcdClient, ARefusalIsNotRepeated) {
    say(Door::Answer{400, R"({"error":"etcdserver: key is not provided","code":3,"message":"etcdserver: key is not provided"})"}, good(empty), good(empty));
    EXPECT_EQ(error_of([&] { (void)client.get(""); }), "cannot read '': etcd on a says: etcdserver: key is not provided");
    EXPECT_EQ(door.asked.size(), 1U);
}

TEST_F(EtcdClient, WhatIsNoAnswerOfEtcdIsAnError) {
    for (const std::string body : {"", "[]", "{}", R"({"header":{"revision":7}})", R"({"header":{"revision":"x"}})", R"({"header":{"revision":"7"},"kvs":{}})", R"({"header":{"revision":"7"},"kvs":[{"key":"!"}]})"}) {
        say(body);
        EXPECT_THROW((void)client.range("foo"), Error) << body;
    }
}

TEST_F(EtcdClient, AWaitIsABell) {
    say(R"({"result":{"header":{"revision":"7"},"created":true}})");
    EXPECT_FALSE(client.wait("foo", 7, 10ms));
    EXPECT_EQ(door.last.at("create_request").at("start_revision"), "8");
    say(R"({"result":{"header":{"revision":"8"},"events":[{}]}})");
    EXPECT_TRUE(client.wait("foo", 7, 10ms));
    say(lost, lost, lost);
    EXPECT_FALSE(client.wait("foo", 7, 10ms));
}
