#pragma once

// How a node takes over another plan of its site: the network of it first, on trial. Only when the voters still answer is the plan kept;
// otherwise the node lays its network as before, and waits for another plan. Pure but for what it is given.

#include <site/site.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace ashlar::site_member {

class PlanFollower {
public:
    using Files = std::map<std::string, std::string>; // by name: "site.toml"
    using Clock = std::chrono::steady_clock;

    struct Deeds {
        std::function<site::Site(const Files& files)> read; // an Error for none that this release can read
        std::function<void(const site::Site& site)> lay;    // the network; an Error when the machine is not so
        std::function<void(const Files& files)> keep;       // from the next start on this is the plan
        std::function<void(const std::string& text)> alarm;
    };

    static constexpr std::chrono::seconds settling{5}, longest_trial{60};

    // `files`: by which the node started.
    PlanFollower(Files files, Deeds deeds) : current_(std::move(files)), deeds_(std::move(deeds)) {}

    // The voters answer, and this is the plan that they have.
    void hear(const Files& files, Clock::time_point now);
    // They do not.
    void miss(Clock::time_point now);

private:
    struct Trial {
        Files files;
        Clock::time_point begun;
    };
    void refuse(const Files& files, const std::string& why);
    void lay_current();

    Files current_;
    std::optional<Files> refused_;
    std::optional<Trial> trial_;
    const Deeds deeds_;
};

} // namespace ashlar::site_member
