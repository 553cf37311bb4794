#include "view.hpp"

#include <base/error.hpp>
#include <node/site_files.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

constexpr JsonDocument document{.kind = "answer", .name = "roster", .remedy = ""};

Json asked(voters::VotersClient& client, const std::string& what) {
    auto answer = client.ask({.ask = what}, voters::VotersClient::Changes::nothing);
    if (const auto* const refusal = std::get_if<voters::Refusal>(&answer)) throw Error(fmt::format("cannot ask for the site's {}: {}", what, refusal->text));
    return std::get<Json>(std::move(answer));
}

std::set<std::string> set_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

void add_member(roster::Roster& roster, const Json& json) {
    JsonObject object(json, document, "a member");
    const auto key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "member");
    const NodeId node = node_id_of(key);
    object.expect("node", node.text());
    roster::Member member{.key = key, .bearer = {.node = node, .name = object.text("name"), .roles = set_of(object.texts("roles")), .addresses = set_of(object.texts("addresses"))}, .serial = {}};
    if (object.boolean("seat")) roster.seats[node] = {};
    object.finish();
    roster.nodes.emplace(node, roster::Stored<roster::Member>{std::move(member)});
}

} // namespace

View view_of(etcd::Client& client) {
    View view{.roster = roster::read(client), .plan = {}, .files = {}, .voters = {}};
    auto plan = voters::read_plan(client);
    if (!plan) throw Error("cannot read the site's plan: its etcd has none");
    view.plan = std::move(plan->site);
    view.files = std::move(plan->files);
    for (const auto& [node, seat] : view.roster.seats) view.voters.push_back({.node = node, .address = seat.value.address});
    return view;
}

View view_of(voters::VotersClient& client) {
    const Json roster = asked(client, "roster"), plan = asked(client, "plan");
    View view{.roster = {}, .plan = {}, .files = {}, .voters = voters::voters_in(roster)};
    for (const Json& member : roster.at("members")) add_member(view.roster, member);
    for (const auto& [name, text] : plan.at("files").items()) view.files[name] = std::string(text_of(from_base64(text.get<std::string>(), std::size_t{1} << 20U).value()));
    view.plan = node::site_files_of(view.files).site;
    return view;
}

} // namespace ashlar::site_member
