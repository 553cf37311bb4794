// A node moves to another release, and stays where it was when that one is no good.

#include "node.hpp"
#include "repository_medium.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>
#include <random>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

// A node in its machine, with its operator.
class Machine {
public:
    // Starts until it is off or resets. `visit` is tried until it returns true.
    void run(const std::function<bool(const Visitor&)>& visit, const std::vector<std::string>& more = {}) {
        // A watchdog that does what one of metal does.
        std::vector<std::string> arguments{"-device", "i6300esb", "-action", "watchdog=reset"};
        if (!clock_.empty()) arguments.insert(arguments.end(), {"-rtc", "base=" + clock_});
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto report = node_.visited([&] { return visit(node_.visitor); },
                                          [&](auto& options) { options.more_arguments.insert(options.more_arguments.end(), arguments.begin(), arguments.end()); });
        consoles_ += report.transcript + "\n--------\n";
    }

    // What its clock says at each start from now on: "1970-01-01T00:00:00".
    void set_clock(const std::string& time) { clock_ = time; }
    // Once it is ready, each command in its turn, of which the last one lets the machine end; what they said. `before` is a
    // command that succeeds.
    std::vector<std::string> ask(const std::vector<std::string>& commands, const std::vector<RepositoryMedium>& media, const std::string& before = "true") {
        std::vector<std::string> said, arguments;
        for (const auto& medium : media)
            for (auto& word : medium.arguments()) arguments.push_back(std::move(word));
        run(
            [&](const Visitor& visitor) {
                if (!is_ready(visitor, before)) return false;
                for (const auto& command : commands) {
                    const auto answer = visitor.run(command);
                    said.push_back(answer.output + answer.errors);
                }
                return true;
            },
            arguments);
        said.resize(commands.size());
        return said;
    }
    // Upgrades and restarts into the newest release; the machine ends at the restart.
    void upgrade(const RepositoryMedium& repository, const std::string& before = "true") { (void)ask({upgrade_to_newest(repository)}, {repository}, before); }
    static std::string upgrade_to_newest(const RepositoryMedium& repository) { return fmt::format("ashlarctl upgrade {} --restart", repository.device()); }
    // After `before`, begins an upgrade that restarts into the release, and resets the machine `seconds` later, without a word to its disk.
    void upgrade_and_reset(const RepositoryMedium& repository, double seconds, const std::string& before) {
        const std::string command = fmt::format("{} >/dev/null 2>&1 & sleep {:.2f}; echo b >/proc/sysrq-trigger", upgrade_to_newest(repository), seconds);
        run(
            [&](const Visitor& visitor) {
                if (!is_ready(visitor, before)) return false;
                (void)visitor.run(command); // its connection breaks
                return true;
            },
            repository.arguments());
    }

    // Starts it until a release has come to rest, and says what the node is then; it is off afterwards.
    Json settled(const std::vector<std::string>& more = {}) {
        Json status;
        for (unsigned starts = 0; starts < 6 && status.is_null(); ++starts)
            run([&](const Visitor& visitor) {
                const auto answer = visitor.run("ashlarctl status --json");
                if (answer.output.empty()) return false;
                const Json now = parse_json(answer.output, "status");
                if (now.at("phase") != "resting") return false;
                status = now;
                looks_ = visitor.run("ashlarctl drift; ls -d /var/lib/ashlar-test-daemon; systemctl list-jobs --no-legend; systemctl poweroff").output;
                return true;
            }, more);
        return status;
    }
    [[nodiscard]] const std::string& looks() const { return looks_; }
    [[nodiscard]] const std::string& consoles() const { return consoles_; }
    [[nodiscard]] const Target& target() const { return node_.target; }

private:
    // sshd may be there before ashlard.
    static bool is_ready(const Visitor& visitor, const std::string& before) { return visitor.run(fmt::format("ashlarctl status >/dev/null && {{ {}; }}", before)).ok(); }

    Node node_ = installed_node();
    std::string clock_, looks_, consoles_;
};

const Json blessed(const char* release) { return {{"release", release}, {"blessed", true}}; }

// It runs R0.1 and is the node that it was, `kept` in its /var included.
void expect_moved(const Machine& machine, const Json& status, const Json& before) {
    EXPECT_EQ(status.at("release"), "R0.1") << machine.consoles();
    EXPECT_EQ(status.at("slots").at("menu"), Json::array({blessed("R0.1"), blessed("R0.0")}));
    EXPECT_THAT(machine.looks(), HasSubstr("no drift"));
    EXPECT_THAT(machine.looks(), HasSubstr("/var/lib/ashlar-test-daemon")); // the new release's own directory
    EXPECT_THAT(machine.consoles(), Not(HasSubstr("Failed unmounting")));
    EXPECT_EQ(machine.target().in_var("/kept"), "kept\n");
    EXPECT_EQ(machine.target().state().at("machine_id"), before.at("machine_id"));
}

constexpr const char* keep = "echo kept > /var/kept && sync";

// Its clock is far behind while it installs the release, and far ahead when that is tried.
TEST(Upgrade, TakesWhatItsRepositorySignsAndNothingElseWhateverTheClockSays) {
    Machine machine;
    const Json before = machine.target().state();
    const RepositoryMedium mirror("mirror"), tampered("tampered"), older("older");
    machine.set_clock("1970-01-01T00:00:00");
    const auto said = machine.ask({fmt::format("ashlarctl upgrade {}", tampered.device()), fmt::format("ashlarctl upgrade {} R0.7", mirror.device()),
                                   fmt::format("ashlarctl upgrade {}", older.device()), Machine::upgrade_to_newest(mirror)},
                                  {mirror, tampered, older}, keep);
    EXPECT_THAT(said.at(0), HasSubstr("cannot trust")) << machine.consoles();
    EXPECT_THAT(said.at(1), HasSubstr("cannot upgrade to 'R0.7': there is no such release"));
    EXPECT_THAT(said.at(2), HasSubstr("cannot trust 'bundle-R0.json': its version is 1, after 2 was seen"));
    EXPECT_THAT(said.at(3), HasSubstr("R0.1 by delta"));
    machine.set_clock("2099-12-31T23:59:50");
    const Json status = machine.settled();
    ASSERT_FALSE(status.is_null()) << said.at(3) << machine.consoles();
    EXPECT_EQ(status.at("ending").at("text"), "installed");
    expect_moved(machine, status, before);
    EXPECT_TRUE(machine.target().state().at("metadata_floor").contains("targets"));
}

// How a release is no good, and what is told of it afterwards.
struct Fault {
    const char* word;
    const char* told;
    unsigned attempts;
    friend void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.word; }
};
class BrokenRelease : public testing::TestWithParam<Fault> {};

TEST_P(BrokenRelease, IsLeft) {
    Machine machine;
    machine.upgrade(RepositoryMedium("mirror"), fmt::format("echo {} > /var/lib/ashlar-test", GetParam().word));
    const Json status = machine.settled();
    ASSERT_FALSE(status.is_null()) << machine.consoles();
    EXPECT_EQ(status.at("release"), "R0.0") << machine.consoles();
    EXPECT_EQ(status.at("ending").at("release"), "R0.1");
    EXPECT_THAT(status.at("ending").at("text").get<std::string>(), HasSubstr(GetParam().told));
    EXPECT_EQ(status.at("attempts"), GetParam().attempts);
    EXPECT_EQ(status.at("slots").at("menu").at(0).at("attempts_left"), 0);
}

INSTANTIATE_TEST_SUITE_P(Default, BrokenRelease, testing::Values(Fault{"gate", "ashlar-gate-test failed", 1}), [](const auto& fault) { return fault.param.word; });
// Each waits for a deadline, or is started three times.
INSTANTIATE_TEST_SUITE_P(Slow, BrokenRelease,
                         testing::Values(Fault{"panic", "it was started 3 times and did not prove itself; Kernel panic", 3}, Fault{"hang", "it did not prove itself in time", 1},
                                         Fault{"pid1", "it was started 3 times and did not prove itself", 3}, Fault{"silent", "it was started 3 times and did not prove itself", 3}),
                         [](const auto& fault) { return fault.param.word; });

// ASHLAR_BOOT_SEED begins the same series again; ring long, which sets ASHLAR_BOOT_ALL, has 30.
TEST(Upgrade, ComesBackFromResetsAtRandomMoments) {
    const char* given = std::getenv("ASHLAR_BOOT_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
    const unsigned resets = std::getenv("ASHLAR_BOOT_ALL") != nullptr ? 30 : 3;
    fmt::print("seed {}, {} resets\n", seed, resets);
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> moment(0.0, 10.0);
    const RepositoryMedium mirror("mirror");
    const std::string not_begun = "not begun";
    // What was begun goes on by itself.
    const auto come_to_rest = [&](Machine& machine, const std::string& phase) {
        if (phase == not_begun) machine.upgrade(mirror);
        const Json status = machine.settled(mirror.arguments());
        ASSERT_FALSE(status.is_null()) << machine.consoles();
        expect_moved(machine, status, installed_node().target.state());
    };
    std::optional<Machine> machine;
    std::string phase;
    for (unsigned reset = 0; reset < resets; ++reset) {
        const bool first = !machine.has_value();
        if (first) machine.emplace();
        const double seconds = moment(random);
        machine->upgrade_and_reset(mirror, seconds, first ? keep : "true");
        const Json state = machine->target().state();
        phase = state.contains("upgrade") ? state.at("upgrade").at("phase").get<std::string>() : not_begun;
        fmt::print("reset {} after {:.2f} s: {}\n", reset + 1, seconds, phase);
        // Behind its end: the next reset is of another node.
        if (phase != "armed" && phase != "resting") continue;
        come_to_rest(*machine, phase);
        machine.reset();
    }
    if (machine) come_to_rest(*machine, phase);
}

} // namespace
