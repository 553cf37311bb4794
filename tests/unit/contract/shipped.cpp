// The formations of the recipes: they fit together and their roles; their programs print what they say they print, with tools
// of this test in place of a running service.

#include "observation.hpp"

#include <formation/lint.hpp>
#include <forming/decision.hpp>
#include <forming/machine.hpp>

#include <base/file.hpp>
#include <base/process.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

using namespace ashlar;
using namespace ashlar::forming;
namespace fs = std::filesystem;

namespace {

const fs::path source = ASHLAR_SOURCE_DIR;

formation::Formations shipped() { return formation::read_folder(source / "recipes/formations", "recipes/formations"); }

// Runs a formation's observing program with tools that say what a test wants.
class Observing : public testing::Test {
protected:
    void tool(const std::string& name, const std::string& script) { write_file(tools_.path() / name, "#!/bin/sh\n" + script, 0755); }

    std::string observe(const std::string& name) {
        const auto formations = shipped();
        const auto& observation = formations.at(name).observation;
        std::vector<std::string> argv;
        for (const auto& word : observation.argv) argv.push_back(word.text());
        argv.front() = (source / "overlays/base" / argv.front().substr(1)).native();
        auto environment = environment_;
        environment.emplace_back("PATH", tools_.path().native() + ":/usr/bin:/bin");
        const auto ran = ashlar::run({.argv = argv, .environment = environment});
        const auto read = read_observation(observation, {ran.exit_code, ran.output, ran.errors, false});
        if (const auto* unusable = std::get_if<Unusable>(&read)) return unusable->reason;
        return std::get<Json>(read).dump();
    }

    void give(const std::string& name, const std::string& value) { environment_.emplace_back(name, value); }
    TemporaryDirectory work_{fs::temp_directory_path()};

private:
    TemporaryDirectory tools_{fs::temp_directory_path()};
    std::vector<std::pair<std::string, std::string>> environment_;
};

} // namespace

TEST(Shipped, FormationsFitTogether) {
    const auto all = shipped();
    EXPECT_GE(all.size(), 4u);
    EXPECT_EQ(error_of([&] {
                  toml::Problems problems;
                  formation::check_together(all, problems);
                  problems.raise();
              }),
              "no error");
}

// ---- What they lead to on a node ----

namespace {

// All files are as they should be; nothing of it runs.
Action next_of(const std::string& name, const Json& observation, const std::set<std::string, std::less<>>& fulfilled) {
    const auto formations = shipped();
    const Site site{.id = "s", .name = "test", .genesis = {}, .domain = {}, .time_servers = {"192.0.2.1"}, .members = {{.id = "n1", .name = "n1", .role = "base", .lineage = {"base"}, .is_voter = true, .addresses = {}}}};
    const Self self{.id = "n1", .boot = "b1", .release = "R0.1", .fulfilled = fulfilled};
    const Ledger ledger;
    return decide({.formation = formations.at(name), .site = site, .self = self, .ledger = ledger, .observation = observation});
}

} // namespace

// chrony.service has a condition on CAP_SYS_TIME: there, a start would do nothing, again and again.
TEST(Shipped, ChronyIsStartedWhereTheClockIsTheNodesAndNotMissedElsewhere) {
    const Json own{{"owner", true}, {"running", false}, {"synchronised", false}, {"sources", 0}};
    const auto started = next_of("chrony", own, {});
    ASSERT_TRUE(std::holds_alternative<forming::Run>(started));
    EXPECT_EQ(std::get<forming::Run>(started).step, "start");
    Json borrowed = own;
    borrowed["owner"] = false;
    const auto left_alone = next_of("chrony", borrowed, {});
    ASSERT_TRUE(std::holds_alternative<Rest>(left_alone));
    EXPECT_EQ(std::get<Rest>(left_alone).state, Rest::State::settled);
}

// Voters ask each other and answer their subnets; all others only ask.
TEST(Shipped, ChronyAgreesOnOneTimeWithoutTimeServers) {
    const auto formations = shipped();
    const auto& chrony = formations.at("chrony");
    const auto member = [](const std::string& name, bool is_voter, const std::string& address) { return Member{.id = name, .name = name, .role = "base", .lineage = {"base"}, .is_voter = is_voter, .addresses = {{"management", address}}}; };
    Site site{.id = "s", .name = "test", .genesis = {}, .domain = {}, .time_servers = {}, .subnets = {{"management", {"10.0.0.0/24", "fd00::/64"}}}, .members = {member("n1", true, "10.0.0.1"), member("n2", true, "fd00::2"), member("n3", false, "10.0.0.3")}};
    const auto rendered = [&](const std::string& node, std::size_t index) {
        const Self self{.id = node, .boot = "b1", .release = "R0.1", .fulfilled = {}};
        const Ledger ledger;
        return std::get<std::string>(chrony.renders.at(index).text.fill(names_of({.formation = chrony, .site = site, .self = self, .ledger = ledger})));
    };
    EXPECT_EQ(chrony.renders.at(0).path.value, "/etc/chrony/sources.d/ashlar.sources");
    EXPECT_EQ(rendered("n1", 0), "\nserver fd00::2 iburst\n");
    EXPECT_EQ(rendered("n3", 0), "\nserver 10.0.0.1 iburst\nserver fd00::2 iburst\n");
    EXPECT_EQ(rendered("n1", 1), "local stratum 10 orphan\nallow 10.0.0.0/24\nallow fd00::/64\n\n");
    EXPECT_EQ(rendered("n3", 1), "\n\n\n");
    site.time_servers = {"192.0.2.1", "time.example"};
    site.subnets.clear();
    EXPECT_EQ(rendered("n1", 0), "server 192.0.2.1 iburst\nserver time.example iburst\nserver fd00::2 iburst\n");
    EXPECT_EQ(rendered("n2", 1), "local stratum 10 orphan\n\nallow 10.0.0.1\nallow fd00::2\nallow 10.0.0.3\n");
}

// The store cannot be asked before it is healed, and it is never begun by its formation.
TEST(Shipped, EtcdIsStartedWithoutAStoreOnItsOwnDataAlone) {
    const Json stands{{"configured", true}, {"data", true}, {"answers", false}, {"members", Json::array()}, {"learners", Json::array()}};
    EXPECT_TRUE(std::holds_alternative<forming::Run>(next_of("etcd", stands, {})));
    for (const char* missing : {"configured", "data"}) {
        Json observation = stands;
        observation[missing] = false;
        const auto next = next_of("etcd", observation, {"time", "site-ca", "store"});
        ASSERT_TRUE(std::holds_alternative<Rest>(next)) << missing;
        EXPECT_EQ(std::get<Rest>(next).state, Rest::State::waiting);
    }
}

TEST_F(Observing, Chrony) {
    const fs::path init = work_.path() / "status";
    give("ASHLAR_STATUS_OF_INIT", init.native());
    write_file(init, "Name:\tsystemd\nCapBnd:\t000001ffffffffff\n");
    tool("chronyc", "exit 1");
    EXPECT_EQ(observe("chrony"), R"({"owner":true,"running":false,"sources":0,"synchronised":false})");
    tool("chronyc", R"(case $2 in
tracking) echo '7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised' ;;
esac)");
    EXPECT_EQ(observe("chrony"), R"({"owner":true,"running":true,"sources":0,"synchronised":false})");
    tool("chronyc", R"(case $2 in
tracking) echo 'C0000201,192.0.2.1,3,1795000000.1,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,64.0,Normal' ;;
sources) printf '^,*,192.0.2.1,2,6,17,5,0.0,0.0,0.1\n^,-,192.0.2.2,2,6,17,5,0.0,0.0,0.1\n' ;;
esac)");
    EXPECT_EQ(observe("chrony"), R"({"owner":true,"running":true,"sources":2,"synchronised":true})");
    // As a container's first process has it.
    write_file(init, "Name:\tsystemd\nCapBnd:\t000001fff4ffffff\n");
    tool("chronyc", "exit 1");
    EXPECT_EQ(observe("chrony"), R"({"owner":false,"running":false,"sources":0,"synchronised":false})");
    fs::remove(init);
    EXPECT_THAT(observe("chrony"), testing::HasSubstr("exit code")) << "who cannot look does not say whose clock it is";
}

TEST_F(Observing, AListener) {
    tool("ss", "[ \"$2\" = 'sport = :11211' ] || exit 9");
    EXPECT_EQ(observe("memcached"), R"({"file":false,"listening":false})");
    tool("ss", "echo 'LISTEN 0 1024 10.0.0.1:11211 0.0.0.0:*'");
    EXPECT_EQ(observe("memcached"), R"({"file":false,"listening":true})");
    tool("ss", "echo 'ss: cannot open netlink socket' >&2; exit 1");
    EXPECT_EQ(observe("memcached"), "exit code 1: ss: cannot open netlink socket") << "who cannot look does not say that there is nothing";
}

TEST_F(Observing, Etcd) {
    give("ASHLAR_RUN", (work_.path() / "run").native());
    give("ASHLAR_ETCD", (work_.path() / "etcd").native());
    tool("etcdctl", "exit 1");
    EXPECT_EQ(observe("etcd"), R"({"answers":false,"configured":false,"data":false,"learners":[],"members":[]})");
    fs::create_directories(work_.path() / "run");
    fs::create_directories(work_.path() / "etcd/member");
    write_file(work_.path() / "run/etcd.env", "ETCD_NAME=n1\nETCD_ADVERTISE_CLIENT_URLS=https://10.0.0.1:12379\n");
    EXPECT_EQ(observe("etcd"), R"({"answers":false,"configured":true,"data":true,"learners":[],"members":[]})");
    tool("etcdctl", R"(case " $* " in *" --endpoints=https://10.0.0.1:12379 "*" member list "*) ;; *) exit 9 ;; esac
echo '8211f1d0f64f3269, started, n1, https://10.0.0.1:12380, https://10.0.0.1:12379, false'
echo '91bc3c398fb3c146, started, n2, https://10.0.0.2:12380, https://10.0.0.2:12379, false'
echo 'fd422379fda50e48, unstarted, , https://10.0.0.3:12380, , false'
echo 'fd422379fda50e49, started, n4, https://10.0.0.4:12380, https://10.0.0.4:12379, true')");
    EXPECT_EQ(observe("etcd"), R"({"answers":true,"configured":true,"data":true,"learners":["n4"],"members":["n1","n2"]})");
}

// A unit of its own for each job, and for an observation a system that it can only read. How systemd takes it: tests/site/formations.cpp.
TEST(TransientUnits, OfObservationsReadOnly) {
    const TransientUnitRunner runner("/run/x");
    const auto step = runner.command({.name = "etcd-join", .argv = {"/usr/bin/x", "y"}, .timeout = std::chrono::milliseconds(1500)});
    EXPECT_EQ(step, (std::vector<std::string>{"systemd-run", "--quiet", "--service-type=exec", "--remain-after-exit", "--unit=ashlar-formation-etcd-join.service", "--property=RuntimeMaxSec=1.500", "--property=TimeoutStopSec=2s", "--property=KillMode=control-group", "--property=StandardOutput=truncate:/run/x/etcd-join.out", "--property=StandardError=truncate:/run/x/etcd-join.err", "--", "/usr/bin/x", "y"}));
    EXPECT_THAT(runner.command({.name = "etcd-observe", .argv = {"/usr/bin/x"}, .timeout = std::chrono::seconds(1), .kind = Job::Kind::observation}), testing::IsSupersetOf({"--property=ProtectSystem=strict", "--property=ReadOnlyPaths=/run", "--property=BindReadOnlyPaths=/dev", "--property=ProtectControlGroups=yes"}));
}

// As `systemctl show` of systemd 257 said it.
TEST(TransientUnits, AreReadAsSystemdSaysThem) {
    const auto answer = [](const std::string& text) { return TransientUnitRunner::answer_in(text); };
    EXPECT_TRUE(std::holds_alternative<Runner::Unknown>(answer("Result=success\nExecMainCode=0\nExecMainStatus=0\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n")));
    EXPECT_TRUE(std::holds_alternative<Runner::Running>(answer("Result=success\nExecMainCode=0\nExecMainStatus=0\nLoadState=loaded\nActiveState=active\nSubState=running\n")));
    EXPECT_TRUE(std::holds_alternative<Runner::Running>(answer("Result=timeout\nExecMainCode=0\nExecMainStatus=0\nLoadState=loaded\nActiveState=deactivating\nSubState=stop-sigterm\n")));
    const auto outcome = [&](const std::string& text) { return std::get<forming::Outcome>(answer(text)); };
    EXPECT_EQ(outcome("Result=success\nExecMainCode=1\nExecMainStatus=0\nLoadState=loaded\nActiveState=active\nSubState=exited\n").exit_code, 0);
    EXPECT_EQ(outcome("Result=exit-code\nExecMainCode=1\nExecMainStatus=3\nLoadState=loaded\nActiveState=failed\nSubState=failed\n").exit_code, 3);
    const auto killed = outcome("Result=timeout\nExecMainCode=2\nExecMainStatus=9\nLoadState=loaded\nActiveState=failed\nSubState=failed\n");
    EXPECT_EQ(killed.exit_code, 137);
    EXPECT_TRUE(killed.was_too_slow);
}

TEST(ChildRunner, TellsAnOutcomeOnceAndKeepsItsDeadline) {
    ChildRunner runner;
    const auto outcome_of = [&](const Job& job) {
        runner.start(job);
        for (;;) {
            const auto answer = runner.poll(job.name);
            if (const auto* outcome = std::get_if<forming::Outcome>(&answer)) return *outcome;
        }
    };
    const forming::Outcome said = outcome_of({.name = "a", .argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}, .timeout = std::chrono::minutes(1)});
    EXPECT_EQ(said.exit_code, 3);
    EXPECT_EQ(said.output, "out\n");
    EXPECT_EQ(said.errors, "err\n");
    EXPECT_FALSE(said.was_too_slow);
    EXPECT_TRUE(std::holds_alternative<Runner::Unknown>(runner.poll("a")));
    EXPECT_TRUE(outcome_of({.name = "b", .argv = {"sleep", "600"}, .timeout = std::chrono::milliseconds(50)}).was_too_slow);
}
