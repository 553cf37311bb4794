// Nodes that come when the site has begun.

#include "bench.hpp"

#include <site/ticket.hpp>

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Joining, AFourthNodeIsEnrolledAndStaysAMember) {
    Bench bench;
    const auto medium = bench.site("berlin", 3, 2);
    for (const char* name : {"n1", "n2", "n3"}) bench.add(name, medium).power_on();
    ASSERT_TRUE(bench.all_are_members()) << bench.what_they_say();

    Node& late = bench.add("n4", medium);
    late.power_on();
    ASSERT_TRUE(bench.all_are_members()) << bench.what_they_say();
    EXPECT_EQ(site_of(late).at("name"), "berlin-n4");
    EXPECT_EQ(site_of(late).at("genesis"), site_of(bench[0]).at("genesis"));
    EXPECT_FALSE(site_of(late).at("seat").get<bool>());

    // With the voters away it is still who it is.
    late.cut_power();
    for (const std::size_t voter : {0U, 1U, 2U}) bench[voter].cut_power();
    late.power_on();
    EXPECT_TRUE(bench.is_member(late)) << bench.what_they_say();
}

TEST(Joining, AMediumWithATicketEnrolsOneNode) {
    Bench bench;
    const auto medium = bench.site("berlin", 1, 2);
    bench.add("n1", medium).power_on();
    ASSERT_TRUE(bench.all_are_members()) << bench.what_they_say();

    const auto with_ticket = bench.with_ticket(medium);
    Node& first = bench.add("n2", with_ticket);
    first.power_on();
    ASSERT_TRUE(bench.all_are_members()) << bench.what_they_say();
    Node& second = bench.add("n3", with_ticket);
    second.power_on();
    EXPECT_TRUE(wait_until(60s, [&] { return site_of(second).value("trouble", "").find("the ticket was used 1 time already") != std::string::npos; })) << bench.what_they_say();
}

} // namespace
} // namespace ashlar::virtual_site
