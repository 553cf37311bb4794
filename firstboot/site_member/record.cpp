#include <site_member/record.hpp>

#include <signing/json_object.hpp>
#include <state/state.hpp>

namespace ashlar::site_member {

namespace {

constexpr const char* member = "membership"; // of the state
constexpr JsonDocument document{.kind = "state", .name = member, .remedy = "the node has lost what it was in its site: install it again"};

} // namespace

Json to_json(const Record& record) {
    Json json{{"format", 1}, {"certificate", base64(record.certificate->der())}, {"has_voted", record.has_voted}, {"voters", Json::array()}};
    if (!record.lost.empty()) json["lost"] = record.lost;
    if (!record.lost_by.empty()) json["lost_by"] = record.lost_by;
    for (const auto& voter : record.voters) json["voters"].push_back({{"node", voter.node.text()}, {"address", voter.address}, {"port", voter.port}});
    if (record.seat) json["seat"] = parse_json(roster::text_of(*record.seat), "seat");
    return json;
}

Record record_from(const Json& json) {
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Record record{.certificate = certificates::SiteCertificate::from_der(object.bytes("certificate"), "own"), .seat = std::nullopt, .has_voted = object.boolean("has_voted"), .lost = {}, .lost_by = {}, .voters = voters::voters_in({{"voters", object.list("voters")}})};
    if (object.has("seat")) record.seat = roster::seat_from(object.at("seat").dump());
    if (object.has("lost")) record.lost = object.texts("lost");
    if (object.has("lost_by")) record.lost_by = object.text("lost_by");
    object.finish();
    return record;
}

std::optional<Record> read_record(const std::filesystem::path& state) {
    const auto kept = state::read(state);
    return kept && kept->content.contains(member) ? std::optional(record_from(kept->content.at(member))) : std::nullopt;
}

void write_record(const std::filesystem::path& state, const Record& record) {
    state::change(state, [&](Json& content) { content[member] = to_json(record); });
}

} // namespace ashlar::site_member
