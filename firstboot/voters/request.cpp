#include <voters/request.hpp>

#include <base/error.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::voters {

namespace {

using certificates::Right;

constexpr JsonDocument request_document{.kind = "message", .name = "request", .remedy = ""};
constexpr JsonDocument answer_document{.kind = "message", .name = "answer", .remedy = ""};
constexpr std::size_t most_text = 4096, most_files = 8, most_base64 = std::size_t{1} << 20U; // a frame has no more

constexpr std::array reasons{std::pair{Reason::malformed, "malformed"},     std::pair{Reason::unknown_ask, "unknown-ask"}, std::pair{Reason::not_allowed, "not-allowed"},
                             std::pair{Reason::not_member, "not-member"},   std::pair{Reason::to_wipe, "to-wipe"},   std::pair{Reason::not_found, "not-found"},     std::pair{Reason::not_now, "not-now"},
                             std::pair{Reason::takes_two, "takes-two"},     std::pair{Reason::too_many, "too-many"},       std::pair{Reason::unavailable, "unavailable"},
                             std::pair{Reason::unknown, "unknown"}};

Asks table(std::vector<Ask> rows) {
    Asks asks;
    for (auto& row : rows) asks.emplace(row.name, row);
    return asks;
}

bool is_base64(const Json& value) { return bytes_in(value).has_value(); }
bool is_some_base64(const Json& value) { return is_base64(value) && value != ""; }

bool is_of(Kind kind, const Json& value) {
    switch (kind) {
    case Kind::text: return value.is_string() && !value.get_ref<const std::string&>().empty() && value.get_ref<const std::string&>().size() <= most_text;
    case Kind::number: return value.is_number_integer() && (value.is_number_unsigned() || value.get<std::int64_t>() >= 0);
    case Kind::bytes: return is_some_base64(value);
    case Kind::maybe_bytes: return value.is_null() || is_base64(value);
    case Kind::files: return value.is_object() && !value.empty() && value.size() <= most_files && std::ranges::all_of(value, is_some_base64);
    case Kind::object: return value.is_object();
    }
    return false;
}

std::string text_in(const Json& value) {
    return std::string(text_of(*bytes_in(value)));
}

Refusal malformed(std::string text) { return {Reason::malformed, one_line(text), {}}; }

// What is left of a message when its frame is taken off.
std::optional<Refusal> fault_of(const Ask& ask, const Json& parameters) {
    for (const auto& parameter : ask.parameters) {
        if (!parameters.contains(parameter.name)) return malformed(fmt::format("'{}' wants '{}'", ask.name, parameter.name));
        if (!is_of(parameter.kind, parameters.at(parameter.name))) return malformed(fmt::format("'{}' of '{}' has not its form", parameter.name, ask.name));
    }
    for (const auto& [name, value] : parameters.items())
        if (std::ranges::find(ask.parameters, name, &Parameter::name) == ask.parameters.end()) return malformed(fmt::format("'{}' knows no '{}'", ask.name, name));
    return std::nullopt;
}

} // namespace

std::string_view name_of(Reason reason) {
    return std::ranges::find(reasons, reason, [](const auto& known) { return known.first; })->second;
}

std::optional<Reason> reason_named(std::string_view name) {
    const auto found = std::ranges::find(reasons, name, [](const auto& known) { return std::string_view(known.second); });
    return found == reasons.end() ? std::nullopt : std::optional(found->first);
}

// Who may ask what: all of it. docs/formats/voters-interface.md has the same table with words.
const Asks& built_in_asks() {
    static const Asks asks = table({
        {.name = "roster", .nodes = Nodes::yes, .right = Right::view},
        {.name = "plan", .nodes = Nodes::yes, .right = Right::view},
        {.name = "store.list", .nodes = Nodes::yes, .right = Right::view, .parameters = {{"prefix", Kind::text}}},
        {.name = "store.swap", .nodes = Nodes::yes, .parameters = {{"key", Kind::text}, {"revision", Kind::number}, {"value", Kind::maybe_bytes}}},
        {.name = "store.mark", .nodes = Nodes::yes, .right = Right::view},
        {.name = "renew", .nodes = Nodes::yes, .parameters = {{"request", Kind::bytes}}},
        {.name = "service.certificate", .nodes = Nodes::yes, .parameters = {{"formation", Kind::text}, {"request", Kind::bytes}}},
        {.name = "operator.certificate", .nodes = Nodes::yes, .parameters = {{"request", Kind::bytes}}},
        {.name = "site.key", .nodes = Nodes::yes, .parameters = {{"held", Kind::text}, {"has", Kind::text}}},
        {.name = "authority", .nodes = Nodes::yes, .right = Right::view, .parameters = {{"step", Kind::number}}},

        {.name = "status", .right = Right::view},
        {.name = "audit", .right = Right::view, .parameters = {{"newest", Kind::number}}},
        {.name = "applicants", .right = Right::view},
        {.name = "site.key.status", .right = Right::view},
        {.name = "proposal.list", .right = Right::view},
        {.name = "proposal.show", .right = Right::view, .parameters = {{"proposal", Kind::text}}},

        {.name = "node.approve", .right = Right::approve, .parameters = {{"node", Kind::text}}},
        {.name = "node.deny", .right = Right::approve, .parameters = {{"node", Kind::text}}},
        {.name = "proposal.agree", .right = Right::approve, .parameters = {{"proposal", Kind::text}}},

        {.name = "node.remove", .right = Right::operate, .parameters = {{"name", Kind::text}}},
        {.name = "node.replace", .right = Right::operate, .parameters = {{"name", Kind::text}}},
        {.name = "lock.free", .right = Right::operate, .parameters = {{"name", Kind::text}}},
        {.name = "formation.retry", .right = Right::operate, .parameters = {{"name", Kind::text}}},

        {.name = "plan.apply", .right = Right::administer, .parameters = {{"files", Kind::files}}, .persons = Persons::depending},
        {.name = "secret.rotate", .right = Right::administer, .parameters = {{"formation", Kind::text}, {"secret", Kind::text}}},
        {.name = "secret.give", .right = Right::administer, .parameters = {{"formation", Kind::text}, {"secret", Kind::text}, {"value", Kind::bytes}}},
        {.name = "authority.rotate", .right = Right::administer, .parameters = {{"former", Kind::text}}},
        {.name = "authority.finish", .right = Right::administer, .parameters = {{"without", Kind::text}}},
        {.name = "backup", .right = Right::administer},
        {.name = "site.key.rotate", .right = Right::administer, .parameters = {{"key", Kind::bytes}}},
        {.name = "site.key.finish", .right = Right::administer, .parameters = {{"without", Kind::text}}},
        {.name = "node.wipe", .right = Right::administer, .parameters = {{"name", Kind::text}}, .persons = Persons::two},
        {.name = "proposal.make", .right = Right::administer, .parameters = {{"what", Kind::text}, {"parameters", Kind::object}}},
        {.name = "proposal.withdraw", .right = Right::administer, .parameters = {{"proposal", Kind::text}}},
    });
    return asks;
}

Bytes Request::bytes(const std::string& name) const { return *bytes_in(parameters.at(name)); }

std::optional<std::string> Request::maybe_bytes(const std::string& name) const {
    const Json& value = parameters.at(name);
    return value.is_null() ? std::nullopt : std::optional(text_in(value));
}

std::map<std::string, std::string> Request::files(const std::string& name) const {
    std::map<std::string, std::string> files;
    for (const auto& [file, bytes] : parameters.at(name).items()) files.emplace(file, text_in(bytes));
    return files;
}

std::variant<Request, Refusal> request_of(const std::string& ask, const Json& parameters, const Asks& asks) {
    const auto found = asks.find(ask);
    if (found == asks.end()) return Refusal{Reason::unknown_ask, one_line(fmt::format("a voter of this release does not know '{}'", ask)), {}};
    if (auto fault = fault_of(found->second, parameters)) return *std::move(fault);
    return Request{ask, parameters};
}

std::variant<Request, Refusal> request_in(const Json& message, const Asks& asks) {
    std::string ask;
    try {
        JsonObject object(message, request_document, "it");
        object.expect("format", 1);
        ask = object.text("ask");
    } catch (const Error& error) {
        return malformed(error.message());
    }
    Json parameters = message;
    parameters.erase("format");
    parameters.erase("ask");
    return request_of(ask, parameters, asks);
}

Json message_of(const Request& request) {
    Json message = request.parameters;
    message["format"] = 1;
    message["ask"] = request.ask;
    return message;
}

Json answered(const Json& answer) { return {{"format", 1}, {"answer", answer}}; }

Json refused(const Refusal& refusal) {
    Json json{{"reason", name_of(refusal.reason)}, {"text", one_line(refusal.text)}};
    if (!refusal.details.empty()) {
        json["details"] = Json::array();
        for (const auto& line : refusal.details) json["details"].push_back(one_line(line));
    }
    return {{"format", 1}, {"refused", json}};
}

std::variant<Json, Refusal> answer_in(const Json& message) {
    JsonObject object(message, answer_document, "it");
    object.expect("format", 1);
    if (!object.has("refused")) {
        const Json& answer = object.at("answer");
        object.finish();
        return answer;
    }
    JsonObject inner(object.at("refused"), answer_document, "'refused'");
    object.finish();
    const auto reason = reason_named(inner.text("reason"));
    if (!reason) throw inner.refusal("'reason' is none that is known");
    Refusal refusal{*reason, inner.text("text"), {}};
    if (inner.has("details"))
        for (const Json& line : inner.list("details")) refusal.details.push_back(line.is_string() ? line.get<std::string>() : throw inner.refusal("'details' holds something that is no text"));
    inner.finish();
    return refusal;
}

std::string one_line(std::string_view text, std::size_t most) {
    std::string line(text.substr(0, most));
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }, ' ');
    // What is no UTF-8, or was cut in two, is replaced.
    line = Json::parse(Json(line).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
    return text.size() > most ? line + "…" : line;
}

Json base64_of(std::string_view bytes) { return base64(bytes_of(bytes)); }

std::optional<Bytes> bytes_in(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? Bytes() : from_base64(text, most_base64);
}

} // namespace ashlar::voters
