#include "world.hpp"

#include <algorithm>
#include <ranges>
#include <stdexcept>

#include <fmt/format.h>

namespace ashlar::scenario {

using founding::Event;
using founding::Founder;
using founding::Genesis;
using founding::Journal;
using founding::Phase;
using std::chrono::duration_cast;
using std::chrono::minutes;
using std::chrono::seconds;

struct World::Node {
    std::size_t index = 0;
    Machine machine;
    Site site = 0;

    // What outlives its power.
    std::array<std::byte, 32> key{};
    Journal disk;
    std::uint64_t boots = 0;
    bool marked = false;

    // One life.
    std::unique_ptr<Founder> founder;
    beacon::Life life;
    std::uint64_t lives = 0; // that it has had
    bool hears_all = false;
    Microseconds powered_on{};
    Milliseconds clock{}; // when it was powered on
    std::optional<Microseconds> tick_at;
    std::vector<std::pair<std::uint64_t, Journal>> unwritten;
    Microseconds disk_free{};

    Microseconds disk_latency = std::chrono::milliseconds(4);
    bool deaf = false;
    unsigned actions = 0;
    std::vector<Fault> triggered;

    [[nodiscard]] NodeId id() const {
        NodeId id;
        std::ranges::copy_n(key.begin(), id.bytes.size(), id.bytes.begin());
        return id;
    }
    [[nodiscard]] std::string name() const { return machine.place.empty() ? fmt::format("#{}", index) : machine.place + (machine.stranger ? "?" : ""); }
};

namespace {

std::array<std::byte, 32> random_key(Dice& dice) {
    std::array<std::byte, 32> key;
    for (std::byte& byte : key) byte = static_cast<std::byte>(dice.next());
    return key;
}

// For beacons that are really encoded.
const SiteId& coded_site() {
    static const SiteId site = *SiteId::parse("00112233445566778899aabbccddeeff");
    return site;
}
const beacon::Key& key_of(std::uint64_t site) {
    static std::map<std::uint64_t, beacon::Key> keys;
    auto found = keys.find(site);
    if (found == keys.end()) {
        Bytes text;
        append_little_endian(text, site);
        found = keys.emplace(site, beacon::Key(text)).first;
    }
    return found->second;
}

constexpr bool later(const auto& left, const auto& right) { return std::tie(left.at, left.number) > std::tie(right.at, right.number); }

} // namespace

World::World(Plan plan, std::function<void(const std::string&)> trace) : plan_(std::move(plan)), trace_(std::move(trace)), dice_(plan_.seed ^ 0x5eedU) {
    for (std::size_t i = 0; i < plan_.machines.size(); ++i) {
        auto node = std::make_unique<Node>();
        node->index = i;
        node->machine = plan_.machines[i];
        node->site = node->machine.stranger ? 1000 + i : node->machine.site;
        node->key = random_key(dice_);
        node->marked = node->machine.marked;
        nodes_.push_back(std::move(node));
    }
}
World::~World() = default;

// ---- Time ----

void World::at(Microseconds when, std::function<void()> what) {
    queue_.push_back({std::max(when, now_), items_++, std::move(what)});
    std::ranges::push_heap(queue_, later<Item, Item>);
}

void World::at_of(Node& node, Microseconds when, std::function<void()> what) {
    at(when, [&node, life = node.lives, what = std::move(what)] {
        if (node.founder && node.lives == life) what();
    });
}

Milliseconds World::local(const Node& node) const {
    return node.clock + duration_cast<Milliseconds>((now_ - node.powered_on) * node.machine.clock_permille / 1000);
}

void World::schedule_tick(Node& node) {
    const Milliseconds in = std::max(Milliseconds(0), node.founder->due() - local(node));
    const Microseconds when = now_ + Microseconds(in) * 1000 / node.machine.clock_permille + Microseconds(1000);
    // Local time is rounded: a tick that comes a little later is the same one.
    if (node.tick_at && *node.tick_at <= when + Milliseconds(2) && *node.tick_at > now_) return;
    node.tick_at = when;
    at_of(node, when, [this, &node, when] {
        if (node.tick_at == when) tell(node, founding::Tick{});
    });
}

Outcome World::run() {
    for (auto& node : nodes_)
        if (!node->machine.never) at(node->machine.power_on, [this, &each = *node] { power_on(each); });
    for (const Fault& fault : plan_.faults) {
        if (fault.after_actions > 0) nodes_[fault.machine]->triggered.push_back(fault);
        else at(fault.at, [this, &fault] { begin(fault); });
    }
    at(plan_.calm, [this] { calm_down(); });
    // Clocks may go at 0.7 of the right speed, and a proposer stands back for up to a minute.
    const Microseconds end = plan_.calm + minutes(6);
    Microseconds look = plan_.calm;
    while (!queue_.empty() && now_ < end && outcome_.violations.empty()) {
        std::ranges::pop_heap(queue_, later<Item, Item>);
        Item item = std::move(queue_.back());
        queue_.pop_back();
        now_ = item.at;
        try {
            item.what();
        } catch (const std::logic_error& error) {
            violate(error.what());
        }
        if (now_ < look) continue;
        if (is_over()) break;
        look = now_ + seconds(1);
    }
    judge();
    outcome_.ended = now_;
    outcome_.formed = geneses_.contains(0);
    return std::move(outcome_);
}

// ---- Machines ----

void World::power_on(Node& node) {
    if (node.founder) return;
    ++node.lives;
    node.life = {++node.boots, dice_.next()};
    node.powered_on = node.disk_free = now_;
    node.clock = Milliseconds(dice_.below(100'000));
    node.tick_at.reset();
    founding::Self self{.node = node.id(), .key = node.key, .life = node.life, .name = node.machine.place, .role = "probe", .port = 4747, .addresses = {}, .voter = node.machine.voter};
    node.founder = std::make_unique<Founder>(plan_.charters[node.machine.site], std::move(self), Bytes{}, node.disk, dice_.next());
    note(&node, fmt::format("on, boot {}, id {}", node.boots, node.id().text().substr(0, 8)));
    tell(node, founding::Started{node.marked});
}

// What was not synced may be on the disk, or not.
void World::power_off(Node& node) {
    if (!node.founder) return;
    for (const auto& [number, journal] : node.unwritten) {
        if (dice_.one_in(2)) break;
        node.disk = journal;
        if (journal.genesis) witness(node, journal.genesis->id);
    }
    node.unwritten.clear();
    node.founder.reset();
    note(&node, "off");
}

void World::tell(Node& node, const Event& event) {
    outcome_.print = (outcome_.print ^ (static_cast<std::uint64_t>(now_.count()) * 131 + node.index * 17 + event.index())) * 0x100000001b3U;
    const Phase before = node.founder->phase();
    const auto actions = node.founder->on(local(node), event);
    if (const Phase after = node.founder->phase(); after != before) note(&node, fmt::format("{} → {}", name_of(before), name_of(after)));
    if (before != Phase::member && node.founder->phase() == Phase::member && is_over()) outcome_.all_members = now_;
    note_hearing(node);
    const auto life = node.lives;
    for (const auto& action : actions) {
        std::visit([&](const auto& each) { perform(node, each); }, action);
        if (!node.founder || node.lives != life) return;
    }
    schedule_tick(node);
}

void World::note_hearing(Node& node) {
    if (node.hears_all || node.founder->peers().count() < std::min(nodes_.size() - 1, founding::most_peers)) return;
    node.hears_all = true;
    if (++hear_all_ == nodes_.size()) outcome_.all_hear_all = now_;
}

bool World::interrupted(Node& node) {
    ++node.actions;
    for (std::size_t i = 0; i < node.triggered.size(); ++i)
        if (node.triggered[i].after_actions == node.actions && now_ < plan_.calm) {
            const Fault fault = node.triggered[i];
            begin(fault);
        }
    return !node.founder;
}

void World::perform(Node& node, const founding::Announce& announce) {
    auto& by_second = outcome_.traffic.beacons;
    by_second.resize(std::max(by_second.size(), static_cast<std::size_t>(now_ / seconds(1)) + 1));
    ++by_second.back();
    std::shared_ptr<const Event> event;
    if (announce.beacon.genesis) witness(node, *announce.beacon.genesis);
    if (plan_.coded) {
        const auto datagram = encode(announce.beacon, coded_site(), key_of(node.site));
        auto reading = decode(datagram, coded_site(), key_of(node.site));
        if (!reading.beacon || *reading.beacon != announce.beacon) violate("a beacon is read as something else");
        for (const auto& other : nodes_)
            if (other->site != node.site && decode(datagram, coded_site(), key_of(other->site)).beacon) violate("a stranger's beacon is believed");
        event = std::make_shared<const Event>(founding::Heard{*std::move(reading.beacon)});
    } else event = std::make_shared<const Event>(founding::Heard{announce.beacon});
    if (recorded_.size() < 64 && dice_.one_in(4)) recorded_.emplace_back(node.site, event);
    for (auto& other : nodes_)
        if (other->site == node.site) deliver(node, *other, event, true);
}

void World::perform(Node& node, const founding::Send& send) {
    ++outcome_.traffic.messages;
    if (trace_) note(&node, fmt::format("says {} to {}", send.message.index(), send.to.text().substr(0, 8)));
    const auto event = std::make_shared<const Event>(founding::Received{node.id(), node.life, send.message});
    for (auto& other : nodes_)
        if (other->site == node.site && other->id() == send.to) deliver(node, *other, event, false);
    (void)interrupted(node);
}

void World::perform(Node& node, const founding::Persist& persist) {
    node.unwritten.emplace_back(persist.number, persist.journal);
    node.disk_free = std::max(node.disk_free, now_) + dice_.between(node.disk_latency / 4, node.disk_latency);
    at_of(node, node.disk_free, [this, &node, number = persist.number, journal = persist.journal] { written(node, number, journal); });
    (void)interrupted(node);
}

void World::written(Node& node, std::uint64_t number, const Journal& journal) {
    node.unwritten.erase(node.unwritten.begin());
    node.disk = journal;
    if (journal.genesis) witness(node, journal.genesis->id);
    if (!interrupted(node)) tell(node, founding::Persisted{number});
}

void World::perform(Node& node, const founding::Make& make) {
    Genesis genesis{.id = {}, .voters = make.voters, .value = {}};
    for (std::byte& byte : genesis.id.bytes) byte = static_cast<std::byte>(dice_.next());
    at_of(node, now_ + dice_.between(Milliseconds(20), Milliseconds(900)),
          [this, &node, ballot = make.ballot, genesis] { tell(node, founding::Made{ballot, genesis}); });
}

void World::perform(Node& node, const founding::Settle& settle) {
    witness(node, settle.genesis.id);
    if (node.disk.genesis != settle.genesis) violate(fmt::format("{} sets up what is not on its disk", node.name()));
    try_to_settle(node, settle.voter);
}

void World::perform(Node& node, const founding::Alarm& alarm) { note(&node, "ALARM " + alarm.text); }

// etcd starts when more than half of the first voters are there; a newcomer is enrolled by a member, while etcd runs.
void World::try_to_settle(Node& node, bool voter) {
    at_of(node, now_ + dice_.between(Milliseconds(300), Milliseconds(1500)), [this, &node, voter] {
        const Genesis& genesis = *node.founder->journal().genesis;
        const bool enrolled = voter || std::ranges::any_of(nodes_, [&](const auto& other) {
                                  return other.get() != &node && other->founder && other->disk.settled && other->disk.genesis == genesis && reaches(node, *other);
                              });
        if (!enrolled || !has_quorum(node, genesis)) return try_to_settle(node, voter);
        node.marked = true;
        tell(node, founding::Settled{});
    });
}

bool World::has_quorum(const Node& seen_from, const Genesis& genesis) const {
    const auto there = std::ranges::count_if(nodes_, [&](const auto& other) {
        return other->founder && other->disk.genesis == genesis && sits_in(genesis.voters, other->id()) && reaches(seen_from, *other);
    });
    return 2 * static_cast<std::size_t>(there) > genesis.voters.size();
}

// ---- The network ----

bool World::reaches(const Node& from, const Node& to) const {
    if (severed_.contains(std::minmax(from.index, to.index))) return false;
    return std::ranges::all_of(parts_, [&](std::uint64_t part) { return ((part >> from.index % 64 ^ part >> to.index % 64) & 1U) == 0; });
}

void World::deliver(Node& from, Node& to, std::shared_ptr<const Event> event, bool datagram) {
    if (!to.founder || !reaches(from, to) || (to.deaf && &from != &to)) return;
    const bool itself = &from == &to;
    if (!itself && dice_.chance(plan_.weather.lost)) return;
    const unsigned copies = !itself && dice_.chance(plan_.weather.doubled) ? 2 : 1;
    for (unsigned copy = 0; copy < copies; ++copy) {
        const bool late = !itself && dice_.chance(plan_.weather.late);
        const Microseconds takes = late ? dice_.between(Microseconds(5'000), seconds(5)) : dice_.between(Microseconds(200), Microseconds(3'000));
        if (datagram) ++outcome_.traffic.beacons_heard;
        at(now_ + takes, [this, &to, event] {
            if (to.founder) tell(to, *event);
        });
    }
}

// ---- Faults ----

void World::begin(const Fault& fault) {
    if (now_ >= plan_.calm) return;
    Node& node = *nodes_[fault.machine];
    using enum Fault::Kind;
    switch (fault.kind) {
    case cut:
    case flash:
        if (node.machine.never || (fault.kind == flash && !fault.keeps_disks && fault.machine == plan_.anchor && node.machine.voter)) return;
        power_off(node);
        if (fault.kind == flash) this->flash(node, fault.keeps_disks);
        at(now_ + fault.lasts, [this, &node] { power_on(node); });
        break;
    case part:
        note(nullptr, fmt::format("the network is cut by {:x}", fault.group & ((1U << nodes_.size()) - 1)));
        parts_.push_back(fault.group);
        at(now_ + fault.lasts, [this, group = fault.group] { std::erase(parts_, group); });
        break;
    case sever:
        severed_.insert(std::minmax(fault.machine, fault.other));
        at(now_ + fault.lasts, [this, link = std::pair(std::minmax(fault.machine, fault.other))] { severed_.erase(link); });
        break;
    case deafen:
        node.deaf = true;
        at(now_ + fault.lasts, [&node] { node.deaf = false; });
        break;
    case jump: node.clock += duration_cast<Milliseconds>(fault.lasts); break;
    case slow: node.disk_latency = fault.lasts; break;
    case order:
        if (!node.founder) break;
        note(&node, "is given an operator's order");
        tell(node, founding::Ordered{fault.order});
        break;
    case replay: this->replay(); break;
    }
}

// The anchor remembers: its journal, or at least by its disks that there was something.
void World::flash(Node& node, bool keeps_disks) {
    const bool marked_still = keeps_disks && node.marked;
    if (node.index == plan_.anchor && !marked_still) return;
    note(&node, marked_still ? "flashed again, with the disks of before" : "flashed again");
    node.disk = {};
    node.boots = 0;
    node.marked = marked_still;
    if (!node.machine.keeps_key) node.key = random_key(dice_);
}

void World::calm_down() {
    note(nullptr, "calm");
    parts_.clear();
    severed_.clear();
    plan_.weather = {};
    for (auto& node : nodes_) {
        node->deaf = false;
        node->disk_latency = Milliseconds(4);
        if (!node->machine.never) power_on(*node);
    }
    // An operator who gave an order to a machine that was off comes again.
    for (const Fault& fault : plan_.faults)
        if (fault.kind == Fault::Kind::order && nodes_[fault.machine]->founder) tell(*nodes_[fault.machine], founding::Ordered{fault.order});
}

void World::replay() {
    for (const auto& [site, event] : recorded_)
        for (auto& node : nodes_)
            if (node->site == site && node->founder && dice_.one_in(2)) tell(*node, *event);
}

// ---- What must hold ----

void World::witness(const Node& node, const GenesisId& id) {
    auto& known = geneses_[node.site];
    if (!known.insert(id).second) return;
    note(&node, "genesis " + id.text().substr(0, 8));
    if (node.site == 0 && known.size() == 1) outcome_.first_genesis = now_;
    if (known.size() > 1) violate("there are two geneses of one site");
}

bool World::is_over() const {
    return geneses_.contains(0) && std::ranges::all_of(nodes_, [](const auto& node) { return !node->founder || node->machine.stranger || (node->disk.settled && node->founder->phase() == Phase::member); });
}

void World::judge() {
    if (!outcome_.violations.empty()) return;
    for (const auto& node : nodes_) {
        if (!node->founder) continue;
        const auto status = node->founder->status();
        outcome_.said.push_back(fmt::format("{}: {}", node->name(), status.sentence));
        if (status.sentence.empty()) violate(fmt::format("{} does not say what it waits for", node->name()));
        for (const auto& other : nodes_)
            if (other->site != node->site && node->founder->peers().find(other->id()) != nullptr) violate(fmt::format("{} believes in {}, a stranger", node->name(), other->name()));
        if (node->disk.genesis)
            for (const auto& elector : node->disk.genesis->voters)
                for (const auto& other : nodes_)
                    if (other->site != node->site && other->id() == elector.node) violate("a stranger is enrolled");
    }
    for (std::size_t site = 0; site < plan_.charters.size(); ++site) judge_site(site);
}

// Formed, or a reason that is true and named.
void World::judge_site(Site site) {
    const founding::Charter& charter = plan_.charters[site];
    std::vector<const Node*> on;
    for (const auto& node : nodes_)
        if (node->site == site && node->founder) on.push_back(node.get());
    const auto holder = std::ranges::find_if(on, [](const Node* node) { return node->disk.genesis.has_value(); });
    if (holder != on.end()) {
        const Genesis& genesis = *(*holder)->disk.genesis;
        for (const Node* node : on) {
            if (node->disk.genesis != genesis) violate(fmt::format("{} has not learned the genesis: {}", node->name(), node->founder->status().sentence));
            else if (has_quorum(*node, genesis) && node->founder->phase() != Phase::member) violate(fmt::format("{} is no member: {}", node->name(), node->founder->status().sentence));
        }
        return;
    }
    // Whoever cannot take part: it is blank and its disks are not, or it has heard that there is a genesis.
    const auto able = [](const Node* node) { return votes(node->founder->phase()); };
    std::vector<const Node*> voters = on;
    std::erase_if(voters, [](const Node* node) { return !node->machine.voter; });
    if (charter.mode != founding::Mode::listed) {
        const bool all = std::ranges::all_of(voters, able) && voters.size() == charter.expect;
        if (all) violate(fmt::format("all voters are here, and the site is not founded: {}", voters.front()->founder->status().sentence));
        return;
    }
    const auto missing = [&](const std::optional<founding::Order>& order) {
        auto places = charter.required(order);
        std::erase_if(places, [&](const std::string& place) { return std::ranges::any_of(voters, [&](const Node* node) { return node->machine.place == place && able(node); }); });
        return places;
    };
    for (const Node* node : voters) {
        const auto status = node->founder->status();
        if (!able(node)) continue;
        const auto places = missing(node->founder->journal().order);
        const auto required = charter.required(node->founder->journal().order);
        const bool left_out = std::ranges::find(required, node->machine.place) == required.end();
        if (places.empty() && !left_out) violate(fmt::format("all voters are here, and the site is not founded: {}", status.sentence));
        for (const std::string& place : places)
            if (status.sentence.find(place) == std::string::npos) violate(fmt::format("{} does not say that it waits for {}: {}", node->name(), place, status.sentence));
    }
}

void World::violate(std::string text) {
    note(nullptr, "VIOLATION: " + text);
    outcome_.violations.push_back(std::move(text));
}

void World::note(const Node* node, const std::string& text) {
    if (trace_) trace_(fmt::format("{:>10.3f} s  {:<5} {}", static_cast<double>(now_.count()) / 1e6, node != nullptr ? node->name() : "", text));
}

} // namespace ashlar::scenario
