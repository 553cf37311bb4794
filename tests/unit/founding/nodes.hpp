#pragma once

// A few nodes around the core, without chance: beacons and messages arrive at once, disks write when told.

#include <founding/founder.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace ashlar::founding {

inline Charter three_listed() { return {.mode = Mode::listed, .places = {{"n01", "serial A"}, {"n02", "serial B"}, {"n03", "serial C"}}}; }

inline Self node(std::uint8_t number, std::string name, bool voter = true) {
    Self self{.name = std::move(name), .role = "control", .port = 4747, .voter = voter};
    self.key.fill(std::byte{number});
    self.node.bytes.fill(std::byte{number});
    self.life = {1, number};
    return self;
}

inline beacon::Beacon beacon_of(const Self& self, const Charter& charter, beacon::Standing standing = beacon::Standing::hearing) {
    static std::uint64_t sequence = 0;
    return {.node = self.node, .key = self.key, .life = self.life, .sequence = ++sequence, .standing = standing, .voter = self.voter, .charter = charter.summary(), .port = self.port, .name = self.name, .role = self.role};
}

inline Genesis genesis_of(std::uint8_t number, Electorate voters = {}) {
    Genesis genesis{.voters = std::move(voters)};
    genesis.id.bytes.fill(std::byte{number});
    return genesis;
}

template <typename Kind> std::vector<Kind> only(const std::vector<Action>& actions) {
    std::vector<Kind> found;
    for (const Action& action : actions)
        if (const auto* each = std::get_if<Kind>(&action)) found.push_back(*each);
    return found;
}
template <typename Kind> std::vector<Kind> said(const std::vector<Action>& actions) {
    std::vector<Kind> found;
    for (const Send& send : only<Send>(actions))
        if (const auto* each = std::get_if<Kind>(&send.message)) found.push_back(*each);
    return found;
}

} // namespace ashlar::founding
