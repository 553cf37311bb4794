// The engine with effects that only take notes.

#include <forming/engine.hpp>
#include <forming/machine.hpp>

#include <base/error.hpp>
#include <formation/reader.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::forming;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using State = Standing::State;

namespace {

constexpr std::string_view text = R"(
summary = "x"
roles = ["control"]
units = ["db.service"]
healthy = "units.active and observation.up"
[observe]
run = ["/usr/lib/x/observe", "${node.id}"]
prints = { up = "boolean" }
[[render]]
path = "/run/db.conf"
owner = "root:root"
mode = "0644"
text = "voters = ${lists.voters}"
restart = ["db.service"]
[lists.voters]
of = "site.voters"
item = "${item}"
[[step]]
id = "start"
kind = "local"
summary = "starts it"
when = "not units.active"
start = ["db.service"]
timeout = "10 s"
verify = "units.active"
)";

// Programs end at once, and say what the test wants.
class Saying final : public Runner {
public:
    void start(const Job& job) override {
        jobs.push_back(job);
        waiting.insert(job.name);
    }
    Answer poll(const std::string& name) override {
        if (waiting.erase(name) == 0) return Unknown{};
        return outcome;
    }
    std::vector<Job> jobs;
    forming::Outcome outcome{0, R"({"up": true})", "", false};

private:
    std::set<std::string> waiting;
};

class Noting final : public Units {
public:
    State state(const std::string&) const override { return now; }
    void reset_failed(const std::string& unit) override {
        orders.push_back("reset-failed " + unit);
        now = State::inactive;
    }
    void start(const std::string& unit) override {
        orders.push_back("start " + unit);
        if (now != State::failed && !is_broken) now = State::active;
    }
    void reload(const std::string& unit) override { orders.push_back("reload " + unit); }
    void restart(const std::string& unit) override { orders.push_back("restart " + unit); }
    State now = State::inactive;
    bool is_broken = false;
    std::vector<std::string> orders;
};

struct MemoryFiles final : Files {
    std::optional<File> read(const std::string& path) const override {
        const auto found = files.find(path);
        return found == files.end() ? std::nullopt : std::optional(found->second);
    }
    void write(const std::string& path, const File& file) override { files[path] = file; }
    std::map<std::string, File> files;
};

struct MemoryJournal final : Journal {
    std::vector<Record> recall() const override { return records; }
    void append(const Record& record) override { records.push_back(record); }
    std::vector<Record> records;
};

struct Zeros final : Randomness {
    void fill(std::span<std::byte> bytes) override { std::ranges::fill(bytes, std::byte{0}); }
};

struct Bench {
    Bench() { formations.emplace("x", formation::read_formation(toml::source_from_text("x.toml", std::string(text)), "x")); }
    formation::Formations formations;
    MemoryStore store;
    Zeros random;
    OpenVault vault{store, random};
    Saying runner;
    MemoryFiles files;
    Noting units;
    MemoryJournal journal;
    Site site{.id = "s", .members = {{.id = "n1", .name = "n1", .role = "control", .lineage = {"control"}, .is_voter = true, .addresses = {}}}};
    Self self{.id = "n1", .boot = "b1", .release = "R0.1", .fulfilled = {"store"}};

    Engine engine() { return {formations, {store, vault, runner, files, units, random}, journal}; }
    // Turns until it rests; the clock goes on a second each time.
    Standing rest(Engine& engine, Time& now, unsigned turns = 5) {
        Standing standing;
        for (unsigned turn = 0; turn < turns; ++turn, now += 1s) standing = engine.turn(site, self, now).front();
        return standing;
    }
};

} // namespace

TEST(Engine, RendersStartsAndSettles) {
    Bench bench;
    Engine engine = bench.engine();
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_EQ(bench.files.files.at("/run/db.conf").text, "voters = n1");
    EXPECT_THAT(bench.units.orders, ElementsAre("reset-failed db.service", "start db.service"));
    EXPECT_THAT(bench.runner.jobs.front().argv, ElementsAre("/usr/lib/x/observe", "n1"));
    EXPECT_EQ(read_ledger(bench.store, "x").settled.size(), 1u);
}

// What a person may give, and need not.
TEST(Engine, AnOptionalFileIsLeftOutUntilWhatItNamesIsThere) {
    Bench bench;
    const std::string given = "[secrets.public]\ngiven = \"text\"\n";
    const auto file = [](const std::string& more) { return "[[render]]\npath = \"/run/public\"\nowner = \"root:root\"\nmode = \"0600\"\ntext = \"${secrets.public}\"\n" + more; };
    const auto formation = [&](const std::string& more) { return formation::read_formation(toml::source_from_text("x.toml", std::string(text) + given + file(more)), "x"); };
    Time now{};

    bench.formations.at("x") = formation("");
    Engine waiting = bench.engine();
    EXPECT_THAT(bench.rest(waiting, now).why, HasSubstr("which a person gives"));
    EXPECT_TRUE(bench.files.files.empty());

    bench.formations.at("x") = formation("optional = true\n");
    Engine engine = bench.engine();
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_TRUE(bench.files.files.contains("/run/db.conf"));
    EXPECT_FALSE(bench.files.files.contains("/run/public"));

    ASSERT_TRUE(bench.store.swap(key::secret("x", "public"), 0, "word"));
    now += 1min; // it looks again
    (void)bench.rest(engine, now);
    EXPECT_EQ(bench.files.files.at("/run/public").text, "word");
    EXPECT_EQ(bench.files.files.at("/run/db.conf").text, "voters = n1");
}

// A unit that was started too often, waiting for others, is refused by systemd until its failures are forgotten.
TEST(Engine, AFailedUnitIsForgivenBeforeItIsStartedAgain) {
    Bench bench;
    bench.units.now = Units::State::failed;
    Engine engine = bench.engine();
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_EQ(bench.units.orders.front(), "reset-failed db.service");
}

// As chronyd, which the image starts before there is a site: files in /etc and /run are new after each start of the machine.
TEST(Engine, AUnitThatRunsAlreadyIsToldOfANewFile) {
    Bench bench;
    bench.units.now = Units::State::active;
    Engine engine = bench.engine();
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_THAT(bench.units.orders, ElementsAre("restart db.service"));
}

TEST(Engine, WhatChangesInTheSiteChangesFilesAndRestarts) {
    Bench bench;
    Engine engine = bench.engine();
    Time now{};
    (void)bench.rest(engine, now);
    bench.units.orders.clear();
    bench.site.members.push_back({.id = "n2", .name = "n2", .role = "control", .lineage = {"control"}, .is_voter = true, .addresses = {}});
    (void)bench.rest(engine, now);
    EXPECT_EQ(bench.files.files.at("/run/db.conf").text, "voters = n1,n2");
    EXPECT_THAT(bench.units.orders, ElementsAre("restart db.service"));
}

// A port follows what stands in brackets, whichever kind of address it is.
TEST(Engine, AnAddressIsAHostWhereAPortFollows) {
    for (const auto& [address, host] : {std::pair("10.0.0.1", "10.0.0.1"), std::pair("fd00::11", "[fd00::11]")}) {
        Bench bench;
        std::string listening(text);
        listening.replace(listening.find("${lists.voters}"), std::string("${lists.voters}").size(), "${node.address} ${node.host}:80 ${lists.voters}");
        listening.replace(listening.find("item = \"${item}\""), std::string("item = \"${item}\"").size(), "item = \"${item.host}:80\"");
        listening.replace(listening.find("of = \"site.voters\""), std::string("of = \"site.voters\"").size(), "of = \"nodes\"");
        bench.formations.clear();
        bench.formations.emplace("x", formation::read_formation(toml::source_from_text("x.toml", listening), "x"));
        bench.site.members.front().addresses["management"] = address;
        Engine engine = bench.engine();
        Time now{};
        EXPECT_EQ(bench.rest(engine, now).state, State::settled);
        EXPECT_EQ(bench.files.files.at("/run/db.conf").text, fmt::format("voters = {0} {1}:80 {1}:80", address, host));
    }
}

// As a service that speaks TLS behind the site's virtual address has it.
TEST(Engine, ACertificateIsWaitedForAndRenderedAndSoIsAnother) {
    class Kept final : public Certificates {
    public:
        [[nodiscard]] std::optional<Credentials> credentials(std::string_view formation) const override { return formation == "x" ? shown : std::nullopt; }
        [[nodiscard]] std::string trouble(std::string_view) const override { return why; }
        std::optional<Credentials> shown;
        std::string why;
    };
    Bench bench;
    std::string serving(text);
    serving.replace(serving.find("path = \"/run/db.conf\""), std::string("path = \"/run/db.conf\"").size(), "path = \"/run/db.pem\"");
    serving.replace(serving.find("0644"), 4, "0600");
    serving.replace(serving.find("voters = ${lists.voters}"), std::string("voters = ${lists.voters}").size(), "${certificate.key}${certificate.chain}${site.authority} ${site.vip} ${site.vip_host} ${site.router_id} ${lists.vips}");
    serving.replace(serving.find("[lists.voters]\nof = \"site.voters\""), std::string("[lists.voters]\nof = \"site.voters\"").size(), "[certificate]\n[lists.vips]\nof = \"site.vips\"");
    bench.formations.clear();
    bench.formations.emplace("x", formation::read_formation(toml::source_from_text("x.toml", serving), "x"));
    bench.site.authority = "CA";
    bench.site.vips = {"fd00::10", "10.0.0.10"};
    bench.site.router_id = 51;
    Kept kept;
    Engine engine(bench.formations, {bench.store, bench.vault, bench.runner, bench.files, bench.units, bench.random, &kept}, bench.journal);
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).why, "waits for its certificate, which a voter issues");
    EXPECT_FALSE(engine.has_files("x"));
    kept.why = "no voter of the site answers";
    now += 10s;
    EXPECT_EQ(bench.rest(engine, now).why, "waits for its certificate: no voter of the site answers");
    kept.shown = Certificates::Credentials{"CHAIN1", "KEY1"};
    now += 10s;
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_TRUE(engine.has_files("x"));
    EXPECT_EQ(bench.files.files.at("/run/db.pem").text, "KEY1CHAIN1CA fd00::10 [fd00::10] 51 fd00::10,10.0.0.10");
    bench.units.orders.clear();
    kept.shown = Certificates::Credentials{"CHAIN2", "KEY2"};
    now += 60s;
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_THAT(bench.files.files.at("/run/db.pem").text, testing::StartsWith("KEY2CHAIN2CA"));
    EXPECT_THAT(bench.units.orders, ElementsAre("restart db.service"));
}

TEST(Engine, AListIsOfTheItemsOfWhichItsConditionHolds) {
    Bench bench;
    std::string listing(text);
    listing.replace(listing.find("of = \"site.voters\""), std::string("of = \"site.voters\"").size(), "of = \"nodes\"\nwhere = \"item.voter and item.id != node.id\"");
    listing.replace(listing.find("item = \"${item}\""), std::string("item = \"${item}\"").size(), "item = \"${item.name}\"");
    bench.formations.clear();
    bench.formations.emplace("x", formation::read_formation(toml::source_from_text("x.toml", listing), "x"));
    for (const char* name : {"n2", "n3", "n4"}) bench.site.members.push_back({.id = name, .name = name, .role = "compute", .lineage = {"compute"}, .is_voter = std::string(name) != "n3", .addresses = {}});
    Engine engine = bench.engine();
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_EQ(bench.files.files.at("/run/db.conf").text, "voters = n2,n4");
}

// Processes are asked for only when there is something to do.
TEST(Engine, WhatRestsIsLetRestUntilItsTimeOrUntilItIsToldToLook) {
    Bench bench;
    Engine engine = bench.engine();
    Time now{};
    (void)bench.rest(engine, now);
    const auto jobs = [&] { return bench.runner.jobs.size(); };
    const auto before = jobs();
    bench.units.now = Units::State::inactive;
    (void)bench.rest(engine, now, 3);
    EXPECT_EQ(jobs(), before);
    EXPECT_THAT(bench.units.orders, ElementsAre("reset-failed db.service", "start db.service"));
    engine.look_again();
    EXPECT_EQ(bench.rest(engine, now, 2).state, State::settled);
    EXPECT_THAT(bench.units.orders, ElementsAre("reset-failed db.service", "start db.service", "reset-failed db.service", "start db.service"));
    const auto again = jobs();
    now += 31s;
    (void)bench.rest(engine, now, 2);
    EXPECT_EQ(jobs(), again + 1) << "it is observed when that is due";
}

TEST(Engine, WhatIsNotSeenInTimeIsTriedAgainLater) {
    Bench bench;
    bench.units.is_broken = true;
    Engine engine = bench.engine();
    Time now{};
    const Standing standing = bench.rest(engine, now, 11);
    EXPECT_EQ(standing.state, State::waiting);
    EXPECT_THAT(standing.why, HasSubstr("starts it: "));
    EXPECT_EQ(bench.journal.records.back().what, Record::What::failed);
    bench.units.is_broken = false;
    EXPECT_EQ(bench.rest(engine, now, 10).state, State::settled);
}

TEST(Engine, WhatCannotBeObservedIsNotTouched) {
    Bench bench;
    bench.runner.outcome = {1, "", "no such host\n", false};
    Engine engine = bench.engine();
    Time now{};
    const Standing standing = bench.rest(engine, now);
    EXPECT_THAT(standing.why, HasSubstr("cannot be observed: exit code 1: no such host"));
    EXPECT_TRUE(bench.units.orders.empty());
    bench.runner.outcome = {0, R"({"up": true, "more": 1})", "", false};
    now += 10min;
    EXPECT_THAT(bench.rest(engine, now, 1).why, HasSubstr("what the formation does not name"));
}

TEST(Engine, WithoutTheStoreWhatHasNoDataIsFormed) {
    Bench bench;
    bench.self.fulfilled.clear();
    Engine engine = bench.engine();
    Time now{};
    EXPECT_EQ(bench.rest(engine, now).state, State::settled);
    EXPECT_TRUE(bench.store.list("").empty());
}

// Another node had its turn, and has given the lock back.
TEST(Engine, WhoWaitsLooksAtOnceWhenSomebodyHasWritten) {
    Bench bench;
    std::string serial(text);
    serial.replace(serial.find("\"local\""), std::string("\"local\"").size(), "\"serial\"");
    bench.formations.clear();
    bench.formations.emplace("x", formation::read_formation(toml::source_from_text("x.toml", serial), "x"));
    bench.site.members.push_back({.id = "n2", .name = "n2", .role = "control", .lineage = {"control"}, .is_voter = true, .addresses = {}});
    ASSERT_TRUE(bench.store.swap("locks/x", 0, to_text(Holder{"n2", "b9", "x/start", "R0.1"})));
    Engine engine = bench.engine();
    Time now{};
    EXPECT_THAT(bench.rest(engine, now, 2).why, HasSubstr("waits for node 'n2', which has the lock"));
    ASSERT_TRUE(bench.store.swap("locks/x", bench.store.list("locks/x").begin()->second.revision, std::nullopt));
    EXPECT_THAT(engine.turn(bench.site, bench.self, now).front().why, HasSubstr("waits for node 'n2'")) << "nobody has said anything";
    const auto before = bench.runner.jobs.size();
    engine.heed_store(now);
    (void)engine.turn(bench.site, bench.self, now);
    EXPECT_THAT(bench.units.orders, testing::Contains("start db.service"));
    EXPECT_EQ(bench.runner.jobs.size(), before + 2) << "anew because somebody wrote, and whether it is done";
}

// As when a secret of another node's rotation is there.
TEST(Engine, WhoHasSettledLooksSoonWhenSomebodyHasWritten) {
    Bench bench;
    Engine engine = bench.engine();
    Time now{};
    ASSERT_EQ(bench.rest(engine, now).state, State::settled);
    const auto jobs = bench.runner.jobs.size();
    bench.files.files.clear();
    for (int writes = 0; writes < 10; ++writes) {
        engine.heed_store(now);
        (void)engine.turn(bench.site, bench.self, now);
        now += 50ms;
    }
    EXPECT_TRUE(bench.files.files.empty()) << "not for each of many";
    now += 500ms;
    (void)engine.turn(bench.site, bench.self, now);
    EXPECT_FALSE(bench.files.files.empty());
    EXPECT_LE(bench.runner.jobs.size(), jobs + 1);
}
