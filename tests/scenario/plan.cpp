#include "plan.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::scenario {

namespace {

using founding::Charter;
using founding::Mode;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = Fault::Kind;

std::string place_name(unsigned site, std::size_t number) { return fmt::format("{}{:02}", site == 0 ? 'n' : 'm', number + 1); }

Charter listed(unsigned site, std::size_t voters) {
    Charter charter;
    for (std::size_t i = 0; i < voters; ++i) charter.places.push_back({place_name(site, i), fmt::format("serial {}{}", site, i + 1)});
    return charter;
}

class Draw {
public:
    explicit Draw(std::uint64_t seed) : dice_(seed) { plan_.seed = seed; }

    Plan all() {
        site(0);
        if (dice_.one_in(12)) site(1);
        if (dice_.one_in(8)) strangers();
        weather();
        plan_.calm = horizon_ + seconds(5);
        plan_.coded = dice_.one_in(16);
        if (dice_.chance(850)) faults();
        return std::move(plan_);
    }

private:
    void site(unsigned number);
    void strangers();
    void weather();
    void faults();
    void orders();
    void duel(std::size_t left, std::size_t right);
    void amnesia();
    [[nodiscard]] std::size_t voters_wanted() {
        const auto die = dice_.below(100);
        return die < 8 ? 1 : die < 80 ? 3 : 5;
    }
    [[nodiscard]] std::size_t others() {
        if (dice_.one_in(1500)) return dice_.between(100, 195);
        if (dice_.one_in(100)) return dice_.between(8, 20);
        return dice_.one_in(2) ? 0 : dice_.between(1, 2);
    }
    [[nodiscard]] Fault fault(Kind kind);
    [[nodiscard]] bool may_forget(std::size_t machine, bool keeps_disks) const;

    Dice dice_;
    Plan plan_;
    Microseconds horizon_ = seconds(8);
    bool orders_ = false;
    std::size_t left_out_ = 0;
    unsigned new_voters_ = 0; // anonymous: ids that came by flashing
};

void Draw::site(unsigned number) {
    const auto die = dice_.below(100);
    const std::size_t voters = voters_wanted();
    Charter charter = listed(number, voters);
    std::size_t spare = 0;
    if (die < 18) {
        charter = {.mode = Mode::anonymous, .places = {}, .expect = voters};
        // So many more that any two choices of voters still have one in common.
        if (voters > 1 && dice_.one_in(6)) spare = 1;
    } else if (die < 22) charter = {.mode = Mode::seed, .places = {}, .expect = 1};
    const std::size_t all_voters = charter.mode == Mode::seed ? 1 : voters + spare;
    const Microseconds spread = dice_.one_in(40) ? minutes(30) : dice_.one_in(3) ? seconds(20) : seconds(1);
    const std::size_t count = all_voters + (number == 0 ? others() : 0);
    for (std::size_t i = 0; i < count; ++i) {
        Machine machine{.site = number, .place = charter.mode == Mode::listed ? place_name(number, i) : "", .voter = i < all_voters};
        machine.power_on = dice_.between(Microseconds(0), spread);
        machine.keeps_key = charter.mode != Mode::anonymous && dice_.one_in(3);
        if (dice_.one_in(6)) machine.clock_permille = static_cast<unsigned>(dice_.between(700, 1500));
        horizon_ = std::max(horizon_, machine.power_on + seconds(12));
        plan_.machines.push_back(machine);
    }
    if (number == 0) {
        plan_.anchor = dice_.below(all_voters);
        if (dice_.one_in(25)) plan_.machines[dice_.below(all_voters)].never = true;
        if (dice_.one_in(40)) plan_.machines[dice_.below(all_voters)].marked = true;
    }
    plan_.charters.push_back(std::move(charter));
}

// They say that they are voters of the first site.
void Draw::strangers() {
    for (auto count = dice_.between(1, 3); count > 0; --count) {
        Machine machine{.site = 0, .place = plan_.machines.front().place, .voter = true, .stranger = true};
        machine.power_on = dice_.between(Microseconds(0), horizon_);
        plan_.machines.push_back(machine);
    }
}

void Draw::weather() {
    if (dice_.one_in(3)) return;
    plan_.weather = {static_cast<unsigned>(dice_.below(dice_.one_in(4) ? 400 : 100)), static_cast<unsigned>(dice_.below(100)), static_cast<unsigned>(dice_.below(150))};
}

Fault Draw::fault(Kind kind) {
    Fault fault{.kind = kind, .at = dice_.between(Microseconds(0), horizon_)};
    fault.machine = dice_.below(plan_.machines.size());
    fault.lasts = dice_.one_in(4) ? dice_.between(seconds(20), seconds(90)) : dice_.between(Microseconds(1000), seconds(8));
    return fault;
}

bool Draw::may_forget(std::size_t machine, bool keeps_disks) const {
    const Machine& candidate = plan_.machines[machine];
    if (candidate.stranger || candidate.site != 0) return false;
    if (!candidate.voter) return true;
    if (orders_) return machine == left_out_;
    if (machine == plan_.anchor) return keeps_disks;
    if (plan_.charters[0].mode != Mode::anonymous) return true;
    // Any two choices of voters out of all ids that there ever were have one in common.
    const auto ids = static_cast<std::size_t>(std::ranges::count_if(plan_.machines, [](const Machine& each) { return each.site == 0 && each.voter && !each.stranger; }));
    return ids + new_voters_ + 1 < 2 * plan_.charters[0].expect;
}

void Draw::orders() {
    const Charter& charter = plan_.charters[0];
    orders_ = true;
    left_out_ = dice_.below(charter.places.size());
    plan_.machines[left_out_].never = dice_.one_in(3);
    const std::size_t first_left_out = left_out_;
    Fault order = fault(Kind::order);
    order.machine = (left_out_ + 1 + dice_.below(charter.places.size() - 1)) % charter.places.size();
    order.order = {.number = 1, .without = {charter.places[left_out_].name}, .despite = {}};
    plan_.faults.push_back(order);
    if (dice_.one_in(6)) {
        // Two that leave so few that they could found a site each: no node takes them.
        for (std::size_t alone = 0; alone < 2; ++alone) {
            order.machine = alone;
            order.order = {.number = 2, .without = {}, .despite = {}};
            for (const auto& place : charter.places)
                if (place.name != charter.places[alone].name) order.order.without.push_back(place.name);
            plan_.faults.push_back(order);
        }
    } else if (dice_.one_in(2)) {
        // A second operator thinks of another one, and knows nothing of the first. Then nobody may forget anything.
        left_out_ = plan_.machines.size();
        const std::size_t other = (plan_.faults.back().machine + charter.places.size() - (dice_.one_in(8) ? 1 : 0)) % charter.places.size();
        Fault second = fault(Kind::order);
        second.machine = dice_.one_in(8) ? (other + 1) % charter.places.size() : first_left_out;
        second.order = {.number = dice_.between(1, 2), .without = {charter.places[other].name}, .despite = {}};
        plan_.faults.push_back(second);
        if (second.machine == first_left_out && other == order.machine) duel(order.machine, second.machine);
    }
}

// Each has an order to go on without the other, and they do not hear each other: who hears both decides, on a bad day.
void Draw::duel(std::size_t left, std::size_t right) {
    for (std::size_t machine = 0; machine < plan_.charters[0].places.size(); ++machine) plan_.machines[machine].power_on = dice_.between(Microseconds(0), seconds(1));
    for (Fault& fault : plan_.faults) fault.at = seconds(1) + dice_.between(Microseconds(0), Microseconds(400'000));
    for (const std::size_t machine : {left, right}) plan_.machines[machine].never = false;
    plan_.faults.push_back({.kind = Kind::sever, .machine = left, .other = right, .lasts = plan_.calm});
    const std::size_t voters = plan_.charters[0].places.size();
    for (std::size_t machine = 0; machine < voters; ++machine) {
        if (machine == left || machine == right) continue;
        plan_.faults.push_back({.kind = Kind::slow, .machine = machine, .lasts = dice_.between(Microseconds(600'000), seconds(4))});
        plan_.faults.push_back({.kind = Kind::cut, .after_actions = static_cast<unsigned>(dice_.between(2, 8)), .machine = machine, .lasts = dice_.between(Microseconds(1000), seconds(1))});
    }
}

// All but the anchor forget, in the middle of it or later, while the anchor is away.
void Draw::amnesia() {
    plan_.faults.push_back({.kind = Kind::cut, .after_actions = static_cast<unsigned>(dice_.between(4, 30)), .machine = plan_.anchor, .lasts = dice_.between(seconds(10), seconds(90))});
    for (std::size_t machine = 0; machine < plan_.machines.size(); ++machine)
        if (machine != plan_.anchor && may_forget(machine, false)) {
            plan_.faults.push_back({.kind = Kind::flash, .after_actions = static_cast<unsigned>(dice_.between(2, 30)), .machine = machine, .lasts = dice_.between(Microseconds(1000), seconds(5)), .keeps_disks = dice_.one_in(2)});
            if (plan_.machines[machine].voter) ++new_voters_;
        }
}

void Draw::faults() {
    if (plan_.charters[0].mode == Mode::listed && plan_.charters[0].places.size() > 1 && dice_.one_in(6)) orders();
    else if (dice_.one_in(6)) amnesia();
    const bool forgetful = dice_.one_in(2);
    for (auto count = dice_.between(0, 7); count > 0; --count) {
        const auto die = dice_.below(100);
        const Kind kind = die < 30 ? Kind::cut : die < 55 && forgetful ? Kind::flash : die < 75 ? Kind::part : die < 80 ? Kind::deafen : die < 86 ? Kind::jump : die < 94 ? Kind::slow : Kind::replay;
        Fault fault = this->fault(kind);
        fault.group = dice_.next();
        fault.keeps_disks = dice_.one_in(2) || fault.machine == plan_.anchor;
        if (kind == Kind::flash) {
            if (!may_forget(fault.machine, fault.keeps_disks)) continue;
            if (plan_.machines[fault.machine].voter) ++new_voters_;
        }
        if (kind == Kind::jump) fault.lasts = dice_.between(seconds(1), minutes(90));
        if (kind == Kind::slow) fault.lasts = dice_.between(Microseconds(50'000), seconds(4));
        if ((kind == Kind::cut || kind == Kind::flash || kind == Kind::part) && dice_.chance(600)) fault.after_actions = static_cast<unsigned>(dice_.between(1, 40));
        plan_.faults.push_back(fault);
    }
}

} // namespace

Plan draw(std::uint64_t seed) { return Draw(seed).all(); }

Plan quiet(std::size_t count, Microseconds lasts, std::uint64_t seed) {
    Dice dice(seed);
    Plan plan{.seed = seed, .charters = {listed(0, 3)}, .machines = {}, .faults = {}, .weather = {}, .calm = lasts};
    for (std::size_t i = 0; i < count; ++i) {
        Machine machine{.site = 0, .place = place_name(0, i), .voter = i < 3};
        machine.power_on = dice.between(Microseconds(0), seconds(1));
        plan.machines.push_back(machine);
    }
    return plan;
}

} // namespace ashlar::scenario
