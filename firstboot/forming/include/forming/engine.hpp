#pragma once

// Moves the formations of a node on: asks the core, does what it says, and asks again. One job a formation runs at a time;
// formations do not wait for one another unless they require it.
//
//     Engine engine(formations, effects, journal);
//     for (;;) {
//         const auto standing = engine.turn(site, self, clock());
//         …show it; sleep until engine.next_turn(), or until something changed…
//     }
//
// Nothing is remembered that must not be lost: an engine may be killed anywhere and begun anew.

#include <forming/decision.hpp>
#include <forming/effects.hpp>
#include <forming/journal.hpp>

#include <formation/reader.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::forming {

// How a formation is on this node, for people.
struct Standing {
    std::string formation;
    enum class State { absent, waiting, working, alarmed, settled } state = State::waiting;
    std::string why;  // "waits for 'etcd': only 1 of 3 nodes is ready"
    std::string step; // that runs now
    bool operator==(const Standing&) const = default;
};
[[nodiscard]] std::string_view name_of(Standing::State state) noexcept;

// A formation in the whole site, and what can be run here to see that it works.
struct Outlook {
    std::vector<std::string> ready, missing; // names of nodes where it is placed: they say that it is healthy there, or do not
    struct Check {
        std::string id, summary;
        std::vector<std::string> argv; // empty: it names something that is not known yet
        std::string waits_for;         // which is this
        formation::Duration timeout{};
    };
    std::vector<Check> checks; // none where it does not run here
};

class Engine {
public:
    // What is referred to must live as long as the engine.
    Engine(const formation::Formations& formations, Effects effects, Journal& journal);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Takes each formation as far as it goes without waiting, if it has something to do: its time has come, its job runs, or site or self
    // are others than before. An Error of an effect ends the turn of its formation only.
    [[nodiscard]] std::vector<Standing> turn(const Site& site, const Self& self, Time now);
    // When the next turn has something to do by itself.
    [[nodiscard]] Time next_turn() const;
    // The next turn looks at all: something else may have changed.
    void look_again();

    // Somebody wrote in the site's store: who waits for something looks at once, and anew; who has settled, in a moment.
    void heed_store(Time now);

    // Its files are as they should be, when they were looked at last.
    [[nodiscard]] bool has_files(std::string_view formation) const;

    // A job of any formation runs: look again soon.
    [[nodiscard]] bool is_running() const;

    // Attempts that failed and were not followed by one that did not, by step; of what cannot be observed by "observe".
    [[nodiscard]] const std::map<std::string, Attempt, std::less<>>& attempts(std::string_view formation) const;

    // As it was seen in the last turn.
    [[nodiscard]] const Outlook& outlook(std::string_view formation) const;

    // A person says: try again what needs one.
    void retry(std::string_view formation);

private:
    struct Course;
    class Turn;

    void resume(const Record& record);
    // In words; nothing when it is met.
    [[nodiscard]] std::optional<std::string> why_unmet(const std::string& required, const Site& site, const Self& self) const;

    const formation::Formations& formations_;
    Effects effects_;
    Journal& journal_;
    std::map<std::string, Course, std::less<>> courses_;
    std::optional<std::pair<Site, Self>> seen_; // in the last turn
};

} // namespace ashlar::forming
