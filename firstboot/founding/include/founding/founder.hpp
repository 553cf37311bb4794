#pragma once

// The core of discovery, genesis and joining: events in, actions out. No clock, no socket, no file, no random number of the machine's:
// the same events give the same actions. docs/formats/genesis.md.
//
//     for (;;) perform(founder.on(now, next event, or Tick at founder.due()))
//
// The order of actions matters only in that each Persist replaces what was persisted before; Persisted{n} says that n and all before
// it are on the disk. Sends may be lost, doubled, late and out of order.

#include <founding/acceptor.hpp>
#include <founding/gathering.hpp>
#include <founding/message.hpp>
#include <founding/phase.hpp>
#include <founding/proposer.hpp>

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ashlar::founding {

// How long things take when nobody hinders them.
struct Pace {
    Milliseconds beacon_at_first{1'000}, at_first{60'000}, beacon{10'000}; // each +-20 %
    Milliseconds look_first{3'000};         // all voters must be here for so long before one proposes
    Milliseconds anonymous_look{20'000};    // the same where voters have no names
    Milliseconds turn{4'000};               // between the first who may propose and the next
    Milliseconds again{1'000};              // whoever has not answered is asked again
    Milliseconds patience{6'000};           // with a ballot, without any progress
    Milliseconds patience_to_make{60'000};  // with whoever makes the genesis
};

// ---- Events ----

// First of all, once. `marked`: disks of this node carry marks of this site.
struct Started {
    bool marked = false;
};
struct Tick {};
// A beacon with the right code.
struct Heard {
    beacon::Beacon beacon;
};
// What came over the site port.
struct Received {
    NodeId from;
    Life life;
    Message message;
};
struct Persisted {
    std::uint64_t number = 0;
};
// A genesis that was asked for by Make.
struct Made {
    Ballot ballot;
    Genesis genesis;
};
// What was asked for by Settle is done.
struct Settled {};
// At this node's console or socket, and verified.
struct Ordered {
    Order order;
};
using Event = std::variant<Started, Tick, Heard, Received, Persisted, Made, Settled, Ordered>;

// ---- Actions ----

struct Announce {
    beacon::Beacon beacon;
};
struct Send {
    NodeId to;
    Message message;
};
struct Persist {
    std::uint64_t number = 0;
    Journal journal;
};
// Answered by Made. The id is random and new; nothing about the site may be derived from anything else.
struct Make {
    Ballot ballot;
    Electorate voters;
    std::vector<std::pair<NodeId, Bytes>> offers;
};
// Set up this node's part: as one of the first voters, or by enrolling. Said again at each start until it is answered by Settled.
struct Settle {
    Genesis genesis;
    bool voter = false;
};
struct Alarm {
    std::string text;
};
using Action = std::variant<Announce, Send, Persist, Make, Settle, Alarm>;

// ---- For people ----

struct Status {
    Phase phase = Phase::hearing;
    std::string sentence; // "2 of 3 voters: waiting for n03 (serial ABC123), never heard"
    std::string remedy;   // what to do; empty: nothing
};

class Founder {
public:
    // The genesis that another one says it goes on for, where a site was restored: who still belongs to that is no rival, and is told so to people.
    // A function of its value, which means nothing here.
    using Predecessor = std::function<std::optional<GenesisId>(const Genesis& genesis)>;

    // `offer` is what a proposer needs of this voter. `seed` is random, and another one in each life.
    Founder(Charter charter, Self self, Bytes offer, Journal journal, std::uint64_t seed, Pace pace = {}, Predecessor predecessor = {});

    [[nodiscard]] std::vector<Action> on(Milliseconds now, const Event& event);
    // When it wants a Tick.
    [[nodiscard]] Milliseconds due() const;

    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] Status status() const;
    // As it is, or is on its way to the disk.
    [[nodiscard]] const Journal& journal() const { return journal_; }
    [[nodiscard]] const Peers& peers() const { return peers_; }

private:
    // Events.
    void on(const Started& started);
    void on(const Tick&) {}
    void on(const Heard& heard);
    void on(const Received& received);
    void on(const Persisted& persisted);
    void on(const Made& made);
    void on(const Settled&);
    void on(const Ordered& ordered);

    // Messages. A node's messages to itself come the same way.
    void on(const NodeId& from, const Prepare& prepare);
    void on(const NodeId& from, const Promise& promise);
    void on(const NodeId& from, const Propose& propose);
    void on(const NodeId& from, const Accepted& accepted);
    void on(const NodeId& from, const Refused& refused);
    void on(const NodeId& from, const Ask&);
    void on(const NodeId& from, const Known& known);

    // The table.
    void happen(Happening happening);
    void wake();

    // Looking first.
    void hear_of(const GenesisId& id);
    void hear_double(const beacon::Beacon& beacon);
    [[nodiscard]] bool is_rivalled() const;
    void belong_to(const Genesis& genesis);
    void adopt(const Order& order);
    [[nodiscard]] std::optional<Objection> objection() const;
    [[nodiscard]] bool counts_on(const NodeId& from, const Prepare& prepare) const;

    // Proposing.
    void propose();
    void pursue();
    void go_on();
    void give_up();
    void stand_back(Milliseconds extra);
    [[nodiscard]] Milliseconds turn_of(const Electorate& electorate) const;

    // What is due.
    void review();
    void review_conflicts();
    void review_voters();
    void review_joining();
    void announce();

    // Saying and keeping.
    void say(const NodeId& to, Message message);
    void say_when_kept(const NodeId& to, Message message);
    void keep(std::optional<Happening> then = {});
    [[nodiscard]] beacon::Standing standing() const;
    [[nodiscard]] beacon::Beacon beacon();
    [[nodiscard]] bool is_known(const GenesisId& id) const;
    [[nodiscard]] bool is_past(const GenesisId& id) const { return past_ == id; }
    [[nodiscard]] std::vector<std::string> those_of_the_past() const;
    void look_back();
    [[nodiscard]] Milliseconds random_up_to(Milliseconds most);

    struct Waiting {
        std::uint64_t number;
        NodeId to;
        Message message;
    };
    struct Milestone {
        std::uint64_t number;
        Happening happening;
    };

    const Charter charter_;
    const Self self_;
    const Bytes offer_;
    const Pace pace_;
    const Predecessor predecessor_;
    std::uint64_t random_;

    Phase phase_ = Phase::hearing;
    Journal journal_, submitted_;
    std::optional<GenesisId> past_; // what the genesis that it belongs to goes on for
    bool has_met_the_past_ = false;
    Acceptor acceptor_;
    Peers peers_;
    bool marked_ = false;

    Milliseconds now_{}, started_{};
    std::uint64_t written_ = 0, on_disk_ = 0; // numbers of Persist
    std::deque<Waiting> waiting_;             // for the disk
    std::deque<Milestone> milestones_;        // the same
    std::deque<Message> to_self_;
    std::vector<Action> actions_;

    std::optional<Proposer> proposer_;
    std::uint64_t newest_round_; // heard of
    unsigned attempts_ = 0;
    Milliseconds give_up_at_{}, again_at_{}, propose_at_{};
    std::optional<Electorate> complete_; // all who must agree, when they are here
    std::string refused_; // why the last ballot failed, for people

    std::optional<Milliseconds> doubled_at_;
    Milliseconds beacon_at_{}, review_at_{};
    Summary announced_view_{};
    std::uint64_t sequence_ = 0;
};

} // namespace ashlar::founding
