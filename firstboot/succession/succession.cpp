#include <succession/succession.hpp>

#include <base/error.hpp>
#include <base/json.hpp>
#include <roster/audit.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::succession {

using certificates::Authority;

namespace {

constexpr JsonDocument document{.kind = "record", .name = "authority", .remedy = ""};
constexpr Step steps = 3; // of a rotation

genesis::SealedKeys keys_in(const Json& json) {
    JsonObject object(json, document, "the keys of a voter");
    genesis::SealedKeys keys{.authority = object.bytes("authority"), .etcd_authority = object.bytes("etcd_authority")};
    object.finish();
    return keys;
}

NodeId node_in(const std::string& text) {
    const auto node = NodeId::parse(text);
    if (!node) throw document.refusal(fmt::format("'{}' is no node id", text));
    return *node;
}

Step step_in(std::string_view text) {
    Step step = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    return error == std::errc() && end == text.data() + text.size() ? step : 0; // it says nothing
}

// Each phase has its pairs, and no other.
void check(const State& state) {
    if (state.step() == 0 || state.lineage.also.has_value() != (state.phase() != Phase::settled)) throw document.refusal("it has not the authorities of its step");
}

std::set<NodeId> ids_of(const std::map<NodeId, roster::Stored<roster::Seat>>& seats) {
    std::set<NodeId> ids;
    for (const auto& [node, seat] : seats) ids.insert(node);
    return ids;
}

} // namespace

Phase phase_of(Step step) {
    switch (step % steps) {
    case 1: return Phase::trusted;
    case 2: return Phase::issuing;
    default: return Phase::settled;
    }
}

std::string_view name_of(Phase phase) {
    switch (phase) {
    case Phase::settled: return "settled";
    case Phase::trusted: return "trusted";
    case Phase::issuing: return "issuing";
    }
    return {};
}

std::string text_of(const State& state) {
    Json json{{"format", 1}, {"authorities", certificates::to_json(state.lineage)}, {"keys", Json::object()}, {"left", Json::array()}};
    for (const auto& [node, keys] : state.keys) json["keys"][node.text()] = {{"authority", base64(keys.authority)}, {"etcd_authority", base64(keys.etcd_authority)}};
    for (const auto& node : state.left) json["left"].push_back(node.text());
    return tuf::canonical_json(json);
}

State state_from(std::string_view text, const SiteId& site) {
    const Json json = parse_strict_json(text, "authority");
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    State state{.lineage = certificates::lineage_in(object.at("authorities"), site), .keys = {}, .left = {}};
    for (const auto& [node, keys] : object.at("keys").items()) state.keys.emplace(node_in(node), keys_in(keys));
    for (const auto& node : object.texts("left")) state.left.insert(node_in(node));
    object.finish();
    check(state);
    return state;
}

// ---- The steps ---------------------------------------------------------------------------------

std::set<NodeId> awaited(const State& state, const Followed& followed, const std::set<NodeId>& members) {
    std::set<NodeId> missing;
    for (const auto& node : members) {
        const auto found = followed.find(node);
        if (!state.left.contains(node) && (found == followed.end() || found->second < state.step())) missing.insert(node);
    }
    return missing;
}

std::optional<NodeId> whose_turn(const State& state, const Followed& followed, const std::set<NodeId>& voters) {
    const auto found = std::ranges::find_if(voters, [&](const NodeId& node) {
        const auto done = followed.find(node);
        return done == followed.end() || done->second < state.step();
    });
    return found == voters.end() ? std::nullopt : std::optional(*found);
}

std::optional<State> next(const State& state, const Followed& followed, const std::set<NodeId>& members, const std::set<NodeId>& voters) {
    if (state.phase() == Phase::settled || voters.empty() || whose_turn(state, followed, voters) || !awaited(state, followed, members).empty()) return std::nullopt;
    State after = state;
    ++after.lineage.step;
    if (state.phase() == Phase::trusted) std::swap(after.lineage.issuing, *after.lineage.also);
    else {
        after.lineage.also.reset();
        after.left.clear();
    }
    return after;
}

State begin(const Present& present, const std::vector<VerifyingKey>& voters, Former former, Time now) {
    const SiteId& site = present.value.site;
    const genesis::Authorities next{Authority::found(site, now), Authority::found(site, now)};
    const AuthorityPair pair{next.site.certificate(), next.etcd.certificate()};
    State state{.lineage = {.step = (present.lineage ? present.lineage->step : 0) + 1, .issuing = {present.value.authority, present.value.etcd_authority}, .also = pair, .successions = {}}, .keys = {}, .left = {}};
    // Whoever has stolen the key of the former one could say the same for one of his own: then nothing that it ever said counts.
    if (former == Former::trusted) {
        auto& said = state.lineage.successions;
        if (present.lineage) said = present.lineage->successions;
        said.push_back(certificates::succession(present.authorities.site, pair.site));
        if (said.size() > certificates::most_successions) said.erase(said.begin());
    }
    const auto value = value_with(present.value, pair);
    for (const auto& voter : voters) state.keys.emplace(node_id_of(voter), genesis::seal(value, next, voter));
    return state;
}

genesis::Value value_with(genesis::Value value, const AuthorityPair& pair) {
    value.authority = pair.site;
    value.etcd_authority = pair.etcd;
    return value;
}

// ---- In etcd -----------------------------------------------------------------------------------

std::optional<roster::Stored<State>> read(etcd::Client& client, const SiteId& site) {
    const auto found = client.get(key::state);
    return found ? std::optional(roster::Stored<State>{state_from(found->value, site), found->modified}) : std::nullopt;
}

Followed read_followed(etcd::Client& client) {
    Followed followed;
    for (const auto& pair : client.range(key::followed).pairs)
        if (const auto node = NodeId::parse(std::string_view(pair.key).substr(std::string_view(key::followed).size()))) followed[*node] = step_in(pair.value);
    return followed;
}

void follow(etcd::Client& client, const NodeId& node, Step step) {
    const std::string key = key::followed + node.text();
    const auto before = client.get(key);
    if (!before || step_in(before->value) != step) (void)client.put(key, std::to_string(step));
}

bool advance(etcd::Client& client, const SiteId& site, const roster::Roster& roster, const std::string& who, Time now) {
    const auto stored = read(client, site);
    if (!stored || stored->value.phase() == Phase::settled) return false;
    std::set<NodeId> members;
    for (const auto* member : roster.members()) members.insert(member->node());
    const auto after = next(stored->value, read_followed(client), members, ids_of(roster.seats));
    if (!after) return false;
    auto [condition, entry] = audit::addition({.time = now, .who = who, .what = "authority.rotate", .about = "authorities", .text = fmt::format("step {}: {}", after->step(), name_of(after->phase()))});
    return client.commit({{etcd::Condition::Of::modified, key::state, stored->revision}, condition}, {etcd::Put{key::state, text_of(*after)}, entry}).done;
}

} // namespace ashlar::succession
