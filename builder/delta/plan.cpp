#include <deltas/plan.hpp>

#include "places.hpp"

#include <algorithm>
#include <cstring>

namespace ashlar::deltas {

namespace {

constexpr std::uint64_t block = delta::block_size;
constexpr std::uint64_t most_blocks = delta::piece_limit / block;



// Blocks of the new root in a row, as one piece or more.
struct Run {
    std::size_t first = 0, count = 0;
};

class Planner {
public:
    Planner(const Side& old, const Side& now, const PlanLimits& limits)
        : now_(now.bytes), limits_(limits), old_blocks_(old.bytes.size() / block), places_(old, now) {}

    Plan run() && {
        Run changed;
        for (std::size_t at = 0; at < places_.size();) {
            const std::size_t zeros = zeros_at(at), same = zeros > 0 ? 0 : same_at(at);
            if (zeros * block >= limits_.shortest_zeros) {
                flush(changed);
                add({at, zeros}, delta::Kind::zero, std::nullopt);
                changed = {at += zeros, 0};
            } else if (same * block >= limits_.shortest_copy) {
                flush(changed);
                add({at, same}, delta::Kind::copy, *places_[at].old);
                changed = {at += same, 0};
            } else {
                const std::size_t taken = std::max<std::size_t>({zeros, same, 1});
                changed.count += taken;
                at += taken;
            }
        }
        flush(changed);
        return {std::move(pieces_), changed_blocks(), places_.kept()};
    }

private:
    [[nodiscard]] std::vector<bool> changed_blocks() const {
        std::vector<bool> changed(places_.size());
        for (std::size_t i = 0; i < changed.size(); ++i) changed[i] = !places_[i].same && !places_[i].zero;
        return changed;
    }

    [[nodiscard]] std::size_t zeros_at(std::size_t at) const {
        std::size_t count = 0;
        while (at + count < places_.size() && places_[at + count].zero) ++count;
        return count;
    }
    [[nodiscard]] std::size_t same_at(std::size_t at) const {
        std::size_t count = 0;
        while (at + count < places_.size() && places_[at + count].same && *places_[at + count].old == *places_[at].old + count) ++count;
        return count;
    }

    // Cut to what an operation may make; `old` counts blocks.
    void add(Run run, delta::Kind kind, std::optional<Place> old) {
        while (run.count > 0) {
            const std::size_t part = std::min<std::size_t>(run.count, most_blocks);
            pieces_.push_back({kind, {run.first * block, part * block}, old ? Extent{*old * block, part * block} : Extent{}});
            run = {run.first + part, run.count - part};
            if (old) *old += part;
        }
    }

    // Cuts what changed where the old places would not fit into one look.
    void flush(Run run) {
        while (run.count > 0) {
            const Look look = look_from(run);
            patch({run.first, look.count}, look);
            run = {run.first + look.count, run.count - look.count};
        }
    }

    // How far a patch goes, and the old blocks from `low` to before `high` that its blocks belong to.
    struct Look {
        std::size_t count = 0;
        Place low = 0, high = 0;
    };

    [[nodiscard]] Look look_from(Run run) const {
        Look look;
        const std::size_t most = std::min<std::size_t>(run.count, limits_.longest_patch / block);
        while (look.count < most) {
            const Strand strand = strand_at(run.first + look.count, most - look.count);
            if (strand.old && !widen(look, strand) && !returns(run, look, strand, most)) break;
            look.count += strand.count;
        }
        return look;
    }

    // New blocks whose old places follow each other.
    struct Strand {
        std::optional<Place> old;
        std::size_t count = 0;
    };
    [[nodiscard]] Strand strand_at(std::size_t at, std::size_t most) const {
        Strand strand{places_[at].old, 1};
        while (strand.count < most) {
            const auto& next = places_[at + strand.count].old;
            if (next.has_value() != strand.old.has_value() || (next && *next != *strand.old + strand.count)) break;
            ++strand.count;
        }
        return strand;
    }

    static bool widen(Look& look, const Strand& strand) {
        const Place low = look.high == 0 ? *strand.old : std::min(look.low, *strand.old);
        const Place high = std::max(look.high, *strand.old + strand.count);
        if (high - low > most_blocks) return false;
        look.low = low;
        look.high = high;
        return true;
    }

    // A few blocks that belong elsewhere do not end a patch if it goes on behind them.
    [[nodiscard]] bool returns(Run run, const Look& look, const Strand& stray, std::size_t most) const {
        constexpr std::size_t few = 16;
        const std::size_t behind = look.count + stray.count;
        if (look.count == 0 || stray.count > few || behind >= most) return false;
        const Strand next = strand_at(run.first + behind, most - behind);
        Look copy = look;
        return next.old && widen(copy, next);
    }

    void patch(Run run, const Look& look) {
        if (look.high == 0) return add(run, delta::Kind::data, std::nullopt);
        const std::size_t spare = most_blocks - (look.high - look.low);
        const std::size_t margin = std::min<std::size_t>(limits_.margin / block, spare / 2);
        const Place low = look.low - std::min<Place>(look.low, margin);
        const Place high = std::min<Place>(old_blocks_, look.high + margin);
        pieces_.push_back({delta::Kind::patch, {run.first * block, run.count * block}, {low * block, (high - low) * block}});
    }

    ByteView now_;
    const PlanLimits& limits_;
    Place old_blocks_;
    Places places_;
    std::vector<Piece> pieces_;
};

} // namespace

Plan plan(const Side& old, const Side& now, const PlanLimits& limits) {
    return Planner(old, now, limits).run();
}

Plan plan_full(ByteView now, std::uint64_t size) {
    Plan plan{{}, std::vector<bool>(now.size() / block, true), {}};
    for (std::uint64_t at = 0; at < now.size(); at += size) {
        const ByteView part = now.subspan(at, std::min<std::uint64_t>(size, now.size() - at));
        plan.pieces.push_back({all_zero(part) ? delta::Kind::zero : delta::Kind::data, {at, part.size()}, {}});
    }
    return plan;
}

} // namespace ashlar::deltas
