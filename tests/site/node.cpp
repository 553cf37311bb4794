// Nodes in containers, from an image that `ashlar build` made. Run by tests/site/run.

#include "bench.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

class Container : public testing::Test {
protected:
    Bench bench_;
    Node& node_ = bench_.add("n1", bench_.site({.name = "alone", .voters = 1}));
};

TEST_F(Container, IsANodeThatKeepsWhoItIs) {
    node_.power_on();
    ASSERT_TRUE(is_up(node_)) << read_file(node_.console());
    const auto first = status_of(node_);
    EXPECT_EQ(first.at("place"), "container");
    said(node_, {"sh", "-c", "echo kept > /var/lib/kept; sync; echo lost > /etc/lost"});
    node_.cut_power();
    EXPECT_FALSE(node_.is_on());

    node_.power_on();
    ASSERT_TRUE(is_up(node_)) << read_file(node_.console());
    EXPECT_EQ(status_of(node_).at("hostname"), first.at("hostname"));
    EXPECT_EQ(said(node_, {"cat", "/var/lib/kept"}), "kept");
    EXPECT_FALSE(node_.run({"test", "-e", "/etc/lost"}).ok());
    node_.shut_down();

    node_.reflash();
    node_.power_on();
    ASSERT_TRUE(is_up(node_)) << read_file(node_.console());
    EXPECT_NE(status_of(node_).at("hostname"), first.at("hostname"));
    EXPECT_FALSE(node_.run({"test", "-e", "/var/lib/kept"}).ok());
}

} // namespace
} // namespace ashlar::virtual_site
