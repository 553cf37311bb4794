// Runs simulated sites.
//
//     scenario --seed 4711        one run, told line by line
//     scenario --seeds 10000      runs of the seeds 1 to 10000; ends with 1, and the seed, when something must not happen
//     scenario --find 10000       the same, and ends with 0 when something was found: for cores with a planted bug
//     scenario --traffic 100 180  discovery among 100 nodes for 180 seconds: what is sent in each, and when all know what

#include "steps.hpp"
#include "world.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

namespace {

using namespace ashlar::scenario;

struct Tally {
    std::uint64_t runs = 0, formed = 0;
};

struct Failure {
    std::uint64_t seed = 0;
    std::string text;
};

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::optional<Failure> try_seeds(std::uint64_t first, std::uint64_t count, Tally& tally) {
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const Outcome outcome = World(draw(seed)).run();
        ++tally.runs;
        tally.formed += outcome.formed ? 1 : 0;
        if (!outcome.violations.empty()) return Failure{seed, outcome.violations.front()};
        if (const auto violation = run_steps(seed)) return Failure{seed, *violation};
    }
    return std::nullopt;
}

int seeds(std::uint64_t first, std::uint64_t count, bool wanted) {
    Tally tally;
    const auto failure = try_seeds(first, count, tally);
    if (failure) fmt::print("seed {}: {}\n", failure->seed, failure->text);
    fmt::print("{} runs, {} formed, {:.1f} s of processor time\n", tally.runs, tally.formed, processor_seconds());
    return failure.has_value() == wanted ? 0 : 1;
}

int replay(std::uint64_t seed) {
    const auto line = [](const std::string& text) { fmt::print("{}\n", text); };
    const Outcome outcome = World(draw(seed), line).run();
    const auto steps = run_steps(seed, line);
    for (const std::string& said : outcome.said) fmt::print("{}\n", said);
    for (const std::string& violation : outcome.violations) fmt::print("VIOLATION: {}\n", violation);
    if (steps) fmt::print("VIOLATION: {}\n", *steps);
    fmt::print("{}, print {:016x}\n", outcome.formed ? "formed" : "not formed", outcome.print);
    return outcome.violations.empty() && !steps ? 0 : 1;
}

// A line for each second: when, and the beacons that were sent in it. Behind '#': when what happened.
int traffic(std::size_t count, std::uint64_t lasts) {
    const Outcome outcome = World(quiet(count, std::chrono::seconds(lasts), 1)).run();
    const auto time = [](const std::optional<Microseconds>& when) { return when ? fmt::format("{:.1f}", static_cast<double>(when->count()) / 1e6) : "never"; };
    fmt::print("# nodes {} bytes {} kept {} genesis {} members {} hear {}\n", count, ashlar::beacon::size, ashlar::founding::most_peers, time(outcome.first_genesis), time(outcome.all_members), time(outcome.all_hear_all));
    const auto& beacons = outcome.traffic.beacons;
    for (std::size_t second = 0; second < std::min<std::size_t>(beacons.size(), lasts); ++second) fmt::print("{} {}\n", second, beacons[second]);
    return 0;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view option = argc > 1 ? argv[1] : "";
    if (const auto value = argc > 2 ? number(argv[2]) : std::nullopt) {
        const std::uint64_t first = argc > 3 ? number(argv[3]).value_or(1) : 1;
        if (option == "--seed") return replay(*value);
        if (option == "--traffic") return traffic(*value, argc > 3 ? first : 180);
        if (option == "--seeds") return seeds(first, *value, false);
        if (option == "--find") return seeds(first, *value, true);
    }
    fmt::print(stderr, "usage: scenario --seed N | --seeds COUNT [FIRST] | --find COUNT [FIRST] | --traffic NODES [SECONDS]\n");
    return 2;
}
