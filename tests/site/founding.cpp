// Three nodes that nobody tells anything found a site.

#include "bench.hpp"

#include <set>

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto patience = 120s; // of a busy machine

class Founding : public testing::Test {
protected:
    void power_on_all() {
        for (auto& node : bench_.nodes()) node->power_on();
    }
    [[nodiscard]] std::set<std::string> geneses() {
        std::set<std::string> all;
        for (auto& node : bench_.nodes()) all.insert(site_of(*node).value("genesis", "none"));
        return all;
    }
    // etcdctl, as the node's own service.
    static std::string etcd(const Node& node, std::vector<std::string> arguments) {
        std::vector<std::string> argv{"etcdctl", "--endpoints", "https://10.77.0.11:12379,https://10.77.0.12:12379,https://10.77.0.13:12379", "--cacert", "/run/ashlar/etcd/authority.pem", "--cert", "/run/ashlar/etcd/certificate.pem", "--key", "/run/ashlar/etcd/key.pem"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return said(node, std::move(argv));
    }

    Bench bench_;
    const std::filesystem::path medium_ = bench_.site("berlin", 3);
};

TEST_F(Founding, IsOneGenesisOfThreeThatOutlivesThePower) {
    for (const char* name : {"n1", "n2", "n3"}) bench_.add(name, medium_);
    power_on_all();
    ASSERT_TRUE(bench_.all_are_members()) << bench_.what_they_say();
    const auto founded = geneses();
    EXPECT_EQ(founded.size(), 1U);
    EXPECT_EQ(etcd(bench_[0], {"get", "--print-value-only", "/genesis"}), *founded.begin());
    EXPECT_EQ(etcd(bench_[0], {"put", "/test", "kept"}), "OK");

    for (auto& node : bench_.nodes()) node->cut_power();
    power_on_all();
    ASSERT_TRUE(bench_.all_are_members()) << bench_.what_they_say();
    EXPECT_EQ(geneses(), founded);
    EXPECT_EQ(etcd(bench_[2], {"get", "--print-value-only", "/test"}), "kept");
}

TEST_F(Founding, WaitsForEveryVoterAndSaysForWhom) {
    for (const char* name : {"n1", "n2", "n3"}) bench_.add(name, medium_);
    bench_[0].power_on();
    bench_[1].power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(bench_[0]).value("sentence", "").find("2 of 3 voters") != std::string::npos; })) << bench_.what_they_say();
    EXPECT_THAT(site_of(bench_[0]).at("sentence").get<std::string>(), HasSubstr("serial n3"));
    bench_[2].power_on();
    ASSERT_TRUE(bench_.all_are_members()) << bench_.what_they_say();
    EXPECT_EQ(geneses().size(), 1U);
}

} // namespace
} // namespace ashlar::virtual_site
