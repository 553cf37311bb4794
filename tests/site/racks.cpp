// Racks between which there is a router: what is sent to a group stays in its rack.

#include "site_test.hpp"

#include <base/process.hpp>

#include <algorithm>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

// In ring long.
class Racks : public SiteTest {
protected:
    Racks() {
        // The router is this namespace.
        run_checked({.argv = {"sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"}});
        const Switch* racks[] = {&bench_.switch_of_all(), &second_, &third_};
        for (unsigned rack = 0; rack < 3; ++rack) run_checked({.argv = {"ip", "address", "add", fmt::format("10.77.{}.1/24", rack + 1), "dev", racks[rack]->interface()}});
        for (unsigned i = 0; i < 4; ++i) {
            nodes_.push_back(&add(fmt::format("n{}", i + 1), medium_, fmt::format("10.77.{}.{}", rack_of(i) + 1, 11 + i)));
            nodes_.back()->wire(*racks[rack_of(i)]);
        }
    }
    static unsigned rack_of(unsigned node) { return node == 0 ? 0 : node - 1; } // two in the first
    static std::string text(const SiteId& id) {
        std::string text = fmt::format(R"([site]
name = "berlin"
id = "{}"

[genesis]
voters = 3

[install]
in_place = true
encryption = "off"

[[link]]
name = "lan"
interface = ["host0"]

[planes.management]
link = "lan"
subnets = ["10.77.1.0/24", "10.77.2.0/24", "10.77.3.0/24"]
gateways = ["10.77.1.1", "10.77.2.1", "10.77.3.1"]

[discovery]
seeds = ["10.77.1.11", "10.77.1.12", "10.77.2.13"]
)", id.text());
        for (unsigned i = 0; i < 4; ++i) text += fmt::format("\n[[node]]\nname = \"berlin-n{0}\"\nserial = \"n{0}\"\nvoter = {1}\nroles = [\"{2}\"]\naddresses = {{ management = [\"10.77.{3}.{4}\"] }}\n", i + 1, i < 3, i < 3 ? "control" : "compute", rack_of(i) + 1, 11 + i);
        return text;
    }

    const Switch second_{"site1"}, third_{"site2"};
    const std::filesystem::path medium_ = bench_.site("berlin", text);
    Nodes nodes_;
};

// Voters in two racks, and a node alone in a third, which is nobody's seed.
TEST_F(Racks, FoundOneSiteBySeeds) {
    const Nodes voters(nodes_.begin(), nodes_.begin() + 3);
    power_on(voters);
    ASSERT_TRUE(are_members(voters)) << what_they_say(voters);
    EXPECT_EQ(geneses(voters).size(), 1U);
    nodes_[3]->power_on();
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_).size(), 1U);
    cut_power(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_).size(), 1U);
}

} // namespace
} // namespace ashlar::virtual_site
