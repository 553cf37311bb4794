#include "office.hpp"

#include "formation_site.hpp"

#include <backup/backup.hpp>
#include <base/error.hpp>
#include <restoration/collect.hpp>
#include <restoration/restore.hpp>
#include <roster/audit.hpp>
#include <signing/digest.hpp>
#include <signing/node_id.hpp>
#include <site/ports.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

voters::Refusal only_for_nodes() { return {voters::Reason::not_allowed, "a node asks that for itself", {}}; }

} // namespace

Office::Office(OfficeParts parts, const roster::Seat& seat)
    : parts_(std::move(parts)), keys_(seat::open(seat, parts_.value, parts_.key)), site_key_(site::SiteKey::parse(keys_.site_key.text(), "site.key")), keeper_{parts_.value.site, parts_.key, site_key_},
      etcd_({.key = parts_.key, .places = {}, .now = parts_.now, .start_etcd = parts_.start_etcd}) {}

void Office::found(const roster::Member& self, const voters::PlanFiles& files) {
    const auto session = etcd_.open();
    auto& client = session->client();
    const auto absent = [](std::string key) { return etcd::Condition{etcd::Condition::Of::created, std::move(key), 0}; };
    const auto seat = seat::seat_for(keys(), parts_.key.verifying_key(), parts_.place.addresses.front());
    auto [condition, entry] = audit::addition({.time = parts_.now(), .who = certificates::text_of(self.bearer), .what = "found", .about = self.bearer.name, .text = "one of the first voters"});
    (void)client.commit({absent(roster::key::node(self.node())), absent(roster::key::name(self.bearer.name)), condition},
                        {etcd::Put{roster::key::node(self.node()), text_of(self)}, etcd::Put{roster::key::name(self.bearer.name), self.node().text()}, etcd::Put{roster::key::seat(self.node()), text_of(seat)}, entry});
    (void)voters::write_first_plan(client, files);
}

void Office::forget(const std::vector<std::string>& lost, const std::string& by) {
    const std::string text = "given up as lost; the site goes on without it" + (by.empty() ? std::string() : "; ordered by " + by);
    const auto session = etcd_.open();
    auto& client = session->client();
    const auto roster = roster::read(client);
    for (const auto& name : lost) {
        const auto* const member = roster.member_called(name);
        if (member == nullptr) continue; // it was, before something cut this off
        roster::Member gone = *member;
        gone.state = roster::Member::State::removed;
        gone.since = parts_.now();
        auto [condition, entry] = audit::addition({.time = parts_.now(), .who = fmt::format("root on {}", parts_.place.name), .what = "site.recover", .about = name, .text = text});
        (void)client.commit({{etcd::Condition::Of::modified, roster::key::node(gone.node()), roster.nodes.at(gone.node()).revision}, condition},
                            {etcd::Put{roster::key::node(gone.node()), text_of(gone)}, etcd::Delete{roster::key::name(name)}, etcd::Delete{roster::key::seat(gone.node())}, entry});
    }
}

void Office::follow(const site::Site& plan, const roster::Roster& roster) {
    std::unique_ptr<etcd::Session> session;
    for (const auto* member : roster.members()) {
        const auto node = std::ranges::find(plan.nodes, member->bearer.name, &site::Node::name);
        if (node == plan.nodes.end()) continue;
        roster::Member planned = *member;
        planned.bearer.roles = {node->roles.begin(), node->roles.end()};
        if (!node->serial.empty()) planned.serial = node->serial; // its disks may be on another board
        if (const auto found = node->addresses.find(site::Plane::management); found != node->addresses.end()) {
            planned.bearer.addresses.clear();
            for (const auto& address : found->second) planned.bearer.addresses.insert(address.text());
        }
        if (planned == *member) continue;
        if (!session) session = etcd_.open();
        // Another voter may be faster.
        (void)session->client().commit({{etcd::Condition::Of::modified, roster::key::node(member->node()), roster.nodes.at(member->node()).revision}}, {etcd::Put{roster::key::node(member->node()), text_of(planned)}});
    }
}

void Office::tend_key(const roster::Roster& roster) { key_rotation::tend(etcd_.open()->client(), keeper_, roster, fmt::format("voter {}", parts_.place.name), parts_.now()); }

void Office::restore(const roster::Member& self, const std::optional<std::string>& file) {
    if (!parts_.value.restores) return;
    const auto session = etcd_.open();
    if (file) return restoration::restore(session->client(), parts_.value, *file, site_key_, certificates::text_of(self.bearer), parts_.now());
    if (!restoration::is_done(session->client())) throw Error("cannot restore the site: this node's restore file is gone, and no voter has written all of it", "another voter does it: power them all on");
}

void Office::open() {
    session_ = etcd_.open();
    marks_ = etcd_.open();
    site_keys_ = key_rotation::keys_now(session_->client(), keeper_);
    store_ = std::make_unique<site_store::EtcdStore>(session_->client());
    desk_ = std::make_unique<voters::Desk>(voters::DeskParts{.site = parts_.value.site,
                                                             .authority = keys_.authorities.site,
                                                             .formations = parts_.formations,
                                                             .roles = parts_.roles,
                                                             .place = [this](const roster::Roster& roster) { return place(roster); },
                                                             .store = *store_,
                                                             .now = parts_.now});
    add_asks();
    add_authority_asks();
    admission_ = std::make_unique<admission::Admission>(
        admission::Voter{.value = parts_.agreed, .authority = keys_.authorities.site, .site_key = site_keys_->key, .name = parts_.place.name, .former_key = site_keys_->former ? &*site_keys_->former : nullptr, .lineage = parts_.lineage},
        admission::Outside{.etcd = [this] { return etcd_.open(); }, .plan = [this] { return plan(); }, .is_heard = parts_.hears, .now = parts_.now, .alarm = parts_.alarm});
    port_ = std::make_unique<voters::VotersPort>(voters::PortParts{.desk = *desk_, .key = parts_.key, .certificate = parts_.certificate, .trust = parts_.trust, .etcd = [this] { return etcd_.open(); }, .now = parts_.now}, site::voters_port);
}

site::Site Office::plan() const {
    auto plan = voters::read_plan(etcd_.open()->client());
    if (!plan) throw Error("cannot read the site's plan: its etcd has none");
    return std::move(plan->site);
}

forming::Site Office::place(const roster::Roster& roster) const { return formation_site(plan(), parts_.value.genesis, roster, parts_.roles); }

certificates::SiteCertificate Office::issued(const NodeId& node) const {
    const auto roster = roster::read(etcd_.open()->client());
    const auto* const self = roster.member(node);
    if (self == nullptr) throw Error("cannot renew this node's certificate: it is no member of the site any more", "`ashlarctl status` on another node says who is");
    return keys_.authorities.site.issue(self->bearer, parts_.key.verifying_key(), parts_.now());
}

Json Office::ask(const Json& request, unsigned user) {
    const auto session = etcd_.open();
    return desk_->answer(voters::LocalCaller{.node = node_id_of(parts_.key.verifying_key()), .name = parts_.place.name, .user = user}, request, session->client());
}

Json Office::pass_on(const certificates::NodeBearer& self, const Json& request) {
    const auto session = etcd_.open();
    return desk_->answer(voters::Certified{self, parts_.key.verifying_key()}, request, session->client());
}

// ---- Seats -------------------------------------------------------------------------------------------------

void Office::add_asks() {
    using voters::Kind;
    desk_->add("secret.rotate", voters::rotates_secrets(parts_.rotate));
    desk_->add("secret.give", voters::gives_secrets(parts_.seal));
    desk_->add("site.key", key_rotation::hands_out(keeper_));
    desk_->add("site.key.status", key_rotation::shows(keeper_));
    desk_->add("site.key.rotate", key_rotation::rotates(keeper_));
    desk_->add("site.key.finish", key_rotation::finishes());
    desk_->add("backup", [this](const auto& occasion) { return back_up(occasion); });
    desk_->add({.name = "seat.take", .nodes = voters::Nodes::yes, .right = std::nullopt, .parameters = {{"address", Kind::text}, {"data", Kind::text}}}, [this](const auto& occasion) { return take_seat(occasion); });
    desk_->add({.name = "seat.promote", .nodes = voters::Nodes::yes, .right = std::nullopt, .parameters = {{"address", Kind::text}}}, [this](const auto& occasion) { return promote(occasion); });
}

// The plan says who has a seat, and under which address.
voters::Outcome Office::take_seat(const voters::Occasion& occasion) const {
    const auto* const caller = std::get_if<voters::NodeCaller>(&occasion.caller);
    if (caller == nullptr) return only_for_nodes();
    // Its keys would be those of a step that is over when it sits.
    if (const auto rotation = succession::read(occasion.etcd, parts_.value.site); rotation && rotation->value.phase() != succession::Phase::settled)
        return voters::Refusal{voters::Reason::not_now, "the site's authorities are being replaced: it has a seat when that is done", {"`ashlarctl site authority progress` says what that waits for"}};
    const auto& who = *occasion.roster().member(caller->node);
    const std::string address = occasion.request.text("address");
    const auto plan = this->plan();
    const auto node = std::ranges::find(plan.nodes, who.bearer.name, &site::Node::name);
    if (node == plan.nodes.end() || !node->voter) return voters::Refusal{voters::Reason::not_allowed, fmt::format("the site's plan gives {} no seat", who.bearer.name), {}};
    if (!who.bearer.addresses.contains(address)) return voters::Refusal{voters::Reason::not_allowed, fmt::format("{} does not have the address {}", who.bearer.name, address), {}};
    const auto taken = seat::take(occasion.etcd, keys(occasion.etcd), who, address, occasion.request.text("data") == "there" ? seat::Data::there : seat::Data::none);
    Json cluster = Json::array();
    for (const auto& member : taken.cluster) cluster.push_back({{"node", member.node.text()}, {"address", member.address}});
    return voters::Deed{.conditions = {}, .changes = {}, .answer = {{"seat", parse_json(text_of(taken.seat), "seat")}, {"cluster", std::move(cluster)}}, .about = who.bearer.name, .text = fmt::format("at {}", address), .what = {}};
}

voters::Outcome Office::promote(const voters::Occasion& occasion) const {
    const auto* const caller = std::get_if<voters::NodeCaller>(&occasion.caller);
    if (caller == nullptr) return only_for_nodes();
    const auto& who = *occasion.roster().member(caller->node);
    const std::string address = occasion.request.text("address");
    if (!who.bearer.addresses.contains(address)) return voters::Refusal{voters::Reason::not_allowed, fmt::format("{} does not have the address {}", who.bearer.name, address), {}};
    return Json{{"voter", seat::promote(occasion.etcd, address)}};
}

// ---- The backup --------------------------------------------------------------------------------------------

voters::Outcome Office::back_up(const voters::Occasion& occasion) const try {
    if (!occasion.plan || !occasion.plan->site.recovery_key)
        return voters::Refusal{voters::Reason::not_now, "the site has no recovery key to which a backup could be sealed", {"write [install] recovery_key into site.toml, and order it: `ashlarctl site apply`"}};
    const auto& site = occasion.plan->site;
    const auto site_key = key_rotation::keys_now(occasion.etcd, keeper_).key;
    const Secret site_key_text = site_key.text();
    // Whoever restores it looks only there for what the authorities are.
    const auto value = parts_.lineage ? genesis::with_authorities(parts_.agreed, keys_.authorities, occasion.now) : parts_.agreed;
    auto [header, content] = restoration::collect(occasion.etcd, {.value = value, .authorities = keys_.authorities, .site_key = site_key_text, .key = parts_.key, .site_name = site.name}, occasion.now);
    const std::string text = backup::write_backup(header, content, *site.recovery_key);
    const bool fits = restoration::fits_on_media(header, std::move(content), site_key);
    // Two lines: a frame takes none that ends.
    const auto end = text.find('\n');
    return voters::Deed{.conditions = {},
                        .changes = {},
                        .answer = {{"header", text.substr(0, end)}, {"body", text.substr(end + 1, text.size() - end - 2)}, {"fits", fits}},
                        .about = site.name,
                        .text = fmt::format("SHA-256 {}, for the recovery key {}", sha256(text).hex(), site.recovery_key->fingerprint().hex()),
                        .what = {}};
} catch (const etcd::OutcomeUnknown&) {
    throw;
} catch (const Error& error) {
    return voters::Refusal{voters::Reason::unavailable, error.message(), error.hint().empty() ? std::vector<std::string>() : std::vector{error.hint()}};
}

} // namespace ashlar::site_member
