#include <site_member/record.hpp>

#include <signing/json_object.hpp>
#include <state/state.hpp>

namespace ashlar::site_member {

namespace {

constexpr const char* member = "membership"; // of the state
constexpr JsonDocument document{.kind = "state", .name = member, .remedy = "the node has lost what it was in its site: install it again"};

genesis::SealedKeys keys_in(const Json& json) {
    JsonObject object(json, document, "'authority_keys'");
    genesis::SealedKeys keys{.authority = object.bytes("authority"), .etcd_authority = object.bytes("etcd_authority")};
    object.finish();
    return keys;
}

} // namespace

Json to_json(const Record& record) {
    Json json{{"format", 1}, {"certificate", base64(record.certificate->der())}, {"has_voted", record.has_voted}, {"voters", Json::array()}};
    if (!record.lost.empty()) json["lost"] = record.lost;
    if (!record.lost_by.empty()) json["lost_by"] = record.lost_by;
    for (const auto& voter : record.voters) json["voters"].push_back({{"node", voter.node.text()}, {"address", voter.address}, {"port", voter.port}});
    if (record.seat) json["seat"] = parse_json(roster::text_of(*record.seat), "seat");
    if (record.lineage) json["authorities"] = certificates::to_json(*record.lineage);
    if (record.keys) json["authority_keys"] = {{"authority", base64(record.keys->authority)}, {"etcd_authority", base64(record.keys->etcd_authority)}};
    return json;
}

Record record_from(const Json& json, const SiteId& site) {
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Record record{.certificate = certificates::SiteCertificate::from_der(object.bytes("certificate"), "own"), .seat = std::nullopt, .has_voted = object.boolean("has_voted"), .lost = {}, .lost_by = {}, .voters = voters::voters_in({{"voters", object.list("voters")}}), .lineage = std::nullopt, .keys = std::nullopt};
    if (object.has("seat")) record.seat = roster::seat_from(object.at("seat").dump());
    if (object.has("lost")) record.lost = object.texts("lost");
    if (object.has("lost_by")) record.lost_by = object.text("lost_by");
    if (object.has("authorities")) record.lineage = certificates::lineage_in(object.at("authorities"), site);
    if (object.has("authority_keys")) record.keys = keys_in(object.at("authority_keys"));
    object.finish();
    return record;
}

std::optional<Record> read_record(const std::filesystem::path& state, const SiteId& site) {
    const auto kept = state::read(state);
    return kept && kept->content.contains(member) ? std::optional(record_from(kept->content.at(member), site)) : std::nullopt;
}

void write_record(const std::filesystem::path& state, const Record& record) {
    state::change(state, [&](Json& content) { content[member] = to_json(record); });
}

} // namespace ashlar::site_member
