// The values that a formation may name, and the texts that it makes of lists.

#include <forming/decision.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

using formation::Listing;
using formation::Names;

Json addresses_of(const Member& member) {
    Json addresses = Json::object();
    for (const auto& [plane, address] : member.addresses) addresses[plane] = address;
    return addresses;
}

// As RFC 3986 has it: an IPv6 address in brackets, so that a port may follow.
std::string host_of(const std::string& address) { return address.find(':') == std::string::npos ? address : fmt::format("[{}]", address); }

Json json_of(const Member& member) {
    Json json{{"id", member.id}, {"name", member.name}, {"role", member.role}, {"voter", member.is_voter}, {"addresses", addresses_of(member)}};
    if (const auto address = member.address()) {
        json["address"] = *address;
        json["host"] = host_of(*address);
    }
    return json;
}

Json ids_of(const std::vector<const Member*>& members) {
    Json ids = Json::array();
    for (const Member* member : members) ids.push_back(member->id);
    return ids;
}

std::vector<const Member*> all_of(const Site& site) {
    std::vector<const Member*> members;
    for (const auto& member : site.members) members.push_back(&member);
    return members;
}

Json site_values(const Site& site) {
    auto voters = all_of(site);
    std::erase_if(voters, [](const Member* member) { return !member->is_voter; });
    Json json{{"id", site.id}, {"name", site.name}, {"time_servers", site.time_servers}, {"vips", site.vips}, {"router_id", site.router_id}, {"nodes", ids_of(all_of(site))}, {"voters", ids_of(voters)}};
    for (const char* plane : {"management", "storage", "tunnel", "provider"}) {
        const auto found = site.subnets.find(plane);
        json["subnets"][plane] = found == site.subnets.end() ? std::vector<std::string>() : found->second;
    }
    std::set<std::string> addresses;
    for (const auto& member : site.members) addresses.insert(member.all_addresses.begin(), member.all_addresses.end());
    json["addresses"] = addresses;
    if (!site.genesis.empty()) json["genesis"] = site.genesis;
    if (!site.domain.empty()) json["domain"] = site.domain;
    if (!site.ca.empty()) json["ca"] = site.ca;
    if (!site.authority.empty()) json["authority"] = site.authority;
    if (!site.vips.empty()) {
        json["vip"] = site.vips.front();
        json["vip_host"] = host_of(site.vips.front());
    }
    return json;
}

Json node_values(const Site& site, const Self& self, const std::vector<std::string>& ports) {
    const Member* member = site.member(self.id);
    Json node = member ? json_of(*member) : Json{{"id", self.id}};
    node["ports"] = ports;
    return node;
}

bool is_formed(const Formation& formation, const Ledger& ledger) {
    if (!formation.is_formed_once()) return !ledger.members.empty();
    return std::ranges::all_of(formation.steps, [&](const formation::Step& step) {
        if (step.kind != formation::Step::Kind::once) return true;
        const auto marker = ledger.once.find(step.id.value);
        return marker != ledger.once.end() && marker->second.value.is_done;
    });
}

bool is_creating(const Ledger& ledger, const std::string& id) {
    return std::ranges::any_of(ledger.once, [&](const auto& entry) { return entry.second.value.holder.owner == id; });
}

Json formation_values(const Picture& picture) {
    const auto on = placed(picture.formation, picture.site);
    Json members = Json::array();
    for (const auto& [id, enrolled] : picture.ledger.members) members.push_back(id);
    return {{"formed", is_formed(picture.formation, picture.ledger)},
            {"member", picture.ledger.members.contains(picture.self.id)},
            {"creating", is_creating(picture.ledger, picture.self.id)},
            {"first", !on.empty() && on.front()->id == picture.self.id},
            {"placed", ids_of(on)},
            {"members", std::move(members)},
            {"size", on.size()},
            {"quorum", on.size() / 2 + 1}};
}

Json fact_values(const Picture& picture) {
    Json facts = Json::object();
    for (const auto& [other, values] : picture.foreign) facts[other] = values;
    for (const auto& [name, value] : picture.ledger.facts) facts[name] = value;
    return facts;
}

Json gone_values(const Ledger& ledger, std::string_view id) {
    Json gone{{"id", std::string(id)}, {"name", ""}};
    const auto member = ledger.members.find(id);
    if (member == ledger.members.end()) return gone;
    gone["name"] = member->second.value.name;
    if (!member->second.value.address.empty()) gone["address"] = member->second.value.address;
    return gone;
}

// Items of a list, each as the name `item`.
class Items {
public:
    Items(const Picture& picture, const Names& names) : picture_(picture), names_(names) {}

    std::vector<Json> operator()(const Listing::Members&) const { return of(placed(picture_.formation, picture_.site)); }
    std::vector<Json> operator()(const Listing::Others&) const {
        auto members = placed(picture_.formation, picture_.site);
        std::erase_if(members, [&](const Member* member) { return member->id == picture_.self.id; });
        return of(members);
    }
    std::vector<Json> operator()(const Listing::All&) const { return of(all_of(picture_.site)); }
    std::vector<Json> operator()(const Listing::Placed& of_other) const {
        const auto other = picture_.others.find(of_other.formation);
        return other == picture_.others.end() ? std::vector<Json>{} : of(placed(*other->second, picture_.site));
    }
    std::vector<Json> operator()(const Listing::Named& named) const {
        const Json* list = formation::value_at(names_, named.path);
        return list ? list->get<std::vector<Json>>() : std::vector<Json>{};
    }

private:
    static std::vector<Json> of(const std::vector<const Member*>& members) {
        std::vector<Json> items;
        for (const Member* member : members) items.push_back(json_of(*member));
        return items;
    }

    const Picture& picture_;
    const Names& names_;
};

// Absent when something that an item names is.
std::optional<std::string> listed(const Listing& listing, const Picture& picture, Names names) {
    std::string text;
    bool is_first = true;
    for (auto& item : std::visit(Items(picture, names), listing.of)) {
        names["item"] = std::move(item);
        if (listing.where && !listing.where->holds(names)) continue;
        const auto filled = listing.item.fill(names);
        if (!std::holds_alternative<std::string>(filled)) return std::nullopt;
        text += (std::exchange(is_first, false) ? "" : listing.separator) + std::get<std::string>(filled);
    }
    return text;
}

} // namespace

formation::Names names_of(const Picture& picture, std::string_view about) {
    Names names{{"site", site_values(picture.site)},
                {"node", node_values(picture.site, picture.self, picture.ports)},
                {"formation", formation_values(picture)},
                {"units", {{"active", picture.are_units_active}, {"failed", picture.is_unit_failed}}},
                {"facts", fact_values(picture)}};
    if (picture.observation) names["observation"] = *picture.observation;
    if (!about.empty()) names["gone"] = gone_values(picture.ledger, about);
    Json lists = Json::object();
    for (const auto& listing : picture.formation.listings)
        if (auto text = listed(listing, picture, names)) lists[listing.name.value] = std::move(*text);
    names["lists"] = std::move(lists);
    return names;
}

} // namespace ashlar::forming
