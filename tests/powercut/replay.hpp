#pragma once

// Every state in which a cut of the power can leave the disk of a log.
//
// What stands before a flush's entry is kept. Of the writes between two flushes, an *epoch*, a disk may have
// kept any, in any order, and of one write any of its sectors. For each epoch these states are made, on top
// of all that came before it:
//
//   every prefix            its first writes, in the order of the log
//   each one missing        all of it but one write
//   each one alone          one write of it
//   every suffix            its last writes without its first: the order turned around
//   every subset            where it has at most `exhaustive` writes that are not collapsed
//   random subsets          `samples` of them, where it has more
//   torn writes             a prefix with its last write cut at a sector: only what is before the cut, only
//                           what is behind it
//
// A sector that several writes of an epoch have written never holds the older one's when the newer one is
// kept: a disk's cache is coherent.

#include "disk.hpp"

#include <functional>
#include <random>

namespace powercut {

struct Cut {
    enum class Kind { prefix, missing, alone, suffix, subset, torn } kind = Kind::prefix;
    std::size_t entry = 0;      // of the log, from 0: the write that the kind is about
    std::size_t epoch = 0;      // from 0
    std::uint64_t detail = 0;   // subset: its number or bits; torn: the sector
    [[nodiscard]] std::string text() const;
};

struct Plan {
    std::size_t exhaustive = 10; // writes
    std::size_t samples = 12;    // subsets of each larger epoch
    std::uint64_t most_tears = 8; // places in a write, if it is longer, spread evenly
    std::uint64_t seed = 1;
};

class Replay {
public:
    using Visit = std::function<void(const Cut&)>;
    // `disk` is in the state of before the log, and shows each state while `visit` is called. What is torn or
    // taken by subsets: writes with a sector for which `matters` is true.
    Replay(const Log& log, Disk& disk, const Plan& plan, std::function<bool(std::uint64_t)> matters);
    // Afterwards the disk has all writes.
    void run(const Visit& visit);

private:
    struct Epoch {
        std::size_t number = 0;
        std::vector<std::size_t> writes;               // entries of the log
        std::vector<std::vector<std::size_t>> beneath; // for each, which earlier ones of them it covers in part
        std::vector<std::size_t> mattering;            // indices into writes
    };
    [[nodiscard]] Epoch epoch_of(std::size_t number, std::vector<std::size_t> writes) const;
    void add(std::size_t entry);
    void remove(const Epoch& epoch, std::size_t index);
    void clear(const Epoch& epoch);
    void keep(const Epoch& epoch);

    void prefixes(const Epoch& epoch, const Visit& visit);
    void missing(const Epoch& epoch, const Visit& visit);
    void alone(const Epoch& epoch, const Visit& visit);
    void suffixes(const Epoch& epoch, const Visit& visit);
    void subsets(const Epoch& epoch, const Visit& visit);
    void random_subsets(const Epoch& epoch, const Visit& visit);
    void tear(const Epoch& epoch, std::size_t entry, const Visit& visit);

    const Log& log_;
    Disk& disk_;
    Plan plan_;
    std::function<bool(std::uint64_t)> matters_;
    std::vector<Disk::Owner> kept_; // of each sector, at the last flush
    std::vector<bool> present_;     // of each entry, in the epoch at hand
    std::mt19937_64 random_;
};

} // namespace powercut
