// Several processes at one store: they insert, receive, make results and collect all at once, and some are killed in the
// middle. Whatever a process has found stays whole as long as it runs, and nothing is torn at the end.

#include <store/collection.hpp>
#include <store/landing.hpp>
#include <store/verification.hpp>

#include <base/error.hpp>

#include "aging.hpp"

#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::store;
namespace fs = std::filesystem;

namespace {

constexpr unsigned things = 24, rounds = 20, steps = 8;

std::string contents(unsigned number) {
    std::string text;
    while (text.size() < 20'000) text += "thing " + std::to_string(number) + "\n";
    return text;
}

void expect(bool good, const char* what) {
    if (good) return;
    std::cerr << "lost or torn: " << what << std::endl;
    ::_exit(1);
}

// As a download does it, from what an earlier one left.
void receive(Store& store, const std::string& text) {
    const Workspace workspace = store.temporary();
    Landing landing(store, workspace.path(), sha256(text));
    Fd file = open_file(landing.open(), O_WRONLY | O_TRUNC | O_CREAT, 0644); // in place: the claim is on this file
    for (std::size_t at = 0; at < text.size(); at += 1000) write_all(file.get(), std::string_view(text).substr(at, 1000), "partial");
    file.close();
    landing.adopt();
}

void make(const fs::path& output, const std::string& text) {
    for (const char* name : {"first", "second", "third"}) write_file(output / name, text + name);
}

void use(Store& store, unsigned number, bool receiving) {
    const std::string text = contents(number);
    const Digest digest = sha256(text);
    if (!store.find(digest)) receiving ? receive(store, text) : static_cast<void>(store.insert_text(text));
    const fs::path output = store.stage("made", digest, [&](const fs::path& path) { make(path, text); });
    expect(read_file(store.blob_path(digest)) == text, "a blob");
    for (const char* name : {"first", "second", "third"}) expect(read_file(output / name) == text + name, "a result");
}

// One "build" after another, each with a store of its own, as processes have it; `alive` hears of every step. At the end of
// a build everything it used is looked at again.
void build(const fs::path& root, unsigned seed, int alive) {
    std::minstd_rand random(seed);
    for (unsigned round = 0; round < rounds; ++round) {
        Store store(root);
        std::vector<unsigned> used;
        for (unsigned step = 0; step < steps; ++step) {
            used.push_back(static_cast<unsigned>(random() % things));
            use(store, used.back(), random() % 2 == 0);
            expect(::write(alive, ".", 1) == 1, "the pipe");
        }
        for (const unsigned number : used) {
            expect(read_file(store.blob_path(sha256(contents(number)))) == contents(number), "a blob of this build");
            expect(fs::exists(store.root() / "stages/made" / sha256(contents(number)).hex() / "output/third"), "a result of this build");
        }
    }
}

void collect_on(const fs::path& root, int alive) {
    for (unsigned round = 0; round < rounds; ++round) {
        Store store(root);
        (void)collect(store, {.unused = std::chrono::hours(0), .most = round % 2 == 0 ? std::optional<std::uint64_t>(0) : std::nullopt});
        expect(::write(alive, ".", 1) == 1, "the pipe");
    }
}

// A child that does `body`, and says that it lives by bytes into a pipe.
class Child {
public:
    template <typename Body> explicit Child(Body body) {
        std::array<int, 2> ends;
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            try {
                body(ends[1]);
            } catch (const std::exception& error) {
                std::cerr << error.what() << std::endl;
                ::_exit(1);
            }
            ::_exit(0);
        }
        ::close(ends[1]);
        alive_ = Fd(ends[0]);
    }
    // Until it has done so many steps, or ended.
    void follow(unsigned count) {
        std::byte byte;
        while (count-- > 0 && read_some(alive_.get(), {&byte, 1}, "pipe") == 1) {
        }
    }
    int wait() {
        follow(~0U);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        return status;
    }
    void kill() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
    Fd alive_;
};

} // namespace

TEST(Several, ProcessesAtOneStoreLoseNothing) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const fs::path root = dir.path() / "store";
    const std::string kept = contents(1000);
    {
        Store store(root);
        for (unsigned number = 0; number < things; ++number) age(store.blob_path(store.insert_text(contents(number))), std::chrono::hours(1));
        age(store.blob_path(store.insert_text(kept)), std::chrono::hours(1));
        keep(store, "release-R1.0", {.reason = "release R1.0", .while_exists = {}, .blobs = {sha256(kept)}, .stages = {}});
    }
    std::vector<std::unique_ptr<Child>> living;
    for (unsigned seed = 1; seed <= 3; ++seed) living.push_back(std::make_unique<Child>([&](int alive) { build(root, seed, alive); }));
    for (unsigned i = 0; i < 2; ++i) living.push_back(std::make_unique<Child>([&](int alive) { collect_on(root, alive); }));
    for (unsigned seed = 100; seed < 110; ++seed) {
        Child builder([&](int alive) { build(root, seed, alive); }), collector([&](int alive) { collect_on(root, alive); });
        builder.follow(seed % 7 + 1);
        builder.kill();
        collector.follow(seed % 3 + 1);
        collector.kill();
    }
    for (auto& child : living) EXPECT_EQ(child->wait(), 0);

    Store store(root);
    const auto renderer = make_renderer(ProgressStyle::quiet, 2);
    for (const auto& damaged : verify(store, Repair::no, *renderer).damaged) ADD_FAILURE() << damaged.path << ": " << damaged.cause;
    EXPECT_EQ(read_file(store.blob_path(sha256(kept))), kept) << "roots keep it";
    EXPECT_TRUE(fs::is_empty(root / "tmp"));
    for (const auto& object : objects(store)) age(object.path, std::chrono::hours(1));
    (void)collect(store, {.unused = std::chrono::hours(0), .most = 0});
    EXPECT_EQ(objects(store).size(), 1U) << "nobody holds anything any more";
}
