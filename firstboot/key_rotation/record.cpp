#include <key_rotation/record.hpp>

#include <base/error.hpp>
#include <base/json.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::key_rotation {

namespace {

constexpr JsonDocument document{.kind = "record", .name = "site key", .remedy = "a newer release has written it, or etcd was written by something else"};

std::string purpose_of(const SiteId& site, const site::KeyId& key) { return fmt::format("ashlar site key of voters 1 {} {}", site.text(), key.text()); }

Json json_of(const SealedKey& key) {
    Json copies = Json::object();
    for (const auto& [node, copy] : key.copies) copies[node.text()] = base64(copy);
    return {{"id", key.id.text()}, {"sealed", std::move(copies)}};
}

SealedKey sealed_from(const Json& json, const std::string& place) {
    JsonObject object(json, document, place);
    SealedKey key{.id = object.id<site::KeyId>("id"), .copies = {}};
    const Json& copies = object.at("sealed");
    object.finish();
    if (!copies.is_object()) throw object.refusal("'sealed' is no object");
    for (const auto& [name, copy] : copies.items()) {
        const auto node = NodeId::parse(name);
        auto bytes = copy.is_string() ? from_base64(copy.get_ref<const std::string&>()) : std::nullopt;
        if (!node || !bytes) throw object.refusal("'sealed' holds something that is no node's copy");
        key.copies.emplace(*node, std::move(*bytes));
    }
    return key;
}

// Whether it changed anything.
bool give_copies(SealedKey& key, const Voters& voters, const SiteId& site, const SigningKey& voter) {
    const auto before = key;
    std::erase_if(key.copies, [&](const auto& copy) { return !voters.contains(copy.first); });
    const bool all_have = std::ranges::all_of(voters, [&](const auto& one) { return key.copies.contains(one.first); });
    if (!all_have) {
        const auto plain = opened(key, site, voter);
        if (!plain) return false;
        auto whole = sealed(*plain, voters);
        for (auto& [node, copy] : whole.copies) key.copies.emplace(node, std::move(copy));
    }
    return key != before;
}

} // namespace

std::string text_of(const Record& record) {
    Json json{{"format", 1}, {"algorithm", node_sealing_algorithm}, {"key", json_of(record.key)}};
    if (record.former) json["former"] = json_of(*record.former);
    return tuf::canonical_json(json);
}

Record record_from(std::string_view text) {
    const Json json = parse_strict_json(text, "site key");
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    object.expect("algorithm", node_sealing_algorithm);
    Record record{.key = sealed_from(object.at("key"), "'key'"), .former = std::nullopt};
    if (object.has("former")) record.former = sealed_from(object.at("former"), "'former'");
    object.finish();
    return record;
}

Voters voters_in(const roster::Roster& roster) {
    Voters voters;
    for (const auto& [node, seat] : roster.seats)
        if (const auto* const member = roster.member(node)) voters.emplace(node, member->key);
    return voters;
}

SealedKey sealed(const site::SiteKey& key, const Voters& voters) {
    SealedKey sealed{.id = key.id(), .copies = {}};
    for (const auto& [node, to] : voters) sealed.copies.emplace(node, seal_to_node(to, purpose_of(key.site(), sealed.id), key.text()));
    return sealed;
}

std::optional<site::SiteKey> opened(const SealedKey& sealed, const SiteId& site, const SigningKey& voter) {
    const auto copy = sealed.copies.find(node_id_of(voter.verifying_key()));
    if (copy == sealed.copies.end()) return std::nullopt;
    const auto text = unseal(voter, purpose_of(site, sealed.id), copy->second);
    if (!text) throw Error("cannot open the site's key: the copy for this voter is not sealed to its key, or was changed", "rotate it: all voters get another one");
    auto key = site::SiteKey::parse(text->text(), "site.key");
    if (key.id() != sealed.id || key.site() != site) throw Error("cannot use the site's key: it is another one than it is said to be", "rotate it: all voters get another one");
    return key;
}

std::string text_of(const Held& held) { return held.former ? held.key.text() + ',' + held.former->text() : held.key.text(); }

std::optional<Held> held_in(std::string_view text) {
    const auto comma = text.find(',');
    const auto key = site::KeyId::parse(text.substr(0, comma));
    if (!key) return std::nullopt;
    if (comma == std::string_view::npos) return Held{*key, std::nullopt};
    const auto former = site::KeyId::parse(text.substr(comma + 1));
    return former && *former != *key ? std::optional(Held{*key, former}) : std::nullopt;
}

std::vector<std::string> missing(const Record& record, const roster::Roster& roster, const Reports& reports) {
    std::vector<std::string> names;
    for (const auto* member : roster.members()) {
        const auto said = reports.find(member->node());
        if (said == reports.end() || said->second.key != record.key.id) names.push_back(member->bearer.name);
    }
    return names;
}

std::optional<Record> tended(const Record& record, const roster::Roster& roster, const Reports& reports, const SiteId& site, const SigningKey& voter) {
    const Voters voters = voters_in(roster);
    Record next = record;
    bool is_new = give_copies(next.key, voters, site, voter);
    if (next.former && missing(record, roster, reports).empty()) {
        next.former.reset();
        is_new = true;
    } else if (next.former) {
        is_new = give_copies(*next.former, voters, site, voter) || is_new;
    }
    return is_new ? std::optional(std::move(next)) : std::nullopt;
}

std::string key::held_by(const NodeId& node) { return std::string(held) + node.text(); }

} // namespace ashlar::key_rotation
