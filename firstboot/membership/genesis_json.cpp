#include <membership/genesis_json.hpp>

#include "mark.hpp"

#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ashlar::membership {

using namespace founding;

namespace {

constexpr JsonDocument message_document{.kind = "message", .name = "genesis", .remedy = ""};
constexpr JsonDocument journal_document{.kind = "state", .name = "genesis", .remedy = "the node has lost what it knew of its site's genesis: install it again"};

constexpr std::size_t most_voters = 5;

// ---- Values ---------------------------------------------------------------------------------------

Json json_of(const Ballot& ballot) { return {{"round", ballot.round}, {"proposer", ballot.proposer.text()}, {"mark", text_of_mark(ballot.mark)}}; }
Ballot ballot_in(JsonObject& parent, const std::string& key, const JsonDocument& document) {
    JsonObject object(parent.at(key), document, "'" + key + "'");
    Ballot ballot{.round = object.number("round"), .proposer = object.id<NodeId>("proposer"), .mark = mark_in(object)};
    object.finish();
    return ballot;
}

Json json_of(const Electorate& electorate) {
    Json list = Json::array();
    for (const auto& elector : electorate) list.push_back({{"place", elector.place}, {"node", elector.node.text()}});
    return list;
}
Electorate electorate_in(JsonObject& parent, const std::string& key, const JsonDocument& document) {
    Electorate electorate;
    for (const Json& entry : parent.list(key)) {
        JsonObject object(entry, document, "an entry of '" + key + "'");
        electorate.push_back({object.text("place"), object.id<NodeId>("node")});
        object.finish();
    }
    const auto less = [](const Elector& a, const Elector& b) { return a.place < b.place; };
    const auto not_less = [&](const Elector& a, const Elector& b) { return !less(a, b); };
    if (electorate.empty() || electorate.size() > most_voters || std::ranges::adjacent_find(electorate, not_less) != electorate.end())
        throw parent.refusal("'" + key + "' is no list of voters, each place once and in order");
    return electorate;
}

Json json_of(const Genesis& genesis) { return {{"id", genesis.id.text()}, {"voters", json_of(genesis.voters)}, {"value", base64(genesis.value)}}; }
Genesis genesis_in(JsonObject& parent, const std::string& key, const JsonDocument& document) {
    JsonObject object(parent.at(key), document, "'" + key + "'");
    Genesis genesis{.id = object.id<GenesisId>("id"), .voters = electorate_in(object, "voters", document), .value = object.bytes("value")};
    object.finish();
    return genesis;
}

Json json_of(const Vote& vote) { return {{"ballot", json_of(vote.ballot)}, {"genesis", json_of(vote.genesis)}}; }
Vote vote_in(JsonObject& parent, const std::string& key, const JsonDocument& document) {
    JsonObject object(parent.at(key), document, "'" + key + "'");
    Vote vote{.ballot = ballot_in(object, "ballot", document), .genesis = genesis_in(object, "genesis", document)};
    object.finish();
    return vote;
}

Json json_of(const Order& order) { return {{"number", order.number}, {"without", order.without}, {"despite", order.despite}, {"text", base64(bytes_of(order.text))}}; }
Order order_in(JsonObject& parent, const std::string& key, const JsonDocument& document) {
    JsonObject object(parent.at(key), document, "'" + key + "'");
    Order order{.number = object.number("number"), .without = object.texts("without"), .despite = object.texts("despite"), .text = std::string(text_of(object.bytes("text")))};
    object.finish();
    return order;
}

Summary summary_in(JsonObject& object, const std::string& key) {
    const auto bytes = from_hex(object.text(key));
    Summary summary{};
    if (!bytes || bytes->size() != summary.size()) throw object.refusal("'" + key + "' is not 32 hexadecimal digits");
    std::ranges::copy(*bytes, summary.begin());
    return summary;
}

// ---- What need not be there -----------------------------------------------------------------------

template <typename Value> void add(Json& json, const char* key, const std::optional<Value>& value) {
    if (value) json[key] = json_of(*value);
}
template <typename Read> auto if_there(JsonObject& object, const char* key, const JsonDocument& document, const Read& read) -> std::optional<decltype(read(object, key, document))> {
    return object.has(key) ? std::optional(read(object, key, document)) : std::nullopt;
}

// ---- Messages -----------------------------------------------------------------------------------------

Json body(const Prepare& prepare) {
    Json json{{"type", "prepare"}, {"ballot", json_of(prepare.ballot)}, {"electorate", json_of(prepare.electorate)}, {"charter", to_hex(prepare.charter)}};
    add(json, "order", prepare.order);
    return json;
}
Json body(const Promise& promise) {
    Json json{{"type", "promise"}, {"ballot", json_of(promise.ballot)}, {"offer", base64(promise.offer)}};
    add(json, "accepted", promise.accepted);
    return json;
}
Json body(const Propose& propose) { return {{"type", "propose"}, {"ballot", json_of(propose.ballot)}, {"genesis", json_of(propose.genesis)}}; }
Json body(const Accepted& accepted) { return {{"type", "accepted"}, {"ballot", json_of(accepted.ballot)}}; }
Json body(const Refused& refused) {
    Json json{{"type", "refused"}, {"ballot", json_of(refused.ballot)}, {"objection", name_of(refused.objection)}};
    add(json, "promised", refused.promised);
    return json;
}
Json body(const Ask&) { return {{"type", "ask"}}; }
Json body(const Known& known) {
    Json json{{"type", "known"}};
    add(json, "genesis", known.genesis);
    return json;
}

constexpr std::array objections{Objection::older, Objection::unpromised, Objection::other_voters, Objection::no_voter, Objection::foreign_data, Objection::exists, Objection::conflict};
Objection objection_in(JsonObject& object) {
    const std::string name = object.text("objection");
    const auto found = std::ranges::find(objections, name, [](Objection objection) { return std::string(name_of(objection)); });
    if (found == objections.end()) throw object.refusal("'objection' is none that is known");
    return *found;
}

Message read(JsonObject& object, const std::string& type) {
    const auto& document = message_document;
    if (type == "prepare")
        return Prepare{.ballot = ballot_in(object, "ballot", document),
                       .electorate = electorate_in(object, "electorate", document),
                       .charter = summary_in(object, "charter"),
                       .order = if_there(object, "order", document, order_in)};
    if (type == "promise") return Promise{.ballot = ballot_in(object, "ballot", document), .accepted = if_there(object, "accepted", document, vote_in), .offer = object.bytes("offer")};
    if (type == "propose") return Propose{.ballot = ballot_in(object, "ballot", document), .genesis = genesis_in(object, "genesis", document)};
    if (type == "accepted") return Accepted{.ballot = ballot_in(object, "ballot", document)};
    if (type == "refused") return Refused{.ballot = ballot_in(object, "ballot", document), .objection = objection_in(object), .promised = if_there(object, "promised", document, ballot_in)};
    if (type == "ask") return Ask{};
    if (type == "known") return Known{.genesis = if_there(object, "genesis", document, genesis_in)};
    throw object.refusal("its type is none that is known");
}

} // namespace

Json to_json(const Message& message) {
    return std::visit([](const auto& one) { return body(one); }, message);
}

Message message_from(const Json& json) {
    JsonObject object(json, message_document, "it");
    Message message = read(object, object.text("type"));
    object.finish();
    return message;
}

Json to_json(const Journal& journal) {
    Json json{{"format", 1}, {"settled", journal.settled}};
    add(json, "promised", journal.votes.promised);
    add(json, "accepted", journal.votes.accepted);
    add(json, "order", journal.order);
    add(json, "genesis", journal.genesis);
    if (journal.told) json["told"] = journal.told->text();
    return json;
}

Journal journal_from(const Json& json) {
    const auto& document = journal_document;
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Journal journal{.votes = {.promised = if_there(object, "promised", document, ballot_in), .accepted = if_there(object, "accepted", document, vote_in)},
                    .order = if_there(object, "order", document, order_in),
                    .genesis = if_there(object, "genesis", document, genesis_in),
                    .settled = object.boolean("settled")};
    if (object.has("told")) journal.told = object.id<GenesisId>("told");
    object.finish();
    return journal;
}

founding::Journal journal_in(const std::filesystem::path& state) {
    const auto record = state::read(state);
    return record && record->content.contains(genesis_member) ? journal_from(record->content.at(genesis_member)) : founding::Journal{};
}

} // namespace ashlar::membership
