#include <founding/founder.hpp>

#include <algorithm>
#include <ranges>
#include <stdexcept>

#include <fmt/format.h>

namespace ashlar::founding {

namespace {

using beacon::Standing;

constexpr Milliseconds voters_review{500}, joining_review{2'000}, usual_review{10'000}, promptly{200};
constexpr std::size_t most_waiting = 256; // answers for the disk to come back; whoever gets none asks again
constexpr unsigned most_doublings = 4;

// What a node must hear of, whatever else there is no room for.
unsigned importance_of(const Charter& charter, const beacon::Beacon& beacon) {
    const bool may_vote = beacon.voter && (charter.mode != Mode::listed || charter.declares(beacon.name));
    return (may_vote ? 2U : 0U) + (beacon.genesis ? 1U : 0U);
}

} // namespace

Founder::Founder(Charter charter, Self self, Bytes offer, Journal journal, std::uint64_t seed, Pace pace, Predecessor predecessor)
    : charter_(std::move(charter)), self_(std::move(self)), offer_(std::move(offer)), pace_(pace), predecessor_(std::move(predecessor)), random_(seed), journal_(std::move(journal)),
      submitted_(journal_), acceptor_(journal_.votes),
      newest_round_(journal_.votes.promised ? journal_.votes.promised->round : 0) {
    look_back();
}

std::vector<Action> Founder::on(Milliseconds now, const Event& event) {
    now_ = std::max(now_, now);
    std::visit([&](const auto& each) { on(each); }, event);
    for (; !to_self_.empty(); to_self_.pop_front()) std::visit([&](const auto& message) { on(self_.node, message); }, Message(to_self_.front()));
    if (now_ >= review_at_ || now_ >= beacon_at_ || (proposer_ && now_ >= std::min(again_at_, give_up_at_))) review();
    for (; !to_self_.empty(); to_self_.pop_front()) std::visit([&](const auto& message) { on(self_.node, message); }, Message(to_self_.front()));
    return std::exchange(actions_, {});
}

Milliseconds Founder::due() const {
    const Milliseconds due = std::min(review_at_, beacon_at_);
    return proposer_ ? std::min({due, again_at_, give_up_at_}) : due;
}

// ---- Events ----

void Founder::on(const Started& started) {
    started_ = beacon_at_ = review_at_ = now_;
    marked_ = started.marked;
    wake();
}

void Founder::on(const Heard& heard) {
    const beacon::Beacon& beacon = heard.beacon;
    if (beacon.node == self_.node) return hear_double(beacon);
    const auto outcome = peers_.hear(now_, beacon, importance_of(charter_, beacon));
    if (outcome == Peers::Outcome::other_life) {
        const Peer* peer = peers_.find(beacon.node);
        if (peer->asked && now_ - *peer->asked < joining_review) return;
        peers_.asked(now_, beacon.node);
        return say(beacon.node, Ask{});
    }
    // Where there is no room for the node there is room for its news.
    if (beacon.genesis && (outcome == Peers::Outcome::fresh || outcome == Peers::Outcome::no_room)) hear_of(*beacon.genesis);
}

void Founder::on(const Received& received) {
    if (received.from == self_.node) return;
    peers_.met(received.from, received.life);
    std::visit([&](const auto& message) { on(received.from, message); }, received.message);
}

void Founder::on(const Persisted& persisted) {
    on_disk_ = std::max(on_disk_, persisted.number);
    for (; !milestones_.empty() && milestones_.front().number <= on_disk_; milestones_.pop_front()) happen(milestones_.front().happening);
    for (; !waiting_.empty() && waiting_.front().number <= on_disk_; waiting_.pop_front()) say(waiting_.front().to, std::move(waiting_.front().message));
}

void Founder::on(const Made& made) {
    if (proposer_ && proposer_->made(made.ballot, made.genesis)) go_on();
}

void Founder::on(const Settled&) {
    if (!journal_.genesis || journal_.settled) return;
    journal_.settled = true;
    keep(Happening::settled);
}

void Founder::on(const Ordered& ordered) {
    adopt(ordered.order);
    keep();
}

// ---- Messages: a voter ----

std::optional<Objection> Founder::objection() const {
    if (phase_ == Phase::conflict || phase_ == Phase::identity_conflict) return Objection::conflict;
    if (journal_.told) return Objection::exists;
    if (phase_ == Phase::foreign_data) return Objection::foreign_data;
    if (!self_.voter) return Objection::no_voter;
    return std::nullopt;
}

bool Founder::counts_on(const NodeId& from, const Prepare& prepare) const {
    const Electorate& electorate = prepare.electorate;
    if (prepare.charter != charter_.summary() || !sits_in(electorate, from)) return false;
    const Elector here{charter_.mode == Mode::listed ? self_.name : self_.node.text(), self_.node};
    if (std::ranges::find(electorate, here) == electorate.end()) return false;
    switch (charter_.mode) {
    case Mode::listed: return charter_.sufficient(electorate, prepare.order);
    case Mode::anonymous: {
        const auto here_now = voters_here(charter_, self_, peers_, now_);
        return here_now.size() == charter_.expect && std::ranges::equal(electorate, here_now, {}, &Elector::node);
    }
    case Mode::seed: return electorate.size() == 1;
    }
    return false;
}

void Founder::on(const NodeId& from, const Prepare& prepare) {
    if (journal_.genesis) return say_when_kept(from, Known{journal_.genesis});
    newest_round_ = std::max(newest_round_, prepare.ballot.round);
    if (prepare.order) adopt(*prepare.order);
    auto objection = this->objection();
    if (!objection && !counts_on(from, prepare)) objection = Objection::other_voters;
    if (objection) return say(from, Refused{prepare.ballot, *objection, {}});
    auto answer = acceptor_.prepare(prepare.ballot);
    if (const auto* refused = std::get_if<Refused>(&answer)) return say(from, *refused);
    if (proposer_ && proposer_->ballot() < prepare.ballot) proposer_.reset();
    if (from != self_.node) stand_back(pace_.turn);
    auto& promise = std::get<Promise>(answer);
    promise.offer = offer_;
    journal_.votes = acceptor_.votes();
    keep(Happening::promised);
    say_when_kept(from, std::move(promise));
}

void Founder::on(const NodeId& from, const Propose& propose) {
    if (journal_.genesis) return say_when_kept(from, Known{journal_.genesis});
    newest_round_ = std::max(newest_round_, propose.ballot.round);
    if (const auto objection = this->objection()) return say(from, Refused{propose.ballot, *objection, {}});
    const auto answer = acceptor_.accept(propose.ballot, propose.genesis);
    if (const auto* refused = std::get_if<Refused>(&answer)) return say(from, *refused);
    if (from != self_.node) stand_back(pace_.turn);
    journal_.votes = acceptor_.votes();
    keep(Happening::accepted);
    say_when_kept(from, std::get<Accepted>(answer));
}

// ---- Messages: a proposer ----

void Founder::on(const NodeId& from, const Promise& promise) {
    if (!proposer_) return;
    if (proposer_->promised(from, promise)) go_on();
}

void Founder::on(const NodeId& from, const Accepted& accepted) {
    if (proposer_ && proposer_->accepted(from, accepted)) go_on();
}

void Founder::on(const NodeId& from, const Refused& refused) {
    if (refused.promised) newest_round_ = std::max(newest_round_, refused.promised->round);
    if (!proposer_ || refused.ballot != proposer_->ballot() || !sits_in(proposer_->electorate(), from)) return;
    const auto elector = std::ranges::find(proposer_->electorate(), from, &Elector::node);
    refused_ = fmt::format("{} refused: {}", elector->place, name_of(refused.objection));
    give_up();
}

// ---- Messages: who knows the genesis ----

void Founder::on(const NodeId& from, const Ask&) { say_when_kept(from, Known{journal_.genesis}); }

void Founder::on(const NodeId&, const Known& known) {
    if (!known.genesis) return;
    hear_of(known.genesis->id);
    if (phase_ == Phase::conflict || phase_ == Phase::identity_conflict || journal_.genesis || !is_known(known.genesis->id)) return;
    belong_to(*known.genesis);
}

void Founder::belong_to(const Genesis& genesis) {
    proposer_.reset();
    journal_.told = genesis.id;
    journal_.genesis = genesis;
    look_back();
    keep(sits_in(genesis.voters, self_.node) ? Happening::chosen : Happening::learned);
}

// ---- The table ----

void Founder::happen(Happening happening) {
    const auto next = founding::next(phase_, happening);
    if (!next) throw std::logic_error(fmt::format("nothing is foreseen for '{}' in phase '{}'", name_of(happening), name_of(phase_)));
    const Standing before = standing();
    phase_ = *next;
    if (standing() != before) beacon_at_ = std::min(beacon_at_, now_ + random_up_to(promptly));
    review_at_ = now_;
    if (!votes(phase_)) proposer_.reset();
    if (happening == Happening::chosen || happening == Happening::learned || happening == Happening::woke_chosen || happening == Happening::woke_learned)
        if (phase_ == Phase::founding || phase_ == Phase::joining) actions_.push_back(Settle{*journal_.genesis, phase_ == Phase::founding});
}

void Founder::wake() {
    const auto woke = [&] {
        if (journal_.settled) return Happening::woke_settled;
        if (journal_.genesis) return sits_in(journal_.genesis->voters, self_.node) ? Happening::woke_chosen : Happening::woke_learned;
        if (journal_.told) return Happening::woke_told;
        const bool meaningless = journal_.order && std::ranges::find(journal_.order->despite, self_.name) != journal_.order->despite.end();
        if (marked_ && !meaningless) return Happening::woke_marked;
        if (journal_.votes.accepted) return Happening::woke_accepted;
        if (journal_.votes.promised) return Happening::woke_promised;
        return Happening::woke_blank;
    };
    phase_ = Phase::hearing;
    happen(woke());
}

// ---- Looking first ----

bool Founder::is_known(const GenesisId& id) const { return journal_.told == id; }

void Founder::look_back() {
    if (journal_.genesis && predecessor_) past_ = predecessor_(*journal_.genesis);
}

std::vector<std::string> Founder::those_of_the_past() const {
    std::vector<std::string> names;
    for (const Peer* peer : peers_.present(now_))
        if (peer->beacon.genesis && is_past(*peer->beacon.genesis)) names.push_back(peer->beacon.name);
    return names;
}

void Founder::hear_of(const GenesisId& id) {
    if (phase_ == Phase::identity_conflict) return;
    if (is_past(id)) {
        if (!std::exchange(has_met_the_past_, true)) actions_.push_back(Alarm{status().remedy});
        return;
    }
    const auto& accepted = journal_.votes.accepted;
    if (!journal_.told && accepted && accepted->genesis.id == id) {
        belong_to(accepted->genesis);
    } else if (!journal_.told) {
        journal_.told = id;
        keep();
        if (phase_ != Phase::conflict) happen(Happening::told);
    } else if (!is_known(id) && phase_ != Phase::conflict) {
        happen(Happening::rivalled);
        actions_.push_back(Alarm{status().sentence});
    }
}

void Founder::hear_double(const beacon::Beacon& beacon) {
    const bool same_key = beacon.key == self_.key;
    // A beacon of a boot before this one may be an old one of this machine, recorded and sent again.
    if (same_key && (beacon.life == self_.life || beacon.life.boot < self_.life.boot)) return;
    doubled_at_ = now_;
    if (phase_ == Phase::identity_conflict) return;
    happen(Happening::doubled);
    actions_.push_back(Alarm{status().sentence});
}

void Founder::adopt(const Order& order) {
    if (!is_lawful(order, charter_) || (journal_.order && journal_.order->number >= order.number)) return;
    journal_.order = order;
    if (phase_ == Phase::foreign_data && std::ranges::find(order.despite, self_.name) != order.despite.end()) happen(Happening::ordered);
}

bool Founder::is_rivalled() const {
    return std::ranges::any_of(peers_.present(now_), [&](const Peer* peer) { return peer->beacon.genesis && !is_known(*peer->beacon.genesis) && !is_past(*peer->beacon.genesis); });
}

// ---- Proposing ----

Milliseconds Founder::turn_of(const Electorate& electorate) const {
    std::vector<NodeId> order;
    for (const Elector& elector : electorate) order.push_back(elector.node);
    std::ranges::sort(order);
    const auto place = static_cast<std::uint64_t>(std::ranges::find(order, self_.node) - order.begin());
    const std::uint64_t behind = (place + order.size() - newest_round_ % order.size()) % order.size();
    return pace_.turn * static_cast<Milliseconds::rep>(behind);
}

void Founder::propose() {
    proposer_.emplace(Ballot{++newest_round_, self_.node, self_.life.mark}, *complete_);
    give_up_at_ = now_ + pace_.patience;
    pursue();
}

// Asks whoever has not answered.
void Founder::pursue() {
    again_at_ = now_ + pace_.again;
    for (const NodeId& node : proposer_->silent())
        if (proposer_->stage() == Proposer::Stage::preparing)
            say(node, Prepare{proposer_->ballot(), proposer_->electorate(), charter_.summary(), journal_.order});
        else say(node, Propose{proposer_->ballot(), *proposer_->genesis()});
}

// The ballot has got to its next stage.
void Founder::go_on() {
    give_up_at_ = now_ + pace_.patience;
    switch (proposer_->stage()) {
    case Proposer::Stage::preparing: break;
    case Proposer::Stage::making: {
        const auto& offers = proposer_->offers();
        give_up_at_ = now_ + pace_.patience_to_make;
        actions_.push_back(Make{proposer_->ballot(), proposer_->electorate(), {offers.begin(), offers.end()}});
        break;
    }
    case Proposer::Stage::proposing: pursue(); break;
    case Proposer::Stage::chosen: {
        const Genesis genesis = *proposer_->genesis();
        const Electorate electorate = proposer_->electorate();
        belong_to(genesis);
        for (const Elector& elector : electorate)
            if (elector.node != self_.node) say_when_kept(elector.node, Known{genesis});
        break;
    }
    }
}

void Founder::give_up() {
    proposer_.reset();
    attempts_ = std::min(attempts_ + 1, most_doublings);
    stand_back(random_up_to(pace_.turn * (1 << attempts_)));
}

void Founder::stand_back(Milliseconds extra) {
    const Milliseconds turn = complete_ ? turn_of(*complete_) : pace_.turn;
    propose_at_ = std::max(propose_at_, now_ + turn + extra + random_up_to(pace_.again));
}

// ---- What is due ----

void Founder::review() {
    review_conflicts();
    if (votes(phase_)) review_voters();
    if (phase_ == Phase::joining && !journal_.genesis) review_joining();
    const bool busy = votes(phase_) && self_.voter;
    review_at_ = now_ + (busy ? voters_review : phase_ == Phase::joining ? joining_review : usual_review);
    if (now_ >= beacon_at_) announce();
}

void Founder::review_conflicts() {
    if (on_disk_ < written_) return;
    if (phase_ == Phase::identity_conflict && now_ - *doubled_at_ >= silence) wake();
    if (phase_ == Phase::conflict && !is_rivalled()) wake();
}

void Founder::review_voters() {
    if (!self_.voter) return;
    if (summary_of(voters_here(charter_, self_, peers_, now_)) != announced_view_) beacon_at_ = std::min(beacon_at_, now_ + random_up_to(promptly));
    auto electorate = gather(charter_, journal_.order, self_, peers_, now_).electorate;
    if (electorate != complete_) {
        complete_ = std::move(electorate);
        const Milliseconds look = charter_.mode == Mode::anonymous ? pace_.anonymous_look : pace_.look_first;
        if (complete_) propose_at_ = std::max(propose_at_, now_ + look + turn_of(*complete_));
    }
    if (proposer_) {
        if (now_ >= give_up_at_) return give_up();
        if (now_ >= again_at_) pursue();
        return;
    }
    if (complete_ && now_ >= propose_at_) propose();
}

void Founder::review_joining() {
    std::vector<NodeId> members;
    for (const Peer* peer : peers_.present(now_))
        if (peer->beacon.genesis && is_known(*peer->beacon.genesis)) members.push_back(peer->beacon.node);
    if (members.empty()) return;
    say(members[static_cast<std::size_t>(random_up_to(Milliseconds(1'000'000)).count()) % members.size()], Ask{});
}

void Founder::announce() {
    actions_.push_back(Announce{beacon()});
    const Milliseconds period = now_ - started_ < pace_.at_first ? pace_.beacon_at_first : pace_.beacon;
    beacon_at_ = now_ + period * 4 / 5 + random_up_to(period * 2 / 5);
}

// ---- Saying and keeping ----

void Founder::say(const NodeId& to, Message message) {
    if (to == self_.node) to_self_.push_back(std::move(message));
    else actions_.push_back(Send{to, std::move(message)});
}

// What rests on the journal is said when the journal is on the disk.
void Founder::say_when_kept(const NodeId& to, Message message) {
    if (on_disk_ >= written_) return say(to, std::move(message));
    if (waiting_.size() >= most_waiting) return;
    waiting_.push_back({written_, to, std::move(message)});
}

void Founder::keep(std::optional<Happening> then) {
    if (journal_ != submitted_) {
        submitted_ = journal_;
        actions_.push_back(Persist{++written_, journal_});
        if (then) milestones_.push_back({written_, *then});
    }
}

Standing Founder::standing() const {
    switch (phase_) {
    case Phase::hearing: return Standing::hearing;
    case Phase::promised:
    case Phase::accepted: return Standing::agreeing;
    case Phase::founding: return Standing::founding;
    case Phase::joining: return Standing::joining;
    case Phase::member: return Standing::member;
    case Phase::foreign_data: return Standing::foreign_data;
    case Phase::identity_conflict: return Standing::identity_conflict;
    case Phase::conflict: return Standing::conflict;
    }
    return Standing::hearing;
}

beacon::Beacon Founder::beacon() {
    const bool is_known_for_good = journal_.genesis && on_disk_ >= written_;
    return {.node = self_.node,
            .key = self_.key,
            .life = self_.life,
            .sequence = ++sequence_,
            .standing = standing(),
            .voter = self_.voter,
            .genesis = is_known_for_good ? std::optional(journal_.genesis->id) : std::nullopt,
            .charter = charter_.summary(),
            .view = announced_view_ = summary_of(voters_here(charter_, self_, peers_, now_)),
            .port = self_.port,
            .name = self_.name,
            .role = self_.role,
            .addresses = self_.addresses};
}

// splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
Milliseconds Founder::random_up_to(Milliseconds most) {
    random_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31U;
    return Milliseconds(static_cast<Milliseconds::rep>(mixed % (static_cast<std::uint64_t>(most.count()) + 1)));
}

} // namespace ashlar::founding
