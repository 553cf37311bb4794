#pragma once

// All chance in a run: splitmix64 from one seed, the same on every machine.

#include <chrono>
#include <cstdint>

namespace ashlar::scenario {

using Milliseconds = std::chrono::milliseconds;
using Microseconds = std::chrono::microseconds;

class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15U;
        mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
        return mixed ^ mixed >> 31U;
    }
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
    Microseconds between(Microseconds least, Microseconds most) { return least + Microseconds(below(static_cast<std::uint64_t>((most - least).count()) + 1)); }
    bool one_in(std::uint64_t count) { return below(count) == 0; }
    // Of a thousand.
    bool chance(std::uint64_t permille) { return below(1000) < permille; }

private:
    std::uint64_t state_;
};

} // namespace ashlar::scenario
