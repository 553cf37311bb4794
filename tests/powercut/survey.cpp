#include "survey.hpp"

#include "fsck.hpp"

#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>

namespace powercut {

namespace {

// The disk before the log, and who judges it.
struct Bench {
    Disk disk;
    Judge judge;
    explicit Bench(const Recording& recording)
        : disk(recording.log, recording.sectors, recording.before), judge(disk, at_the_end(recording), recording.releases, recording.var) {}

    static Disk at_the_end(const Recording& recording) {
        Disk disk(recording.log, recording.sectors, recording.before);
        for (std::size_t i = 0; i < recording.log.entries().size(); ++i) disk.apply(i);
        return disk;
    }
    // Every state in the order of the replay, with its number; those that were there before are left out.
    void each_distinct(const Log& log, const Plan& plan, const std::function<void(std::size_t, const Cut&)>& visit, std::size_t& states) {
        std::set<Disk::Fingerprint> seen;
        Replay replay(log, disk, plan, [this](std::uint64_t sector) { return judge.matters(sector); });
        const auto look = [&](const Cut& cut) {
            const std::size_t number = states++;
            if (seen.insert(disk.fingerprint()).second) visit(number, cut);
        };
        look({});
        replay.run(look);
    }
};

} // namespace

std::string Survey::text() const {
    std::string text = fmt::format("{} writes and {} flushes; {} states, {} of them distinct\n", writes, flushes, states, distinct);
    for (const auto& [outcome, count] : outcomes) text += fmt::format("  {:6}  {}\n", count, outcome);
    if (twins > 0) text += fmt::format("  in {} a leftover shares clusters with what is started\n", twins);
    for (const auto& violation : violations) text += fmt::format("  VIOLATION {}\n", violation);
    if (second_opinions > 0) text += fmt::format("  fsck.fat agrees on {} of {}\n", second_opinions - disagreements.size(), second_opinions);
    for (const auto& disagreement : disagreements) text += fmt::format("  DISAGREEMENT {}\n", disagreement);
    return text;
}

Survey survey(const Recording& recording, const Plan& plan) {
    Survey result;
    for (const Entry& entry : recording.log.entries()) ++(entry.kind == Entry::Kind::flush ? result.flushes : result.writes);
    Bench bench(recording);
    const TemporaryDirectory scratch(std::filesystem::temp_directory_path(), "ashlar-powercut-");
    const auto judge = [&](std::size_t, const Cut& cut) {
        if (recording.fsck_each != 0 && result.distinct % recording.fsck_each == 0) {
            const auto opinion = ask_fsck(bench.disk, bench.judge.layout().esp, scratch.path() / "esp");
            result.second_opinions += opinion.asked ? 1U : 0U;
            if (!opinion.disagreement.empty()) result.disagreements.push_back(fmt::format("{}: {}", cut.text(), opinion.disagreement));
        }
        ++result.distinct;
        const Verdict verdict = bench.judge.judge();
        if (!bench.judge.twins().empty()) ++result.twins;
        if (++result.outcomes[verdict.text] == 1 && verdict.kind == Verdict::Kind::violation) result.violations.push_back(fmt::format("{}: {}", cut.text(), verdict.text));
    };
    bench.each_distinct(recording.log, plan, judge, result.states);
    return result;
}

void visit_samples(const Recording& recording, const Plan& plan, std::size_t count, const std::function<void(const Disk&, const Sample&)>& visit) {
    // First which, then again up to them: a state is not kept.
    std::map<Verdict, std::vector<std::size_t>> found;
    std::size_t states = 0;
    {
        Bench bench(recording);
        bench.each_distinct(recording.log, plan, [&](std::size_t number, const Cut&) { found[bench.judge.judge()].push_back(number); }, states);
    }
    std::set<std::size_t> chosen;
    std::mt19937_64 random(plan.seed);
    for (auto& [verdict, numbers] : found) std::ranges::shuffle(numbers, random);
    for (std::size_t round = 0; chosen.size() < count; ++round) {
        const auto before = chosen.size();
        for (const auto& [verdict, numbers] : found)
            if (round < numbers.size() && chosen.size() < count) chosen.insert(numbers[round]);
        if (chosen.size() == before) break;
    }
    Bench bench(recording);
    states = 0;
    bench.each_distinct(recording.log, plan, [&](std::size_t number, const Cut& cut) {
        if (chosen.contains(number)) visit(bench.disk, {number, cut, bench.judge.judge()});
    }, states);
}

} // namespace powercut
