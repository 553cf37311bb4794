#include <etcd/client.hpp>

#include <signing/base64.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::etcd {

namespace {

// gRPC's: what the gateway says in "code".
constexpr int deadline_exceeded = 4, unavailable = 14;

std::string encoded(std::string_view bytes) { return base64(bytes_of(bytes)); }

// The first key behind all that begin with `prefix`; "\0" is behind everything.
std::string end_of(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return std::string(1, '\0');
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}
// etcd has no empty key: its beginning of everything is "\0".
std::string begin_of(const std::string& prefix) { return prefix.empty() ? std::string(1, '\0') : prefix; }

Error unreadable() { return Error("cannot read the answer of 'etcd': it is not in etcd's form"); }

// The gateway writes 64-bit numbers as text, and leaves out what is 0 or empty.
Revision number(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return 0;
    Revision value = 0;
    const std::string text = found->is_string() ? found->get<std::string>() : throw unreadable();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw unreadable();
    return value;
}
std::string text(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return {};
    return found->is_string() ? found->get<std::string>() : throw unreadable();
}
bool flag(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && *found == true;
}
std::string bytes(const Json& object, const char* name) {
    const std::string value = text(object, name);
    if (value.empty()) return {};
    const auto read = from_base64(value, std::size_t{4} << 20U);
    return read ? std::string(text_of(*read)) : throw unreadable();
}
const Json& list(const Json& object, const char* name) {
    static const Json none = Json::array();
    const auto found = object.find(name);
    if (found == object.end()) return none;
    return found->is_array() ? *found : throw unreadable();
}
Revision revision_in(const Json& answer) {
    const auto header = answer.find("header");
    if (header == answer.end() || !header->is_object()) throw unreadable();
    return number(*header, "revision");
}

Range range_in(const Json& answer) {
    Range range{.revision = revision_in(answer), .pairs = {}};
    for (const Json& pair : list(answer, "kvs")) range.pairs.push_back({.key = bytes(pair, "key"), .value = bytes(pair, "value"), .created = number(pair, "create_revision"), .modified = number(pair, "mod_revision")});
    return range;
}

// The newest key alone, and how many there are.
Json extent_of(const std::string& prefix) {
    return {{"key", encoded(begin_of(prefix))}, {"range_end", encoded(end_of(prefix))}, {"sort_order", "DESCEND"}, {"sort_target", "MOD"}, {"limit", "1"}, {"keys_only", true}};
}
Extent extent_in(const Json& answer) {
    const Json newest = list(answer, "kvs");
    return {.newest = newest.empty() ? 0 : number(newest.front(), "mod_revision"), .keys = number(answer, "count")};
}

Json json_of(const Condition& condition) {
    const bool created = condition.of == Condition::Of::created;
    return {{"key", encoded(condition.key)}, {"result", "EQUAL"}, {"target", created ? "CREATE" : "MOD"}, {created ? "create_revision" : "mod_revision", std::to_string(condition.is)}};
}
Json json_of(const Change& change) {
    if (const auto* put = std::get_if<Put>(&change)) return {{"request_put", {{"key", encoded(put->key)}, {"value", encoded(put->value)}}}};
    return {{"request_delete_range", {{"key", encoded(std::get<Delete>(change).key)}}}};
}

template <typename Part> Json list_of(const std::vector<Part>& parts) {
    Json all = Json::array();
    for (const Part& part : parts) all.push_back(json_of(part));
    return all;
}

// What a member said that was not the answer.
struct Complaint {
    std::string text;
    bool passes; // another member, or this one later, may do better
};
Complaint complaint_in(const Door::Answer& answer) {
    const Json json = Json::parse(answer.body, nullptr, false);
    if (!json.is_object()) return {fmt::format("HTTP status {}", answer.status), answer.status >= 500};
    const auto code = json.find("code");
    const bool passes = code != json.end() && (*code == unavailable || *code == deadline_exceeded);
    return {json.contains("message") ? text(json, "message") : fmt::format("HTTP status {}", answer.status), passes};
}

// A line of a watch in which something has changed. The first one only says that it watches.
bool has_event(std::string_view line) { return line.find("\"events\"") != line.npos; }

} // namespace

Client::Client(Door& door, std::vector<std::string> endpoints, std::chrono::milliseconds timeout) : door_(door), endpoints_(std::move(endpoints)), timeout_(timeout) {
    if (endpoints_.empty()) throw Error("cannot ask 'etcd': none of its members is known");
}

Json Client::ask(std::string_view what, const std::string& path, const Json& body, Kind kind) {
    std::string causes;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        const std::string endpoint = endpoints_[i];
        const auto answered = door_.ask(endpoint, path, body.dump(), timeout_, nullptr);
        const auto* const answer = std::get_if<Door::Answer>(&answered);
        if (answer != nullptr && answer->status == 200) {
            std::rotate(endpoints_.begin(), endpoints_.begin() + static_cast<std::ptrdiff_t>(i), endpoints_.end());
            return parse_json(answer->body, "answer of etcd");
        }
        const Complaint complaint = answer != nullptr ? complaint_in(*answer) : Complaint{std::get<Door::NoAnswer>(answered).cause, true};
        if (!complaint.passes) throw Error(fmt::format("cannot {}: etcd on {} says: {}", what, endpoint, complaint.text));
        causes += fmt::format("{}{}: {}", causes.empty() ? "" : "; ", endpoint, complaint.text);
        const bool may_be_done = answer != nullptr || std::get<Door::NoAnswer>(answered).may_have_arrived;
        if (kind == Kind::write && may_be_done) throw OutcomeUnknown(fmt::format("cannot say whether it was possible to {}: {}", what, causes), "read what is there before writing again");
    }
    throw Error(fmt::format("cannot {}: no member of etcd answers: {}", what, causes), "`ashlarctl status` shows the voters and the quorum");
}

std::optional<Pair> Client::get(const std::string& key) {
    Range range = range_in(ask(fmt::format("read '{}'", key), "/v3/kv/range", {{"key", encoded(key)}}, Kind::read));
    if (range.pairs.empty()) return std::nullopt;
    return std::move(range.pairs.front());
}

Range Client::range(const std::string& prefix) {
    return range_in(ask(fmt::format("read '{}…'", prefix), "/v3/kv/range",
                        {{"key", encoded(begin_of(prefix))}, {"range_end", encoded(end_of(prefix))}, {"sort_order", "ASCEND"}, {"sort_target", "KEY"}}, Kind::read));
}

Range Client::between(const std::string& first, const std::string& end) {
    return range_in(ask(fmt::format("read from '{}' to '{}'", first, end), "/v3/kv/range",
                        {{"key", encoded(begin_of(first))}, {"range_end", encoded(begin_of(end))}, {"sort_order", "ASCEND"}, {"sort_target", "KEY"}}, Kind::read));
}

Range Client::last(const std::string& prefix, std::size_t most) {
    if (most == 0) return {}; // of etcd that is: all
    return range_in(ask(fmt::format("read the last of '{}…'", prefix), "/v3/kv/range",
                        {{"key", encoded(begin_of(prefix))}, {"range_end", encoded(end_of(prefix))}, {"sort_order", "DESCEND"}, {"sort_target", "KEY"}, {"limit", std::to_string(most)}}, Kind::read));
}

Extent Client::extent(const std::string& prefix) { return extent_in(ask(fmt::format("look at '{}…'", prefix), "/v3/kv/range", extent_of(prefix), Kind::read)); }

std::vector<Extent> Client::extents(const std::vector<std::string>& prefixes) {
    Json questions = Json::array();
    for (const auto& prefix : prefixes) questions.push_back({{"request_range", extent_of(prefix)}});
    const Json answer = ask("look at what there is", "/v3/kv/txn", {{"success", std::move(questions)}}, Kind::read);
    std::vector<Extent> extents;
    for (const Json& response : list(answer, "responses")) extents.push_back(extent_in(response.contains("response_range") ? response["response_range"] : throw unreadable()));
    if (extents.size() != prefixes.size()) throw unreadable();
    return extents;
}

Revision Client::put(const std::string& key, const std::string& value) {
    return revision_in(ask(fmt::format("write '{}'", key), "/v3/kv/put", {{"key", encoded(key)}, {"value", encoded(value)}}, Kind::write));
}

Revision Client::remove(const std::string& key) {
    return revision_in(ask(fmt::format("remove '{}'", key), "/v3/kv/deleterange", {{"key", encoded(key)}}, Kind::write));
}

Committed Client::commit(const std::vector<Condition>& conditions, const std::vector<Change>& changes) {
    const Json answer = ask("commit a transaction", "/v3/kv/txn", {{"compare", list_of(conditions)}, {"success", list_of(changes)}}, Kind::write);
    return {.done = flag(answer, "succeeded"), .revision = revision_in(answer)};
}

std::vector<ClusterMember> Client::members() {
    std::vector<ClusterMember> members;
    const Json answer = ask("list the members", "/v3/cluster/member/list", Json::object(), Kind::read);
    for (const Json& json : list(answer, "members")) {
        ClusterMember member{.id = text(json, "ID"), .name = text(json, "name"), .peer_urls = {}, .learner = flag(json, "isLearner")};
        for (const Json& url : list(json, "peerURLs")) member.peer_urls.push_back(url.is_string() ? url.get<std::string>() : throw unreadable());
        members.push_back(std::move(member));
    }
    return members;
}

void Client::add_learner(const std::string& peer_url) {
    (void)ask(fmt::format("add the member at '{}'", peer_url), "/v3/cluster/member/add", {{"peerURLs", {peer_url}}, {"isLearner", true}}, Kind::write);
}

bool Client::promote(const std::string& id) {
    constexpr std::string_view behind = "in sync with leader";
    try {
        (void)ask(fmt::format("give member {} a vote", id), "/v3/cluster/member/promote", {{"ID", id}}, Kind::write);
    } catch (const OutcomeUnknown&) {
        throw;
    } catch (const Error& error) {
        if (error.message().find(behind) == std::string::npos) throw;
        return false;
    }
    return true;
}

void Client::remove_member(const std::string& id) { (void)ask(fmt::format("remove member {}", id), "/v3/cluster/member/remove", {{"ID", id}}, Kind::write); }

bool Client::wait(const std::string& prefix, Revision revision, std::chrono::milliseconds time) {
    const Json body{{"create_request", {{"key", encoded(begin_of(prefix))}, {"range_end", encoded(end_of(prefix))}, {"start_revision", std::to_string(revision + 1)}}}};
    const auto answered = door_.ask(endpoints_.front(), "/v3/watch", body.dump(), time, has_event);
    const auto* const answer = std::get_if<Door::Answer>(&answered);
    if (answer != nullptr && answer->status == 200) return has_event(answer->body);
    // Whoever asked reads after each wait, and learns there whether etcd answers at all.
    std::rotate(endpoints_.begin(), endpoints_.begin() + 1, endpoints_.end());
    return false;
}

} // namespace ashlar::etcd
