#include <roster/roster.hpp>

#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace ashlar::roster {

namespace {

constexpr JsonDocument node_document{.kind = "record", .name = "node", .remedy = "a newer release has written it, or etcd was written by something else"};
constexpr JsonDocument seat_document{.kind = "record", .name = "seat", .remedy = node_document.remedy};

constexpr std::array states{std::pair{Member::State::member, "member"}, std::pair{Member::State::removed, "removed"}};

std::set<std::string> set_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

Member::State state_in(JsonObject& object) {
    const std::string name = object.text("state");
    const auto found = std::ranges::find(states, name, [](const auto& state) { return std::string(state.second); });
    if (found == states.end()) throw object.refusal("'state' is none that is known");
    return found->first;
}

template <typename Value> std::map<NodeId, Stored<Value>> all_of(etcd::Client& client, std::string_view prefix, Value (*read)(std::string_view)) {
    std::map<NodeId, Stored<Value>> all;
    for (const auto& pair : client.range(std::string(prefix)).pairs) {
        const auto node = NodeId::parse(std::string_view(pair.key).substr(prefix.size()));
        if (node) all.emplace(*node, Stored<Value>{read(pair.value), pair.modified});
    }
    return all;
}

std::string key_below(std::string_view prefix, std::string_view name) { return std::string(prefix).append(name); }

} // namespace

const Member* Roster::member(const NodeId& node) const {
    const auto found = nodes.find(node);
    return found == nodes.end() || found->second.value.state == Member::State::removed ? nullptr : &found->second.value;
}

const Member* Roster::member_called(std::string_view name) const {
    const auto all = members();
    const auto found = std::ranges::find_if(all, [&](const Member* member) { return member->bearer.name == name; });
    return found == all.end() ? nullptr : *found;
}

std::vector<const Member*> Roster::members() const {
    std::vector<const Member*> all;
    for (const auto& [node, stored] : nodes)
        if (stored.value.state == Member::State::member) all.push_back(&stored.value);
    std::ranges::sort(all, {}, [](const Member* member) { return member->bearer.name; });
    return all;
}

Roster read(etcd::Client& client) { return {.nodes = all_of(client, key::nodes, member_from), .seats = all_of(client, key::seats, seat_from)}; }

std::shared_ptr<const Roster> Known::read(etcd::Client& client) {
    // Looked at before it is read: what changes in between is read at once, and read again the next time.
    const auto nodes = client.extent(std::string(key::nodes)), seats = client.extent(std::string(key::seats));
    {
        const std::lock_guard lock(mutex_);
        if (roster_ && nodes == nodes_ && seats == seats_) return roster_;
    }
    auto fresh = std::make_shared<const Roster>(roster::read(client));
    const std::lock_guard lock(mutex_);
    if (!roster_ || nodes.newest >= nodes_.newest) {
        roster_ = fresh;
        nodes_ = nodes;
        seats_ = seats;
    }
    return fresh;
}

std::string text_of(const Member& member) {
    return tuf::canonical_json({{"format", 1},
                                {"key", base64(member.key.der())},
                                {"name", member.bearer.name},
                                {"roles", member.bearer.roles},
                                {"addresses", member.bearer.addresses},
                                {"serial", member.serial},
                                {"state", std::ranges::find(states, member.state, [](const auto& state) { return state.first; })->second},
                                {"since", member.since.time_since_epoch().count()}});
}

Member member_from(std::string_view text) {
    const Json json = parse_strict_json(text, "node");
    JsonObject object(json, node_document, "it");
    object.expect("format", 1);
    const auto key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "node");
    Member member{.key = key,
                  .bearer = {.node = node_id_of(key), .name = object.text("name"), .roles = set_of(object.texts("roles")), .addresses = set_of(object.texts("addresses"))},
                  .serial = object.at("serial").get<std::string>(),
                  .state = state_in(object),
                  .since = Time(std::chrono::seconds(object.number("since")))};
    object.finish();
    return member;
}

std::string text_of(const Seat& seat) {
    return tuf::canonical_json({{"format", 1}, {"address", seat.address}, {"authority", base64(seat.authority)}, {"etcd_authority", base64(seat.etcd_authority)}, {"site_key", base64(seat.site_key)}});
}

Seat seat_from(std::string_view text) {
    const Json json = parse_strict_json(text, "seat");
    JsonObject object(json, seat_document, "it");
    object.expect("format", 1);
    Seat seat{.address = object.text("address"), .authority = object.bytes("authority"), .etcd_authority = object.bytes("etcd_authority"), .site_key = object.bytes("site_key")};
    object.finish();
    return seat;
}

namespace key {
std::string node(const NodeId& node) { return key_below(nodes, node.text()); }
std::string name(std::string_view name) { return key_below("/names/", name); }
std::string seat(const NodeId& node) { return key_below(seats, node.text()); }
std::string ticket(std::string_view ticket) { return key_below("/tickets/", ticket); }
std::string approval(const NodeId& node) { return key_below("/approvals/", node.text()); }
std::string denial(const NodeId& node) { return key_below("/denials/", node.text()); }
std::string replacement(std::string_view name) { return key_below("/replacements/", name); }
std::string wipe(const NodeId& node) { return key_below("/wipes/", node.text()); }
std::string applicant(const NodeId& node) { return key_below(applicants, node.text()); }
} // namespace key

} // namespace ashlar::roster
