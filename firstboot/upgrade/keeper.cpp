#include <upgrade/keeper.hpp>

#include <base/error.hpp>

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace ashlar::upgrade {

Keeper::Keeper(Steps& steps, Memory& memory, std::function<void(const Journal&)> changed) : steps_(steps), memory_(memory), changed_(std::move(changed)) {}

void Keeper::settle(Event event) {
    const auto to = next(journal_.phase, event);
    if (!to) throw std::logic_error(fmt::format("the table has no row for '{}' in the phase '{}'", name_of(event), name_of(journal_.phase)));
    journal_.phase = *to;
}

void Keeper::move(Event event) {
    settle(event);
    memory_.keep(journal_);
    changed_(journal_);
}

void Keeper::end(std::string text) {
    const auto& about = journal_.target ? std::optional(journal_.target->image) : journal_.origin;
    journal_.ending = Ending{about ? about->release : std::string(), std::move(text)};
}

namespace {

// What is known of a release that nobody was left to give up.
std::string fell(const Journal& before, const Facts& facts) {
    std::string text = fmt::format("it was started {} {} and did not prove itself", before.attempts, before.attempts == 1 ? "time" : "times");
    for (const auto& why : {before.ending ? before.ending->text : std::string(), facts.last_words})
        if (!why.empty()) text += "; " + why;
    return text;
}

} // namespace

void Keeper::wake(const Facts& facts) {
    const Journal before = memory_.recall();
    journal_ = before;
    const Event event = upgrade::wake(journal_, facts);
    const bool tried = before.phase == Phase::armed || before.phase == Phase::trying || before.phase == Phase::blessing;
    if (event == Event::woke_fallen && tried)
        end(fell(before, facts));
    // The boot loader could not count: it would start it again.
    if (event == Event::woke_fallen && tried && facts.target_entry == Facts::Entry::usable) steps_.give_up(before.target->image);
    if (event == Event::woke_other && works(before.phase)) end(fmt::format("another release was started meanwhile: {}", facts.running.release));
    // Whoever starts the old release by hand does not want to be restarted out of it.
    if (event == Event::woke_same && tried) journal_.after = After::wait;
    settle(event);
    if (journal_ == before) return;
    memory_.keep(journal_);
    changed_(journal_);
}

bool Keeper::upgrade(const Source& source, After after, const Installed& running) {
    if (!next(journal_.phase, Event::asked)) return false;
    journal_.source = source;
    journal_.after = after;
    journal_.origin = running;
    journal_.target.reset();
    journal_.ending.reset();
    journal_.attempts = 0;
    move(Event::asked);
    return true;
}

bool Keeper::go_back(const Installed& running) {
    if (!next(journal_.phase, Event::asked_back)) return false;
    if (journal_.phase == Phase::resting) {
        journal_.origin = running;
        journal_.target.reset();
    }
    journal_.ending.reset();
    journal_.after = After::wait;
    move(Event::asked_back);
    return true;
}

bool Keeper::reset() {
    if (!next(journal_.phase, Event::asked_reset)) return false;
    move(Event::asked_reset);
    return true;
}

bool Keeper::report(Event health, const std::string& reason) {
    if (!next(journal_.phase, health)) return false;
    if (!reason.empty()) end(reason);
    move(health);
    return true;
}

Event Keeper::write() {
    Target& target = *journal_.target;
    const bool goes_on = journal_.progress && journal_.progress->root_hash == target.image.root_hash && journal_.progress->stream == target.route.stream;
    if (!goes_on) journal_.progress = Progress{target.image.root_hash, target.route.stream, 0};
    auto refusal = steps_.write(journal_.source, target, journal_.progress->operations, [this](std::uint64_t operations) {
        journal_.progress->operations = operations;
        memory_.keep(journal_);
        changed_(journal_);
    });
    if (refusal) return take_another_route(std::move(*refusal));
    target.others.clear();
    return Event::done;
}

namespace {

Error no_route_left(const std::vector<Refusal>& refusals) {
    Error error(refusals.back().text, "ask whoever publishes the release to look at its files");
    for (auto refusal = refusals.rbegin() + 1; refusal != refusals.rend(); ++refusal) error.add_trail(fmt::format("going on from the way '{}', which was refused: {}", refusal->way, refusal->text));
    return error;
}

} // namespace

Event Keeper::take_another_route(std::string refusal) {
    Target& target = *journal_.target;
    target.refusals.push_back({target.route.way, std::move(refusal)});
    if (target.others.empty()) throw no_route_left(target.refusals);
    target.route = std::move(target.others.front());
    target.others.erase(target.others.begin());
    return Event::refused;
}

// What was armed and never started is given up; else what runs.
void Keeper::give_up() { steps_.give_up(journal_.target ? journal_.target->image : *journal_.origin); }

Event Keeper::perform() {
    switch (journal_.phase) {
    case Phase::checking:
        journal_.target = steps_.check(journal_.source);
        return journal_.target ? Event::done : Event::current;
    case Phase::clearing: steps_.clear(*journal_.target); return Event::done;
    case Phase::marking: steps_.mark(*journal_.target); return Event::done;
    case Phase::writing: return write();
    case Phase::proving: steps_.prove(*journal_.target); return Event::done;
    case Phase::naming: steps_.name(*journal_.target); return Event::done;
    case Phase::arming: steps_.arm(*journal_.target); return Event::done;
    case Phase::blessing: steps_.bless(journal_.target->image); return Event::done;
    case Phase::returning: give_up(); return Event::done;
    case Phase::resting:
    case Phase::armed:
    case Phase::trying:
    case Phase::leaving:
    case Phase::resetting: break;
    }
    throw std::logic_error("a phase without work was asked for it");
}

bool Keeper::work() {
    if (!works(journal_.phase)) {
        const bool wants_restart = journal_.phase == Phase::leaving || journal_.phase == Phase::resetting || (journal_.phase == Phase::armed && journal_.after == After::restart);
        if (wants_restart && !std::exchange(restarted_, true)) steps_.restart();
        return false;
    }
    const Phase phase = journal_.phase;
    Event event = Event::failed;
    try {
        event = perform();
    } catch (const Error& error) {
        // A slot that does not prove itself is written anew the next time.
        if (phase == Phase::proving) journal_.progress.reset();
        end(error.render());
    }
    if (event == Event::current) end("nothing to do: it runs already");
    if (event == Event::done && phase == Phase::returning && !journal_.ending) end("given up");
    if (event == Event::done && phase == Phase::blessing) {
        end(std::string(installed));
        journal_.progress.reset();
    }
    move(event);
    return works(journal_.phase) || journal_.phase == Phase::armed || journal_.phase == Phase::leaving;
}

} // namespace ashlar::upgrade
