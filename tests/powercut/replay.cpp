#include "replay.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

namespace powercut {

std::string Cut::text() const {
    constexpr std::array<std::string_view, 6> names{"up to write", "without write", "of its epoch only write", "of its epoch only from write", "some of the epoch of write",
                                                    "up to a torn write"};
    std::string text = fmt::format("{} {} (epoch {}", names.at(static_cast<std::size_t>(kind)), entry, epoch);
    if (kind == Kind::subset) text += fmt::format(", subset {:#x}", detail);
    if (kind == Kind::torn) text += fmt::format(", {} {}", (detail & 1U) != 0 ? "only from sector" : "only before sector", detail >> 1U);
    return text + ')';
}

Replay::Replay(const Log& log, Disk& disk, const Plan& plan, std::function<bool(std::uint64_t)> matters)
    : log_(log), disk_(disk), plan_(plan), matters_(std::move(matters)), kept_(disk.sectors()), present_(log.entries().size()), random_(plan.seed) {}

void Replay::run(const Visit& visit) {
    std::size_t number = 0, at = 0;
    const auto& entries = log_.entries();
    while (at < entries.size()) {
        std::vector<std::size_t> writes;
        for (; at < entries.size() && entries[at].kind != Entry::Kind::flush; ++at) writes.push_back(at);
        ++at;
        if (writes.empty()) continue;
        const Epoch epoch = epoch_of(number++, std::move(writes));
        prefixes(epoch, visit);
        missing(epoch, visit);
        clear(epoch);
        alone(epoch, visit);
        suffixes(epoch, visit);
        clear(epoch);
        if (epoch.mattering.size() <= plan_.exhaustive) subsets(epoch, visit);
        else random_subsets(epoch, visit);
        keep(epoch);
    }
}

Replay::Epoch Replay::epoch_of(std::size_t number, std::vector<std::size_t> writes) const {
    Epoch epoch{.number = number, .writes = std::move(writes), .beneath = {}, .mattering = {}};
    epoch.beneath.resize(epoch.writes.size());
    const auto& entries = log_.entries();
    for (std::size_t i = 0; i < epoch.writes.size(); ++i) {
        const Entry& above = entries[epoch.writes[i]];
        for (std::size_t j = 0; j < i; ++j)
            if (const Entry& below = entries[epoch.writes[j]]; below.sector < above.end() && above.sector < below.end()) epoch.beneath[i].push_back(epoch.writes[j]);
        if (matters_(above.sector) || matters_(above.end() - 1)) epoch.mattering.push_back(i);
    }
    return epoch;
}

// The newest write of a sector wins, whenever it is added: owners are in the order of the log.
void Replay::add(std::size_t entry) {
    present_[entry] = true;
    const Entry& write = log_.entries()[entry];
    const auto owner = static_cast<Disk::Owner>(entry + 1);
    for (std::uint64_t sector = write.sector; sector < write.end(); ++sector)
        if (disk_.owner(sector) < owner) disk_.give(sector, owner);
}

void Replay::remove(const Epoch& epoch, std::size_t index) {
    const std::size_t entry = epoch.writes[index];
    present_[entry] = false;
    const auto& entries = log_.entries();
    const auto owner = static_cast<Disk::Owner>(entry + 1);
    for (std::uint64_t sector = entries[entry].sector; sector < entries[entry].end(); ++sector) {
        if (disk_.owner(sector) != owner) continue;
        Disk::Owner below = kept_[sector];
        for (const std::size_t other : epoch.beneath[index])
            if (present_[other] && sector >= entries[other].sector && sector < entries[other].end()) below = static_cast<Disk::Owner>(other + 1);
        disk_.give(sector, below);
    }
}

void Replay::clear(const Epoch& epoch) {
    for (const std::size_t entry : epoch.writes) {
        present_[entry] = false;
        for (std::uint64_t sector = log_.entries()[entry].sector; sector < log_.entries()[entry].end(); ++sector) disk_.give(sector, kept_[sector]);
    }
}

void Replay::keep(const Epoch& epoch) {
    for (const std::size_t entry : epoch.writes) {
        add(entry);
        present_[entry] = false;
        for (std::uint64_t sector = log_.entries()[entry].sector; sector < log_.entries()[entry].end(); ++sector)
            kept_[sector] = std::max(kept_[sector], static_cast<Disk::Owner>(entry + 1));
    }
}

void Replay::prefixes(const Epoch& epoch, const Visit& visit) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < epoch.writes.size(); ++i) {
        if (next < epoch.mattering.size() && epoch.mattering[next] == i) {
            ++next;
            tear(epoch, epoch.writes[i], visit);
        }
        add(epoch.writes[i]);
        visit({.kind = Cut::Kind::prefix, .entry = epoch.writes[i], .epoch = epoch.number});
    }
}

// With all of the epoch on the disk.
void Replay::missing(const Epoch& epoch, const Visit& visit) {
    for (std::size_t i = 0; i < epoch.writes.size(); ++i) {
        remove(epoch, i);
        visit({.kind = Cut::Kind::missing, .entry = epoch.writes[i], .epoch = epoch.number});
        add(epoch.writes[i]);
    }
}

// With nothing of it.
void Replay::alone(const Epoch& epoch, const Visit& visit) {
    for (std::size_t i = 0; i < epoch.writes.size(); ++i) {
        add(epoch.writes[i]);
        visit({.kind = Cut::Kind::alone, .entry = epoch.writes[i], .epoch = epoch.number});
        remove(epoch, i);
    }
}

void Replay::suffixes(const Epoch& epoch, const Visit& visit) {
    for (std::size_t i = epoch.writes.size(); i-- > 0;) {
        add(epoch.writes[i]);
        visit({.kind = Cut::Kind::suffix, .entry = epoch.writes[i], .epoch = epoch.number});
    }
}

// Begins and ends with nothing of the epoch. Two neighbours of Gray's code differ in one write, so that each
// state costs one write. What is collapsed is there: that it is missing is not this one's matter.
void Replay::subsets(const Epoch& epoch, const Visit& visit) {
    const std::size_t count = epoch.mattering.size();
    if (count < 2) return;
    for (std::size_t i = 0; i < epoch.writes.size(); ++i)
        if (!std::ranges::binary_search(epoch.mattering, i)) add(epoch.writes[i]);
    std::uint64_t before = 0;
    for (std::uint64_t step = 1; step < std::uint64_t{1} << count; ++step) {
        const std::uint64_t bits = step ^ step >> 1U;
        const auto changed = static_cast<std::size_t>(std::countr_zero(bits ^ before));
        const std::size_t index = epoch.mattering[changed];
        if ((bits >> changed & 1U) != 0) add(epoch.writes[index]);
        else remove(epoch, index);
        before = bits;
        visit({.kind = Cut::Kind::subset, .entry = epoch.writes[index], .epoch = epoch.number, .detail = bits});
    }
    clear(epoch);
}

void Replay::random_subsets(const Epoch& epoch, const Visit& visit) {
    for (std::size_t sample = 0; sample < plan_.samples; ++sample) {
        // Few, half and most of them: each kind of loss has its turn.
        const unsigned chance = std::array{64U, 128U, 240U}.at(sample % 3);
        for (const std::size_t entry : epoch.writes)
            if (random_() % 256 < chance) add(entry);
        visit({.kind = Cut::Kind::subset, .entry = epoch.writes.back(), .epoch = epoch.number, .detail = sample});
        clear(epoch);
    }
}

void Replay::tear(const Epoch& epoch, std::size_t entry, const Visit& visit) {
    const Entry& write = log_.entries()[entry];
    if (write.count < 2) return;
    std::vector<Disk::Owner> before;
    for (std::uint64_t sector = write.sector; sector < write.end(); ++sector) before.push_back(disk_.owner(sector));
    const auto restore = [&] {
        for (std::uint64_t i = 0; i < write.count; ++i) disk_.give(write.sector + i, before[i]);
    };
    const std::uint64_t step = std::max<std::uint64_t>(1, write.count / plan_.most_tears);
    for (std::uint64_t at = step; at < write.count; at += step)
        for (const bool end : {false, true}) {
            disk_.apply(entry, end ? at : 0, end ? write.count : at);
            visit({.kind = Cut::Kind::torn, .entry = entry, .epoch = epoch.number, .detail = at << 1U | (end ? 1U : 0U)});
            restore();
        }
}

} // namespace powercut
