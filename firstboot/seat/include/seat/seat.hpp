#pragma once

// How a node comes to a seat among the voters when the site has begun: as the successor of one that was lost, or because site.toml makes it a
// voter now. The voters' side; docs/formats/roster.md, docs/formats/etcd.md.
//
//     take      what is left of its predecessor, and of itself without data, is removed from etcd; it is added as a learner
//     promote   it has caught up: it has a vote
//
// Each may be asked again at any time. etcd itself refuses what would leave too few.

#include <etcd/client.hpp>
#include <etcd/setup.hpp>
#include <genesis/value.hpp>
#include <roster/roster.hpp>
#include <signing/secret.hpp>

#include <string>
#include <vector>

namespace ashlar::seat {

// What any one voter must have. Of a voter that works.
struct Keys {
    const genesis::Value& value;
    const genesis::Authorities& authorities;
    Secret site_key; // the text of the file
};
[[nodiscard]] roster::Seat seat_for(const Keys& keys, const VerifyingKey& voter, const std::string& address);

struct Opened {
    genesis::Authorities authorities;
    Secret site_key;
};
// An Error when it was sealed to another node.
[[nodiscard]] Opened open(const roster::Seat& seat, const genesis::Value& value, const SigningKey& key);

enum class Data { none, there }; // of etcd, on the node that asks

struct Taken {
    roster::Seat seat;
    std::vector<etcd::Member> cluster; // with the new one
};
// `who`: a member of the roster that the plan makes a voter.
[[nodiscard]] Taken take(etcd::Client& client, const Keys& keys, const roster::Member& who, const std::string& address, Data data);

// Whether it has a vote now.
[[nodiscard]] bool promote(etcd::Client& client, const std::string& address);

} // namespace ashlar::seat
