#pragma once

// Replays a log, judges every state that differs from all before it, and counts.

#include "replay.hpp"
#include "verdict.hpp"

#include <map>

namespace powercut {

struct Survey {
    std::size_t writes = 0, flushes = 0; // of the log
    std::size_t states = 0;              // cuts that were replayed
    std::size_t distinct = 0;            // of them, states that differ in what is judged
    std::size_t twins = 0;               // distinct ones in which what is started shares clusters with a leftover
    std::map<std::string, std::size_t> outcomes; // by what the verdict says; violations too
    std::vector<std::string> violations;         // the first of each kind, with its cut
    std::size_t second_opinions = 0;             // distinct states that fsck.fat was asked about
    std::vector<std::string> disagreements;      // of the FAT reader and fsck.fat, with their cut
    [[nodiscard]] std::string text() const;
};

// One of the states that were judged.
struct Sample {
    std::size_t state = 0; // its number, from 0, in the order of the replay
    Cut cut;
    Verdict verdict;
};

struct Recording {
    const Log& log;
    std::uint64_t sectors = 0;
    std::filesystem::path before; // what the disk held; empty: zeros
    std::vector<Release> releases;
    Judge::Var var = Judge::Var::whole;
    std::size_t fsck_each = 0; // ask fsck.fat about each such distinct state; 0: about none
};

[[nodiscard]] Survey survey(const Recording& recording, const Plan& plan);
// Calls `visit` with the disk in `count` of the distinct states, the same number of each outcome as far as
// there are so many.
void visit_samples(const Recording& recording, const Plan& plan, std::size_t count, const std::function<void(const Disk&, const Sample&)>& visit);

} // namespace powercut
