// The core against a simulated machine, which can be cut off before and after each of its effects.

#include <upgrade/keeper.hpp>

#include <base/error.hpp>
#include <bootmenu/menu.hpp>

#include <gmock/gmock.h>

#include <map>
#include <set>

using namespace ashlar;
using namespace ashlar::upgrade;
using testing::HasSubstr;

namespace {

struct PowerCut {};

const Installed r0{"R0.0", sha256("root of R0.0")}, r1{"R0.1", sha256("root of R0.1")};

// What the disk of a node has. Only what is here survives a cut.
struct Disk {
    Journal journal;
    struct Root {
        std::optional<Digest> content; // absent: torn
        bool named = false;
    };
    std::map<std::string, Root> slots{{"A", {r0.root_hash, true}}, {"B", {std::nullopt, false}}};
    std::map<std::string, std::optional<bootmenu::Tries>> menu{{"R0.0", std::nullopt}};
    std::uint64_t written = 0;

    // As firmware and boot loader would.
    [[nodiscard]] Installed start() {
        const Installed* chosen = nullptr;
        for (const Installed* image : {&r1, &r0}) { // newest first
            const auto entry = menu.find(image->release);
            if (entry != menu.end() && (!entry->second || entry->second->left > 0)) {
                chosen = image;
                break;
            }
        }
        EXPECT_NE(chosen, nullptr) << "nothing to start";
        auto& tries = menu[chosen->release];
        if (tries) tries = bootmenu::Tries{tries->left - 1, tries->done + 1};
        return *chosen;
    }
    [[nodiscard]] bool can_run(const Installed& image) const {
        return std::ranges::any_of(slots, [&](const auto& slot) { return slot.second.named && slot.second.content == image.root_hash; });
    }
};

class Machine final : public Steps, public Memory {
public:
    explicit Machine(Disk& disk) : disk_(disk) {}

    unsigned effects = 0;                 // so far
    std::optional<unsigned> cut_at;       // before the effect of this number
    std::optional<Phase> fails;           // its work
    bool restarts = false;
    Installed running = r0;
    unsigned tries = usual_tries;
    std::set<std::string> refused;  // ways, in the middle
    std::vector<std::string> went;

    std::optional<Target> check(const Source&) override {
        effect(Phase::checking);
        if (running == r1) return std::nullopt;
        return Target{.image = r1, .root_size = 4096, .uki = sha256("uki"), .tries = tries, .route = {"delta", "the.delta", 1}, .others = {{"blocks", "the.full", 2}, {"full", "the.full", 3}}};
    }
    void clear(const Target& target) override { effect(Phase::clearing), disk_.menu.erase(target.image.release); }
    void mark(const Target&) override { effect(Phase::marking), disk_.slots["B"] = {}; }
    std::optional<std::string> write(const Source&, const Target& target, std::uint64_t from, const std::function<void(std::uint64_t)>& on_disk) override {
        EXPECT_LE(from, disk_.written) << "operations were skipped";
        went.push_back(target.route.way);
        for (std::uint64_t operation = from; operation < 4; ++operation) {
            effect(Phase::writing);
            if (operation == 2 && refused.contains(target.route.way)) return target.route.way + " is damaged";
            disk_.written = operation + 1;
            on_disk(operation + 1);
        }
        disk_.slots["B"].content = target.image.root_hash;
        return std::nullopt;
    }
    void prove(const Target& target) override {
        effect(Phase::proving);
        if (disk_.slots["B"].content != target.image.root_hash) throw Error("cannot prove it");
    }
    void name(const Target&) override { effect(Phase::naming), disk_.slots["B"].named = true; }
    void arm(const Target& target) override { effect(Phase::arming), disk_.menu.try_emplace(target.image.release, bootmenu::Tries{target.tries, 0}); }
    void bless(const Installed& image) override { effect(Phase::blessing), disk_.menu[image.release] = std::nullopt; }
    void give_up(const Installed& image) override {
        effect(Phase::returning);
        if (disk_.menu.size() < 2) throw Error("cannot give up 'R0.0': there is no other release");
        disk_.menu[image.release] = bootmenu::Tries{0, 1};
    }
    void restart() override { restarts = true; }

    Journal recall() override { return journal_from(to_json(disk_.journal)); }
    void keep(const Journal& journal) override { cut(), disk_.journal = journal; }

private:
    void cut() {
        if (cut_at == effects++) throw PowerCut();
    }
    void effect(Phase phase) {
        cut();
        if (fails == phase) throw Error("cannot do it: it was told to fail");
    }
    Disk& disk_;
};

// A start of the machine, with its daemon; the wish is made when nothing is under way.
enum class Wish { none, upgrade };
void run(Disk& disk, Machine& machine, Wish wish) {
    machine.running = disk.start();
    ASSERT_TRUE(disk.can_run(machine.running)) << machine.running.release << " was started and is not whole";
    if (is_trial(disk.journal, machine.running.root_hash)) ++disk.journal.attempts; // the initrd
    Keeper keeper(machine, machine, [](const Journal&) {});
    const auto entry = disk.menu.find("R0.1");
    keeper.wake({.running = machine.running, .target_entry = entry == disk.menu.end() ? Facts::Entry::missing
                                                             : entry->second && entry->second->left == 0 ? Facts::Entry::exhausted
                                                                                                         : Facts::Entry::usable});
    if (wish == Wish::upgrade && keeper.journal().phase == Phase::resting) {
        EXPECT_TRUE(keeper.upgrade({"/media", "", ""}, After::restart, machine.running));
    }
    while (keeper.work()) {}
    (void)keeper.report(Event::healthy); // where it is asked for
    while (keeper.work()) {}
}

// The wish again after each cut, as an operator would.
void run_to_the_end(Disk& disk) {
    for (unsigned starts = 0; starts < 8 && !(disk.menu.contains("R0.1") && !disk.menu["R0.1"]); ++starts) {
        Machine machine(disk);
        run(disk, machine, Wish::upgrade);
    }
}

TEST(Keeper, InstallsTriesAndBlesses) {
    Disk disk;
    run_to_the_end(disk);
    EXPECT_EQ(disk.menu["R0.1"], std::nullopt);
    EXPECT_EQ(disk.start(), r1);
    EXPECT_EQ(disk.journal.phase, Phase::resting);
    EXPECT_EQ(disk.journal.ending, (Ending{"R0.1", "installed"}));
    EXPECT_EQ(disk.journal.attempts, 1U);
}

// Whatever is cut off wherever: the node starts, and gets there in the end.
TEST(Keeper, SurvivesACutAtEachEffect) {
    unsigned cuts = 0;
    for (unsigned first = 0;; ++first) {
        bool happened = false;
        Disk disk;
        for (unsigned start = 0; start < 2; ++start) {
            Machine machine(disk);
            machine.cut_at = first;
            try {
                run(disk, machine, Wish::upgrade);
            } catch (const PowerCut&) {
                happened = true;
                ++cuts;
            }
        }
        run_to_the_end(disk);
        EXPECT_EQ(disk.menu["R0.1"], std::nullopt) << "cut at effect " << first;
        EXPECT_EQ(disk.journal.ending, (Ending{"R0.1", "installed"}));
        if (!happened) break;
    }
    EXPECT_GT(cuts, 20U);
}

TEST(Keeper, LeavesTheNodeAsItWasWhenWorkFails) {
    for (const auto phase : all_phases) {
        if (!works(phase) || phase == Phase::blessing || phase == Phase::returning) continue;
        Disk disk;
        Machine machine(disk);
        machine.fails = phase;
        run(disk, machine, Wish::upgrade);
        EXPECT_EQ(disk.journal.phase, Phase::resting) << name_of(phase);
        EXPECT_THAT(disk.journal.ending->text, HasSubstr("cannot do it"));
        EXPECT_EQ(disk.start(), r0);
        EXPECT_FALSE(machine.restarts);
        run_to_the_end(disk); // and a second wish succeeds
        EXPECT_EQ(disk.menu["R0.1"], std::nullopt) << name_of(phase);
    }
}

TEST(Keeper, GoesOnWithTheOperationsThatAreOnTheDisk) {
    Disk disk;
    Machine machine(disk);
    machine.cut_at = 13; // in the middle of the blocks
    EXPECT_THROW(run(disk, machine, Wish::upgrade), PowerCut);
    ASSERT_EQ(disk.journal.phase, Phase::writing);
    ASSERT_GT(disk.journal.progress->operations, 0U);
    run_to_the_end(disk);
    EXPECT_EQ(disk.menu["R0.1"], std::nullopt);
}

// A damaged delta must not keep a release from a node that can have it another way.
TEST(Keeper, GoesAnotherWayWhenOneIsRefused) {
    Disk disk;
    Machine machine(disk);
    machine.refused = {"delta", "blocks"};
    run(disk, machine, Wish::upgrade);
    EXPECT_EQ(disk.journal.phase, Phase::armed);
    EXPECT_THAT(machine.went, testing::ElementsAre("delta", "blocks", "full"));
    EXPECT_EQ(disk.journal.target->route, (Route{"full", "the.full", 3}));
    EXPECT_THAT(disk.journal.target->others, testing::IsEmpty());
    EXPECT_THAT(disk.journal.target->refusals, testing::ElementsAre(Refusal{"delta", "delta is damaged"}, Refusal{"blocks", "blocks is damaged"}));
}

TEST(Keeper, SaysOfEachWayWhyItIsRefusedWhenNoneIsLeft) {
    Disk disk;
    Machine machine(disk);
    machine.refused = {"delta", "blocks", "full"};
    run(disk, machine, Wish::upgrade);
    EXPECT_EQ(disk.journal.phase, Phase::resting);
    EXPECT_EQ(disk.journal.ending->text, "full is damaged\n  while going on from the way 'blocks', which was refused: blocks is damaged\n"
                                         "  while going on from the way 'delta', which was refused: delta is damaged\n"
                                         "  hint: ask whoever publishes the release to look at its files");
    EXPECT_EQ(disk.start(), r0);
}

TEST(Keeper, RemembersRefusalsAfterACut) {
    unsigned cuts = 0;
    for (unsigned first = 0;; ++first) {
        bool happened = false;
        Disk disk;
        Machine machine(disk);
        machine.refused = {"delta"};
        machine.cut_at = first;
        try {
            run(disk, machine, Wish::upgrade);
        } catch (const PowerCut&) {
            happened = true;
            ++cuts;
        }
        Machine after(disk);
        after.refused = {"delta"};
        run(disk, after, Wish::upgrade);
        if (!disk.journal.ending) { // not blessed yet
            EXPECT_EQ(disk.journal.target->route.way, "blocks") << "cut at effect " << first;
        }
        if (!happened) break;
    }
    EXPECT_GT(cuts, 8U);
}

TEST(Keeper, FallsBackFromAReleaseThatNeverProvesItself) {
    Disk disk;
    Machine machine(disk);
    run(disk, machine, Wish::upgrade);
    ASSERT_EQ(disk.journal.phase, Phase::armed);
    EXPECT_TRUE(machine.restarts);
    for (unsigned attempt = 1; attempt <= 3; ++attempt) { // it dies before its daemon runs
        EXPECT_EQ(disk.start(), r1);
        ++disk.journal.attempts;
    }
    Machine after(disk);
    run(disk, after, Wish::none);
    EXPECT_EQ(after.running, r0);
    EXPECT_EQ(disk.journal.phase, Phase::resting);
    EXPECT_EQ(disk.journal.ending, (Ending{"R0.1", "it was started 3 times and did not prove itself"}));
}

TEST(Keeper, FallsBackFromATestReleaseAfterOneStart) {
    Disk disk;
    Machine machine(disk);
    machine.tries = test_tries;
    run(disk, machine, Wish::upgrade);
    EXPECT_EQ(disk.menu["R0.1"], (bootmenu::Tries{1, 0}));
    EXPECT_EQ(journal_from(to_json(disk.journal)), disk.journal);
    Journal counted = disk.journal;
    EXPECT_EQ(count(counted, r1.root_hash), Start::trial);
    EXPECT_EQ(count(counted, r1.root_hash), Start::one_too_many);
    EXPECT_EQ(wake(counted, {r0, Facts::Entry::usable}), Event::woke_fallen);
    EXPECT_EQ(disk.start(), r1); // and dies
    ++disk.journal.attempts;
    Machine after(disk);
    run(disk, after, Wish::none);
    EXPECT_EQ(after.running, r0);
    EXPECT_EQ(disk.journal.ending, (Ending{"R0.1", "it was started 1 time and did not prove itself"}));
}

// What is for all has no member that a release of before would refuse.
TEST(JournalText, NamesTheTriesOfATestReleaseOnly) {
    Journal journal{.phase = Phase::armed, .origin = r0, .target = Target{.image = r1, .uki = sha256("uki")}};
    EXPECT_FALSE(to_json(journal).at("target").contains("tries"));
    journal.target->tries = test_tries;
    EXPECT_EQ(to_json(journal).at("target").at("tries"), 1);
}

// The boot loader goes on when it cannot rename; then the initrd counts alone.
TEST(Keeper, LeavesAReleaseThatTheBootLoaderDoesNotCount) {
    Disk disk;
    Machine machine(disk);
    run(disk, machine, Wish::upgrade);
    for (unsigned attempt = 1; attempt <= usual_tries; ++attempt) EXPECT_EQ(count(disk.journal, r1.root_hash), Start::trial);
    EXPECT_EQ(count(disk.journal, r1.root_hash), Start::one_too_many);
    EXPECT_EQ(count(disk.journal, r0.root_hash), Start::usual);
    Keeper keeper(machine, machine, [](const Journal&) {});
    keeper.wake({r0, Facts::Entry::usable, "Kernel panic - not syncing: Attempted to kill init!"});
    EXPECT_EQ(disk.start(), r0);
    EXPECT_EQ(disk.journal.ending->text, "it was started 4 times and did not prove itself; Kernel panic - not syncing: Attempted to kill init!");
}

TEST(Keeper, GivesUpAReleaseThatSaysItIsNotHealthy) {
    Disk disk;
    Machine machine(disk);
    run(disk, machine, Wish::upgrade);
    machine.running = disk.start();
    Keeper keeper(machine, machine, [](const Journal&) {});
    keeper.wake({machine.running, Facts::Entry::usable});
    ASSERT_EQ(keeper.journal().phase, Phase::trying);
    machine.restarts = false;
    EXPECT_TRUE(keeper.report(Event::unhealthy, "ashlar-gate-units.service failed"));
    while (keeper.work()) {}
    EXPECT_TRUE(machine.restarts);
    Machine after(disk);
    run(disk, after, Wish::none);
    EXPECT_EQ(after.running, r0);
    EXPECT_EQ(disk.journal.ending, (Ending{"R0.1", "ashlar-gate-units.service failed"}));
}

TEST(Keeper, GoesBackOnlyWhereThereIsAnotherRelease) {
    Disk disk;
    Machine machine(disk);
    machine.running = r0;
    Keeper keeper(machine, machine, [](const Journal&) {});
    keeper.wake({r0, Facts::Entry::missing});
    EXPECT_TRUE(keeper.go_back(r0));
    while (keeper.work()) {}
    EXPECT_EQ(disk.journal.ending, (Ending{"R0.0", "cannot give up 'R0.0': there is no other release"}));
    EXPECT_EQ(disk.menu["R0.0"], std::nullopt);

    run_to_the_end(disk);
    Machine later(disk);
    later.running = disk.start();
    Keeper back(later, later, [](const Journal&) {});
    back.wake({r1, Facts::Entry::usable});
    EXPECT_TRUE(back.go_back(r1));
    while (back.work()) {}
    EXPECT_TRUE(later.restarts);
    EXPECT_EQ(disk.start(), r0);
}

// Between two releases it would take away what the node comes back to.
TEST(Keeper, IsResetOnlyAtRestAndRestartsForIt) {
    Disk disk;
    Machine machine(disk);
    run(disk, machine, Wish::upgrade);
    Keeper armed(machine, machine, [](const Journal&) {});
    armed.wake({r0, Facts::Entry::usable});
    ASSERT_EQ(armed.journal().phase, Phase::armed);
    EXPECT_FALSE(armed.reset());

    Disk rested;
    Machine other(rested);
    Keeper keeper(other, other, [](const Journal&) {});
    keeper.wake({r0, Facts::Entry::missing});
    EXPECT_TRUE(keeper.reset());
    while (keeper.work()) {}
    EXPECT_TRUE(other.restarts);
    EXPECT_EQ(rested.journal.phase, Phase::resetting);
    EXPECT_FALSE(keeper.upgrade({"/media", "", ""}, After::wait, r0));
    // The daemon ended before the machine restarted.
    other.restarts = false;
    Keeper again(other, other, [](const Journal&) {});
    again.wake({r0, Facts::Entry::missing});
    while (again.work()) {}
    EXPECT_TRUE(other.restarts);
}

TEST(Keeper, AnswersWhatItCannotDoNow) {
    Disk disk;
    Machine machine(disk);
    Keeper keeper(machine, machine, [](const Journal&) {});
    keeper.wake({r0, Facts::Entry::missing});
    EXPECT_FALSE(keeper.report(Event::healthy));
    EXPECT_TRUE(keeper.upgrade({"/media", "", ""}, After::wait, r0));
    EXPECT_FALSE(keeper.upgrade({"/media", "", ""}, After::wait, r0));
    EXPECT_FALSE(keeper.go_back(r0));
}

TEST(JournalText, SaysWhatIsWrongWithIt) {
    const auto error_of = [](const Json& json) {
        try {
            (void)journal_from(json);
        } catch (const Error& error) {
            return error.message();
        }
        return std::string("no error");
    };
    Json json = to_json({});
    json["phase"] = "sleeping";
    EXPECT_EQ(error_of(json), "cannot read the upgrade journal: there is no phase 'sleeping'");
    json["phase"] = "writing";
    EXPECT_EQ(error_of(json), "cannot read the upgrade journal: the phase 'writing' has no target");
    json = to_json({});
    json["colour"] = "red";
    EXPECT_EQ(error_of(json), "cannot read the upgrade journal: it has members that this release does not know");
    EXPECT_THAT(error_of(Json::array()), HasSubstr("cannot read the upgrade journal: "));
}

} // namespace
