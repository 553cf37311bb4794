#include <membership/membership.hpp>

#include <membership/genesis_json.hpp>

#include <base/error.hpp>
#include <base/random.hpp>
#include <base/text.hpp>
#include <genesis/value.hpp>
#include <state/state.hpp>

#include <chrono>
#include <poll.h>
#include <span>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::membership {

using namespace founding;

namespace {

constexpr const char* boots_member = "boots";
constexpr Milliseconds look_around{2'000}; // for interfaces that came
constexpr std::chrono::seconds try_again{5};
constexpr std::size_t most_origins = 1024;
constexpr Milliseconds another_key_counts{60'000};
constexpr const char* another_key_text = "somebody speaks for this site under another key: was the site's key rotated? Then this node's medium, or ticket, is to be made anew";

Milliseconds now() { return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()); }

std::uint64_t random_number() {
    std::uint64_t number = 0;
    fill_with_random(std::as_writable_bytes(std::span(&number, 1)));
    return number;
}

// On the disk before anybody hears of it.
Self alive(Self self, const std::filesystem::path& state, std::uint16_t port) {
    const Json content = state::change(state, [](Json& kept) { kept[boots_member] = kept.value(boots_member, std::uint64_t{0}) + 1; });
    self.life = {content.at(boots_member).get<std::uint64_t>(), random_number()};
    self.port = port;
    return self;
}

std::optional<beacon::Key> former_key_in(const Parts& parts) { return parts.former ? std::optional(beacon::Key::derived(bytes_of(parts.former->beacon_key.text()))) : std::nullopt; }

std::vector<channel::SharedKey> shared_keys_in(const Parts& parts) {
    std::vector<channel::SharedKey> keys;
    const auto add = [&](const Secret& beacon_key, const std::optional<Secret>& key) {
        if (key) keys.push_back({identity_of(parts.site, site::key_id_of(beacon_key)), Secret(key->text())});
    };
    add(parts.beacon_key, parts.enrolment_key);
    if (parts.former) add(parts.former->beacon_key, parts.former->enrolment_key);
    return keys;
}

Json json_of(const Peer& peer, Milliseconds now) {
    return {{"node", peer.beacon.node.text()}, {"name", peer.beacon.name}, {"role", peer.beacon.role}, {"voter", peer.beacon.voter}, {"heard", is_present(peer, now)}};
}

Founder::Predecessor predecessor_for(const SiteId& site) {
    return [site](const Genesis& genesis) -> std::optional<GenesisId> {
        const auto checked = genesis::check_from_outside(text_of(genesis.value), site);
        const auto* const value = std::get_if<genesis::Value>(&checked);
        return value != nullptr && value->restores ? std::optional(value->restores->genesis) : std::nullopt;
    };
}

} // namespace

Membership::Membership(Parts parts, std::function<void()> changed, std::function<void(const std::string&)> alarm)
    : parts_(std::move(parts)), changed_(std::move(changed)), alarm_(std::move(alarm)), beacon_key_(beacon::Key::derived(bytes_of(parts_.beacon_key.text()))), former_beacon_key_(former_key_in(parts_)), shared_keys_(shared_keys_in(parts_)), beacons_(parts_.beacons),
      founder_(parts_.charter, parts_.self = alive(parts_.self, parts_.state, parts_.site_port), parts_.settling.offer(), journal_in(parts_.state), random_number(), Pace(), predecessor_for(parts_.site)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw system_error("make", "event descriptor");
    if (!parts_.enrolment_key) return;
    const Voice voice{parts_.key, parts_.site, shared_keys_, parts_.self.life};
    site_port_ = std::make_unique<SitePort>(voice, parts_.site_port, [this](const Speaker& speaker, Message message) { post(Received{speaker.node, speaker.life, std::move(message)}); });
}

void Membership::begin() {
    post(Started{parts_.marked});
    // What a member runs is gone after a restart.
    if (const auto& journal = founder_.journal(); journal.genesis && journal.settled) perform(Settle{*journal.genesis, sits_in(journal.genesis->voters, parts_.self.node)});
    thread_ = std::jthread([this] { run(); });
}

Membership::~Membership() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    post(Tick{});
}

// ---- The loop -----------------------------------------------------------------------------------------------

void Membership::run() {
    Milliseconds looked = now();
    for (;;) {
        take_events();
        hear_beacons();
        if (now() >= founder_.due()) happen(Tick{});
        if (now() - looked > look_around) {
            beacons_.look_around();
            looked = now();
        }
        show();
        {
            const std::lock_guard lock(mutex_);
            if (over_) return;
        }
        wait(std::min(look_around, std::max(founder_.due() - now(), Milliseconds(0))));
    }
}

void Membership::wait(Milliseconds longest) {
    std::vector<pollfd> polls{{wake_.get(), POLLIN, 0}};
    for (const int descriptor : beacons_.descriptors()) polls.push_back({descriptor, POLLIN, 0});
    ::poll(polls.data(), polls.size(), static_cast<int>(longest.count()) + 1);
    std::uint64_t woken = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &woken, sizeof woken);
}

void Membership::post(Event event) {
    {
        const std::lock_guard lock(mutex_);
        events_.push_back(std::move(event));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Membership::take_events() {
    for (;;) {
        std::optional<Event> event;
        {
            const std::lock_guard lock(mutex_);
            if (events_.empty()) return;
            event = std::move(events_.front());
            events_.pop_front();
        }
        if (const auto* received = std::get_if<Received>(&*event)) hear(*received);
        else happen(*event);
    }
}

// What the core cannot judge.
void Membership::hear(const Received& received) {
    if (const auto* propose = std::get_if<Propose>(&received.message)) {
        if (const auto objection = parts_.settling.objection(propose->genesis)) return refuse(fmt::format("refused the genesis that node {} proposes: {}", received.from.text(), *objection));
    } else if (const auto* promise = std::get_if<Promise>(&received.message); promise != nullptr && promise->accepted) {
        if (const auto objection = parts_.settling.objection_to_repeat(promise->accepted->genesis)) return refuse(fmt::format("does not propose the genesis that node {} has accepted: {}", received.from.text(), *objection));
    } else if (const auto* prepare = std::get_if<Prepare>(&received.message); prepare != nullptr && prepare->order) {
        if (const auto objection = parts_.settling.objection_to_order(*prepare->order)) return refuse(fmt::format("refused the order that node {} shows: {}", received.from.text(), *objection));
    }
    happen(received);
}

// Others say it again each second. It stands in the status until the site is set up.
void Membership::refuse(const std::string& text) {
    if (text == refused_) return;
    refused_ = text;
    alarm_(text);
    const std::lock_guard lock(mutex_);
    trouble_ = text;
}

// A flood is read as fast as it is dropped, and no faster than everything else is done.
void Membership::hear_beacons() {
    constexpr int most_at_once = 64;
    for (int i = 0; i < most_at_once; ++i) {
        const auto datagram = beacons_.receive();
        if (!datagram) return;
        const auto reading = decoded(datagram->bytes);
        if (reading.beacon) hear(*reading.beacon, *datagram);
    }
}

beacon::Reading Membership::decoded(ByteView datagram) {
    auto reading = beacon::decode(datagram, parts_.site, beacon_key_);
    if (reading.refusal == beacon::Refusal::wrong_code && !reading.beacon && former_beacon_key_) reading = beacon::decode(datagram, parts_.site, *former_beacon_key_);
    if (!reading.beacon && reading.refusal == beacon::Refusal::wrong_code) heard_another_key_ = now();
    return reading;
}

// Anybody can say so; where members are heard it means nothing.
bool Membership::hears_another_key() const {
    return heard_another_key_ && now() - *heard_another_key_ < another_key_counts && founder_.peers().present(now()).empty();
}

// A node is where its newest beacon came from. Whoever sends an older one again does not move it; but where the core asks because of one
// that it cannot judge, it asks there.
void Membership::hear(const beacon::Beacon& beacon, const beacon_port::Datagram& datagram) {
    const beacon_port::Origin from = datagram.from.with_port(beacon.port);
    const auto is_newest = [&] {
        const Peer* peer = founder_.peers().find(beacon.node);
        return peer != nullptr && peer->beacon.life == beacon.life && peer->beacon.sequence == beacon.sequence;
    };
    const bool is_repeated = is_newest();
    in_question_ = {beacon.node, from};
    happen(Heard{beacon});
    in_question_.reset();
    const bool has_no_room = founder_.peers().find(beacon.node) == nullptr;
    if (has_no_room || (!is_repeated && is_newest())) remember(beacon.node, from, datagram.to_group);
}

// Also for whom the core has no room: it may ask, and is answered.
void Membership::remember(const NodeId& node, const beacon_port::Origin& from, bool by_group) {
    if (origins_.size() >= most_origins && !origins_.contains(node)) std::erase_if(origins_, [&](const auto& each) { return founder_.peers().find(each.first) == nullptr; });
    origins_[node] = {from, by_group, now()};
}

void Membership::happen(const Event& event) {
    for (const auto& action : founder_.on(now(), event)) std::visit([this](const auto& one) { perform(one); }, action);
}

// ---- What the core wants done -----------------------------------------------------------------------------------

// Whom a seed hears from beyond a router hears the seed. While the site's key is rotated each is heard by both.
void Membership::perform(const Announce& announce) {
    send_out(beacon::encode(announce.beacon, parts_.site, beacon_key_));
    if (former_beacon_key_) send_out(beacon::encode(announce.beacon, parts_.site, *former_beacon_key_));
}

void Membership::send_out(ByteView datagram) {
    beacons_.send(datagram);
    for (const auto& [node, where] : origins_)
        if (!where.by_group && now() - where.heard < silence) beacons_.send_to(where.origin, datagram);
}

void Membership::perform(const Send& send) {
    if (in_question_ && in_question_->first == send.to && std::holds_alternative<Ask>(send.message)) return say_at(in_question_->second, send);
    if (const auto found = origins_.find(send.to); found != origins_.end()) say_at(found->second.origin, send);
}

void Membership::say_at(const beacon_port::Origin& origin, const Send& send) {
    if (site_port_) return site_port_->tell(origin, send.to, send.message);
    if (std::holds_alternative<Ask>(send.message)) introduce_to(send.to, origin);
}

// One at a time: the core asks again.
void Membership::introduce_to(const NodeId& node, const beacon_port::Origin& origin) {
    const Peer* const peer = founder_.peers().find(node);
    if (peer == nullptr || introducing_.exchange(true)) return;
    introduction_ = std::jthread([this, node, origin, life = peer->beacon.life] {
        std::string trouble;
        try {
            post(Received{node, life, Known{parts_.settling.introduce(origin)}});
        } catch (const Error& error) {
            trouble = error.message();
        }
        {
            const std::lock_guard lock(mutex_);
            trouble_ = trouble;
        }
        introducing_ = false;
    });
}

// A disk that keeps nothing is a node that must say nothing: the daemon ends with the Error.
void Membership::perform(const Persist& persist) {
    state::change(parts_.state, [&](Json& content) { content[genesis_member] = to_json(persist.journal); });
    post(Persisted{persist.number});
}

template <typename Work> void Membership::keep_trying(const std::stop_token& stop, std::string_view what, const Work& work) {
    while (!stop.stop_requested()) {
        std::string trouble;
        try {
            work();
        } catch (const Error& error) {
            trouble = fmt::format("{}: {}", what, error.message());
        }
        std::unique_lock lock(mutex_);
        trouble_ = trouble;
        if (trouble.empty()) return;
        stopped_.wait_for(lock, stop, try_again, [] { return false; });
    }
}

void Membership::perform(const Make& make) {
    making_ = std::jthread([this, make](const std::stop_token& stop) {
        keep_trying(stop, "making the site", [&] { post(Made{make.ballot, parts_.settling.make(make.voters, make.offers)}); });
    });
}

void Membership::perform(const Settle& settle) {
    settling_ = std::jthread([this, settle](const std::stop_token& stop) {
        keep_trying(stop, "setting up this node's part", [&] {
            parts_.settling.settle(settle.genesis, settle.voter);
            post(Settled{});
        });
    });
}

void Membership::perform(const Alarm& alarm) { alarm_(alarm.text); }

// ---- For people ------------------------------------------------------------------------------------------------

void Membership::show() {
    const Status said = founder_.status();
    Json peers = Json::array();
    for (const Peer* peer : founder_.peers().all()) peers.push_back(json_of(*peer, now()));
    Json status{{"phase", name_of(said.phase)}, {"sentence", said.sentence}, {"remedy", said.remedy}, {"node", parts_.self.node.text()}, {"name", parts_.self.name}, {"peers", std::move(peers)}};
    if (const auto& genesis = founder_.journal().genesis) status["genesis"] = genesis->id.text();
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        present_.clear();
        for (const Peer* peer : founder_.peers().present(now())) present_.insert(peer->beacon.node);
        if (!trouble_.empty()) status["trouble"] = trouble_;
        else if (hears_another_key()) status["trouble"] = another_key_text;
        is_new = status != status_;
        status_ = std::move(status);
    }
    if (is_new) changed_();
}

void Membership::receive_by(std::shared_ptr<Reception> reception) {
    if (site_port_) site_port_->receive_by(std::move(reception));
}

bool Membership::hears(const NodeId& node) const {
    const std::lock_guard lock(mutex_);
    return present_.contains(node);
}

Json Membership::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

} // namespace ashlar::membership
