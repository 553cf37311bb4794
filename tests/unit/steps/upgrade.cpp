// An upgrade on a real disk in a file, with the real ashlar-pull, cut off in every phase by SIGKILL.

#include "node.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <bootmenu/menu.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

using namespace lab;
using namespace ashlar::upgrade;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Upgrade : public testing::Test {
protected:
    static const fs::path& shared() {
        static const TemporaryDirectory directory{testing::TempDir()};
        return directory.path();
    }
    static const Release& r0() {
        static const Release release(shared() / "R0.0", "R0.0", {"one", ""}, signer());
        return release;
    }
    static const Release& r1() {
        static const Release release = [] {
            Release made(shared() / "R0.1", "R0.1", {"one", "changed"}, signer());
            made.add_delta_from(r0());
            return made;
        }();
        return release;
    }

    // As the daemon does after a start, to the end of what it can do by itself.
    Journal run(const Installed& running, const std::function<void(Keeper&)>& wish) {
        steps::NodeSteps steps(disk.node(running), [this](const steps::Transfer& transfer) { transfers.push_back(transfer); });
        steps::StateMemory memory(disk.state());
        Keeper keeper(steps, memory, [](const Journal&) {});
        keeper.wake(steps.facts(memory.recall()));
        if (wish) wish(keeper);
        while (keeper.work()) {}
        return keeper.journal();
    }
    Journal upgrade_to(const Release& release) {
        return run(r0().installed(), [&](Keeper& keeper) { (void)keeper.upgrade({release.directory.native(), "", ""}, After::wait, r0().installed()); });
    }
    [[nodiscard]] std::vector<std::string> menu() const {
        std::vector<std::string> names;
        for (const auto& entry : bootmenu::Menu(disk.esp()).entries()) names.push_back(entry.file_name());
        return names;
    }

    TemporaryDirectory directory{testing::TempDir()};
    NodeDisk disk{directory.path(), r0()};
    std::vector<steps::Transfer> transfers;
};

TEST_F(Upgrade, ByDeltaTriesAndThenStays) {
    const Journal armed = upgrade_to(r1());
    ASSERT_EQ(armed.phase, Phase::armed) << armed.ending.value_or(Ending{}).text;
    EXPECT_EQ(armed.target->route.way, "delta");
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1+3-0.efi", "ashlar_R0.0.efi"));
    EXPECT_EQ(transfers.back().written, transfers.back().size);
    EXPECT_EQ(disk.start(), "R0.1");
    const Journal blessed = run(r1().installed(), [](Keeper& keeper) { EXPECT_TRUE(keeper.report(Event::healthy)); });
    EXPECT_EQ(blessed.ending, (Ending{"R0.1", "installed"}));
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.0.efi"));
    EXPECT_EQ(disk.start(), "R0.1");
    EXPECT_EQ(state::read(disk.state())->content.at("hostname"), "node-1");
}

TEST_F(Upgrade, FetchesOnlyBlocksThatItLacksWhereThereIsNoDelta) {
    const Release release(directory.path() / "release", "R0.2", {"one", "again"}, signer());
    const Journal armed = upgrade_to(release);
    ASSERT_EQ(armed.phase, Phase::armed) << armed.ending.value_or(Ending{}).text;
    EXPECT_EQ(armed.target->route.way, "blocks");
    EXPECT_EQ(disk.start(), "R0.2");
}

TEST_F(Upgrade, TakesEverythingWhereNothingIsTheSame) {
    const Release release(directory.path() / "release", "R0.2", {"two", "", 6}, signer());
    const Journal armed = upgrade_to(release);
    ASSERT_EQ(armed.phase, Phase::armed) << armed.ending.value_or(Ending{}).text;
    EXPECT_EQ(armed.target->route.way, "full");
    EXPECT_EQ(disk.start(), "R0.2");
}

TEST_F(Upgrade, ToATestReleaseTriesItOnce) {
    Release release(directory.path() / "release", "R0.2", {"one", "again"}, signer());
    release.index.test = true;
    release.write_index();
    EXPECT_EQ(upgrade_to(release).phase, Phase::armed);
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.2+1-0.efi", "ashlar_R0.0.efi"));
    EXPECT_EQ(disk.start(), "R0.2"); // and it dies
    EXPECT_EQ(disk.start(), "R0.0");
    EXPECT_THAT(run(r0().installed(), nullptr).ending->text, HasSubstr("did not prove itself"));
}

TEST_F(Upgrade, OfWhatRunsIsNothing) {
    const Journal journal = upgrade_to(r0());
    EXPECT_EQ(journal.phase, Phase::resting);
    EXPECT_EQ(journal.ending->text, "nothing to do: it runs already");
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.0.efi"));
}

// Each refusal leaves disk and boot menu as they are.
TEST_F(Upgrade, RefusesWhatItMayNotInstall) {
    const auto refusal = [&](const Release& release) {
        const Journal journal = upgrade_to(release);
        EXPECT_EQ(journal.phase, Phase::resting);
        EXPECT_THAT(menu(), ElementsAre("ashlar_R0.0.efi"));
        const std::string text = journal.ending.value_or(Ending{}).text;
        return text.substr(0, text.find('\n'));
    };
    EXPECT_EQ(refusal(Release(directory.path() / "foreign", "R0.2", {"one", "x"}, stranger())),
              "cannot trust 'R0.2.efi': its signer 'O = Example, CN = Example signing 1' is not trusted");
    EXPECT_EQ(refusal(Release(directory.path() / "older", "R0", {"one", "x"}, signer())),
              "cannot upgrade to 'R0': 'R0.0', which runs, is not older, and the boot loader would go on starting it");
    EXPECT_EQ(refusal(Release(directory.path() / "large", "R0.2", {"one", "x", 17}, signer())),
              "cannot upgrade: 17.8 MB do not fit into partition 3 with 16.8 MB");

    Release renamed(directory.path() / "renamed", "R0.2", {"one", "x"}, signer());
    renamed.index.release = "R0.3";
    renamed.write_index();
    EXPECT_EQ(refusal(renamed), "cannot trust 'R0.2.efi': its IMAGE_VERSION is 'R0.2', not 'R0.3'");
    renamed.index.release = "R0.2";
    renamed.index.role = "control";
    renamed.write_index();
    EXPECT_EQ(refusal(renamed), "cannot upgrade to 'R0.2': it is for control on amd64, this node is base on amd64");

    Json content = state::read(disk.state())->content;
    content["floor"] = "R0.5";
    state::write(disk.state(), content);
    EXPECT_EQ(refusal(Release(directory.path() / "low", "R0.2", {"one", "x"}, signer())), "cannot upgrade to 'R0.2': it is below the floor 'R0.5'");
}

TEST_F(Upgrade, DoesNotBeginBeforeWhatRunsIsBlessed) {
    fs::rename(disk.esp() / "EFI/Linux/ashlar_R0.0.efi", disk.esp() / "EFI/Linux/ashlar_R0.0+2-1.efi");
    const Journal journal = upgrade_to(r1());
    EXPECT_THAT(journal.ending->text, HasSubstr("cannot upgrade: 'R0.0', which runs, has not proved itself yet"));
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.0+2-1.efi"));
}

TEST_F(Upgrade, NamesATamperedByteAndInstallsNothing) {
    Release release(directory.path() / "release", "R0.2", {"two", ""}, signer());
    std::string full = read_file(release.directory / "R0.2.full");
    full[full.size() - 100] = static_cast<char>(~full[full.size() - 100]);
    write_file(release.directory / "R0.2.full", full);
    const Journal journal = upgrade_to(release);
    EXPECT_THAT(journal.ending->text, HasSubstr("cannot make bytes"));
    EXPECT_THAT(menu(), ElementsAre("ashlar_R0.0.efi"));
    EXPECT_EQ(disk.start(), "R0.0");
}

// A delta that is no good in one way or another: the release comes by blocks then.
class RefusedDelta : public Upgrade {
protected:
    RefusedDelta() { release.add_delta_from(r0()); }
    [[nodiscard]] fs::path delta() const { return release.directory / "R0.0-R0.2.delta"; }
    void write_delta(std::string content) {
        write_file(delta(), content);
        release.index.streams.back().file.size = content.size();
        release.write_index();
    }
    // The text of the refusal, without the directory.
    std::string refusal() {
        const Journal armed = upgrade_to(release);
        EXPECT_EQ(armed.phase, Phase::armed) << armed.ending.value_or(Ending{}).text;
        if (armed.phase != Phase::armed || armed.target->refusals.size() != 1) return "no refusal";
        EXPECT_EQ(armed.target->route.way, "blocks");
        EXPECT_EQ(armed.target->refusals.front().way, "delta");
        EXPECT_EQ(disk.start(), "R0.2");
        std::string text = armed.target->refusals.front().text;
        if (const auto at = text.find(release.directory.native() + "/"); at != text.npos) text.erase(at, release.directory.native().size() + 1);
        return text;
    }
    Release release{directory.path() / "release", "R0.2", {"one", "again"}, signer()};
};

TEST_F(RefusedDelta, WithATamperedByte) {
    std::string content = read_file(delta());
    content[content.size() - 20] = static_cast<char>(~content[content.size() - 20]);
    write_delta(content);
    EXPECT_THAT(refusal(), HasSubstr("cannot make bytes "));
}

TEST_F(RefusedDelta, ThatIsCutOff) {
    write_delta(read_file(delta()).substr(0, 700));
    EXPECT_THAT(refusal(), HasSubstr("cannot use delta 'R0.0-R0.2.delta': "));
}

TEST_F(RefusedDelta, ThatIsNotThere) {
    fs::remove(delta());
    EXPECT_EQ(refusal(), "cannot open 'R0.0-R0.2.delta': No such file or directory");
}

TEST_F(RefusedDelta, FromAnotherRoot) {
    const Release other(directory.path() / "other", "R0.1", {"one", "third"}, signer());
    release.add_delta_from(other);
    release.index.streams.pop_back();
    write_delta(read_file(release.directory / "R0.1-R0.2.delta"));
    EXPECT_EQ(refusal(), fmt::format("cannot use delta 'R0.0-R0.2.delta': it is from the root {}, not {}", other.root_hash.hex(), r0().root_hash.hex()));
}

TEST_F(RefusedDelta, ToAnotherRoot) {
    write_delta(read_file(r1().directory / "R0.0-R0.1.delta"));
    EXPECT_EQ(refusal(), fmt::format("cannot use delta 'R0.0-R0.2.delta': it makes the root {}, not {}", r1().root_hash.hex(), release.root_hash.hex()));
}

// ---- Killed ----

// Kills its own process at the end or at the beginning of a phase's work: as it was done, and as it was not.
enum class When { before, after };
class Killing final : public Steps {
    auto at(Phase phase, const auto& work) {
        if (phase == phase_ && when_ == When::before) std::raise(SIGKILL);
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            if (phase == phase_ && when_ == When::after) std::raise(SIGKILL);
        } else {
            auto answer = work();
            if (phase == phase_ && when_ == When::after) std::raise(SIGKILL);
            return answer;
        }
    }

public:
    Killing(steps::NodeSteps& steps, Phase phase, When when) : steps_(steps), phase_(phase), when_(when) {}

    std::optional<Target> check(const Source& source) override {
        return at(Phase::checking, [&] { return steps_.check(source); });
    }
    void clear(const Target& target) override {
        at(Phase::clearing, [&] { steps_.clear(target); });
    }
    void mark(const Target& target) override {
        at(Phase::marking, [&] { steps_.mark(target); });
    }
    std::optional<std::string> write(const Source& source, const Target& target, std::uint64_t from, const std::function<void(std::uint64_t)>& on_disk) override {
        return at(Phase::writing, [&] { return steps_.write(source, target, from, on_disk); });
    }
    void prove(const Target& target) override {
        at(Phase::proving, [&] { steps_.prove(target); });
    }
    void name(const Target& target) override {
        at(Phase::naming, [&] { steps_.name(target); });
    }
    void arm(const Target& target) override {
        at(Phase::arming, [&] { steps_.arm(target); });
    }
    void bless(const Installed& image) override {
        at(Phase::blessing, [&] { steps_.bless(image); });
    }
    void give_up(const Installed& image) override {
        at(Phase::returning, [&] { steps_.give_up(image); });
    }
    void restart() override {}

private:
    steps::NodeSteps& steps_;
    Phase phase_;
    When when_;
};

class Killed : public Upgrade, public testing::WithParamInterface<std::tuple<Phase, When>> {
protected:
    // In a process of its own, which is killed if the phase comes.
    int in_a_process(const Installed& running, const std::function<void(Keeper&)>& wish) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            try {
                const auto [phase, when] = GetParam();
                steps::NodeSteps steps(disk.node(running), [](const steps::Transfer&) {});
                Killing killing(steps, phase, when);
                steps::StateMemory memory(disk.state());
                Keeper keeper(killing, memory, [](const Journal&) {});
                keeper.wake(steps.facts(memory.recall()));
                wish(keeper);
                while (keeper.work()) {}
                ::_exit(0);
            } catch (...) {
                ::_exit(1);
            }
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    }
};

TEST_P(Killed, GoesOnAndGetsThere) {
    const auto [phase, when] = GetParam();
    const bool early = phase != Phase::blessing && phase != Phase::returning;
    const auto wish = [](Keeper& keeper) { EXPECT_TRUE(keeper.upgrade({r1().directory.native(), "", ""}, After::wait, r0().installed())); };
    if (early) {
        EXPECT_EQ(in_a_process(r0().installed(), wish), SIGKILL);
        EXPECT_THAT(disk.start(), testing::AnyOf("R0.0", "R0.1")); // power went away too
        EXPECT_NE(disk.start(), "nothing"); // and again
        const Journal journal = run(r0().installed(), nullptr);
        ASSERT_EQ(journal.phase, Phase::armed) << name_of(journal.phase) << ' ' << journal.ending.value_or(Ending{}).text;
    } else {
        ASSERT_EQ(in_a_process(r0().installed(), wish), 0);
    }
    ASSERT_EQ(disk.start(), "R0.1");
    if (phase == Phase::returning) {
        EXPECT_EQ(in_a_process(r1().installed(), [](Keeper& keeper) { (void)keeper.report(Event::unhealthy, "a gate failed"); }), SIGKILL);
        const Journal journal = run(r1().installed(), nullptr);
        EXPECT_EQ(journal.phase, Phase::leaving);
        EXPECT_EQ(disk.start(), "R0.0");
        EXPECT_EQ(run(r0().installed(), nullptr).ending, (Ending{"R0.1", "a gate failed"}));
        return;
    }
    if (phase == Phase::blessing) {
        EXPECT_EQ(in_a_process(r1().installed(), [](Keeper& keeper) { (void)keeper.report(Event::healthy); }), SIGKILL);
    }
    const Journal journal = run(r1().installed(), [](Keeper& keeper) { (void)keeper.report(Event::healthy); });
    EXPECT_EQ(journal.phase, Phase::resting);
    EXPECT_EQ(journal.ending, (Ending{"R0.1", "installed"}));
    EXPECT_EQ(menu().front(), "ashlar_R0.1.efi");
}

std::vector<Phase> working() {
    std::vector<Phase> phases;
    for (const Phase phase : all_phases)
        if (works(phase)) phases.push_back(phase);
    return phases;
}

INSTANTIATE_TEST_SUITE_P(InEachPhase, Killed, testing::Combine(testing::ValuesIn(working()), testing::Values(When::before, When::after)),
                         [](const auto& which) { return fmt::format("{}{}", name_of(std::get<0>(which.param)), std::get<1>(which.param) == When::before ? "Before" : "After"); });

} // namespace
