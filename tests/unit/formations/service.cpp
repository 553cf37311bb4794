// The service on nodes whose machines only take notes, with one store between them.

#include "scene.hpp"

#include <formations/service.hpp>

#include <base/file.hpp>

#include <error_of.hpp>

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

namespace ashlar::formations {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// ---- A machine that takes notes. It outlives its services, as a machine does ------------------------------

struct Notes {
    std::mutex mutex;
    std::vector<forming::Job> jobs;
    std::map<std::string, forming::Outcome> running; // and ended
    forming::Outcome outcome{0, R"({"up": true})", "", false};
    std::map<std::string, forming::Files::File> files;
    std::set<std::string> active;
    std::vector<std::string> orders;

    template <typename Look> auto look(Look how) {
        const std::lock_guard lock(mutex);
        return how(*this);
    }
};

// Does not answer for a while, slowly.
class SilentStore final : public forming::SiteStore {
public:
    explicit SilentStore(forming::SiteStore& store) : store_(store) {}
    Entries list(std::string_view prefix) const override {
        check();
        return store_.list(prefix);
    }
    bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        check();
        return store_.swap(key, revision, value);
    }
    std::atomic<bool> is_silent = false;
    mutable std::atomic<unsigned> questions = 0; // in vain

private:
    void check() const {
        if (!is_silent) return;
        ++questions;
        std::this_thread::sleep_for(100ms);
        throw Error("cannot read: no member of etcd answers");
    }
    forming::SiteStore& store_;
};

class NotingRunner final : public forming::Runner {
public:
    explicit NotingRunner(Notes& notes) : notes_(notes) {}
    void start(const forming::Job& job) override {
        notes_.look([&](Notes& notes) {
            notes.jobs.push_back(job);
            notes.running[job.name] = notes.outcome;
        });
    }
    Answer poll(const std::string& name) override {
        return notes_.look([&](Notes& notes) -> Answer {
            const auto found = notes.running.find(name);
            if (found == notes.running.end()) return Unknown{};
            const auto outcome = found->second;
            notes.running.erase(found);
            return outcome;
        });
    }

private:
    Notes& notes_;
};

class NotingFiles final : public forming::Files {
public:
    explicit NotingFiles(Notes& notes) : notes_(notes) {}
    std::optional<File> read(const std::string& path) const override {
        return notes_.look([&](Notes& notes) { return notes.files.contains(path) ? std::optional(notes.files.at(path)) : std::nullopt; });
    }
    void write(const std::string& path, const File& file) override {
        notes_.look([&](Notes& notes) { notes.files[path] = file; });
    }

private:
    Notes& notes_;
};

class NotingUnits final : public forming::Units {
public:
    explicit NotingUnits(Notes& notes) : notes_(notes) {}
    State state(const std::string& unit) const override {
        return notes_.look([&](Notes& notes) { return notes.active.contains(unit) ? State::active : State::inactive; });
    }
    void reset_failed(const std::string&) override {}
    void start(const std::string& unit) override {
        notes_.look([&](Notes& notes) { notes.active.insert(unit); });
    }
    void reload(const std::string&) override {}
    void restart(const std::string& unit) override {
        notes_.look([&](Notes& notes) { notes.orders.push_back("restart " + unit); });
    }

private:
    Notes& notes_;
};

// ---- Nodes with a service ---------------------------------------------------------------------------------

class ServiceTest : public testing::Test {
protected:
    struct Host {
        Host(ServiceTest& test, Node& whose) : node(whose) {
            fs::create_directories(directory.path() / "formations");
            write_file(directory.path() / "formations/db.toml", database);
            write_file(directory.path() / "formations/api.toml", api);
            start(test);
        }
        void start(ServiceTest& test) {
            service.reset();
            service = std::make_unique<FormationService>(Parts{
                .definitions = directory.path() / "formations",
                .journal = directory.path() / "journal",
                .history = directory.path() / "history",
                .site = [&test] { return test.is_known ? std::optional(test.scene.site) : std::nullopt; },
                .self = [this] { return forming::Self{.id = node.member.id, .boot = "b1", .release = "R0.1", .fulfilled = {"time", "site-ca", "store"}}; },
                .keys = [&test] { return test.scene.keys; },
                .store = test.store,
                .key = node.key,
                .mark = [&test] { return test.has_mark ? std::optional(test.mark()) : std::nullopt; },
                .changed = [this] { ++changes; },
                .alarm = [this](const std::string& text) { notes.look([&](Notes&) { alarms.push_back(text); }); },
                .machine = {std::make_unique<NotingRunner>(notes), std::make_unique<NotingFiles>(notes), std::make_unique<NotingUnits>(notes)},
            });
        }
        [[nodiscard]] Json formation(const std::string& name) const {
            const Json status = service->status();
            for (const auto& one : status.at("list"))
                if (one.at("name") == name) return one;
            return Json::object();
        }
        [[nodiscard]] std::string state(const std::string& name) const { return formation(name).value("state", "none"); }
        [[nodiscard]] std::string file(const std::string& path) {
            return notes.look([&](Notes& all) { return all.files.contains(path) ? all.files.at(path).text : std::string("none"); });
        }
        [[nodiscard]] std::vector<std::string> alarmed() {
            return notes.look([&](Notes&) { return alarms; });
        }

        TemporaryDirectory directory{fs::temp_directory_path(), "ashlar-formations-"};
        Node& node;
        Notes notes;
        std::vector<std::string> alarms;
        std::atomic<unsigned> changes = 0;
        std::unique_ptr<FormationService> service;
    };

    Host& host(const std::string& name, const std::string& role, bool is_voter = false) {
        Node& node = scene.add(name, role, is_voter);
        hosts.push_back(std::make_unique<Host>(*this, node));
        return *hosts.back();
    }
    template <typename Condition> static bool comes(const Condition& condition) {
        for (const auto end = std::chrono::steady_clock::now() + 20s; !condition(); std::this_thread::sleep_for(10ms))
            if (std::chrono::steady_clock::now() > end) return false;
        return true;
    }

    // As voters make it.
    [[nodiscard]] std::string mark() const {
        std::string text;
        for (const auto& [key, entry] : scene.store.list("")) text += fmt::format("{} {}\n", key, entry.revision);
        return text;
    }

    std::atomic<bool> has_mark = false;
    Scene scene; // its nodes are complete before services begin
    SilentStore store{scene.store};
    std::atomic<bool> is_known = true;
    std::vector<std::unique_ptr<Host>> hosts;
};

TEST_F(ServiceTest, SettlesAndSaysSo) {
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; })) << control.service->status();
    EXPECT_EQ(control.state("api"), "absent");
    EXPECT_GT(control.changes, 0U);
    const Json db = control.formation("db");
    EXPECT_EQ(db.at("why"), "is as it should be");
    EXPECT_EQ(db.at("next"), "nothing has to be done");
    EXPECT_GT(db.at("since"), 1'700'000'000);
    EXPECT_FALSE(control.service->status().contains("trouble"));
    EXPECT_THAT(control.service->why("db"), AllOf(HasSubstr("db (a database): settled\n"), HasSubstr("next   nothing has to be done")));
    EXPECT_THAT(error_of([&] { (void)control.service->why("dbb"); }), AllOf(HasSubstr("cannot find the formation 'dbb'"), HasSubstr("did you mean 'db'?")));
}

TEST_F(ServiceTest, TellsHowItCameIntoBeing) {
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; })) << control.service->status();
    const Json timeline = control.service->timeline("n1");
    EXPECT_EQ(timeline.at("node"), "n1");
    std::vector<std::string> states;
    for (const auto& event : timeline.at("events"))
        if (event.at("formation") == "db") states.push_back(event.at("state"));
    ASSERT_FALSE(states.empty());
    EXPECT_EQ(states.back(), "settled");
}

TEST_F(ServiceTest, SaysWhatCanBeChecked) {
    (void)scene.add("n2", "control");
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled" && control.service->checks().at("rungs").size() == 2 && !control.service->checks().at("rungs").at(0).at("ready").empty(); })) << control.service->checks();
    const Json rungs = control.service->checks().at("rungs");
    const Json& db = rungs.at(0);
    EXPECT_EQ(db.at("formation"), "db") << "which 'api' requires";
    EXPECT_EQ(db.at("state"), "settled");
    EXPECT_EQ(db.at("ready"), Json({"n1"}));
    EXPECT_EQ(db.at("missing"), Json({"n2"})) << "which has not begun";
    EXPECT_EQ(db.at("checks"), Json::parse(R"([{"id": "answers", "summary": "it answers", "run": ["/usr/lib/db/check", "n1"], "timeout": 2}])"));
    EXPECT_EQ(rungs.at(1).at("formation"), "api");
    EXPECT_EQ(rungs.at(1).at("requires"), Json({"db"}));
    EXPECT_EQ(rungs.at(1).at("ready"), Json::array()) << "no node has it";
    EXPECT_EQ(rungs.at(1).at("checks"), Json::array());
}

TEST_F(ServiceTest, WaitsForASite) {
    is_known = false;
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.service->status().contains("trouble"); }));
    EXPECT_EQ(control.service->status().at("trouble"), "the site is not known yet");
    EXPECT_TRUE(control.notes.look([](Notes& notes) { return notes.jobs.empty(); }));
    is_known = true;
    control.service->wake();
    EXPECT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    EXPECT_FALSE(control.service->status().contains("trouble"));
}

TEST_F(ServiceTest, WithoutDefinitionsItSaysWhy) {
    Host& control = host("n1", "control", true);
    write_file(control.directory.path() / "formations/db.toml", "summary = 1\n");
    control.start(*this);
    ASSERT_TRUE(comes([&] { return control.service->status().contains("trouble"); }));
    EXPECT_THAT(control.service->status().at("trouble").get<std::string>(), HasSubstr("db.toml"));
}

TEST_F(ServiceTest, ASecretReachesWhoIsEntitled) {
    Node& second = scene.add("n2", "compute");
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    const std::string key = control.file("/run/db/key");
    EXPECT_EQ(key.size(), 64U);
    hosts.push_back(std::make_unique<Host>(*this, second));
    Host& compute = *hosts.back();
    ASSERT_TRUE(comes([&] {
        for (auto& one : hosts) one->service->wake(); // as whoever watches the store would
        return compute.state("api") == "settled";
    })) << compute.service->status();
    EXPECT_EQ(compute.file("/run/api/key"), key);
    EXPECT_EQ(compute.state("db"), "absent");
}

// Nobody wakes the other node, and it would look at what has settled after half a minute.
TEST_F(ServiceTest, HearsByItselfThatSomebodyHasWritten) {
    has_mark = true;
    Node& second = scene.add("n2", "control");
    Host& first = host("n1", "control", true);
    hosts.push_back(std::make_unique<Host>(*this, second));
    Host& other = *hosts.back();
    ASSERT_TRUE(comes([&] { return first.state("db") == "settled" && other.state("db") == "settled"; })) << first.service->status() << other.service->status();
    const std::string before = other.file("/run/db/key");
    first.service->rotate("db", "admin");
    EXPECT_TRUE(comes([&] { return other.file("/run/db/key") != before; }));
    EXPECT_EQ(first.file("/run/db/key"), other.file("/run/db/key"));
}

TEST_F(ServiceTest, ARoleThatIsNotKnownIsToldOnce) {
    Node& second = scene.add("n2", "control");
    scene.site.members[0].unknown_roles = {"hyperconverged"};
    Host host(*this, second);
    ASSERT_TRUE(comes([&] { return !host.alarmed().empty(); }));
    for (int i = 0; i < 5; ++i, std::this_thread::sleep_for(20ms)) host.service->wake();
    EXPECT_THAT(host.alarmed(), Contains(HasSubstr("gives 'n2' the role 'hyperconverged', which this release does not know")).Times(1));
    EXPECT_EQ(host.state("api"), "alarmed") << "it may run there, by that role";
    EXPECT_EQ(host.state("db"), "settled") << "by a role that is known";
    host.service.reset();
}

TEST_F(ServiceTest, ARotatedSecretIsRenderedAnewAndTheUnitRestarted) {
    Node& second = scene.add("n2", "control");
    Host& first = host("n1", "control", true);
    hosts.push_back(std::make_unique<Host>(*this, second));
    Host& other = *hosts.back();
    ASSERT_TRUE(comes([&] {
        for (auto& one : hosts) one->service->wake();
        return first.state("db") == "settled" && other.state("db") == "settled";
    })) << first.service->status() << other.service->status();
    const std::string before = first.file("/run/db/key");
    EXPECT_EQ(other.file("/run/db/key"), before);
    first.service->rotate("db", "admin");
    other.service->wake();
    ASSERT_TRUE(comes([&] { return first.file("/run/db/key") != before && other.file("/run/db/key") != before; }));
    EXPECT_EQ(first.file("/run/db/key"), other.file("/run/db/key"));
    EXPECT_THAT(first.notes.look([](Notes& notes) { return notes.orders; }), Contains("restart db.service"));
    EXPECT_THAT(error_of([&] { first.service->rotate("db", "none"); }), HasSubstr("this node knows no such secret"));
}

TEST_F(ServiceTest, SecretsAreInFilesForTheirOwnerAndNowhereElse) {
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    const std::string secret = control.file("/run/db/key");
    control.notes.look([&](Notes& notes) {
        EXPECT_EQ(notes.files.at("/run/db/key").mode, 0600U);
        for (const auto& job : notes.jobs)
            for (const auto& word : job.argv) EXPECT_THAT(word, Not(HasSubstr(secret)));
    });
    EXPECT_THAT(read_file(control.directory.path() / "journal/formations.journal"), Not(HasSubstr(secret)));
    EXPECT_THAT(control.service->status().dump() + control.service->why("db"), Not(HasSubstr(secret)));
    for (const auto& [key, entry] : scene.store.list("")) EXPECT_THAT(entry.value, Not(HasSubstr(secret))) << key;
}

TEST_F(ServiceTest, SaysWhyItWaitsAndTriesAgainWhenAPersonSaysSo) {
    Node& node = scene.add("n1", "control", true);
    auto broken = std::make_unique<Host>(*this, node);
    Host& control = *broken;
    hosts.push_back(std::move(broken));
    control.service.reset();
    // A step that says: a person must look.
    std::string text(database);
    text.replace(text.find("when = \"not units.active\"\nstart = [\"db.service\"]"), std::string("when = \"not units.active\"\nstart = [\"db.service\"]").size(), "when = \"not observation.up\"\nrun = [\"/usr/lib/db/mend\"]");
    text.replace(text.find("verify = \"units.active\""), std::string("verify = \"units.active\"").size(), "verify = \"observation.up\"");
    write_file(control.directory.path() / "formations/db.toml", text);
    control.notes.look([](Notes& notes) { notes.outcome = {0, R"({"up": false})", "", false}; });
    // One outcome for all programs: the observation is read from it, and the step's exit code comes with the next.
    control.start(*this);
    ASSERT_TRUE(comes([&] { return control.notes.look([](Notes& notes) { return std::ranges::any_of(notes.jobs, [](const auto& job) { return job.name == "db-start"; }); }); })) << control.service->status();
    control.notes.look([](Notes& notes) { notes.outcome = {78, "", "no route to the database\n", false}; });
    ASSERT_TRUE(comes([&] { return !control.formation("db").value("failed", Json::array()).empty(); })) << control.service->status();
    const std::string why = control.service->why("db");
    EXPECT_THAT(why, AllOf(HasSubstr("failed "), HasSubstr("no route to the database"), HasSubstr("`ashlarctl formation retry db`")));
    control.notes.look([](Notes& notes) { notes.outcome = {0, R"({"up": true})", "", false}; });
    control.service->retry("db");
    EXPECT_TRUE(comes([&] { return control.state("db") == "settled"; })) << control.service->status();
    EXPECT_THAT(error_of([&] { control.service->retry("none"); }), HasSubstr("this node has no such formation"));
}

// What keeps the store is itself a formation: it must be healed while nothing answers.
TEST_F(ServiceTest, AStoreThatDoesNotAnswerStopsOnlyWhatNeedsIt) {
    Node& node = scene.add("n1", "control", true);
    hosts.push_back(std::make_unique<Host>(*this, node));
    Host& control = *hosts.back();
    control.service.reset();
    std::string plain(database);
    plain.erase(plain.find("[secrets.admin]"), plain.find("[[step]]") - plain.find("[secrets.admin]"));
    write_file(control.directory.path() / "formations/plain.toml", plain);
    store.is_silent = true;
    control.notes.look([](Notes& notes) { notes.active.clear(); });
    control.start(*this);
    ASSERT_TRUE(comes([&] { return control.state("plain") == "settled"; })) << control.service->status();
    EXPECT_EQ(control.state("db"), "waiting");
    std::this_thread::sleep_for(500ms);
    EXPECT_LE(store.questions, 4U) << "not every formation asks in vain";
    store.is_silent = false;
    EXPECT_TRUE(comes([&] { return control.state("db") == "settled"; })) << control.service->status();
}

// What it read before it still knows: files stay as they are, and a unit that fails is started again.
TEST_F(ServiceTest, WhileTheStoreIsSilentAServiceWithSecretsIsHealed) {
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    store.is_silent = true;
    control.notes.look([](Notes& notes) { notes.active.clear(); });
    control.service->wake();
    EXPECT_TRUE(comes([&] { return control.notes.look([](Notes& notes) { return notes.active.contains("db.service"); }); })) << control.service->status();
    EXPECT_TRUE(comes([&] { return control.state("db") == "settled"; })) << control.service->status();
}

TEST_F(ServiceTest, TheNextOneGoesOnWhereTheLastEnded) {
    Host& control = host("n1", "control", true);
    ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    const std::string secret = control.file("/run/db/key");
    const auto before = scene.store.list("");
    for (int i = 0; i < 3; ++i) {
        control.start(*this);
        ASSERT_TRUE(comes([&] { return control.state("db") == "settled"; }));
    }
    EXPECT_EQ(control.file("/run/db/key"), secret);
    const auto after = scene.store.list("");
    EXPECT_TRUE(std::ranges::equal(before, after, [](const auto& one, const auto& other) { return one.first == other.first && one.second.revision == other.second.revision; }));
    EXPECT_TRUE(control.notes.look([](Notes& notes) { return notes.orders.empty(); })) << "nothing is restarted by it";
}

} // namespace
} // namespace ashlar::formations
