#pragma once

// What happens in one run: machines, weather and faults, drawn from a seed.
//
// Faults stay within what docs/formats/genesis.md promises to survive. Of the voters at least one, the anchor, keeps its memory, or
// at least the marks on its disks; where an operator leaves a place out, only that place may forget.

#include "dice.hpp"

#include <founding/charter.hpp>

#include <string>
#include <vector>

namespace ashlar::scenario {

struct Machine {
    unsigned site = 0;
    std::string place; // its name in site.toml
    bool voter = false;
    bool stranger = false;   // has the site's id, and not its key
    bool keeps_key = false;  // when it is flashed again: a TPM
    bool marked = false;     // its disks carry the site from the beginning
    bool never = false;      // is not there at all
    Microseconds power_on{};
    unsigned clock_permille = 1000; // how fast its clock goes
};

struct Fault {
    enum class Kind {
        cut,      // power; back after `lasts`
        flash,    // power, and state and /var are gone; back after `lasts`. Disks keep the site's marks, or are new.
        part,     // the network in two, by the bits of `group`
        sever,    // the link between two machines
        deafen,   // hears nobody, is heard
        jump,     // its clock, ahead by `lasts`
        slow,     // its disk: every write takes `lasts`
        order,    // an operator's, at this machine
        replay,   // somebody sends recorded beacons again
    } kind = Kind::cut;
    Microseconds at{};
    // Instead of `at`: when the machine does this for the so-manieth time (sends, writes, learns that a write is done). 0: by time.
    unsigned after_actions = 0;
    std::size_t machine = 0, other = 0;
    Microseconds lasts{};
    std::uint64_t group = 0;
    bool keeps_disks = true;
    founding::Order order;
};

struct Weather {
    unsigned lost = 0, doubled = 0, late = 0; // of a thousand
};

struct Plan {
    std::uint64_t seed = 0;
    std::vector<founding::Charter> charters; // by site
    std::vector<Machine> machines;
    std::vector<Fault> faults;
    Weather weather;
    std::size_t anchor = 0;
    Microseconds calm{}; // from then on no fault begins, and all that are not over end
    bool coded = false;  // beacons go through the real encoding
};

[[nodiscard]] Plan draw(std::uint64_t seed);
// `count` nodes of which three are voters, powered on within a second, in good weather.
[[nodiscard]] Plan quiet(std::size_t count, Microseconds lasts, std::uint64_t seed);

} // namespace ashlar::scenario
