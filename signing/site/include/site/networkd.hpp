#pragma once

// A node's network as files for systemd-networkd (systemd.netdev(5), systemd.network(5)). Pure: the site, the node and the
// machine's ports in, texts out; the same for the same, to the byte. Who writes them, when, and whether a change is taken
// back, is decided elsewhere. docs/formats/site.md, "On the node".

#include <site/site.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::site {

// A wired port of the machine.
struct Port {
    std::string name; // the interface's: "enp1s0f0np0"
    Mac mac;
    bool permanent = true; // the address is the one that was burnt in; virtual ports have none such
    std::string driver;
    unsigned speed = 0; // Mbit/s, the most that it can do; 0: it does not say
};

using NetworkFiles = std::map<std::string, std::string>; // by file name: "10-uplink.netdev"

// A link that the machine's ports do not make up; one sentence each.
struct Miswired {
    std::vector<std::string> reasons;
};

// `node`: null for a machine that the file does not list: it has the file's links, and addresses only where planes are
// automatic. No files for a site without planes: the image's own rule asks for addresses at every port. A link that the
// node needs for no address is left out where its ports are not there.
[[nodiscard]] std::variant<NetworkFiles, Miswired> network_files(const Site& site, const Node* node, const std::vector<Port>& ports);

} // namespace ashlar::site
