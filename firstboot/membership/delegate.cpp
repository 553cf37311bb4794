#include <membership/delegate.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::membership {

namespace {

constexpr JsonDocument offer_document{.kind = "message", .name = "offer", .remedy = ""};

genesis::Candidate candidate_in(const NodeId& node, ByteView offer) {
    const Json json = parse_json(text_of(offer), "offer");
    JsonObject object(json, offer_document, "it");
    genesis::Candidate candidate{.key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "offer"), .name = object.text("name"), .roles = {}, .addresses = object.texts("addresses")};
    for (auto& role : object.texts("roles")) candidate.roles.insert(std::move(role));
    object.finish();
    if (node_id_of(candidate.key) != node) throw object.refusal("it is not of the node that made it");
    return candidate;
}

} // namespace

Bytes Delegate::offer() const {
    const Json json{{"key", base64(parts_.key.verifying_key().der())}, {"name", parts_.name}, {"roles", parts_.roles}, {"addresses", parts_.addresses}};
    Bytes bytes;
    append(bytes, tuf::canonical_json(json));
    return bytes;
}

founding::Genesis Delegate::make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) const {
    std::vector<genesis::Candidate> candidates;
    for (const auto& [node, offer] : offers) candidates.push_back(candidate_in(node, offer));
    const GenesisId id = GenesisId::random();
    founding::Genesis made{.id = id, .voters = voters, .value = {}};
    append(made.value, genesis::text_of(parts_.past ? genesis::build_again(parts_.site, id, candidates, *parts_.past, parts_.now()) : genesis::build(parts_.site, id, candidates, parts_.now())));
    return made;
}

std::optional<std::string> Delegate::objection(const founding::Genesis& genesis) const {
    const auto checked = genesis::check(text_of(genesis.value), {parts_.site, parts_.key});
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) return refused->text;
    const auto& value = std::get<genesis::Value>(checked);
    if (value.genesis != genesis.id) return "it has another id than the one that is agreed on";
    if (auto objection = objection_to_past(value)) return objection;
    std::vector<NodeId> agreed, named;
    for (const auto& elector : genesis.voters) agreed.push_back(elector.node);
    for (const auto& voter : value.voters) named.push_back(voter.node);
    std::ranges::sort(agreed);
    std::ranges::sort(named);
    return agreed == named ? std::nullopt : std::optional<std::string>("it has other voters than those that agree");
}

// All voters restore the same, or none restores anything: nobody's medium decides it for the others.
std::optional<std::string> Delegate::objection_to_past(const genesis::Value& value) const {
    const auto& past = parts_.past;
    if (!past && !value.restores) return std::nullopt;
    if (!past) return "it restores the site from a backup, and this node's medium has no restore file";
    if (!value.restores) return "it begins the site anew, and this node's medium has a restore file";
    if (*value.restores != past->restores) return "it restores the site from another restore file than this node's medium has";
    if (value.authority != past->authorities.site.certificate() || value.etcd_authority != past->authorities.etcd.certificate()) return "its authorities are not those of the restore file";
    return std::nullopt;
}

std::optional<std::string> Delegate::objection_to_repeat(const founding::Genesis& genesis) const {
    const auto checked = genesis::check_from_outside(text_of(genesis.value), parts_.site);
    const auto* const value = std::get_if<genesis::Value>(&checked);
    return value == nullptr ? std::optional(std::get<genesis::Refused>(checked).text) : objection_to_past(*value);
}

genesis::Value value_of(const founding::Genesis& genesis, const SiteId& site) {
    auto checked = genesis::check_from_outside(text_of(genesis.value), site);
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) throw Error(fmt::format("cannot use the site's genesis: {}", refused->text));
    return std::get<genesis::Value>(std::move(checked));
}

founding::Genesis genesis_of(const genesis::Value& value) {
    founding::Genesis genesis{.id = value.genesis, .voters = {}, .value = {}};
    for (const auto& voter : value.voters) genesis.voters.push_back({voter.name, voter.node});
    std::ranges::sort(genesis.voters);
    append(genesis.value, genesis::text_of(value));
    return genesis;
}

} // namespace ashlar::membership
