#pragma once

// The site as this node knows it now: who belongs to it, what was planned, whom one asks.

#include <etcd/client.hpp>
#include <roster/roster.hpp>
#include <site/site.hpp>
#include <voters/client.hpp>
#include <voters/plan.hpp>

#include <vector>

namespace ashlar::site_member {

struct View {
    roster::Roster roster; // of a node without a seat: seats are known, and not what is in them
    site::Site plan;
    voters::PlanFiles files;
    std::vector<voters::VoterAddress> voters;
};
[[nodiscard]] View view_of(etcd::Client& client);
[[nodiscard]] View view_of(voters::VotersClient& client);

} // namespace ashlar::site_member
