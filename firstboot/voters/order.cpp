#include <voters/order.hpp>

#include <voters/two_persons.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/json_object.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::voters {

namespace {

constexpr std::size_t most_text = 65536, most_signatures = 16;
constexpr const char* remedy = "`ashlarctl order make` on a node of the site makes one, `ashlarctl order sign` signs it";

std::int64_t seconds(Time time) { return time.time_since_epoch().count(); }
Time time_in(JsonObject& object, const char* key) { return Time(std::chrono::seconds(object.number(key))); }

Json json_of(const NamedNode& node) { return {{"name", node.name}, {"node", node.node.text()}}; }
NamedNode node_in(const Json& json, const JsonDocument& document, const char* place) {
    JsonObject object(json, document, place);
    NamedNode node{.node = object.id<NodeId>("node"), .name = object.text("name")};
    object.finish();
    return node;
}

// ---- What is signed --------------------------------------------------------------------------------

Json body(const Recovery& recovery) {
    Json lost = Json::array();
    for (const auto& node : recovery.lost) lost.push_back(json_of(node));
    return {{"what", "recover"}, {"genesis", recovery.genesis.text()}, {"survivor", json_of(recovery.survivor)}, {"lost", std::move(lost)}, {"made", seconds(recovery.made)}, {"expires", seconds(recovery.expires)}};
}
Json body(const Foundation& foundation) { return {{"what", "found"}, {"number", foundation.number}, {"without", foundation.without}, {"despite", foundation.despite}}; }

Json json_of(const Order& order) {
    Json json = std::visit([](const auto& what) { return body(what); }, order.what);
    json["_type"] = "order";
    json["format"] = 1;
    json["site"] = order.site.text();
    return json;
}

Recovery recovery_in(JsonObject& object, const JsonDocument& document) {
    Recovery recovery{.genesis = object.id<GenesisId>("genesis"), .survivor = node_in(object.at("survivor"), document, "'survivor'"), .lost = {}, .made = time_in(object, "made"), .expires = time_in(object, "expires")};
    for (const Json& node : object.list("lost")) recovery.lost.push_back(node_in(node, document, "an entry of 'lost'"));
    if (recovery.lost.empty()) throw object.refusal("'lost' names nobody");
    return recovery;
}
Foundation foundation_in(JsonObject& object) { return {.number = object.number("number"), .without = object.texts("without"), .despite = object.texts("despite")}; }

Order order_in(const Json& json, const JsonDocument& document) {
    JsonObject object(json, document, "'signed'");
    object.expect("_type", "order");
    object.expect("format", 1);
    Order order{.site = object.id<SiteId>("site"), .what = Foundation{}};
    const auto what = object.text("what");
    if (what == "recover") order.what = recovery_in(object, document);
    else if (what == "found") order.what = foundation_in(object);
    else throw object.refusal("'what' is nothing that this release knows");
    object.finish();
    return order;
}

std::string signed_text(const Order& order) { return tuf::canonical_json(json_of(order)); }

SignedOrder::Signature signature_in(const Json& json, const JsonDocument& document) {
    JsonObject object(json, document, "a signature");
    auto bytes = from_hex(object.text("sig"));
    if (!bytes) throw object.refusal("'sig' is no hexadecimal");
    SignedOrder::Signature signature{.key = object.digest("keyid"), .bytes = *std::move(bytes)};
    object.finish();
    return signature;
}

bool is_repeated(const std::vector<SignedOrder::Signature>& signatures) {
    std::set<std::string> keys;
    for (const auto& one : signatures) keys.insert(one.key.hex());
    return keys.size() != signatures.size();
}

// ---- Who orders it ---------------------------------------------------------------------------------

Error unusable(std::string_view cause, std::string hint) { return Error(fmt::format("cannot use the order: {}", cause), std::move(hint)); }

void require_right(const Recovery& recovery, const std::vector<site::Operator>& signers, Time now) {
    if (recovery.expires - recovery.made > order_life || recovery.expires < recovery.made) throw unusable("it holds for longer than a day", remedy);
    if (now >= recovery.expires) throw unusable("it has expired: it holds for a day", remedy);
    if (recovery.made - now > order_life) throw unusable("it was made in the future", "look at the clocks: `timedatectl` here, and where it was made");
    if (!are_two(signers))
        throw unusable(signers.empty() ? std::string("nobody has signed it") : fmt::format("{} cannot order it: it takes one who is 'admin', and another one, with a key of their own, who is 'approver'", names_of(signers)),
                       "`ashlarctl order sign` adds a signature");
}

void require_right(const Foundation&, const std::vector<site::Operator>& signers, Time) {
    if (std::ranges::any_of(signers, [](const site::Operator& one) { return one.has(site::OperatorRole::admin); })) return;
    throw unusable(signers.empty() ? std::string("nobody has signed it") : fmt::format("{} cannot order it: it takes one who is 'admin'", names_of(signers)), "`ashlarctl order sign` adds a signature");
}

} // namespace

std::string text_of(const SignedOrder& order) {
    Json signatures = Json::array();
    for (const auto& one : order.signatures) signatures.push_back({{"keyid", one.key.hex()}, {"sig", to_hex(one.bytes)}});
    return Json{{"signatures", std::move(signatures)}, {"signed", json_of(order.order)}}.dump(2) + "\n";
}

SignedOrder order_from(std::string_view text, std::string_view name) {
    const JsonDocument document{.kind = "order", .name = name, .remedy = remedy};
    if (text.size() > most_text) throw document.refusal("it is longer than any order");
    const Json json = parse_strict_json(text, name);
    JsonObject object(json, document, "it");
    SignedOrder order{.order = order_in(object.at("signed"), document), .signatures = {}};
    for (const Json& one : object.list("signatures")) order.signatures.push_back(signature_in(one, document));
    object.finish();
    if (order.signatures.size() > most_signatures || is_repeated(order.signatures)) throw document.refusal("it is signed twice by one key, or by too many");
    if (text_of(order) != text) throw document.refusal("it is not in the one form that it may have");
    return order;
}

SignedOrder with_signature(SignedOrder order, const MessageSigner& signer) {
    const Digest key = sha256(signer.verifying_key().der());
    if (std::ranges::find(order.signatures, key, &SignedOrder::Signature::key) != order.signatures.end()) throw Error("cannot sign the order: this key has signed it already", "another person signs with another key");
    order.signatures.push_back({.key = key, .bytes = signer.sign(bytes_of(signed_text(order.order)))});
    return order;
}

std::vector<site::Operator> signers_of(const SignedOrder& order, const site::Site& plan) {
    const std::string text = signed_text(order.order);
    std::vector<site::Operator> signers;
    for (const auto& signature : order.signatures) {
        const auto& all = plan.access.operators;
        const auto found = std::ranges::find_if(all, [&](const site::Operator& one) { return person_of(one).key == signature.key; });
        if (found == all.end()) throw unusable(fmt::format("no [[access.operator]] of the site's plan has the key {} that has signed it", signature.key.hex()), "operators sign with the keys that site.toml names");
        if (!found->key.verifies(bytes_of(text), signature.bytes)) throw unusable(fmt::format("the signature of {} is not right: it was changed after it was signed", found->name), remedy);
        signers.push_back(*found);
    }
    return signers;
}

std::vector<site::Operator> require_orderers(const SignedOrder& order, const site::Site& plan, Time now) {
    if (plan.id != order.order.site) throw unusable(fmt::format("it is of site {}", order.order.site.text()), "each site has its own");
    auto signers = signers_of(order, plan);
    std::visit([&](const auto& what) { require_right(what, signers, now); }, order.order.what);
    return signers;
}

std::string names_of(const std::vector<site::Operator>& people) {
    std::vector<std::string> names;
    for (const auto& one : people) names.push_back(one.name);
    return join(names, " and ");
}

} // namespace ashlar::voters
