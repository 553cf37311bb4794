// What the engine of formations does to a machine, on a real systemd: its jobs as transient units, and units.

#include "bench.hpp"

#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* place = "/var/lib/probe"; // on the node
constexpr auto patience = 30s;

class Formations : public testing::Test {
protected:
    void SetUp() override {
        node_.power_on();
        ASSERT_TRUE(is_up(node_)) << read_file(node_.console());
        bring_probe();
    }

    // Every call is a new process: what it knows, it knows from systemd.
    Outcome probe(std::vector<std::string> words) {
        // For itself, and not for the programs that it starts.
        std::vector<std::string> argv{"/lib64/ld-linux-x86-64.so.2", "--library-path", place, fmt::format("{}/formation_probe", place)};
        argv.insert(argv.end(), words.begin(), words.end());
        return node_.run(argv);
    }
    std::string said_by_probe(std::vector<std::string> words) {
        const auto outcome = probe(std::move(words));
        EXPECT_TRUE(outcome.ok()) << outcome.errors;
        return std::string(trim(outcome.output));
    }
    void start(const std::string& name, const std::string& kind, const std::string& script, const std::string& milliseconds = "60000") { said_by_probe({"start", name, kind, milliseconds, "/bin/sh", "-c", script}); }
    Json outcome_of(const std::string& name) {
        std::string said;
        EXPECT_TRUE(wait_until(patience, [&] { return (said = said_by_probe({"poll", name})) != "running"; }));
        EXPECT_NE(said, "unknown");
        return parse_json(said, "outcome");
    }
    Json ran(const std::string& name, const std::string& kind, const std::string& script, const std::string& milliseconds = "60000") {
        start(name, kind, script, milliseconds);
        return outcome_of(name);
    }

    Bench bench_;
    Node& node_ = bench_.add("n1", bench_.site({.name = "alone", .voters = 1}));

private:
    // With the libraries that the image need not have; the C library is the node's.
    void bring_probe() {
        const fs::path directory = node_.console().parent_path() / "var/lib/probe";
        fs::create_directories(directory);
        fs::copy_file(ASHLAR_FORMATION_PROBE, directory / "formation_probe", fs::copy_options::overwrite_existing);
        const std::string libraries = run_checked({.argv = {"ldd", ASHLAR_FORMATION_PROBE}});
        for (const auto line : split(libraries, '\n')) {
            const std::size_t arrow = line.find("=> ");
            if (arrow == std::string_view::npos || line.find("/libc.") != std::string_view::npos || line.find("/libm.") != std::string_view::npos) continue;
            const fs::path library = std::string(line.substr(arrow + 3, line.find(" (") - arrow - 3));
            fs::copy_file(library, directory / library.filename(), fs::copy_options::overwrite_existing);
        }
    }
};

TEST_F(Formations, AJobOutlivesWhoStartedItAndSaysHowItEnded) {
    start("t-outlives", "step", "echo begun; sleep 2; echo ended; echo why >&2; exit 7");
    EXPECT_EQ(said_by_probe({"poll", "t-outlives"}), "running");
    // Not started twice while it runs.
    start("t-outlives", "step", "echo another");
    const Json outcome = outcome_of("t-outlives");
    EXPECT_EQ(outcome, (Json{{"exit_code", 7}, {"too_slow", false}, {"output", "begun\nended\n"}, {"errors", "why\n"}}));
    EXPECT_EQ(said_by_probe({"poll", "t-outlives"}), "unknown") << "an outcome is told once";
    EXPECT_EQ(ran("t-outlives", "step", "echo again").at("output"), "again\n");
    EXPECT_EQ(said(node_, {"sh", "-c", "systemctl list-units --all --plain --no-legend 'ashlar-formation-*'; ls /run/ashlar/formations"}), "") << "nothing is left behind";
}

// Its successor may never have asked.
TEST_F(Formations, WhatAnEarlierJobLeftIsNotTakenForAnAnswer) {
    start("t-left", "observation", "echo old");
    ASSERT_TRUE(wait_until(patience, [&] { return said(node_, {"systemctl", "show", "--property=SubState", "--value", "ashlar-formation-t-left.service"}) == "exited"; }));
    EXPECT_EQ(ran("t-left", "observation", "echo new").at("output"), "new\n");
}

TEST_F(Formations, TheDeadlineEndsAJobAndAllThatItStarted) {
    const Json outcome = ran("t-slow", "step", "trap '' TERM; sleep 1234 & sleep 1235; sleep 1236", "700");
    EXPECT_EQ(outcome.at("too_slow"), true);
    EXPECT_EQ(trim(node_.run({"sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'sleep 123[456]'"}).output), "0");
    EXPECT_FALSE(probe({"start", "t-none", "step", "1000", "/usr/lib/none"}).ok()) << "a program that is not there";
    EXPECT_EQ(said_by_probe({"poll", "t-none"}), "unknown");
}

TEST_F(Formations, AnObservationWritesNowhere) {
    const Json outcome = ran("t-reads", "observation", R"sh(
for folder in / /etc /usr /var /var/lib /var/lib/ashlar /root /run /run/ashlar /run/ashlar/formations /run/ashlar/etcd /run/ashlar/node /run/lock /run/user /dev /dev/shm /sys/fs/cgroup; do
    if (: >"$folder/written") 2>/dev/null; then echo "$folder"; fi
done
for file in /sys/fs/cgroup/system.slice/pids.max /proc/sys/net/ipv4/ip_forward; do
    if (: >"$file" && cat "$file" >"$file") 2>/dev/null; then echo "$file"; fi
done
: >/dev/null
test -n "$(ss -Hltn)" || echo 'ss sees nothing'
: >/tmp/own || echo 'no /tmp'
)sh");
    EXPECT_EQ(outcome, (Json{{"exit_code", 0}, {"too_slow", false}, {"output", ""}, {"errors", ""}}));
    EXPECT_FALSE(node_.run({"test", "-e", "/tmp/own"}).ok());
    // The bench can fail.
    EXPECT_EQ(ran("t-writes", "step", "for f in /run /dev/shm; do : >$f/written && echo $f; done").at("output"), "/run\n/dev/shm\n");
}

TEST_F(Formations, UnitsAreStartedRestartedAndForgiven) {
    const std::string unit = "probe.service";
    said(node_, {"sh", "-c", "printf '[Unit]\\nStartLimitIntervalSec=10min\\nStartLimitBurst=2\\n[Service]\\nExecStart=/bin/sh -c \"test -e /run/probe.ok && exec sleep 9876\"\\nExecReload=/usr/bin/touch /run/probe.reloaded\\n' >/run/systemd/system/probe.service; systemctl daemon-reload"});
    EXPECT_EQ(said_by_probe({"unit", "state", unit}), "inactive");
    EXPECT_EQ(said_by_probe({"unit", "state", "none.service"}), "inactive");
    // systemd refuses what is started too often, until its failures are forgotten.
    said_by_probe({"unit", "start", unit});
    ASSERT_TRUE(wait_until(patience, [&] { return said_by_probe({"unit", "state", unit}) == "failed"; }));
    ASSERT_TRUE(wait_until(patience, [&] { return !node_.run({"systemctl", "start", unit}).ok(); }));
    said(node_, {"touch", "/run/probe.ok"});
    EXPECT_FALSE(node_.run({"systemctl", "start", unit}).ok()) << "it would come up now, and is refused";
    said_by_probe({"unit", "reset-failed", unit});
    said_by_probe({"unit", "start", unit});
    ASSERT_TRUE(wait_until(patience, [&] { return said_by_probe({"unit", "state", unit}) == "active"; }));
    const auto first = said(node_, {"systemctl", "show", "--property=MainPID", "--value", unit});
    said_by_probe({"unit", "restart", unit});
    EXPECT_TRUE(wait_until(patience, [&] { return said(node_, {"systemctl", "show", "--property=MainPID", "--value", unit}) != first; }));
    said_by_probe({"unit", "reload", unit});
    EXPECT_TRUE(wait_until(patience, [&] { return node_.run({"test", "-e", "/run/probe.reloaded"}).ok(); }));
}

} // namespace
} // namespace ashlar::virtual_site
