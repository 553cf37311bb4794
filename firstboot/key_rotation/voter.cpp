#include <key_rotation/voter.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <roster/audit.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/json_object.hpp>
#include <site/ticket.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::key_rotation {

using voters::Deed;
using voters::Occasion;
using voters::Outcome;
using voters::Reason;
using voters::Refusal;

namespace {

constexpr std::chrono::hours life_of_a_ticket{24}; // nobody asks for it of a member
constexpr std::string_view tickets = "/tickets/";

struct Stored {
    std::optional<Record> record;
    etcd::Revision revision = 0;
    [[nodiscard]] etcd::Condition unchanged() const { return {revision == 0 ? etcd::Condition::Of::created : etcd::Condition::Of::modified, std::string(key::record), revision}; }
};
Stored stored_in(etcd::Client& client) {
    const auto pair = client.get(std::string(key::record));
    return pair ? Stored{record_from(pair->value), pair->modified} : Stored{};
}

Reports reports_in(etcd::Client& client) {
    Reports reports;
    for (const auto& pair : client.range(std::string(key::held)).pairs) {
        const auto node = NodeId::parse(std::string_view(pair.key).substr(key::held.size()));
        const auto held = held_in(pair.value);
        if (node && held) reports.emplace(*node, *held);
    }
    return reports;
}

Keys keys_of(const std::optional<Record>& record, const Voter& voter) {
    if (!record) return {site::SiteKey::parse(voter.seat.text().text(), "site.key"), std::nullopt};
    auto key = opened(record->key, voter.site, voter.key);
    if (!key && voter.seat.id() == record->key.id) key = site::SiteKey::parse(voter.seat.text().text(), "site.key");
    if (!key) throw Error("cannot work with the site's key: this voter has no copy of it yet", "another voter gives it one");
    return {std::move(*key), record->former ? opened(*record->former, voter.site, voter.key) : std::nullopt};
}

Json id_or_null(const std::optional<SealedKey>& key) { return key ? Json(key->id.text()) : Json(nullptr); }

// ---- What a member is given ------------------------------------------------------------------------

std::string purpose_for_member(const SiteId& site, std::string_view what) { return fmt::format("ashlar site key of a member 1 {} {}", site.text(), what); }

bool was_enrolled_by_ticket(etcd::Client& client, const NodeId& node) {
    return std::ranges::any_of(client.range(std::string(tickets)).pairs, [&](const etcd::Pair& pair) {
        const Json nodes = Json::parse(pair.value, nullptr, false);
        return nodes.is_array() && std::ranges::find(nodes, Json(node.text())) != nodes.end();
    });
}

// Its id is the node's own: there is one for each, and it is used already, by that node.
Secret ticket_for(etcd::Client& client, const site::SiteKey& key, const roster::Member& member, Time now) {
    const site::TicketId id{member.node().bytes};
    client.put(roster::key::ticket(id.text()), Json::array({member.node().text()}).dump());
    return text_of(site::make_ticket(key, {.site = key.site(), .id = id, .node = member.bearer.name, .expires = now + life_of_a_ticket, .uses = 1}, now));
}

void note(etcd::Client& client, const NodeId& node, const std::string& text) {
    const std::string name = key::held_by(node);
    const auto before = client.get(name);
    if (!before || before->value != text) client.put(name, text);
}

// ---- Orders ------------------------------------------------------------------------------------------

Json answer_of(const Record& record) { return {{"key", record.key.id.text()}, {"former", id_or_null(record.former)}}; }

std::optional<site::SiteKey> key_in(const voters::Request& request) try {
    const Bytes bytes = request.bytes("key");
    return site::SiteKey::parse(ashlar::text_of(bytes), "site.key");
} catch (const Error&) {
    return std::nullopt;
}

Outcome rotate(const Occasion& occasion, const Voter& voter) {
    const auto offered = key_in(occasion.request);
    if (!offered) return Refusal{Reason::malformed, "that is no site key", {}};
    if (offered->site() != voter.site) return Refusal{Reason::malformed, fmt::format("it is a key of another site, not of {}", voter.site.text()), {}};
    const auto stored = stored_in(occasion.etcd);
    const Keys now = keys_of(stored.record, voter);
    if (now.key.id() == offered->id()) return stored.record ? answer_of(*stored.record) : Json{{"key", now.key.id().text()}, {"former", nullptr}}; // said again
    if (stored.record && stored.record->former) {
        const auto names = missing(*stored.record, occasion.roster(), reports_in(occasion.etcd));
        return Refusal{Reason::not_now, fmt::format("the site is taking over the key {} still; {}", stored.record->key.id.text(), names.empty() ? "it will be done in a moment" : "it waits for " + join(names, ", ")),
                       {"`ashlarctl site key finish --without NODE` ends that without those who do not come"}};
    }
    const Voters all = voters_in(occasion.roster());
    const Record next{.key = sealed(*offered, all), .former = sealed(now.key, all)};
    return Deed{.conditions = {stored.unchanged()},
                .changes = {etcd::Put{std::string(key::record), text_of(next)}},
                .answer = answer_of(next),
                .about = offered->id().text(),
                .text = fmt::format("the site's key, in the place of {}", now.key.id().text()),
                .what = {}};
}

Outcome finish(const Occasion& occasion) {
    const auto stored = stored_in(occasion.etcd);
    if (!stored.record || !stored.record->former) return Refusal{Reason::not_now, "the site's key is not being rotated", {}};
    const auto left = missing(*stored.record, occasion.roster(), reports_in(occasion.etcd));
    const std::string named = occasion.request.text("without");
    const auto words = split(named, ',');
    const std::set<std::string> without(words.begin(), words.end());
    if (left.empty()) return Refusal{Reason::not_now, "every node has the key: the voters drop that of before by themselves", {}};
    if (without != std::set<std::string>(left.begin(), left.end()))
        return Refusal{Reason::not_now, fmt::format("{} have not taken over the key, and others are named", join(left, ", ")), {"name all of them, and nobody else: they are found by their certificates when they come"}};
    Record next = *stored.record;
    next.former.reset();
    return Deed{.conditions = {stored.unchanged()},
                .changes = {etcd::Put{std::string(key::record), text_of(next)}},
                .answer = {{"key", next.key.id.text()}, {"former", nullptr}, {"without", left}},
                .about = next.key.id.text(),
                .text = fmt::format("{} counts no more; left behind: {}", stored.record->former->id.text(), join(left, ", ")),
                .what = {}};
}

Outcome status(const Occasion& occasion, const Voter& voter) {
    const auto stored = stored_in(occasion.etcd);
    if (!stored.record) return Json{{"key", voter.seat.id().text()}, {"former", nullptr}, {"members", Json::array()}, {"missing", Json::array()}};
    const Record& record = *stored.record;
    const auto reports = reports_in(occasion.etcd);
    Json answer = answer_of(record);
    answer["members"] = Json::array();
    for (const auto* member : occasion.roster().members()) {
        const auto said = reports.find(member->node());
        answer["members"].push_back({{"node", member->node().text()}, {"name", member->bearer.name}, {"key", said == reports.end() ? Json(nullptr) : Json(said->second.key.text())}, {"former", said != reports.end() && said->second.former ? Json(said->second.former->text()) : Json(nullptr)}});
    }
    answer["missing"] = missing(record, occasion.roster(), reports);
    return answer;
}

Outcome hand_out(const Occasion& occasion, const Voter& voter) {
    const auto* const caller = std::get_if<voters::NodeCaller>(&occasion.caller);
    if (caller == nullptr) return Refusal{Reason::not_allowed, "a node asks that for itself", {}};
    const auto held = held_in(occasion.request.text("held"));
    if (!held) return Refusal{Reason::malformed, "'held' names no keys", {}};
    const auto stored = stored_in(occasion.etcd);
    Json answer{{"key", nullptr}, {"former", nullptr}, {"site_key", nullptr}, {"ticket", nullptr}};
    if (!stored.record) return answer;
    note(occasion.etcd, caller->node, text_of(*held));
    answer.update(answer_of(*stored.record));
    if (held->key == stored.record->key.id) return answer;
    const Keys keys = keys_of(stored.record, voter);
    const auto& member = *occasion.roster().member(caller->node);
    const auto give = [&](const char* what, const Secret& text) { answer[what] = base64(seal_to_node(member.key, purpose_for_member(voter.site, what), text)); };
    const bool has_seat = occasion.roster().seats.contains(caller->node);
    // What it says of itself gives it less, and never more.
    if (!has_seat && (occasion.request.text("has") == "ticket" || was_enrolled_by_ticket(occasion.etcd, caller->node))) give("ticket", ticket_for(occasion.etcd, keys.key, member, occasion.now));
    else give("site_key", keys.key.text());
    return answer;
}

// An Error of the store is the desk's; any other one is an answer.
template <typename Work> Outcome answered_by(const Work& work) {
    try {
        return work();
    } catch (const etcd::OutcomeUnknown&) {
        throw;
    } catch (const Error& error) {
        return Refusal{Reason::unavailable, error.message(), error.hint().empty() ? std::vector<std::string>() : std::vector{error.hint()}};
    }
}

// ---- The member ---------------------------------------------------------------------------------------

constexpr JsonDocument answer_document{.kind = "answer", .name = "site.key", .remedy = ""};

std::optional<site::KeyId> id_in(const Json& answer, const char* name) {
    if (answer.at(name).is_null()) return std::nullopt;
    const auto id = site::KeyId::parse(answer.at(name).get<std::string>());
    if (!id) throw answer_document.refusal(fmt::format("'{}' is no id of a key", name));
    return id;
}

std::optional<Secret> text_in(const Json& answer, const char* name, const SiteId& site, const SigningKey& node) {
    if (answer.at(name).is_null()) return std::nullopt;
    const auto sealed = from_base64(answer.at(name).get<std::string>());
    auto text = sealed ? unseal(node, purpose_for_member(site, name), *sealed) : std::nullopt;
    if (!text) throw answer_document.refusal(fmt::format("'{}' is not sealed to this node", name));
    return text;
}

} // namespace

Keys keys_now(etcd::Client& client, const Voter& voter) { return keys_of(stored_in(client).record, voter); }

voters::Handler hands_out(Voter voter) {
    return [voter](const Occasion& occasion) { return answered_by([&] { return hand_out(occasion, voter); }); };
}
voters::Handler shows(Voter voter) {
    return [voter](const Occasion& occasion) { return answered_by([&] { return status(occasion, voter); }); };
}
voters::Handler rotates(Voter voter) {
    return [voter](const Occasion& occasion) { return answered_by([&] { return rotate(occasion, voter); }); };
}
voters::Handler finishes() {
    return [](const Occasion& occasion) { return answered_by([&] { return finish(occasion); }); };
}

void tend(etcd::Client& client, const Voter& voter, const roster::Roster& roster, const std::string& who, Time now) {
    const auto stored = stored_in(client);
    if (!stored.record) return;
    const auto next = tended(*stored.record, roster, stored.record->former ? reports_in(client) : Reports(), voter.site, voter.key);
    if (!next) return;
    std::vector<etcd::Condition> conditions{stored.unchanged()};
    std::vector<etcd::Change> changes{etcd::Put{std::string(key::record), text_of(*next)}};
    if (stored.record->former && !next->former) {
        auto [condition, entry] = audit::addition({.time = now, .who = who, .what = "site.key.finish", .about = next->key.id.text(), .text = fmt::format("{} counts no more; every node has the other one", stored.record->former->id.text())});
        conditions.push_back(std::move(condition));
        changes.emplace_back(std::move(entry));
    }
    (void)client.commit(conditions, changes); // another voter may be faster
}

Json question(const Held& held, Has has) { return {{"held", text_of(held)}, {"has", has == Has::key ? "key" : "ticket"}}; }

Told told(const Json& answer, const SiteId& site, const SigningKey& node) try {
    Told told{.key = id_in(answer, "key"), .former = id_in(answer, "former"), .site_key = text_in(answer, "site_key", site, node), .ticket = text_in(answer, "ticket", site, node)};
    // What is taken over is what was announced: it is all that the node will be heard by.
    if (told.site_key && site::SiteKey::parse(told.site_key->text(), "site.key").id() != told.key) throw answer_document.refusal("the key is another one than it says");
    if (told.ticket && site::key_id_of(site::parse_ticket(told.ticket->text()).beacon) != told.key) throw answer_document.refusal("the ticket is of another key than it says");
    return told;
} catch (const Json::exception&) {
    throw answer_document.refusal("it is not in its form");
}

Next next(const Held& held, const Told& told) {
    if (!told.key) return Next::nothing;
    if (held.key != *told.key) return told.site_key || told.ticket ? Next::take : Next::nothing;
    return held.former && held.former != told.former ? Next::drop : Next::nothing;
}

} // namespace ashlar::key_rotation
