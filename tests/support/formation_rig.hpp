#pragma once

// A site of a few nodes in one process: an engine each, a root directory each, one store in memory, and the formation's own
// programs, which run in the node's root. Observations run where nothing can be written.

#include <forming/engine.hpp>
#include <forming/machine.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::forming::rig {

namespace fs = std::filesystem;

// Formations and the programs that they run, by path in the image.
struct Kit {
    std::string name; // of the formation that is tried
    formation::Formations formations;
    std::map<std::string, std::string> programs;
};

// Dies after so many changes of anything.
struct Killed {};
struct Life {
    enum class End { before, after } end = End::before; // of the change that is one too many
    std::optional<unsigned> changes;                   // that are left; absent: for ever
    bool is_over = false;

    template <typename Change> auto spend(Change change) {
        if (!changes) return change();
        if (*changes > 0) {
            --*changes;
            return change();
        }
        is_over = true;
        if (end == End::after) (void)change();
        throw Killed{};
    }
};

class MortalStore final : public SiteStore {
public:
    MortalStore(SiteStore& store, Life& life) : store_(store), life_(life) {}
    Entries list(std::string_view prefix) const override { return store_.list(prefix); }
    bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        return life_.spend([&] { return store_.swap(key, revision, value); });
    }

private:
    SiteStore& store_;
    Life& life_;
};

class MortalFiles final : public Files {
public:
    MortalFiles(Files& files, Life& life) : files_(files), life_(life) {}
    std::optional<File> read(const std::string& path) const override { return files_.read(path); }
    void write(const std::string& path, const File& file) override {
        life_.spend([&] { return files_.write(path, file), 0; });
    }

private:
    Files& files_;
    Life& life_;
};

class MortalJournal final : public Journal {
public:
    MortalJournal(Journal& journal, Life& life) : journal_(journal), life_(life) {}
    std::vector<Record> recall() const override { return journal_.recall(); }
    void append(const Record& record) override {
        life_.spend([&] { return journal_.append(record), 0; });
    }

private:
    Journal& journal_;
    Life& life_;
};

// The node's root with the programs of this machine below /usr, and those of the kit over them.
class RootRunner final : public ChildRunner {
public:
    RootRunner(fs::path root, fs::path shared, Life& life, std::vector<Job>& jobs) : root_(std::move(root)), shared_(std::move(shared)), life_(life), jobs_(jobs) {}
    void start(const Job& job) override {
        jobs_.push_back(job);
        if (job.kind == Job::Kind::observation) return ChildRunner::start(job);
        life_.spend([&] { return ChildRunner::start(job), 0; });
    }

protected:
    std::vector<std::string> command(const Job& job) const override {
        static constexpr const char* enter = R"(set -e
root=$1 shared=$2 mode=$3; shift 3
mount --bind "$root" "$root"; cd "$root"
mount -t overlay overlay -o "lowerdir=$root/image/usr:/usr" usr
mount --rbind /dev dev; mount --bind "$shared" net
if [ "$mode" = read ]; then mount -o remount,bind,ro net; mount -o remount,bind,ro .; fi
exec chroot . "$@")";
        std::vector<std::string> words{"unshare", "--mount", "--map-root-user", "sh", "-c", enter, "sh", root_.native(), shared_.native(), job.kind == Job::Kind::observation ? "read" : "write"};
        words.insert(words.end(), job.argv.begin(), job.argv.end());
        return words;
    }

private:
    fs::path root_, shared_;
    Life& life_;
    std::vector<Job>& jobs_;
};

// Units that do what they are told.
class ObedientUnits final : public Units {
public:
    State state(const std::string& unit) const override { return active_.contains(unit) ? State::active : State::inactive; }
    void reset_failed(const std::string&) override {}
    void start(const std::string& unit) override { active_.insert(unit); }
    void reload(const std::string&) override {}
    void restart(const std::string&) override {}

private:
    std::set<std::string, std::less<>> active_;
};

class Seeded final : public Randomness {
public:
    explicit Seeded(unsigned seed) : generator_(seed) {}
    void fill(std::span<std::byte> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::byte>(generator_());
    }

private:
    std::mt19937 generator_;
};

class Node {
public:
    Node(const Kit& kit, SiteStore& store, const fs::path& shared, unsigned number) : kit_(kit), store_(store), shared_(shared), random_(number), number_(number), files_(root_.path()) {
        member_ = {.id = fmt::format("{:032x}", 0xA0 + number), .name = fmt::format("n{}", number), .role = "control", .lineage = {"base", "control"}, .is_voter = true, .addresses = {{"management", fmt::format("10.0.0.{}", number)}}};
        for (const char* folder : {"usr", "image/usr", "dev", "net", "var/lib", "run", "etc"}) fs::create_directories(root_.path() / folder);
        for (const char* link : {"bin", "sbin", "lib", "lib64"}) fs::create_symlink(fmt::format("usr/{}", link), root_.path() / link);
        write_file(root_.path() / "etc/passwd", fmt::format("root:x:{}:{}::/root:/bin/sh\n", ::getuid(), ::getgid()));
        write_file(root_.path() / "etc/group", fmt::format("root:x:{}:\n", ::getgid()));
        for (const auto& [path, text] : kit.programs) {
            const fs::path place = root_.path() / "image" / fs::path(path).relative_path();
            fs::create_directories(place.parent_path());
            write_file(place, text, 0755);
        }
        start();
    }

    // The daemon, or the machine, begins anew: what ran has ended, memory is gone.
    void start() {
        engine_.reset();
        runner_ = std::make_unique<RootRunner>(root_.path(), shared_, life, jobs);
        journal_ = std::make_unique<FileJournal>(root_.path() / "journal");
        mortal_journal_ = std::make_unique<MortalJournal>(*journal_, life);
        mortal_store_ = std::make_unique<MortalStore>(store_, life);
        mortal_files_ = std::make_unique<MortalFiles>(files_, life);
        vault_ = std::make_unique<OpenVault>(*mortal_store_, random_);
        engine_ = std::make_unique<Engine>(kit_.formations, Effects{*mortal_store_, *vault_, *runner_, *mortal_files_, units_, random_}, *mortal_journal_);
        self = {.id = member_.id, .boot = fmt::format("boot-{}-{}", number_, ++boots_), .release = "R0.1", .fulfilled = {"time", "site-ca", "store"}};
    }

    // A new disk under the same key.
    void wipe() {
        for (const char* folder : {"var", "run", "journal"}) remove_tree(root_.path() / folder);
        fs::create_directories(root_.path() / "var/lib");
        fs::create_directories(root_.path() / "run");
        start();
    }

    // Of the formation that is tried. One that is killed comes back, and lives for ever.
    Standing turn(const Site& site, Time now) {
        try {
            for (auto& standing : engine_->turn(site, self, now))
                if (standing.formation == kit_.name) last_ = standing;
        } catch (const Killed&) {
            life.changes.reset();
            start();
            last_ = {kit_.name, Standing::State::working, "killed", {}};
        }
        return last_;
    }

    [[nodiscard]] const Member& member() const { return member_; }
    [[nodiscard]] const Standing& standing() const { return last_; }
    [[nodiscard]] Engine& engine() { return *engine_; }
    [[nodiscard]] const fs::path& root() const { return root_.path(); }
    [[nodiscard]] std::vector<std::string> steps() const { // that were run, in their order
        std::vector<std::string> names;
        for (const auto& job : jobs)
            if (job.kind == Job::Kind::step) names.push_back(job.name.substr(kit_.name.size() + 1));
        return names;
    }

    Life life;
    Self self;
    std::vector<Job> jobs;

private:
    const Kit& kit_;
    SiteStore& store_;
    fs::path shared_;
    TemporaryDirectory root_{fs::temp_directory_path(), "ashlar-node-"};
    Seeded random_;
    unsigned number_, boots_ = 0;
    Member member_;
    RootFiles files_;
    ObedientUnits units_;
    std::unique_ptr<RootRunner> runner_;
    std::unique_ptr<FileJournal> journal_;
    std::unique_ptr<MortalJournal> mortal_journal_;
    std::unique_ptr<MortalStore> mortal_store_;
    std::unique_ptr<MortalFiles> mortal_files_;
    std::unique_ptr<OpenVault> vault_;
    std::unique_ptr<Engine> engine_;
    Standing last_;
};

class SiteOfNodes {
public:
    SiteOfNodes(const Kit& kit, unsigned count) {
        site = {.id = std::string(32, '5'), .name = "test-1", .genesis = std::string(32, '6'), .time_servers = {"192.0.2.1"}};
        for (unsigned number = 1; number <= count; ++number) {
            nodes.push_back(std::make_unique<Node>(kit, store, shared.path(), number));
            site.members.push_back(nodes.back()->member());
        }
    }

    // Until nothing happens any more. The clock stands still while programs run, and jumps when all wait. False: it went on and on.
    [[nodiscard]] bool converge(unsigned most_rounds = 5'000) {
        unsigned at_rest = 0;
        for (unsigned round = 0; round < most_rounds;) {
            bool is_running = false, is_resting = true;
            Time next = Time::max();
            for (auto& node : nodes) {
                const Standing standing = node->turn(site, now);
                is_running = is_running || node->engine().is_running();
                is_resting = is_resting && (standing.state == Standing::State::settled || standing.state == Standing::State::absent || standing.state == Standing::State::alarmed);
                next = std::min(next, node->engine().next_turn());
            }
            if (is_running) {
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
                continue;
            }
            ++round;
            at_rest = is_resting ? at_rest + 1 : 0;
            if (at_rest == 3) return true;
            now = std::max(now + std::chrono::milliseconds(1), std::min(next, now + std::chrono::minutes(6)));
        }
        return false;
    }

    [[nodiscard]] std::string standings() const {
        std::string text;
        for (const auto& node : nodes) text += fmt::format("{}: {} {}\n", node->member().name, name_of(node->standing().state), node->standing().why);
        return text;
    }
    [[nodiscard]] bool all(Standing::State state) const {
        return std::ranges::all_of(nodes, [&](const auto& node) { return node->standing().state == state; });
    }

    MemoryStore store;
    TemporaryDirectory shared{fs::temp_directory_path(), "ashlar-net-"};
    Site site;
    std::vector<std::unique_ptr<Node>> nodes;
    Time now{};
};

} // namespace ashlar::forming::rig
