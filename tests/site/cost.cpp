// What a node needs when there is nothing to do.

#include "cost.hpp"

#include "site_test.hpp"

#include <base/text.hpp>

#include <gmock/gmock.h>

#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace {

std::uint64_t number(std::string_view text) { return std::stoull(std::string(text)); }

// proc(5): the 14th and 15th field. The second, a name in brackets, has no blanks here.
double processor_seconds_in(const std::string& stat) {
    const auto fields = split(stat, ' ');
    return static_cast<double>(number(fields.at(13)) + number(fields.at(14))) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// InDatagrams and InErrors: what was read, and what there was no room for.
std::uint64_t datagrams_in(const std::string& snmp) {
    const auto at = snmp.rfind("Udp: ", snmp.find("UdpLite:"));
    const auto fields = split(trim(std::string_view(snmp).substr(at, snmp.find('\n', at) - at)), ' ');
    return number(fields.at(1)) + number(fields.at(3));
}

} // namespace

Cost cost_of(const Node& node) {
    const std::string process = "/proc/" + said(node, {"systemctl", "show", "--property=MainPID", "--value", "ashlard.service"});
    const std::string memory = said(node, {"cat", process + "/statm"});
    Cost cost{.processor_seconds = processor_seconds_in(said(node, {"cat", process + "/stat"}))};
    cost.when = std::chrono::steady_clock::now();
    cost.resident_mib = static_cast<double>(number(split(memory, ' ').at(1)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) / (1 << 20);
    cost.datagrams = datagrams_in(said(node, {"cat", "/proc/net/snmp"}));
    return cost;
}

namespace {

class AtRest : public SiteTest {};

// In ring long: after the first minute, in which beacons come often, for one more. With a seat and without, and with formations that are
// looked after.
TEST_F(AtRest, AMemberNeedsNextToNothing) {
    const Nodes nodes = nodes_of({.name = "berlin", .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    std::this_thread::sleep_for(65s);
    std::vector<Cost> before, after;
    for (const Node* node : nodes) before.push_back(cost_of(*node));
    std::this_thread::sleep_for(60s);
    for (const Node* node : nodes) after.push_back(cost_of(*node));
    EXPECT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        fmt::print("{}: {:.2f} % of a core, {:.1f} MiB resident\n", nodes[i]->name(), 100 * share_of_a_core(before[i], after[i]), after[i].resident_mib);
        EXPECT_LE(share_of_a_core(before[i], after[i]), 0.01) << nodes[i]->name();
        EXPECT_LE(after[i].resident_mib, 30) << nodes[i]->name();
    }
}

} // namespace
} // namespace ashlar::virtual_site
