#include <formation/reader.hpp>

#include <array>

namespace ashlar::formation {

namespace {

using enum Type;
constexpr auto always = Symbol::Presence::always;
constexpr auto sometimes = Symbol::Presence::sometimes;

struct Row {
    const char* path;
    Symbol symbol;
};

template <std::size_t size> Scope scope_of(const std::array<Row, size>& rows) {
    Scope scope;
    for (const auto& [path, symbol] : rows) scope.add(path, symbol);
    return scope;
}

constexpr std::array site_rows{
    Row{"site.id", {text, always}},
    Row{"site.name", {text, always}},
    Row{"site.genesis", {text, sometimes}}, // from genesis on
    Row{"site.domain", {text, sometimes}},
    Row{"site.ca", {text, sometimes}}, // of the operator, for what users see
    Row{"site.authority", {text, sometimes}}, // who issues certificates of services: all that count now
    Row{"site.time_servers", {texts, always}},
    Row{"site.vips", {texts, always}},
    Row{"site.vip", {text, sometimes}},      // the first
    Row{"site.vip_host", {text, sometimes}}, // the same as URLs have it
    Row{"site.router_id", {number, always}}, // of VRRP
    Row{"site.subnets.management", {texts, always}},
    Row{"site.subnets.storage", {texts, always}},
    Row{"site.subnets.tunnel", {texts, always}},
    Row{"site.subnets.provider", {texts, always}},
    Row{"site.addresses", {texts, always}}, // of all nodes in all planes
    Row{"site.nodes", {texts, always}},  // ids
    Row{"site.voters", {texts, always}}, // ids
    Row{"node.id", {text, always}},
    Row{"node.name", {text, always}},
    Row{"node.role", {text, always}},
    Row{"node.voter", {boolean, always}},
    Row{"node.address", {text, sometimes}}, // in the management plane
    Row{"node.host", {text, sometimes}},    // the same as URLs have it
    Row{"node.addresses.management", {text, sometimes}},
    Row{"node.addresses.storage", {text, sometimes}},
    Row{"node.addresses.tunnel", {text, sometimes}},
    Row{"node.addresses.provider", {text, sometimes}},
};

constexpr std::array formation_rows{
    Row{"formation.formed", {boolean, always}},   // all its `once` steps are done, somewhere
    Row{"formation.member", {boolean, always}},   // the site has noted this node as one
    Row{"formation.creating", {boolean, always}}, // this node does a `once` step, or did the first
    Row{"formation.first", {boolean, always}},    // of the placed nodes
    Row{"formation.placed", {texts, always}},     // ids
    Row{"formation.members", {texts, always}},    // ids
    Row{"formation.size", {number, always}},      // of placed
    Row{"formation.quorum", {number, always}},    // more than half of it
    Row{"units.active", {boolean, always}},       // all units of the formation
    Row{"units.failed", {boolean, always}},       // any of them
    Row{"node.ports", {texts, always}},           // of all formations that run here: "management tcp 9100 nodes"
};

constexpr std::array item_rows{
    Row{"item.id", {text, always}},
    Row{"item.name", {text, always}},
    Row{"item.role", {text, always}},
    Row{"item.voter", {boolean, always}},
    Row{"item.address", {text, sometimes}},
    Row{"item.host", {text, sometimes}},
    Row{"item.addresses.management", {text, sometimes}},
    Row{"item.addresses.storage", {text, sometimes}},
    Row{"item.addresses.tunnel", {text, sometimes}},
    Row{"item.addresses.provider", {text, sometimes}},
};

constexpr std::array gone_rows{
    Row{"gone.id", {text, always}},
    Row{"gone.name", {text, always}},
    Row{"gone.address", {text, sometimes}},
};

} // namespace

const Scope& site_names() {
    static const Scope scope = scope_of(site_rows);
    return scope;
}
const Scope& formation_names() {
    static const Scope scope = scope_of(formation_rows);
    return scope;
}
const Scope& item_names() {
    static const Scope scope = scope_of(item_rows);
    return scope;
}
const Scope& gone_names() {
    static const Scope scope = scope_of(gone_rows);
    return scope;
}

} // namespace ashlar::formation
