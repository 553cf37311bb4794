#include <site_member/site_member.hpp>

#include "place.hpp"

#include <admission/facts.hpp>
#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <node/machine_facts.hpp>
#include <node_key/own_key.hpp>
#include <roster/audit.hpp>
#include <signing/node_id.hpp>
#include <site/ports.hpp>
#include <sockets/sockets.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr const char* etcd_unit = "ashlar-etcd.service";
constexpr std::string_view plan_prefix = "/plan/";
constexpr std::chrono::milliseconds to_connect = 3s;
constexpr auto look_after = 10min;

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

void start_etcd() {
    (void)run({.argv = {"systemctl", "reset-failed", etcd_unit}}); // an answer of no: it has not failed
    run_checked({.argv = {"systemctl", "restart", "--no-block", etcd_unit}});
}

Secret copy_of(const Secret& secret) { return Secret(secret.text()); }

// What lets a node hear who is there, whatever it was let in by.
Secret beacon_key_of(const node::SiteFiles& files) { return files.key() ? files.key()->derive(site::beacon_key_info, site::SiteKey::size) : copy_of(files.ticket()->beacon); }

membership::Parts membership_parts(const node::SiteFiles& files, const Place& place, const SigningKey& key, const firstboot::Identity& identity, const fs::path& state, membership::Settling& settling) {
    const auto site_key = files.key();
    return {.site = *files.site.id,
            .charter = charter_of(files.site),
            .self = self_of(place, key, identity, site_key.has_value()),
            .key = key,
            .beacon_key = beacon_key_of(files),
            .enrolment_key = site_key ? std::optional(site_key->derive(site::enrolment_key_info, site::SiteKey::size)) : std::nullopt,
            .state = state,
            .beacons = beacons_of(files.site),
            .site_port = site::site_port,
            .settling = settling};
}

std::unique_ptr<const Place> laid_place(const site::Site& site, const NodeId& node, const firstboot::Identity& identity) {
    lay_network(site);
    auto place = std::make_unique<const Place>(place_of(site, node, identity));
    if (place->addresses.empty()) throw Error("cannot join the site: this node has no address yet", "give it one in site.toml, or look for the DHCP server of the management plane");
    return place;
}

} // namespace

struct SiteMember::Office {
    Office(const genesis::Value& of, seat::Opened opened, const SigningKey& key)
        : value(of), keys(std::move(opened)), site_key(site::SiteKey::parse(keys.site_key.text(), "site.key")), etcd({.key = key, .places = {}, .now = now, .start_etcd = start_etcd}) {}

    const genesis::Value& value;
    const seat::Opened keys;
    const site::SiteKey site_key;
    seat::StoreMember etcd;
    std::shared_ptr<admission::Admission> admission;
};

SiteMember::SiteMember(node::SiteFiles files, fs::path state, const firstboot::Identity& identity, Told told)
    : files_(std::move(files)), state_(std::move(state)), told_(std::move(told)), role_(identity.role), key_(node_key::own_key(state_)), node_(node_id_of(key_.verifying_key())), place_(laid_place(files_.site, node_, identity)),
      delegate_({.site = *files_.site.id, .key = key_, .name = place_->name, .roles = place_->roles, .addresses = place_->addresses, .now = now}),
      membership_(membership_parts(files_, *place_, key_, identity, state_, *this), told_.changed, told_.alarm) {
    membership_.begin();
    staying_ = std::jthread([this](const std::stop_token& stop) { stay(stop); });
}

SiteMember::~SiteMember() = default;

// ---- Settling ----------------------------------------------------------------------------------------------

void SiteMember::settle(const founding::Genesis& genesis, bool voter) {
    const genesis::Value& value = [&]() -> const genesis::Value& {
        const std::lock_guard lock(mutex_);
        if (!value_) value_ = membership::value_of(genesis, *files_.site.id);
        return *value_;
    }();
    auto record = read_record(state_);
    if (!record) {
        const auto self = std::ranges::find(value.voters, node_, &genesis::Voter::node);
        record = voter ? Record{.certificate = self->certificate, .seat = std::nullopt} : enrolled_by_any(value);
        write_record(state_, *record);
    }
    if (const auto seat = seat_of(value, *record)) sit(value, *seat, *record);
}

founding::Genesis SiteMember::introduce(const beacon_port::Origin& member) {
    const auto enrolled = enrol_through(sockets::connect_to(member.address(), member.length(), to_connect));
    write_record(state_, {.certificate = enrolled.certificate, .seat = std::nullopt});
    auto checked = genesis::check_from_outside(enrolled.value, *files_.site.id);
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) throw Error(fmt::format("cannot use the site's genesis: {}", refused->text));
    return membership::genesis_of(std::get<genesis::Value>(checked));
}

// ---- Enrolling ---------------------------------------------------------------------------------------------

channel::SharedKey SiteMember::shared_key() const {
    if (const auto key = files_.key()) return {membership::identity_of(*files_.site.id), key->derive(site::enrolment_key_info, site::SiteKey::size)};
    const auto ticket = files_.ticket();
    return {text_of(ticket->claim), copy_of(ticket->secret)};
}

enrolment::Enrolled SiteMember::enrol_through(Fd socket) {
    if (!socket) throw Error("cannot enrol: the voter does not answer", "look at the network between them");
    const auto record = read_record(state_);
    const auto ticket = files_.ticket();
    enrolment::Known known{.site = *files_.site.id, .authority = std::nullopt, .genesis = std::nullopt};
    {
        const std::lock_guard lock(mutex_);
        if (value_) known = {.site = *files_.site.id, .authority = value_->authority.digest(), .genesis = value_->genesis};
    }
    enrolment::Application application{.site = *files_.site.id,
                                       .facts = admission::to_json({.machine = node::machine_facts(), .role = role_, .addresses = place_->addresses}),
                                       .ticket = ticket && !files_.key() ? std::optional(text_of(ticket->claim)) : std::nullopt,
                                       .certificate = record ? std::optional(record->certificate.der()) : std::nullopt};
    return admission::seek(std::move(socket), shared_key(), {.key = key_, .known = known, .application = std::move(application)}, [this](const std::string& code) { show_code(code); });
}

// Whoever answers first; what the last one said otherwise.
Record SiteMember::enrolled_by_any(const genesis::Value& value) {
    std::optional<Error> last;
    for (const auto& voter : value.voters) {
        for (const auto& address : voter.addresses) {
            Fd socket = sockets::connect_to(address, site::site_port, to_connect);
            if (!socket) continue;
            try {
                return {.certificate = enrol_through(std::move(socket)).certificate, .seat = std::nullopt};
            } catch (const Error& error) {
                last = error;
            }
        }
    }
    throw last ? *last : Error("cannot enrol: no voter of the site answers", "look at the network between them");
}

void SiteMember::show_code(const std::string& code) {
    {
        const std::lock_guard lock(mutex_);
        code_ = code;
    }
    told_.changed();
}

// ---- Sitting -----------------------------------------------------------------------------------------------

std::optional<roster::Seat> SiteMember::seat_of(const genesis::Value& value, const Record& record) const {
    if (record.seat) return record.seat;
    const auto keys = genesis::keys_for(value, node_);
    if (!keys) return std::nullopt;
    const auto authorities = genesis::open(value, *keys, key_);
    if (const auto* refused = std::get_if<genesis::Refused>(&authorities)) throw Error(fmt::format("cannot open the site's authorities: {}", refused->text));
    return seat::seat_for({.value = value, .authorities = std::get<genesis::Authorities>(authorities), .site_key = Secret(files_.texts.at("site.key"))}, key_.verifying_key(), place_->addresses.front());
}

void SiteMember::sit(const genesis::Value& value, const roster::Seat& seat, Record& record) {
    auto office = std::make_unique<Office>(value, seat::open(seat, value, key_), key_);
    const auto start = etcd::start_after({.was_member = record.has_voted, .has_data = office->etcd.has_data(), .awaited = record.seat && !record.has_voted});
    if (!start) throw Error("cannot start the site's etcd: its data on this node are gone, and it was a member", "it must be replaced as one that is lost");
    office->etcd.start({.value = value, .etcd_authority = office->keys.authorities.etcd, .cluster = etcd::members_of(value), .start = *start});
    office->etcd.wait(value.genesis);
    if (!record.has_voted) {
        record.has_voted = true;
        write_record(state_, record);
    }
    write_down(*office);
    office->admission = std::make_shared<admission::Admission>(admission::Voter{.value = office->value, .authority = office->keys.authorities.site, .site_key = office->site_key, .name = place_->name},
                                                               admission::Outside{.etcd = [&etcd = office->etcd] { return etcd.open(); },
                                                                                  .plan = [this, held = office.get()] { return plan(*held); },
                                                                                  .is_heard = [this](const NodeId& node) { return membership_.hears(node); },
                                                                                  .now = now});
    membership_.receive_by(office->admission);
    const std::lock_guard lock(mutex_);
    office_ = std::move(office);
}

// That it is a member with a seat, and what the site was planned to be; once.
void SiteMember::write_down(Office& office) {
    const auto session = office.etcd.open();
    auto& client = session->client();
    const auto absent = [](std::string key) { return etcd::Condition{etcd::Condition::Of::created, std::move(key), 0}; };
    const roster::Member self{.key = key_.verifying_key(),
                              .bearer = {.node = node_, .name = place_->name, .roles = place_->roles, .addresses = {place_->addresses.begin(), place_->addresses.end()}},
                              .serial = node::machine_facts().serial,
                              .state = roster::Member::State::member,
                              .since = now()};
    const auto seat = seat::seat_for({.value = office.value, .authorities = office.keys.authorities, .site_key = copy_of(office.keys.site_key)}, key_.verifying_key(), place_->addresses.front());
    auto [condition, entry] = audit::addition({.time = now(), .who = certificates::text_of(self.bearer), .what = "found", .about = self.bearer.name, .text = "one of the first voters"});
    (void)client.commit({absent(roster::key::node(node_)), absent(roster::key::name(self.bearer.name)), condition},
                        {etcd::Put{roster::key::node(node_), text_of(self)}, etcd::Put{roster::key::name(self.bearer.name), node_.text()}, etcd::Put{roster::key::seat(node_), text_of(seat)}, entry});
    std::vector<etcd::Change> plan;
    for (const auto& [name, text] : files_.public_texts()) plan.emplace_back(etcd::Put{std::string(plan_prefix) + name, text});
    (void)client.commit({absent(std::string(plan_prefix) + "site.toml")}, plan);
}

site::Site SiteMember::plan(const Office& office) const {
    std::map<std::string, std::string> texts;
    for (auto& pair : office.etcd.open()->client().range(std::string(plan_prefix)).pairs) texts[pair.key.substr(plan_prefix.size())] = std::move(pair.value);
    return node::site_files_of(std::move(texts)).site;
}

// ---- Staying -----------------------------------------------------------------------------------------------

void SiteMember::stay(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        over_.wait_for(lock, stop, look_after, [] { return false; });
        if (stop.stop_requested()) return;
        lock.unlock();
        try {
            renew_what_is_due();
        } catch (const Error& error) {
            told_.alarm(error.message());
        }
        lock.lock();
    }
}

void SiteMember::renew_what_is_due() {
    auto record = read_record(state_);
    if (!record) return;
    Office* office = nullptr;
    {
        const std::lock_guard lock(mutex_);
        office = office_.get();
    }
    if (office != nullptr) office->etcd.renew(office->keys.authorities.etcd);
    if (!certificates::is_due(record->certificate, now())) return;
    if (office != nullptr) {
        const auto roster = roster::read(office->etcd.open()->client());
        const auto* const self = roster.member(node_);
        if (self == nullptr) throw Error("cannot renew this node's certificate: it is no member of the site any more", "`ashlarctl status` on another node says who is");
        record->certificate = office->keys.authorities.site.issue(self->bearer, key_.verifying_key(), now());
    } else record->certificate = enrolled_by_any(*value_).certificate;
    write_record(state_, *record);
}

// ---- For people --------------------------------------------------------------------------------------------

Json SiteMember::status() const {
    Json status = membership_.status();
    const std::lock_guard lock(mutex_);
    if (!code_.empty()) status["code"] = code_;
    status["seat"] = office_ != nullptr;
    return status;
}

} // namespace ashlar::site_member
