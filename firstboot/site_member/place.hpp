#pragma once

// What site.toml says about this machine: who it is, with whom it founds, where it is heard.

#include <beacon_port/beacon_port.hpp>
#include <firstboot/identity.hpp>
#include <founding/charter.hpp>
#include <founding/founder.hpp>
#include <signing/message_key.hpp>
#include <site/site.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace ashlar::site_member {

struct Place {
    std::string name;
    std::set<std::string> roles;
    std::vector<std::string> addresses; // in the management plane
    bool voter = false;     // it may found the site
    bool has_seat = false;  // the plan gives it one, whenever it comes
    std::string remark;     // for people: what the plan says of its machine is not true of this one
};
// `state` says who this node is as a member. An Error where its disks are in another node's machine.
[[nodiscard]] Place place_of(const site::Site& site, const std::filesystem::path& state, const NodeId& id, const firstboot::Identity& identity);

[[nodiscard]] founding::Charter charter_of(const site::Site& site);
// `founds`: it has the site's key, and so a say.
[[nodiscard]] founding::Self self_of(const Place& place, const SigningKey& key, const firstboot::Identity& identity, bool founds);
[[nodiscard]] beacon_port::Options beacons_of(const site::Site& site);

// For networkd; an Error when the ports are not as site.toml says.
void lay_network(const site::Site& site, const std::filesystem::path& state);

} // namespace ashlar::site_member
