#include "handlers.hpp"

#include <certificates/bearer.hpp>
#include <roster/audit.hpp>
#include <signing/base64.hpp>
#include <site/ports.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>

namespace ashlar::voters {

namespace {

constexpr std::size_t most_entries = 1000;

Json json_of(const roster::Member& member, const roster::Roster& roster) {
    return {{"node", member.node().text()},     {"name", member.bearer.name},   {"roles", member.bearer.roles}, {"addresses", member.bearer.addresses},
            {"key", base64(member.key.der())}, {"seat", roster.seats.contains(member.node())}};
}

// The name of a node, for people; of one that left, its id.
std::string named(const std::string& id, const roster::Roster& roster) {
    const auto node = NodeId::parse(id);
    const auto* const member = node ? roster.member(*node) : nullptr;
    return member == nullptr ? id : member->bearer.name;
}

Json ids_below(etcd::Client& etcd, std::string_view prefix) {
    Json ids = Json::array();
    for (const auto& pair : etcd.range(std::string(prefix)).pairs) ids.push_back(one_line(std::string_view(pair.key).substr(prefix.size())));
    return ids;
}

Json records_below(etcd::Client& etcd, std::string_view prefix, const char* name) {
    Json records = Json::array();
    for (const auto& pair : etcd.range(std::string(prefix)).pairs) {
        Json record = record_in(pair.value);
        record[name] = one_line(std::string_view(pair.key).substr(prefix.size()));
        records.push_back(std::move(record));
    }
    return records;
}

Json locks(const Occasion& occasion) {
    Json all = records_below(occasion.etcd, key::locks, "formation");
    for (Json& lock : all) {
        const std::string owner = lock.value("owner", std::string());
        lock["holder"] = named(owner, occasion.roster());
        lock["left"] = named(owner, occasion.roster()) == owner; // the holder is no node of the site any more
    }
    return all;
}

Json formations(const Occasion& occasion) {
    Json all = Json::object();
    for (const auto& pair : occasion.etcd.range(std::string(key::formations)).pairs) {
        const auto key = store_key_in(std::string_view(pair.key).substr(1));
        if (!key) continue;
        Json& formation = all.emplace(key->formation, Json{{"members", Json::array()}, {"settled", Json::array()}}).first.value();
        if (key->part == StoreKey::Part::members) formation["members"].push_back(named(key->name, occasion.roster()));
        if (key->part == StoreKey::Part::settled) formation["settled"].push_back(named(key->name, occasion.roster()));
    }
    return all;
}

Json etcd_members(const Occasion& occasion) {
    Json all = Json::array();
    for (const auto& member : occasion.etcd.members()) all.push_back({{"id", member.id}, {"name", named(member.name, occasion.roster())}, {"urls", member.peer_urls}, {"learner", member.learner}});
    return all;
}

} // namespace

std::string word_of(const Occasion& occasion) { return tuf::canonical_json({{"format", 1}, {"who", text_of(occasion.caller)}, {"time", occasion.now.time_since_epoch().count()}}); }

Json record_in(const std::string& value) {
    Json record = Json::parse(value, nullptr, false);
    return record.is_object() ? record : Json::object();
}

Outcome show_roster(const Occasion& occasion) {
    const auto& roster = occasion.roster();
    Json answer{{"members", Json::array()}, {"voters", Json::array()}};
    for (const auto* member : roster.members()) answer["members"].push_back(json_of(*member, roster));
    for (const auto& [node, seat] : roster.seats)
        if (roster.member(node) != nullptr) answer["voters"].push_back({{"node", node.text()}, {"address", seat.value.address}, {"port", site::voters_port}});
    return answer;
}

Outcome show_plan(const Occasion& occasion) {
    if (!occasion.plan) return Refusal{Reason::not_found, "the site has no plan in its etcd yet", {}};
    Json files = Json::object();
    for (const auto& [name, text] : occasion.plan->files) files[name] = base64_of(text);
    return Json{{"files", files}, {"revision", occasion.plan->revision}};
}

Outcome show_status(const Occasion& occasion) {
    Json answer = std::get<Json>(show_roster(occasion));
    answer["applicants"] = records_below(occasion.etcd, roster::key::applicants, "node");
    answer["approvals"] = ids_below(occasion.etcd, key::approvals);
    answer["replacements"] = ids_below(occasion.etcd, key::replacements);
    answer["locks"] = locks(occasion);
    answer["formations"] = formations(occasion);
    answer["etcd"] = etcd_members(occasion);
    answer["plan"] = occasion.plan ? Json(occasion.plan->revision) : Json(nullptr);
    return answer;
}

Outcome show_audit(const Occasion& occasion) {
    Json entries = Json::array();
    for (const auto& entry : audit::newest(occasion.etcd, std::min<std::size_t>(occasion.request.number("newest"), most_entries)))
        entries.push_back({{"time", entry.time.time_since_epoch().count()}, {"who", entry.who}, {"what", entry.what}, {"about", entry.about}, {"text", entry.text}});
    return Json{{"entries", entries}};
}

Outcome show_applicants(const Occasion& occasion) { return Json{{"applicants", records_below(occasion.etcd, roster::key::applicants, "node")}}; }

} // namespace ashlar::voters
