#include <reset/note.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace ashlar::reset {

namespace fs = std::filesystem;

namespace {

constexpr const char *ordered = "reset", *done = "last_reset";
// How the signature is bound to its purpose: SSHSIG's namespace.
constexpr const char* purpose = "ashlar-factory-reset";

// Beside the names, the floors and the note. All else in a state belongs to the node that is gone.
constexpr std::array kept{"format", "installed", "access"};

Json json_of(const Name& name) { return {{"hostname", name.hostname}, {"machine_id", name.machine_id}}; }
Name name_from(const Json& json) { return {json.at("hostname").get<std::string>(), json.at("machine_id").get<std::string>()}; }

Json json_of(const Erasure& erasure) {
    Json ways = Json::array();
    for (const Way way : erasure.ways) ways.push_back(name_of(way));
    Json json{{"bytes", erasure.bytes}, {"ways", std::move(ways)}};
    if (!erasure.no_discard.empty()) json["no_discard"] = erasure.no_discard;
    return json;
}

} // namespace

std::string text_of(const Order& order) {
    return Json{{"format", 1},
                {"node", json_of(order.node)},
                {"next", json_of(order.next)},
                {"site", order.site},
                {"release", order.release},
                {"time", order.time},
                {"by", order.by},
                {"erases", {{"partition", order.partition}, {"bytes", order.bytes}, {"encrypted", order.content == Content::encrypted}}}}
        .dump();
}

Order order_from(std::string_view text) {
    try {
        const Json json = parse_json(text, "order of a factory reset");
        const Json& erases = json.at("erases");
        return {.node = name_from(json.at("node")),
                .next = name_from(json.at("next")),
                .site = json.at("site").get<std::string>(),
                .release = json.at("release").get<std::string>(),
                .time = json.at("time").get<std::string>(),
                .by = json.at("by").get<unsigned>(),
                .partition = erases.at("partition").get<std::string>(),
                .bytes = erases.at("bytes").get<std::uint64_t>(),
                .content = erases.at("encrypted").get<bool>() ? Content::encrypted : Content::plain};
    } catch (const Json::exception& failure) {
        throw Error(fmt::format("cannot read the order of a factory reset: {}", failure.what()));
    }
}

Json signed_note(const Order& order, const fs::path& key) {
    if (!fs::exists(key))
        throw Error(fmt::format("cannot sign the order of a factory reset: the node has no key '{}'", key.native()), "sshd makes it when it starts: `systemctl status ssh`");
    const std::string text = text_of(order);
    const std::string signature = run_checked({.argv = {"ssh-keygen", "-q", "-Y", "sign", "-n", purpose, "-f", key.native()}, .input = text});
    return {{"order", text}, {"public_key", trim(read_file(key.native() + ".pub"))}, {"signature", signature}};
}

bool is_ordered(const Json& state) { return state.contains(ordered); }

Order order_in(const Json& state) { return order_from(state.at(ordered).at("order").get<std::string>()); }

bool is_erased(const Json& state) { return state.at(ordered).contains("erased"); }

Json with_order(Json state, const Json& note) {
    state[ordered] = note;
    return state;
}

Json with_erasure(Json state, const Erasure& erasure) {
    state[ordered]["erased"] = json_of(erasure);
    return state;
}

Json after_reset(const Json& state, const Json& encryption, const std::string& time) {
    const Name next = order_in(state).next;
    Json after{{"machine_id", next.machine_id}, {"hostname", next.hostname}};
    for (const auto& [member, value] : state.items())
        if (is_floor(member) || std::ranges::find(kept, member) != kept.end()) after[member] = value;
    if (!encryption.is_null()) after["encryption"] = encryption;
    after[done] = state.at(ordered);
    after[done]["time"] = time;
    return after;
}

bool is_floor(std::string_view member) { return member == "floor" || member.ends_with("_floor"); }

std::string time_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

} // namespace ashlar::reset
