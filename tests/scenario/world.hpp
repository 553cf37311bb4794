#pragma once

// A site that exists only in memory: machines that run the real core (firstboot/founding), a network, disks and clocks. One thread, one
// queue of events, all chance from the plan's seed: a run is the same every time.

#include "dice.hpp"
#include "plan.hpp"

#include <founding/founder.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ashlar::scenario {

struct Traffic {
    std::vector<std::uint64_t> beacons; // that were sent, by second
    std::uint64_t beacons_heard = 0, messages = 0;
};

struct Outcome {
    std::vector<std::string> violations;
    bool formed = false;           // the first site
    std::vector<std::string> said; // what each machine that is on says at the end
    std::optional<Microseconds> first_genesis, all_members;
    std::optional<Microseconds> all_hear_all; // each keeps as many others in mind as there are, or as it can
    Microseconds ended{};
    Traffic traffic;
    std::uint64_t print = 0; // of all that happened; the same for the same seed
};

class World {
public:
    // What happens is told to `trace`, a line each, if there is one.
    explicit World(Plan plan, std::function<void(const std::string&)> trace = {});
    ~World();

    [[nodiscard]] Outcome run();

private:
    struct Node;
    using Site = std::uint64_t; // with its key: a stranger's is another

    // Time.
    void at(Microseconds when, std::function<void()> what);
    void at_of(Node& node, Microseconds when, std::function<void()> what); // unless it was switched off in between
    [[nodiscard]] Milliseconds local(const Node& node) const;
    void schedule_tick(Node& node);

    // Machines.
    void power_on(Node& node);
    void power_off(Node& node);
    void tell(Node& node, const founding::Event& event);
    void perform(Node& node, const founding::Announce& announce);
    void perform(Node& node, const founding::Send& send);
    void perform(Node& node, const founding::Persist& persist);
    void perform(Node& node, const founding::Make& make);
    void perform(Node& node, const founding::Settle& settle);
    void perform(Node& node, const founding::Alarm& alarm);
    void note_hearing(Node& node);
    [[nodiscard]] bool interrupted(Node& node); // counts an action; true when the machine went off
    void written(Node& node, std::uint64_t number, const founding::Journal& journal);
    void try_to_settle(Node& node, bool voter);

    // The network.
    [[nodiscard]] bool reaches(const Node& from, const Node& to) const;
    void deliver(Node& from, Node& to, std::shared_ptr<const founding::Event> event, bool datagram);

    // Faults.
    void begin(const Fault& fault);
    void flash(Node& node, bool keeps_disks);
    void calm_down();
    void replay();

    // What must hold.
    void witness(const Node& node, const GenesisId& id);
    void judge();
    void judge_site(Site site);
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] bool has_quorum(const Node& seen_from, const founding::Genesis& genesis) const;
    void violate(std::string text);
    void note(const Node* node, const std::string& text);

    struct Item {
        Microseconds at;
        std::uint64_t number;
        std::function<void()> what;
    };

    Plan plan_;
    std::function<void(const std::string&)> trace_;
    Dice dice_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Item> queue_;
    std::uint64_t items_ = 0;
    Microseconds now_{};
    std::set<std::pair<std::size_t, std::size_t>> severed_;
    std::vector<std::uint64_t> parts_; // each cuts the network by the bits of its word
    std::vector<std::pair<std::size_t, std::shared_ptr<const founding::Event>>> recorded_;
    std::map<Site, std::set<GenesisId>> geneses_;
    std::size_t hear_all_ = 0; // machines
    Outcome outcome_;
};

} // namespace ashlar::scenario
