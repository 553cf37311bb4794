#pragma once

// What the nodes of a site are told when they run on this machine. A site.toml is about machines in racks; here there is one
// switch, one port a node, and neither routers nor time servers. So they get a copy in which that is said, and everything else
// as it was.

#include <site/site.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar::virtual_site {

enum class Vessel {
    container, // systemd-nspawn
    machine,   // QEMU
};

struct CopyOptions {
    Vessel vessel = Vessel::container;
    std::optional<unsigned> nodes;   // how many are started, the first ones; none: all
    unsigned disks = 0;              // for services, on each node that a rule of the plan is for
    std::vector<std::string> ssh_keys; // that are let in besides those of the site
};

// A node that is started.
struct Cast {
    std::string name;   // which it has in the site; "blank-1" … where nobody is listed
    std::string serial; // what its firmware is to say
    std::vector<std::string> roles;
    bool voter = false;
};

struct SiteCopy {
    std::string text;                 // site.toml, without a table beside it
    std::vector<Cast> nodes;          // who is started, in the site's order
    bool wants_addresses = false;     // nodes have none of their own: there must be a DHCP server
    std::vector<std::string> changes; // against the original, for people: what the copy says otherwise, and who is missed
};

// Throws Error for a site that founds nothing, and for more nodes than it has.
[[nodiscard]] SiteCopy copy_for_this_machine(const site::Site& site, const CopyOptions& options);

} // namespace ashlar::virtual_site
