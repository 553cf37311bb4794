// Who is on the same network and has no key. What such a one can say is in tests/unit/membership; here it says it to real nodes.

#include "cost.hpp"
#include "site_test.hpp"
#include "stranger.hpp"

#include <base/random.hpp>
#include <site/ports.hpp>

#include <gmock/gmock.h>

#include <thread>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

class Strangers : public SiteTest {
protected:
    const Nodes nodes_ = voters_of({.name = "berlin"});
    const Stranger stranger_;
};

// In turn: a recorded beacon, one that differs from it in its last byte and looks right until its code is computed, and noise.
std::function<std::string()> mixture(const std::string& recorded) {
    std::string forged = recorded, noise = recorded;
    forged.back() = static_cast<char>(forged.back() ^ 1);
    fill_with_random(std::as_writable_bytes(std::span(noise)));
    return [recorded, forged, noise, turn = 0U]() mutable { return std::array{recorded, forged, noise}[turn++ % 3]; };
}

TEST_F(Strangers, FloodANodeAndItsCostIsBounded) {
    constexpr unsigned rate = 10'000;
    power_on({nodes_[0], nodes_[1]});
    ASSERT_TRUE(comes_to_say(*nodes_[0], "2 of 3 voters")) << what_they_say({nodes_[0], nodes_[1]});
    const Stranger::Flood flood(stranger_, rate, mixture(stranger_.record()));
    std::this_thread::sleep_for(1s);

    const Cost before = cost_of(*nodes_[0]);
    const auto sent_before = flood.sent();
    std::this_thread::sleep_for(4s);
    const Cost after = cost_of(*nodes_[0]);
    const auto sent = flood.sent() - sent_before;
    const double share = share_of_a_core(before, after);
    fmt::print("{} datagrams in {:.1f} s, {} of them at the node: {:.1f} % of a core; {:.1f} MiB resident, {:.1f} before\n", sent, seconds_between(before, after), after.datagrams - before.datagrams, 100 * share, after.resident_mib, before.resident_mib);
    EXPECT_GT(after.datagrams - before.datagrams, 4 * rate / 2) << "there was no flood";
    EXPECT_LT(share, 0.5);
    EXPECT_LT(after.resident_mib, 30);
    EXPECT_LT(after.resident_mib, before.resident_mib + 4);

    nodes_[2]->power_on();
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_).size(), 1U);
}

// In ring long.
TEST_F(Strangers, WhoConnectAndSayNothingKeepNobodyFromFounding) {
    power_on({nodes_[0], nodes_[1]});
    std::vector<Fd> silent;
    for (const Node* node : {nodes_[0], nodes_[1]}) {
        ASSERT_TRUE(comes_to_say(*node, "2 of 3 voters")) << what_they_say({nodes_[0], nodes_[1]});
        std::ranges::move(Stranger::connect(address(*node), site::site_port, 400), std::back_inserter(silent));
    }
    nodes_[2]->power_on();
    // Three minutes are what four hundred of them took when each was waited for.
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(wait_until(60s, [&] { return std::ranges::all_of(nodes_, [](const Node* node) { return phase(*node) == "member"; }); })) << what_they_say(nodes_);
    fmt::print("members after {:.1f} s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    EXPECT_EQ(geneses(nodes_).size(), 1U);
}

} // namespace
} // namespace ashlar::virtual_site
