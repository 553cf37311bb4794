#include <site_member/site_member.hpp>

#include "formation_site.hpp"
#include "office.hpp"
#include "place.hpp"
#include "view.hpp"

#include <admission/facts.hpp>
#include <base/error.hpp>
#include <base/process.hpp>
#include <etcd/setup.hpp>
#include <formations/clock.hpp>
#include <node/container.hpp>
#include <node/drift.hpp>
#include <node/machine_facts.hpp>
#include <forming/ledger.hpp>
#include <node/secrets.hpp>
#include <restoration/restore.hpp>
#include <signing/base64.hpp>
#include <signing/node_id.hpp>
#include <site/ports.hpp>
#include <site_member/key_follower.hpp>
#include <site_member/why.hpp>
#include <sockets/sockets.hpp>
#include <voters/two_persons.hpp>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr const char* etcd_unit = "ashlar-etcd.service";
const fs::path formations_folder = "/usr/lib/ashlar/formations";
constexpr std::chrono::milliseconds to_connect = 3s, ask_again = 500ms, to_be_told = 1s, to_find_others = 4s;
constexpr const char* removed_text = "this node was removed from its site";
constexpr const char* wiped_text = "this node was removed from its site, and is to be wiped";
constexpr std::chrono::seconds look_after = 10s, look_soonest = 2s, to_catch_up = 10min;

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

// A daemon that starts again, on all voters at once, must not cost the quorum.
void start_etcd(seat::StoreMember::Start start) {
    (void)run({.argv = {"systemctl", "reset-failed", etcd_unit}}); // an answer of no: it has not failed
    run_checked({.argv = {"systemctl", start == seat::StoreMember::Start::anew ? "restart" : "start", "--no-block", etcd_unit}});
}

Secret copy_of(const Secret& secret) { return Secret(secret.text()); }

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
            .settling = settling,
            .former = former_keys_of(files)};
}

std::unique_ptr<const Place> laid_place(const site::Site& site, const fs::path& state, const NodeId& node, const firstboot::Identity& identity) {
    lay_network(site, state);
    auto place = std::make_unique<const Place>(place_of(site, state, node, identity));
    if (place->addresses.empty())
        throw Error(fmt::format("{}this node has no address yet: waits for the DHCP server or the router of its network", place->remark.empty() ? "" : place->remark + "; "), "give it one in site.toml, or look for what gives addresses there");
    return place;
}

formation::Formations formations_here() { return fs::exists(formations_folder) ? formation::read_folder(formations_folder, "formations") : formation::Formations(); }

formation::RoleGraph roles_here() {
    const fs::path file = formations_folder / "role.json";
    return fs::exists(formations_folder) ? formation::read_roles(read_file(file), file.native()).graph : formation::RoleGraph();
}

std::vector<voters::VoterAddress> first_voters(const genesis::Value& value) {
    std::vector<voters::VoterAddress> voters;
    for (const auto& voter : value.voters) voters.push_back({.node = voter.node, .address = voter.addresses.front()});
    return voters;
}

// That of this node's own etcd, or of the voters: whichever there is.
class SharedStore final : public forming::SiteStore {
public:
    SharedStore(std::function<std::shared_ptr<Office>()> office, std::function<voters::VotersClient&()> voters) : office_(std::move(office)), voters_(std::move(voters)) {}

    [[nodiscard]] Entries list(std::string_view prefix) const override {
        const auto office = office_();
        return office ? office->store().list(prefix) : voters::RemoteStore(voters_()).list(prefix);
    }
    [[nodiscard]] bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        const auto office = office_();
        return office ? office->store().swap(key, revision, value) : voters::RemoteStore(voters_()).swap(key, revision, value);
    }

private:
    const std::function<std::shared_ptr<Office>()> office_;
    const std::function<voters::VotersClient&()> voters_;
};

// What is rendered below /etc belongs to the node as much as what was rendered when it started.
class RecordedFiles final : public forming::Files {
public:
    [[nodiscard]] std::optional<File> read(const std::string& path) const override { return files_.read(path); }
    void write(const std::string& path, const File& file) override {
        files_.write(path, file);
        if (path.starts_with("/etc/")) node::record_file(path);
    }

private:
    forming::RootFiles files_{"/"};
};

formations::Machine machine() {
    auto made = formations::this_machine();
    made.files = std::make_unique<RecordedFiles>();
    return made;
}

// What the site was, where the medium says to restore it.
std::optional<genesis::Past> past_of(const node::SiteFiles& files) {
    const auto text = files.restore();
    return text ? std::optional(restoration::past_of(*text, *files.key())) : std::nullopt;
}

voters::Rotation written(formations::SealedVault::Rotation next) { return {std::move(next.key), next.revision, std::move(next.value)}; }

// Of a voter that this node knows by its id and address.
std::string voter_name(const genesis::Value& value, const site::Site& plan, const voters::VoterAddress& voter) {
    if (const auto first = std::ranges::find(value.voters, voter.node, &genesis::Voter::node); first != value.voters.end()) return first->name;
    const auto has_address = [&](const site::Node& node) {
        const auto found = node.addresses.find(site::Plane::management);
        return found != node.addresses.end() && std::ranges::any_of(found->second, [&](const site::Address& address) { return address.text() == voter.address; });
    };
    const auto planned = std::ranges::find_if(plan.nodes, has_address);
    return planned == plan.nodes.end() ? voter.node.text() : planned->name;
}

certificates::Trust trust_of(const genesis::Value& value) { return std::get<certificates::Trust>(certificates::Trust::pinned(value.site, value.authority.der(), value.authority.digest())); }

} // namespace

SiteMember::SiteMember(node::SiteFiles files, const SigningKey& key, fs::path state, firstboot::Identity identity, Surroundings around)
    : files_(std::move(files)), state_(std::move(state)), around_(std::move(around)), identity_(std::move(identity)), key_(key), node_(node_id_of(key_.verifying_key())), place_(laid_place(files_.site, state_, node_, identity_)),
      delegate_({.site = *files_.site.id, .key = key_, .name = place_->name, .roles = place_->roles, .addresses = place_->addresses, .now = now, .past = past_of(files_)}), formations_(formations_here()), roles_(roles_here()), record_(read_record(state_, *files_.site.id)),
      membership_(membership_parts(files_, *place_, key_, identity_, state_, *this), around_.changed, around_.alarm), follower_(files_.public_texts(), following()), store_(std::make_unique<SharedStore>([this] { return office(); }, [this]() -> voters::VotersClient& { return *voters_; })) {
    service_ = std::make_unique<formations::FormationService>(formation_parts());
    disks_ = std::make_unique<disks::DisksFile>(disks::DisksFile::Parts{.devices = node::is_in_container() ? disks::Devices::loops : disks::Devices::hardware, .wanted = [this] { return wanted_disks(); }});
    membership_.begin();
    if (!place_->remark.empty()) around_.alarm(place_->remark);
    staying_ = std::jthread([this](const std::stop_token& stop) { stay(stop); });
}

SiteMember::~SiteMember() = default;

// ---- Settling ----------------------------------------------------------------------------------------------

void SiteMember::settle(const founding::Genesis& genesis, bool voter) {
    belong_to(membership::value_of(genesis, *files_.site.id));
    if (!record().certificate) {
        const auto self = std::ranges::find(value_->voters, node_, &genesis::Voter::node);
        if (voter) keep([&](Record& record) { record.certificate = self->certificate; });
        else take_over(enrolled_by_any(Shown::nothing));
    }
    if (const auto seat = sitting()) sit(*seat);
    node::forget_restore(state_);
}

founding::Genesis SiteMember::introduce(const beacon_port::Origin& member) {
    const auto enrolled = enrol_through(sockets::connect_to(member.address(), member.length(), to_connect), Shown::certificate);
    auto checked = genesis::check_from_outside(enrolled.value, *files_.site.id);
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) throw Error(fmt::format("cannot use the site's genesis: {}", refused->text));
    take_over(enrolled);
    return membership::genesis_of(std::get<genesis::Value>(checked));
}

// ---- Belonging ---------------------------------------------------------------------------------------------

void SiteMember::belong_to(genesis::Value value) {
    const std::lock_guard lock(mutex_);
    if (value_) return;
    lineage_ = record_ ? record_->lineage : std::nullopt;
    trust_ = lineage_ ? lineage_->trust(value.site) : trust_of(value);
    present_ = lineage_ ? succession::value_with(value, lineage_->issuing) : value;
    value_ = std::move(value);
    const auto known = record_ && !record_->voters.empty() ? record_->voters : first_voters(*value_);
    voters_ = std::make_unique<voters::VotersClient>(voters::ClientParts{.key = key_, .certificate = [this] { return *record().certificate; }, .trust = *trust_, .now = now}, known);
}

Record SiteMember::record() const {
    const std::lock_guard lock(mutex_);
    return record_.value_or(Record());
}

void SiteMember::keep(const std::function<void(Record& record)>& change) {
    const std::lock_guard one_at_a_time(keeping_);
    Record changed = record();
    change(changed);
    write_record(state_, changed);
    const std::lock_guard lock(mutex_);
    record_ = std::move(changed);
}

channel::SharedKey SiteMember::shared_key() const {
    if (const auto key = files_.key()) return {membership::identity_of(*files_.site.id, key->id()), key->derive(site::enrolment_key_info, site::SiteKey::size)};
    const auto ticket = files_.ticket();
    return {text_of(ticket->claim), copy_of(ticket->secret)};
}

enrolment::Enrolled SiteMember::enrol_through(Fd socket, Shown shown) {
    if (!socket) throw Error("cannot enrol: the voter does not answer", "look at the network between them");
    const auto certificate = shown == Shown::certificate ? record().certificate : std::nullopt;
    const auto ticket = files_.key() ? std::nullopt : files_.ticket();
    enrolment::Known known{.site = *files_.site.id, .authority = std::nullopt, .genesis = std::nullopt};
    {
        const std::lock_guard lock(mutex_);
        if (value_) known = {.site = *files_.site.id, .authority = present_->authority.digest(), .genesis = value_->genesis};
        if (value_ && trust_->authorities().size() > 1) known.also = trust_->authorities().back().digest();
    }
    enrolment::Application application{.site = *files_.site.id,
                                       .facts = admission::to_json({.machine = node::machine_facts_for(files_.site), .role = identity_.role, .addresses = place_->addresses, .tpm = node::has_tpm()}),
                                       .ticket = ticket ? std::optional(text_of(ticket->claim)) : std::nullopt,
                                       .certificate = certificate ? std::optional(certificate->der()) : std::nullopt};
    return admission::seek(std::move(socket), shared_key(), {.key = key_, .known = known, .application = std::move(application)}, [this](const std::string& code) { show_code(code); });
}

// As it heard last; at first those of the genesis.
std::vector<voters::VoterAddress> SiteMember::known_voters() const {
    auto voters = record().voters;
    return voters.empty() ? first_voters(*value_) : voters;
}

// Whoever answers first; what the last one said otherwise.
enrolment::Enrolled SiteMember::enrolled_by_any(Shown shown) {
    std::optional<Error> last;
    for (const auto& voter : known_voters()) {
        Fd socket = sockets::connect_to(voter.address, site::site_port, to_connect);
        if (!socket) continue;
        try {
            return enrol_through(std::move(socket), shown);
        } catch (const Error& error) {
            last = error;
        }
    }
    throw last ? *last : Error("cannot enrol: no voter of the site answers", "look at the network between them");
}

// With the authorities that it was told: when it knows others, the daemon starts again with those.
void SiteMember::take_over(const enrolment::Enrolled& enrolled) {
    const auto before = record().lineage;
    const bool is_new = enrolled.lineage && (!before || enrolled.lineage->step > before->step);
    keep([&](Record& record) {
        record.certificate = enrolled.certificate;
        if (!is_new) return;
        record.lineage = enrolled.lineage;
        record.keys.reset();
    });
    {
        const std::lock_guard lock(mutex_);
        if (!is_new || !value_) return;
    }
    around_.start_again();
    throw Error("the site has other authorities now: the daemon starts again with them");
}

void SiteMember::show_code(const std::string& code) {
    {
        const std::lock_guard lock(mutex_);
        code_ = code;
    }
    around_.changed();
}

roster::Member SiteMember::self() const {
    return {.key = key_.verifying_key(),
            .bearer = {.node = node_, .name = place_->name, .roles = place_->roles, .addresses = {place_->addresses.begin(), place_->addresses.end()}},
            .serial = node::machine_facts().serial,
            .state = roster::Member::State::member,
            .since = now()};
}

// ---- Sitting -----------------------------------------------------------------------------------------------

// Of one of the first voters: its keys are in the genesis value, and the site's key came with the medium.
std::optional<roster::Seat> SiteMember::first_seat() const {
    const auto keys = genesis::keys_for(*value_, node_);
    if (!keys) return std::nullopt;
    const auto authorities = genesis::open(*value_, *keys, key_);
    if (const auto* refused = std::get_if<genesis::Refused>(&authorities)) throw Error(fmt::format("cannot open the site's authorities: {}", refused->text));
    return seat::seat_for({.value = *value_, .authorities = std::get<genesis::Authorities>(authorities), .site_key = Secret(files_.texts.at("site.key"))}, key_.verifying_key(), place_->addresses.front());
}

// Nothing: this node is no voter.
std::optional<SiteMember::Sitting> SiteMember::sitting() {
    const Record past = record();
    auto seat = past.seat ? past.seat : first_seat();
    if (seat && past.keys) std::tie(seat->authority, seat->etcd_authority) = std::tie(past.keys->authority, past.keys->etcd_authority);
    const auto start = etcd::start_after({.was_member = past.has_voted, .has_data = seat::Places().has_data(), .awaited = past.seat && !past.has_voted});
    if (seat && start && *start != etcd::Start::join) {
        if (past.has_voted) refuse_to_sit_where_it_was_removed();
        auto cluster = etcd::members_of(*value_);
        const etcd::Member own{node_, seat->address};
        if (std::ranges::find(cluster, own) == cluster.end()) cluster.push_back(own);
        return Sitting{std::move(*seat), std::move(cluster), *start};
    }
    return seat || place_->has_seat ? std::optional(taken_seat()) : std::nullopt;
}

// It comes to its seat later than the others, or has lost what it knew there.
SiteMember::Sitting SiteMember::taken_seat() {
    const std::string& address = place_->addresses.front();
    const Json answer = asked("seat.take", {{"address", address}, {"data", "none"}});
    Sitting taken{.seat = roster::seat_from(answer.at("seat").dump()), .cluster = {}, .start = etcd::Start::join};
    for (const Json& member : answer.at("cluster")) taken.cluster.push_back({NodeId::parse(member.at("node").get<std::string>()).value(), member.at("address").get<std::string>()});
    seat::Places().drop_data();
    keep([&](Record& record) {
        record.seat = taken.seat;
        record.keys.reset(); // they are in the seat
        record.has_voted = false;
    });
    return taken;
}

void SiteMember::sit(const Sitting& sitting) {
    const Record past = record();
    auto office = std::make_shared<Office>(OfficeParts{.agreed = *value_,
                                                       .value = *present_,
                                                       .lineage = lineage_,
                                                       .trust = *trust_,
                                                       .key = key_,
                                                       .place = *place_,
                                                       .formations = formations_,
                                                       .roles = roles_,
                                                       .hears = [this](const NodeId& node) { return membership_.hears(node); },
                                                       .certificate = [this] { return *record().certificate; },
                                                       .now = now,
                                                       .start_etcd = start_etcd,
                                                       .rotate = [this](const auto& formation, const auto& secret) { return written(service_->rotation(formation, secret)); },
                                                       .seal = [this](const auto& formation, const auto& secret, const auto& value) { return written(service_->gift(formation, secret, value)); },
                                                       .alarm = around_.alarm},
                                           sitting.seat);
    const seat::StoreMember::Order order{.value = *value_, .etcd_authority = office->keys().authorities.etcd, .cluster = sitting.cluster, .start = sitting.start, .alone = !past.lost.empty(), .step = step(), .also = lineage_ && lineage_->also ? std::optional(lineage_->also->etcd) : std::nullopt};
    office->etcd().start(order);
    if (past.seat && !past.has_voted) wait_for_a_vote(sitting.seat.address);
    office->etcd().wait(value_->genesis);
    if (order.alone) {
        office->forget(past.lost, past.lost_by);
        office->etcd().stop_being_alone(order);
        keep([](Record& record) {
            record.lost.clear();
            record.lost_by.clear();
        });
    }
    if (!past.has_voted) keep([](Record& record) { record.has_voted = true; });
    office->restore(self(), files_.restore());
    if (!past.seat) office->found(self(), files_.public_texts());
    office->open();
    membership_.receive_by(office->reception());
    {
        const std::lock_guard lock(mutex_);
        office_ = std::move(office);
    }
    look();
    doubt({}); // what was asked before there was anybody to answer
}

// By whoever of the other voters answers. Each proves that it is that voter, and answers this node and no other.
std::optional<SiteMember::Told> SiteMember::told_by_others() const {
    for (const auto& voter : known_voters()) {
        if (voter.node == node_) continue;
        voters::VotersClient client({.key = key_, .certificate = [this] { return *record().certificate; }, .trust = *trust_, .now = now}, {voter}, to_be_told);
        try {
            const auto answer = client.ask({.ask = "roster"}, voters::VotersClient::Changes::nothing);
            const auto* const refusal = std::get_if<voters::Refusal>(&answer);
            if (refusal != nullptr && refusal->reason == voters::Reason::to_wipe) return Told::to_wipe;
            return refusal != nullptr && refusal->reason == voters::Reason::not_member ? Told::removed : Told::member;
        } catch (const Error&) {
            // It is not there, or knows nothing.
        }
    }
    return std::nullopt;
}

// Two voters that were given up and come back together would be a quorum of what the site was before. The network may come late; where
// nobody is there after it came, all of them start again together.
void SiteMember::refuse_to_sit_where_it_was_removed() const {
    for (const auto end = std::chrono::steady_clock::now() + to_find_others;; std::this_thread::sleep_for(ask_again)) {
        const auto told = told_by_others();
        if (told && told != Told::member) throw Error(removed_text, "`ashlarctl node list` on a voter says who belongs to it; installed again, it comes back as another one");
        if (told || known_voters().size() < 2 || std::chrono::steady_clock::now() > end) return;
    }
}

void SiteMember::wait_for_a_vote(const std::string& address) {
    for (const auto end = std::chrono::steady_clock::now() + to_catch_up; !asked("seat.promote", {{"address", address}}).at("voter").get<bool>(); std::this_thread::sleep_for(ask_again))
        if (std::chrono::steady_clock::now() > end) throw Error("cannot vote in the site's etcd: this node has not caught up with the others in ten minutes", "`journalctl -u ashlar-etcd` says what hinders it");
}

Json SiteMember::asked(const std::string& what, Json parameters) {
    auto answer = voters_->ask({.ask = what, .parameters = std::move(parameters)}, voters::VotersClient::Changes::something);
    if (const auto* const refusal = std::get_if<voters::Refusal>(&answer)) throw Error(fmt::format("the voters refuse '{}': {}", what, refusal->text));
    return std::get<Json>(std::move(answer));
}

// ---- Staying -----------------------------------------------------------------------------------------------

std::shared_ptr<Office> SiteMember::office() const {
    const std::lock_guard lock(mutex_);
    return office_;
}

void SiteMember::stay(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (true) {
        (void)over_.wait_for(lock, stop, look_after, [this] { return is_look_due_; });
        // Where many come at once, others do not look once for each.
        if (is_look_due_) (void)over_.wait_until(lock, stop, looked_ + look_soonest, [] { return false; });
        if (stop.stop_requested()) return;
        is_look_due_ = false;
        if (!record_ || !record_->certificate || !value_) continue;
        lock.unlock();
        try {
            renew_what_is_due();
            look();
            follower_.hear(view()->files, std::chrono::steady_clock::now());
            follow_key();
            follow_authorities();
            doubt({});
        } catch (const Error& error) {
            follower_.miss(std::chrono::steady_clock::now());
            doubt(error.message());
            leave_if_removed();
            return_if_left_behind();
        }
        lock.lock();
    }
}

// What hinders it; nothing: all is well.
void SiteMember::doubt(const std::string& text) {
    {
        const std::lock_guard lock(mutex_);
        if (doubt_ == text) return;
        doubt_ = text;
    }
    around_.changed();
}

// Its etcd would start again and again, and be sent away each time.
void SiteMember::leave_if_removed() {
    const auto told = told_by_others();
    if (!told || told == Told::member) return;
    if (told == Told::removed) doubt(removed_text);
    membership_.receive_by(nullptr);
    {
        const std::lock_guard lock(mutex_);
        office_.reset();
    }
    (void)run({.argv = {"systemctl", "stop", "--no-block", etcd_unit}});
    if (told == Told::to_wipe) wipe();
}

// Where it cannot be, as in the middle of an upgrade, the next look tries again.
void SiteMember::wipe() {
    if (!is_wiping_) around_.alarm("this node was removed from its site, and is to be wiped: it erases what it has, and restarts");
    is_wiping_ = true;
    try {
        around_.wipe();
        doubt(wiped_text);
    } catch (const Error& error) {
        doubt(fmt::format("{}: {}", wiped_text, error.message()));
    }
}

void SiteMember::renew_what_is_due() {
    const auto office = this->office();
    if (office) office->renew();
    const auto own = *record().certificate;
    if (!certificates::is_due(own, now()) && is_of_now(own)) return;
    try {
        const auto next = renewed(office);
        keep([&](Record& record) { record.certificate = next; });
    } catch (const Error&) {
        if (office) throw;
        take_over(enrolled_by_any(Shown::certificate)); // by the key of its medium: also when the certificate has expired
    }
}

certificates::SiteCertificate SiteMember::renewed(const std::shared_ptr<Office>& office) {
    if (office) return office->issued(node_);
    return certificates::SiteCertificate::from_der(from_base64(asked("renew", {{"request", base64(certificates::make_request(key_))}}).at("certificate").get<std::string>()).value(), "own");
}

// Who is there, and what is planned.
void SiteMember::look() {
    const std::lock_guard one_at_a_time(looking_);
    const auto office = this->office();
    auto view = std::make_shared<const View>(office ? view_of(office->etcd().open()->client()) : view_of(*voters_));
    if (office) {
        office->follow(view->plan, view->roster);
        office->tend_key(view->roster);
    }
    if (!view->voters.empty()) {
        voters_->set_voters(view->voters);
        if (view->voters != record().voters) keep([&](Record& record) { record.voters = view->voters; });
    }
    const auto site = formation_site(view->plan, value_->genesis, view->roster, roles_);
    compare_roles(site);
    const auto before = this->view();
    const bool is_other_plan = !before || before->files != view->files;
    const bool is_same = before && formation_site(before->plan, value_->genesis, before->roster, roles_) == site;
    {
        const std::lock_guard lock(mutex_);
        view_ = std::move(view);
        looked_ = std::chrono::steady_clock::now();
    }
    hear_wishes();
    if (!is_same) service_->wake();
    if (!is_same || is_other_plan) disks_->wake();
}

// The plan gives this node something that its image does not have: its formations would be waited for in vain.
void SiteMember::compare_roles(const forming::Site& site) {
    const auto* const self = site.member(node_.text());
    if (self == nullptr || !roles_.knows(identity_.role)) return;
    std::string unfit;
    for (const auto& role : self->lineage)
        if (role != identity_.role && !roles_.extends(identity_.role, role)) unfit += fmt::format("{}'{}'", unfit.empty() ? "" : ", ", role);
    if (std::exchange(unfit_roles_, unfit) != unfit && !unfit.empty())
        around_.alarm(fmt::format("the site's plan gives this node the role {}, and its image is of the role '{}': the formations of {} are not in it", unfit, identity_.role, unfit));
}

void SiteMember::heed(const voters::Marks& marks) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(members_mark_, marks.members) == marks.members) return;
    is_look_due_ = true;
    over_.notify_all();
}

// What people want tried again.
void SiteMember::hear_wishes() {
    for (const auto& [formation, definition] : formations_) {
        for (const auto& [key, entry] : store_->list(fmt::format("formations/{}/retry", formation))) {
            const auto heard = wishes_.emplace(formation, entry.revision);
            if (heard.second || heard.first->second == entry.revision) continue;
            heard.first->second = entry.revision;
            service_->retry(formation);
        }
    }
}

PlanFollower::Deeds SiteMember::following() {
    return {.read = [](const voters::PlanFiles& files) { return node::site_files_of(files).site; }, .lay = [this](const site::Site& site) { lay_network(site, state_); }, .keep = [this](const voters::PlanFiles& files) { keep_plan(files); }, .alarm = around_.alarm};
}

// Everything else of it counts from the next start of the daemon, which nothing that runs notices.
void SiteMember::keep_plan(const voters::PlanFiles& files) {
    node::keep_public_texts(state_, files);
    around_.start_again();
}

// Says which keys it has, and takes over what the voters answer: from the next start of the daemon on.
void SiteMember::follow_key() {
    const voters::Request request{.ask = "site.key", .parameters = key_rotation::question(held_by(files_), kind_of(files_))};
    const auto office = this->office();
    const auto answer = office ? voters::answer_in(office->pass_on(self().bearer, voters::message_of(request))) : voters_->ask(request, voters::VotersClient::Changes::nothing);
    if (const auto* const refusal = std::get_if<voters::Refusal>(&answer)) {
        if (refusal->reason == voters::Reason::unknown_ask) return; // of an older release
        throw Error(fmt::format("cannot ask for the site's key: {}", refusal->text));
    }
    const auto kept = followed(files_, key_rotation::told(std::get<Json>(answer), *files_.site.id, key_));
    if (!kept) return;
    node::keep_keys(state_, *kept);
    around_.start_again();
}

std::shared_ptr<const View> SiteMember::view() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

// ---- Formations --------------------------------------------------------------------------------------------

formations::Parts SiteMember::formation_parts() {
    return {.definitions = formations_folder,
            .site = [this]() -> std::optional<forming::Site> {
                const auto view = this->view();
                if (!view) return std::nullopt;
                auto site = formation_site(view->plan, value_->genesis, view->roster, roles_);
                for (const auto& authority : trust_->authorities()) site.authority += authority.pem();
                return site;
            },
            .self = [this] { return formation_self(); },
            .keys =
                [this] {
                    formations::Keys keys;
                    if (const auto view = this->view())
                        for (const auto* member : view->roster.members()) keys.emplace(member->node().text(), member->key);
                    return keys;
                },
            .store = *store_,
            .key = key_,
            .mark = [this]() -> std::optional<std::string> {
                const auto office = this->office();
                auto marks = office ? std::optional(office->marks()) : voters::ask_marks(*voters_);
                if (!marks) return std::nullopt;
                heed(*marks);
                return std::move(marks->formations);
            },
            .certification = formations::Parts::Certification{.trust = [this] { return *trust_; }, .ask = [this](const auto& formation, const auto& request) { return service_certificate(formation, request); }, .now = now},
            .changed = around_.changed,
            .alarm = around_.alarm,
            .machine = machine()};
}

// Of the own desk, where there is one: it judges this node as any other.
certificates::SiteCertificate SiteMember::service_certificate(const std::string& formation, const Bytes& request) {
    const voters::Request asked{.ask = "service.certificate", .parameters = {{"formation", formation}, {"request", base64(request)}}};
    const auto office = this->office();
    const auto answer = office ? voters::answer_in(office->pass_on(self().bearer, voters::message_of(asked))) : voters_->ask(asked, voters::VotersClient::Changes::nothing);
    if (const auto* const refusal = std::get_if<voters::Refusal>(&answer)) throw Error(fmt::format("a voter refuses it: {}", refusal->text));
    const auto certificate = voters::bytes_in(std::get<Json>(answer).value("certificate", Json()));
    if (!certificate) throw Error("a voter's answer is no certificate");
    return certificates::SiteCertificate::from_der(*certificate, formation);
}

std::optional<disks::DisksFile::Wanted> SiteMember::wanted_disks() const {
    const auto view = this->view();
    if (!view) return std::nullopt;
    const auto site = formation_site(view->plan, value_->genesis, view->roster, roles_);
    const auto* const self = site.member(node_.text());
    if (self == nullptr) return std::nullopt;
    return disks::DisksFile::Wanted{.site = site.id, .rules = view->plan.data_disks, .roles = {self->lineage.begin(), self->lineage.end()}};
}

forming::Self SiteMember::formation_self() const {
    forming::Self self{.id = node_.text(), .boot = identity_.boot_id, .release = identity_.release, .fulfilled = {}, .upgrade = around_.upgrade()};
    const std::lock_guard lock(mutex_);
    const bool has_servers = view_ ? !view_->plan.time_servers.empty() : !files_.site.time_servers.empty();
    if (formations::time_is_sane(formations::read_clock(), formations::image_time(), has_servers)) self.fulfilled.insert("time");
    if (record_ && record_->certificate && value_) self.fulfilled.insert("site-ca");
    if (view_ && std::chrono::steady_clock::now() - looked_ < look_after * 3) self.fulfilled.insert("store");
    return self;
}

Json SiteMember::checks() const { return service_->checks(); }
Json SiteMember::timeline() const { return service_->timeline(place_->name); }

std::string SiteMember::why(const std::string& name) const {
    if (formations_.contains(name)) return service_->why(name);
    const auto view = this->view();
    const Json status = this->status();
    auto text = why_node({.status = status, .plan = view ? view->plan : files_.site, .unsettled = unsettled_on(name), .waiting = waiting()}, name);
    if (!text) throw Error(fmt::format("cannot say why '{}' is not what it should be: neither a service of this node nor a node of the site is called that", name), "`ashlarctl status` names both");
    return *std::move(text);
}

// Nothing where it cannot be known.
std::optional<std::vector<std::string>> SiteMember::unsettled_on(const std::string& name) const try {
    const auto view = this->view();
    const auto* const member = view ? view->roster.member_called(name) : nullptr;
    if (member == nullptr) return std::nullopt;
    const auto site = formation_site(view->plan, value_->genesis, view->roster, roles_);
    const std::string node = member->node().text();
    const auto said = store_->list("formations/");
    std::vector<std::string> unsettled;
    for (const auto& [formation, definition] : formations_)
        if (forming::is_placed(definition, site, node) && !said.contains(forming::key::settled(formation, node))) unsettled.push_back(formation);
    return unsettled;
} catch (const Error&) {
    return std::nullopt;
}

// At the doors of the site, where this node has a seat and etcd answers.
Json SiteMember::waiting() const try {
    const auto office = this->office();
    if (!office) return Json::array();
    const Json said = office->ask(voters::message_of({.ask = "applicants"}), 0);
    return said.value("answer", Json::object()).value("applicants", Json::array());
} catch (const Error&) {
    return Json::array();
}

// ---- Recovering --------------------------------------------------------------------------------------------

// By name; of what this node heard last where etcd does not answer: a voter that was replaced is another node under the same name.
std::map<std::string, NodeId> SiteMember::other_voters() const {
    std::map<std::string, NodeId> others;
    if (const auto view = this->view()) {
        for (const auto& [node, seat] : view->roster.seats)
            if (const auto* const member = view->roster.member(node); member != nullptr && node != node_) others[member->bearer.name] = node;
    } else if (value_) {
        for (const auto& voter : known_voters())
            if (voter.node != node_) others[voter_name(*value_, files_.site, voter)] = voter.node;
    }
    return others;
}

GenesisId SiteMember::genesis() const {
    const std::lock_guard lock(mutex_);
    if (!value_) throw Error("cannot say which genesis the site has: this node belongs to none yet", "`ashlarctl status` says what it waits for");
    return value_->genesis;
}

// All others, and none of them is there.
std::vector<voters::NamedNode> SiteMember::lost_voters(const std::vector<std::string>& lost) const {
    if (!record().has_voted || !seat::Places().has_data()) throw Error("cannot recover the site from here: this node has no data of its etcd", "do it on a voter that has");
    const auto others = other_voters();
    std::vector<voters::NamedNode> all;
    for (const auto& [name, node] : others) {
        if (std::ranges::find(lost, name) == lost.end()) throw Error(fmt::format("cannot recover the site: its voter {} is not among those that are lost", name), "it goes on with this node alone: name all others, or repair one of them and wait for the quorum");
        if (membership_.hears(node)) throw Error(fmt::format("cannot recover the site: {} is there, this node hears it", name), "with it the site may go on by itself; otherwise switch it off, and wait a minute");
        all.push_back({node, name});
    }
    for (const auto& name : lost)
        if (!others.contains(name)) throw Error(fmt::format("cannot recover the site: it has no other voter '{}'", name), "`ashlarctl status` names them");
    return all;
}

std::string SiteMember::recovery_order(const std::vector<std::string>& lost) const {
    const Time made = now();
    return text_of(voters::SignedOrder{.order = {.site = *files_.site.id, .what = voters::Recovery{.genesis = genesis(), .survivor = {node_, place_->name}, .lost = lost_voters(lost), .made = made, .expires = made + voters::order_life}}, .signatures = {}});
}

void SiteMember::recover(const std::vector<std::string>& lost) {
    if (!lost.empty() && record().lost == lost) return; // it is under way
    if (voters::can_be_two(files_.site))
        throw Error("cannot recover the site on one person's word: its plan names two who order it", "`ashlarctl order make recover` on this node; one who is 'admin' and another one who is 'approver' sign it with `ashlarctl order sign`; then `ashlarctl site recover --order FILE`");
    (void)lost_voters(lost);
    give_up(lost, {});
}

// Each order fits once: whoever was given up is no voter any more, and who comes in its place is another node.
void SiteMember::recover_by(const std::string& text) {
    const auto order = voters::order_from(text, "order");
    const auto orderers = voters::require_orderers(order, files_.site, now());
    const auto* const recovery = std::get_if<voters::Recovery>(&order.order.what);
    if (recovery == nullptr) throw Error("cannot use the order: it is not about recovering a site", "`ashlarctl order show` says what it is about");
    if (recovery->genesis != genesis()) throw Error("cannot use the order: it is about another genesis of the site", "this node makes another one: `ashlarctl order make recover`");
    if (recovery->survivor.node != node_) throw Error(fmt::format("cannot use the order: it is for {} (node {}), and this is node {}", recovery->survivor.name, recovery->survivor.node.text(), node_.text()), "carry it out there");
    std::vector<std::string> lost;
    for (const auto& one : recovery->lost) lost.push_back(one.name);
    if (record().lost == lost) return; // it is under way
    if (lost_voters(lost) != recovery->lost) throw Error("cannot use the order: a voter that it gives up is another machine by now, under the same name", "this node makes another one: `ashlarctl order make recover`");
    give_up(lost, fmt::format("{} {}", orderers.size() == 1 ? "operator" : "operators", voters::names_of(orderers)));
}

void SiteMember::give_up(const std::vector<std::string>& lost, const std::string& by) {
    keep([&](Record& record) {
        record.lost = lost;
        record.lost_by = by;
    });
    around_.start_again();
}

// ---- Founding by order -------------------------------------------------------------------------------------

namespace {

// Verified; an Error for one that is not.
founding::Order founding_order(const std::string& text, const site::Site& plan) {
    const auto order = voters::order_from(text, "order");
    (void)voters::require_orderers(order, plan, now());
    const auto* const foundation = std::get_if<voters::Foundation>(&order.order.what);
    if (foundation == nullptr) throw Error("cannot use the order: it is not about founding a site", "`ashlarctl order show` says what it is about");
    return {.number = foundation->number, .without = foundation->without, .despite = foundation->despite, .text = text};
}

void require_lawful(const founding::Order& order, const site::Site& plan) {
    const auto charter = charter_of(plan);
    if (charter.mode != founding::Mode::listed) throw Error("cannot found the site by an order: it does not list its voters", "power on as many blank nodes as site.toml expects");
    if (!founding::is_lawful(order, charter)) throw Error("cannot found the site so: more than half of its declared voters must be left, and no other names stand in an order", "site.toml names them: [[node]] with voter = true");
}

} // namespace

std::optional<std::string> SiteMember::objection_to_order(const founding::Order& order) {
    try {
        return founding_order(order.text, files_.site) == order ? std::nullopt : std::optional<std::string>("it says something else than what was signed");
    } catch (const Error& error) {
        return error.message();
    }
}

void SiteMember::require_founding() const {
    if (!place_->voter || !files_.key()) throw Error("cannot found the site from here: this node has no say in it", "do it on a voter");
    const std::lock_guard lock(mutex_);
    if (value_) throw Error("cannot found the site: it is founded", "`ashlarctl site recover` is for one that has lost its voters");
}

std::string SiteMember::foundation_order(const std::vector<std::string>& without, const std::vector<std::string>& despite) const {
    require_founding();
    const voters::Foundation foundation{.number = static_cast<std::uint64_t>(now().time_since_epoch().count()), .without = without, .despite = despite};
    require_lawful({.number = foundation.number, .without = without, .despite = despite}, files_.site);
    return text_of(voters::SignedOrder{.order = {.site = *files_.site.id, .what = foundation}, .signatures = {}});
}

void SiteMember::found_by(const std::string& text) {
    require_founding();
    auto order = founding_order(text, files_.site);
    require_lawful(order, files_.site);
    membership_.take(std::move(order));
}

// ---- Asked by people ---------------------------------------------------------------------------------------

Json SiteMember::ask(const Json& request, unsigned user) {
    const auto office = this->office();
    if (!office) throw Error("cannot ask that here: this node has no seat with the voters", "ask on a voter: `ashlarctl status` names them");
    return office->ask(request, user);
}

// The voters' answer, as ask() has it.
Json SiteMember::operator_certificate(const std::string& request) {
    const voters::Request asked{.ask = "operator.certificate", .parameters = {{"request", request}}};
    if (const auto office = this->office()) return office->pass_on(self().bearer, voters::message_of(asked));
    if (!has_certificate()) throw Error("cannot ask the voters: this node is no member of the site yet", "`ashlarctl status` says what it waits for");
    const auto answer = voters_->ask(asked, voters::VotersClient::Changes::something);
    const auto* const refusal = std::get_if<voters::Refusal>(&answer);
    return refusal != nullptr ? voters::refused(*refusal) : voters::answered(std::get<Json>(answer));
}

bool SiteMember::has_certificate() const {
    const std::lock_guard lock(mutex_);
    return voters_ != nullptr && record_ && record_->certificate;
}

Json SiteMember::authority() const {
    const std::lock_guard lock(mutex_);
    if (!value_) throw Error("cannot say who the site's authority is: the site has none yet", "`ashlarctl status` says what it waits for");
    Json voters = Json::array();
    for (const auto& voter : record_ && !record_->voters.empty() ? record_->voters : first_voters(*value_)) voters.push_back(voter.address);
    Json certificates = Json::array();
    for (const auto& authority : trust_->authorities()) certificates.push_back(base64(authority.der()));
    return {{"site", value_->site.text()}, {"certificate", base64(present_->authority.der())}, {"certificates", std::move(certificates)}, {"voters", std::move(voters)}};
}

// ---- For people --------------------------------------------------------------------------------------------

Json SiteMember::status() const {
    Json status = membership_.status();
    const std::lock_guard lock(mutex_);
    if (!code_.empty()) status["code"] = code_;
    if (!place_->remark.empty()) status["board"] = place_->remark;
    if (!doubt_.empty() && !status.contains("trouble")) status["trouble"] = doubt_;
    status["voter"] = place_->has_seat || (value_ && genesis::keys_for(*value_, node_));
    status["seat"] = office_ != nullptr;
    if (service_) status["formations"] = service_->status();
    if (view_) {
        status["members"] = Json::array();
        for (const auto* member : view_->roster.members())
            status["members"].push_back({{"node", member->node().text()}, {"name", member->bearer.name}, {"roles", member->bearer.roles}, {"seat", view_->roster.seats.contains(member->node())}, {"heard", member->node() == node_ || membership_.hears(member->node())}});
    }
    return status;
}

} // namespace ashlar::site_member
