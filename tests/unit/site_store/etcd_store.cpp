#include <site_store/etcd_store.hpp>

#include <one_etcd.hpp>

#include <future>

#include <gmock/gmock.h>

namespace ashlar::site_store {
namespace {

using forming::SiteStore;

// What every store owes, asked of etcd and of the one in memory: they must not differ.
void expect_a_store(SiteStore& store) {
    EXPECT_TRUE(store.list("formations/").empty());
    EXPECT_TRUE(store.swap("formations/x/facts/id", 0, "a"));
    EXPECT_FALSE(store.swap("formations/x/facts/id", 0, "b")) << "it is there";
    const auto first = store.list("formations/x/facts/id").at("formations/x/facts/id");
    EXPECT_EQ(first.value, "a");
    EXPECT_NE(first.revision, 0U);
    EXPECT_FALSE(store.swap("formations/x/facts/id", first.revision + 1000, "b")) << "another revision";
    EXPECT_TRUE(store.swap("formations/x/facts/id", first.revision, "c"));
    EXPECT_FALSE(store.swap("formations/x/facts/id", first.revision, "d")) << "somebody was faster";
    EXPECT_TRUE(store.swap("formations/xy/facts/id", 0, std::string("\0binary\xff", 8)));
    EXPECT_TRUE(store.swap("locks/x", 0, ""));
    EXPECT_EQ(store.list("formations/").size(), 2U);
    EXPECT_EQ(store.list("formations/x/").size(), 1U) << "a prefix is no folder, but its end here is";
    EXPECT_EQ(store.list("formations/xy/facts/id").begin()->second.value, std::string("\0binary\xff", 8));
    EXPECT_EQ(store.list("locks/x").at("locks/x").value, "");
    const auto now = store.list("formations/x/facts/id").begin()->second;
    EXPECT_FALSE(store.swap("formations/x/facts/id", first.revision, std::nullopt));
    EXPECT_TRUE(store.swap("formations/x/facts/id", now.revision, std::nullopt));
    EXPECT_FALSE(store.swap("formations/x/facts/id", now.revision, std::nullopt)) << "it is gone";
    EXPECT_TRUE(store.swap("formations/x/facts/id", 0, "a"));
    EXPECT_GT(store.list("formations/x/facts/id").begin()->second.revision, now.revision) << "a revision never comes again";
}

TEST(EtcdStore, IsAStore) {
    OneEtcd etcd;
    auto client = etcd.client();
    EtcdStore store(client);
    expect_a_store(store);
    auto another = etcd.client();
    EXPECT_EQ(another.get("/locks/x")->value, "");
}

TEST(EtcdStore, IsAsTheOneInMemory) {
    forming::MemoryStore store;
    expect_a_store(store);
}

TEST(EtcdStore, OneOfManyIsFirst) {
    OneEtcd etcd;
    auto client = etcd.client();
    EtcdStore store(client);
    std::vector<std::future<bool>> tries;
    for (int i = 0; i < 8; ++i) tries.push_back(std::async(std::launch::async, [&, i] { return store.swap("locks/x", 0, std::to_string(i)); }));
    int won = 0;
    for (auto& one : tries) won += one.get() ? 1 : 0;
    EXPECT_EQ(won, 1);
}

// Neither yes nor no: who gets this looks again.
TEST(EtcdStore, AWriteOfWhichNobodyKnowsIsAnError) {
    struct Lost final : etcd::Door {
        std::variant<Answer, NoAnswer> ask(const std::string&, const std::string& path, const std::string&, std::chrono::milliseconds, Enough) override {
            return NoAnswer{.may_have_arrived = path == "/v3/kv/txn", .cause = "the line is cut"};
        }
    } door;
    etcd::Client client(door, {"https://10.0.0.1:12379"});
    EtcdStore store(client);
    EXPECT_THROW((void)store.swap("locks/x", 0, "a"), etcd::OutcomeUnknown);
    EXPECT_THROW((void)store.list("locks/"), Error);
}

} // namespace
} // namespace ashlar::site_store
