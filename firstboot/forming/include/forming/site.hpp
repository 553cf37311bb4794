#pragma once

// The site as one node sees it, and the values that formations may name.

#include <formation/model.hpp>
#include <formation/reader.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::forming {

using formation::Formation;
using Time = std::chrono::milliseconds; // of a monotonic clock, given with each event

struct Member {
    std::string id, name, role; // role: the node's own
    std::vector<std::string> lineage; // of all its roles, with what they extend
    std::vector<std::string> unknown_roles = {}; // that it has, and this release does not know: what runs there because of them is not known
    bool is_voter = false;
    std::map<std::string, std::string> addresses; // by plane: "management"
    std::set<std::string> all_addresses = {};     // of all planes
    bool operator==(const Member&) const = default;

    [[nodiscard]] std::optional<std::string> address() const; // in the management plane
};

struct Site {
    std::string id, name, genesis, domain; // empty: not known yet
    std::string ca = {}; // certificates of the operator's own authority, in PEM
    std::string authority = {}; // certificates of the site's own authorities that count, in PEM
    std::vector<std::string> vips = {}; // virtual addresses, in the management plane
    unsigned router_id = 0;             // of VRRP
    std::vector<std::string> time_servers;
    std::set<std::string, std::less<>> without = {}; // formations that the plan does not want
    std::map<std::string, std::vector<std::string>> subnets = {}; // by plane: "10.0.0.0/24"
    std::vector<Member> members; // that belong to the site, in its order; removed ones are not here
    bool operator==(const Site&) const = default;

    [[nodiscard]] const Member* member(std::string_view member_id) const;
};

// This node, now.
struct Self {
    std::string id, boot, release;
    std::set<std::string, std::less<>> fulfilled; // of the built-in requirements: "time", "site-ca", "store"
    enum class Upgrade {
        none,
        under_way, // the other slot is being written, or waits for a restart: nothing is changed meanwhile
        trial,     // the release that runs must prove itself: services come up, and nothing of the site is changed
    } upgrade = Upgrade::none;
    bool operator==(const Self&) const = default;
};

// Members on which the formation runs, in the site's order.
[[nodiscard]] std::vector<const Member*> placed(const Formation& formation, const Site& site);
[[nodiscard]] bool is_placed(const Formation& formation, const Site& site, std::string_view id);
// Of all that runs on a node, sorted, each once: "management tcp 9100 nodes".
[[nodiscard]] std::vector<std::string> ports_of(const formation::Formations& all, const Site& site, std::string_view id);
// The addresses in the certificate of the formation on that node. None for who is no member.
[[nodiscard]] std::set<std::string> certified_addresses(const Formation& formation, const Site& site, std::string_view id);
// It is not placed there by the roles that are known, and may be by one that is not.
[[nodiscard]] bool may_be_placed(const Formation& formation, const Member& member);

} // namespace ashlar::forming
