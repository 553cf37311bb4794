#include <certificates/succession.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::certificates {

namespace {

std::string statement(const SiteId& site, const SiteCertificate& before, const SiteCertificate& after) {
    return fmt::format("ashlar authority succession 1\n{}\n{}\n{}", site.text(), before.digest().hex(), after.digest().hex());
}

constexpr JsonDocument document{.kind = "record", .name = "authorities", .remedy = ""};

bool holds(const Succession& succession, const SiteId& site) {
    for (const SiteCertificate* const one : {&succession.before, &succession.after})
        if (std::holds_alternative<Refusal>(Trust::pinned(site, one->der(), one->digest()))) return false;
    return succession.before.key().verifies(bytes_of(statement(site, succession.before, succession.after)), succession.signature);
}

} // namespace

Succession succession(const Authority& before, const SiteCertificate& after) {
    const auto key = SigningKey::from_secret(before.secret(), "authority");
    return {before.certificate(), after, key.sign(bytes_of(statement(before.trust().site(), before.certificate(), after)))};
}

// Each is used once, so that a circle ends.
bool leads(const std::vector<Succession>& successions, const SiteId& site, const Digest& known, const Digest& now) {
    Digest at = known;
    for (std::size_t steps = 0; at != now && steps < successions.size(); ++steps) {
        const auto next = std::ranges::find_if(successions, [&](const Succession& one) { return one.before.digest() == at && holds(one, site); });
        if (next == successions.end()) return false;
        at = next->after.digest();
    }
    return at == now;
}

// ---- Lineage -----------------------------------------------------------------------------------

namespace {

Json json_of(const AuthorityPair& pair) { return {{"authority", base64(pair.site.der())}, {"etcd_authority", base64(pair.etcd.der())}}; }
Json json_of(const Succession& one) { return {{"before", base64(one.before.der())}, {"after", base64(one.after.der())}, {"signature", base64(one.signature)}}; }

SiteCertificate authority_in(JsonObject& object, const std::string& name, const SiteId& site) {
    SiteCertificate certificate = SiteCertificate::from_der(object.bytes(name), "authority");
    const auto trust = Trust::pinned(site, certificate.der(), certificate.digest());
    if (const auto* const refusal = std::get_if<Refusal>(&trust)) throw object.refusal(fmt::format("'{}': {}", name, refusal->text));
    return certificate;
}
AuthorityPair pair_in(const Json& json, const SiteId& site) {
    JsonObject object(json, document, "a pair of authorities");
    AuthorityPair pair{.site = authority_in(object, "authority", site), .etcd = authority_in(object, "etcd_authority", site)};
    object.finish();
    if (pair.site.key() == pair.etcd.key()) throw object.refusal("etcd's authority is the site's");
    return pair;
}
Succession succession_in(const Json& json, const SiteId& site) {
    JsonObject object(json, document, "a succession");
    Succession one{.before = authority_in(object, "before", site), .after = authority_in(object, "after", site), .signature = object.bytes("signature")};
    object.finish();
    return one;
}

Trust pinned(const SiteCertificate& certificate, const SiteId& site) {
    auto trust = Trust::pinned(site, certificate.der(), certificate.digest());
    if (const auto* const refusal = std::get_if<Refusal>(&trust)) throw Error(fmt::format("cannot use the site's authority: {}", refusal->text));
    return std::get<Trust>(std::move(trust));
}

} // namespace

Trust Lineage::trust(const SiteId& site) const {
    const Trust trust = pinned(issuing.site, site);
    return also ? trust.and_also(pinned(also->site, site)) : trust;
}

Json to_json(const Lineage& lineage) {
    Json json{{"format", 1}, {"step", lineage.step}, {"issuing", json_of(lineage.issuing)}, {"successions", Json::array()}};
    if (lineage.also) json["also"] = json_of(*lineage.also);
    for (const auto& one : lineage.successions) json["successions"].push_back(json_of(one));
    return json;
}

Lineage lineage_in(const Json& json, const SiteId& site) {
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Lineage lineage{.step = object.number("step"), .issuing = pair_in(object.at("issuing"), site), .also = object.has("also") ? std::optional(pair_in(object.at("also"), site)) : std::nullopt, .successions = {}};
    for (const Json& one : object.list("successions")) lineage.successions.push_back(succession_in(one, site));
    object.finish();
    if (lineage.successions.size() > most_successions) throw object.refusal(fmt::format("it has more than {} successions", most_successions));
    return lineage;
}

} // namespace ashlar::certificates
