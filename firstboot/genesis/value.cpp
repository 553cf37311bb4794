#include <genesis/value.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace ashlar::genesis {

using certificates::Authority;
using certificates::NodeBearer;
using certificates::SiteCertificate;
using certificates::Trust;

namespace {

constexpr JsonDocument document{.kind = "genesis value", .name = "site", .remedy = ""};
constexpr std::size_t most_addresses = 8;

// Two authorities: etcd takes whoever has a certificate of its own, so that those of nodes and operators must not be.
struct Kind {
    std::string_view purpose, name;
    SiteCertificate Value::* certificate;
    Bytes Voter::* sealed;
};
constexpr Kind of_site{"ashlar authority key 1", "the authority's key", &Value::authority, &Voter::sealed_authority};
constexpr Kind of_etcd{"ashlar etcd authority key 1", "the key of etcd's authority", &Value::etcd_authority, &Voter::sealed_etcd_authority};

std::string purpose(const Kind& kind, const SiteId& site, const GenesisId& genesis) { return fmt::format("{} {} {}", kind.purpose, site.text(), genesis.text()); }

// ---- What voters must be -----------------------------------------------------------------------

template <typename Range, typename Of> bool all_different(const Range& range, Of of) {
    std::set<std::remove_cvref_t<decltype(of(*range.begin()))>> seen;
    return std::ranges::all_of(range, [&](const auto& one) { return seen.insert(of(one)).second; });
}

constexpr std::size_t most_voters = 5;

// Candidates and voters: the same rules when it is made and when it is read.
template <typename One> std::optional<std::string> fault_of(const std::vector<One>& voters) {
    // Declared are 1, 3 or 5; an operator's order may leave another number of them.
    if (voters.empty() || voters.size() > most_voters) return fmt::format("it has {} voters, not 1 to {}", voters.size(), most_voters);
    if (!all_different(voters, [](const One& one) { return one.key.der(); })) return "two voters have one key";
    if (!all_different(voters, [](const One& one) { return one.name; })) return "two voters have one name";
    std::vector<std::string> addresses;
    for (const One& one : voters) {
        if (one.addresses.empty() || one.addresses.size() > most_addresses) return fmt::format("{} has {} addresses, not 1 to {}", one.name, one.addresses.size(), most_addresses);
        addresses.insert(addresses.end(), one.addresses.begin(), one.addresses.end());
    }
    if (const auto wrong = std::ranges::find_if_not(addresses, certificates::is_address); wrong != addresses.end()) return fmt::format("'{}' is no address", *wrong);
    if (!all_different(addresses, [](const std::string& one) { return one; })) return "two voters have one address";
    return std::nullopt;
}

// ---- Making ------------------------------------------------------------------------------------

struct Beginning {
    SiteId site;
    GenesisId genesis;
    const Authority& authority;
    const Authority& etcd_authority;

    [[nodiscard]] Bytes sealed(const Kind& kind, const Authority& of, const VerifyingKey& to) const { return seal_to_node(to, purpose(kind, site, genesis), of.secret()); }
};

Voter voter_from(const Candidate& candidate, const Beginning& beginning, Time now) {
    const NodeId node = node_id_of(candidate.key);
    const NodeBearer bearer{.node = node, .name = candidate.name, .roles = candidate.roles, .addresses = {candidate.addresses.begin(), candidate.addresses.end()}};
    return {.node = node,
            .key = candidate.key,
            .name = candidate.name,
            .addresses = candidate.addresses,
            .sealed_authority = beginning.sealed(of_site, beginning.authority, candidate.key),
            .sealed_etcd_authority = beginning.sealed(of_etcd, beginning.etcd_authority, candidate.key),
            .certificate = beginning.authority.issue(bearer, candidate.key, now)};
}

Json sealed_json(const Bytes& sealed) { return {{"algorithm", node_sealing_algorithm}, {"sealed", base64(sealed)}}; }

Json json_of(const Voter& voter) {
    return {{"node", voter.node.text()},
            {"key", base64(voter.key.der())},
            {"name", voter.name},
            {"addresses", voter.addresses},
            {"authority_key", sealed_json(voter.sealed_authority)},
            {"etcd_authority_key", sealed_json(voter.sealed_etcd_authority)},
            {"certificate", base64(voter.certificate.der())}};
}

// ---- Reading -----------------------------------------------------------------------------------

Bytes sealed_in(JsonObject& voter, const std::string& member) {
    JsonObject object(voter.at(member), document, member);
    object.expect("algorithm", node_sealing_algorithm);
    Bytes sealed = object.bytes("sealed");
    object.finish();
    return sealed;
}

Voter voter_in(const Json& json) {
    JsonObject object(json, document, "a voter");
    Voter voter{.node = object.id<NodeId>("node"),
                .key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "voter"),
                .name = object.text("name"),
                .addresses = object.texts("addresses"),
                .sealed_authority = sealed_in(object, "authority_key"),
                .sealed_etcd_authority = sealed_in(object, "etcd_authority_key"),
                .certificate = SiteCertificate::from_der(object.bytes("certificate"), "voter")};
    object.finish();
    return voter;
}

Restores restores_in(const Json& json) {
    JsonObject object(json, document, "'restores'");
    const Restores restores{.genesis = object.id<GenesisId>("genesis"), .file = object.digest("file")};
    object.finish();
    return restores;
}

Value value_in(const Json& json) {
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Value value{.site = object.id<SiteId>("site"),
                .genesis = object.id<GenesisId>("genesis"),
                .restores = object.has("restores") ? std::optional(restores_in(object.at("restores"))) : std::nullopt,
                .authority = SiteCertificate::from_der(object.bytes("authority"), "authority"),
                .etcd_authority = SiteCertificate::from_der(object.bytes("etcd_authority"), "etcd's authority"),
                .voters = {}};
    for (const Json& voter : object.list("voters")) value.voters.push_back(voter_in(voter));
    object.finish();
    return value;
}

// ---- Judging -----------------------------------------------------------------------------------

std::optional<std::string> fault_of(const Voter& voter, const Trust& trust) {
    if (voter.node != node_id_of(voter.key)) return fmt::format("{} has not the node id of its key", voter.name);
    if (voter.certificate.key() != voter.key) return fmt::format("the certificate of {} is of another key", voter.name);
    const auto judgement = certificates::verify_at_no_time(voter.certificate.der(), trust);
    if (const auto* refusal = std::get_if<certificates::Refusal>(&judgement)) return fmt::format("the certificate of {} does not count: {}", voter.name, refusal->text);
    const auto* const bearer = std::get_if<NodeBearer>(&std::get<certificates::Bearer>(judgement));
    const std::set<std::string> addresses(voter.addresses.begin(), voter.addresses.end());
    if (bearer == nullptr || bearer->name != voter.name || bearer->addresses != addresses) return fmt::format("the certificate of {} says that it is another", voter.name);
    return std::nullopt;
}

const Voter* voter_with(const Value& value, const VerifyingKey& key) {
    const auto found = std::ranges::find(value.voters, key, &Voter::key);
    return found == value.voters.end() ? nullptr : &*found;
}

std::variant<Trust, Refused> trust_of(const Value& value, const Kind& kind) {
    const SiteCertificate& authority = value.*kind.certificate;
    auto trust = Trust::pinned(value.site, authority.der(), authority.digest());
    if (const auto* refusal = std::get_if<certificates::Refusal>(&trust)) return Refused{refusal->text};
    return std::get<Trust>(std::move(trust));
}

std::variant<Authority, Refused> authority_with(const Value& value, const Secret& secret, const Kind& kind) try {
    auto trust = trust_of(value, kind);
    if (const auto* refused = std::get_if<Refused>(&trust)) return *refused;
    return Authority::with(SigningKey::from_secret(secret, "authority"), std::get<Trust>(std::move(trust)));
} catch (const Error& error) {
    return Refused{error.message()};
}

std::variant<Authority, Refused> opened(const Value& value, const Bytes& sealed, const SigningKey& key, const Kind& kind) {
    const auto secret = unseal(key, purpose(kind, value.site, value.genesis), sealed);
    if (!secret) return Refused{fmt::format("{} does not open with this node's key", kind.name)};
    return authority_with(value, *secret, kind);
}

// Both, or what is wrong with the first that is wrong.
std::variant<Authorities, Refused> both(std::variant<Authority, Refused> site, std::variant<Authority, Refused> etcd) {
    if (const auto* refused = std::get_if<Refused>(&site)) return *refused;
    if (const auto* refused = std::get_if<Refused>(&etcd)) return *refused;
    return Authorities{std::get<Authority>(std::move(site)), std::get<Authority>(std::move(etcd))};
}

std::variant<Authority, Refused> opened(const Value& value, const SigningKey& key, const Kind& kind) {
    const Voter* const self = voter_with(value, key.verifying_key());
    if (self == nullptr) return Refused{"it does not name this node among the voters"};
    return opened(value, self->*kind.sealed, key, kind);
}

std::optional<std::string> fault_of(const Value& value, const SiteId& site) {
    if (value.site != site) return fmt::format("it is of the site {}", value.site.text());
    if (auto fault = fault_of(value.voters)) return fault;
    if (!std::ranges::is_sorted(value.voters, {}, &Voter::node)) return "its voters are not in order";
    if (value.restores && value.restores->genesis == value.genesis) return "it restores itself";
    if (value.authority.key() == value.etcd_authority.key()) return "etcd's authority is the site's";
    const auto trust = trust_of(value, of_site);
    if (const auto* refused = std::get_if<Refused>(&trust)) return refused->text;
    for (const Voter& voter : value.voters)
        if (auto fault = fault_of(voter, std::get<Trust>(trust))) return fault;
    return std::nullopt;
}

std::optional<std::string> fault_of_keys(const Value& value, const SigningKey& key) {
    for (const Kind& kind : {of_site, of_etcd}) {
        const auto authority = opened(value, key, kind);
        if (const auto* refused = std::get_if<Refused>(&authority)) return refused->text;
    }
    return std::nullopt;
}

} // namespace

namespace {

Value value_with(const SiteId& site, const GenesisId& genesis, const std::vector<Candidate>& candidates, const Authorities& authorities, const std::optional<Restores>& restores, Time now) {
    if (const auto fault = fault_of(candidates)) throw Error(fmt::format("cannot begin the site: {}", *fault), "declare 1, 3 or 5 voters, each with a name and addresses of its own");
    const Beginning beginning{.site = site, .genesis = genesis, .authority = authorities.site, .etcd_authority = authorities.etcd};
    Value value{.site = site, .genesis = genesis, .restores = restores, .authority = authorities.site.certificate(), .etcd_authority = authorities.etcd.certificate(), .voters = {}};
    for (const Candidate& candidate : candidates) value.voters.push_back(voter_from(candidate, beginning, now));
    std::ranges::sort(value.voters, {}, &Voter::node);
    return value;
}

} // namespace

Value build(const SiteId& site, const GenesisId& genesis, const std::vector<Candidate>& candidates, Time now) {
    return value_with(site, genesis, candidates, {Authority::found(site, now), Authority::found(site, now)}, std::nullopt, now);
}

Value build_again(const SiteId& site, const GenesisId& genesis, const std::vector<Candidate>& candidates, const Past& past, Time now) {
    return value_with(site, genesis, candidates, past.authorities, past.restores, now);
}

std::string text_of(const Value& value) {
    Json voters = Json::array();
    for (const Voter& voter : value.voters) voters.push_back(json_of(voter));
    Json json{{"format", 1},
              {"site", value.site.text()},
              {"genesis", value.genesis.text()},
              {"authority", base64(value.authority.der())},
              {"etcd_authority", base64(value.etcd_authority.der())},
              {"voters", std::move(voters)}};
    if (value.restores) json["restores"] = {{"genesis", value.restores->genesis.text()}, {"file", value.restores->file.hex()}};
    return tuf::canonical_json(json);
}

std::variant<Value, Refused> check_from_outside(std::string_view text, const SiteId& site) try {
    if (text.size() > most_value) return Refused{fmt::format("it has more than {} bytes", most_value)};
    Value value = value_in(parse_strict_json(text, "genesis value"));
    if (text_of(value) != text) return Refused{"it is not in the one form that it may have"};
    if (auto fault = fault_of(value, site)) return Refused{std::move(*fault)};
    return value;
} catch (const Error& error) {
    return Refused{error.message()};
}

std::variant<Value, Refused> check(std::string_view text, const Known& known) {
    auto checked = check_from_outside(text, known.site);
    const auto* const value = std::get_if<Value>(&checked);
    if (value == nullptr) return checked;
    if (auto fault = fault_of_keys(*value, known.key)) return Refused{std::move(*fault)};
    return checked;
}

std::optional<SealedKeys> keys_for(const Value& value, const NodeId& node) {
    const auto found = std::ranges::find(value.voters, node, &Voter::node);
    return found == value.voters.end() ? std::nullopt : std::optional(SealedKeys{found->sealed_authority, found->sealed_etcd_authority});
}

SealedKeys seal(const Value& value, const Authorities& authorities, const VerifyingKey& to) {
    const auto sealed = [&](const Kind& kind, const Authority& of) { return seal_to_node(to, purpose(kind, value.site, value.genesis), of.secret()); };
    return {.authority = sealed(of_site, authorities.site), .etcd_authority = sealed(of_etcd, authorities.etcd)};
}

std::variant<Authorities, Refused> open(const Value& value, const SealedKeys& keys, const SigningKey& key) { return both(opened(value, keys.authority, key, of_site), opened(value, keys.etcd_authority, key, of_etcd)); }

std::variant<Authorities, Refused> authorities_with(const Value& value, const Secret& authority, const Secret& etcd_authority) {
    return both(authority_with(value, authority, of_site), authority_with(value, etcd_authority, of_etcd));
}

// What is sealed in it stays as it was: nobody opens a backup by it, and it must not become a way to the keys of now for a voter that has left.
Value with_authorities(Value value, const Authorities& authorities, Time now) {
    const auto before = std::get<Trust>(trust_of(value, of_site));
    for (Voter& voter : value.voters) {
        const auto bearer = std::get<certificates::Bearer>(certificates::verify_at_no_time(voter.certificate.der(), before));
        voter.certificate = authorities.site.issue(bearer, voter.key, now);
    }
    value.authority = authorities.site.certificate();
    value.etcd_authority = authorities.etcd.certificate();
    return value;
}

std::variant<Authority, Refused> authority_in(const Value& value, const SigningKey& key) { return opened(value, key, of_site); }
std::variant<Authority, Refused> etcd_authority_in(const Value& value, const SigningKey& key) { return opened(value, key, of_etcd); }

} // namespace ashlar::genesis
