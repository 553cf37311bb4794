#include <store/store.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include "aging.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using ashlar::store::age;
using ashlar::store::Store;
using testing::IsEmpty;
using testing::MatchesRegex;
namespace fs = std::filesystem;

namespace {

struct StoreTest : testing::Test {
    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path root = dir.path() / "store";

    std::vector<std::string> names(const char* part) const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(root / part)) found.push_back(entry.path().filename());
        return found;
    }
};

// Runs `body` in a child that then waits to be killed; returns when body has run.
class Victim {
public:
    template <typename Body> explicit Victim(Body body) {
        std::array<int, 2> ends;
        EXPECT_EQ(::pipe(ends.data()), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            body([&] {
                EXPECT_EQ(::write(ends[1], "x", 1), 1);
                for (;;) ::pause();
            });
            ::_exit(0);
        }
        char byte = 0;
        EXPECT_EQ(::read(ends[0], &byte, 1), 1);
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void kill() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_;
};

} // namespace

TEST_F(StoreTest, KeepsBlobsByTheirDigest) {
    Store store(root);
    EXPECT_EQ(store.find(sha256("hello")), std::nullopt);
    EXPECT_EQ(store.insert_text("hello"), sha256("hello"));
    write_file(dir.path() / "file", "world");
    EXPECT_EQ(store.insert(dir.path() / "file"), sha256("world"));
    EXPECT_EQ(read_file(store.find(sha256("hello")).value()), "hello");
    EXPECT_EQ(read_file(store.blob_path(sha256("world"))), "world");
    EXPECT_EQ(store.blob_path(sha256("hello")).lexically_relative(store.root()),
              "blobs/2c/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_THAT(names("tmp"), IsEmpty());
    struct stat info {};
    ASSERT_EQ(::stat(store.blob_path(sha256("hello")).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0444U) << "a blob is not written to by accident";
}

TEST_F(StoreTest, AdoptsWhatWasWrittenInAWorkspace) {
    Store store(root);
    const auto workspace = store.temporary();
    write_file(workspace.path() / "x", "bytes");
    const fs::path blob = store.adopt(workspace.path() / "x", sha256("bytes"));
    EXPECT_EQ(store.find(sha256("bytes")), blob);
    EXPECT_FALSE(fs::exists(workspace.path() / "x"));
}

TEST_F(StoreTest, MakesAStageOnce) {
    Store store(root);
    const auto make = [](const fs::path& output) { write_file(output / "result", "1"); };
    const fs::path made = store.stage("unpack", sha256("key"), make);
    EXPECT_EQ(made.lexically_relative(store.root()), fs::path("stages/unpack") / sha256("key").hex() / "output");
    EXPECT_EQ(read_file(made / "result"), "1");
    EXPECT_TRUE(store.has_stage("unpack", sha256("key")));
    EXPECT_FALSE(store.has_stage("unpack", sha256("another")));
    EXPECT_EQ(store.stage("unpack", sha256("key"), [](const fs::path&) { FAIL(); }), made);
    EXPECT_THAT(names("locks"), IsEmpty());
}

TEST_F(StoreTest, AStageThatFailsLeavesNothing) {
    Store store(root);
    EXPECT_THROW(store.stage("unpack", sha256("key"),
                             [](const fs::path& output) {
                                 write_file(output / "half", "1");
                                 throw Error("cannot go on");
                             }),
                 Error);
    EXPECT_FALSE(store.has_stage("unpack", sha256("key")));
    EXPECT_THAT(names("tmp"), IsEmpty());
    EXPECT_THAT(names("locks"), IsEmpty());
}

TEST_F(StoreTest, RefusesAStageNameThatIsAPath) {
    Store store(root);
    try {
        store.stage("../up", sha256("key"), [](const fs::path&) {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot use '../up': not a name of a stage");
    }
}

TEST_F(StoreTest, OneMakerPerKeyAmongThreadsAndProcesses) {
    { const Store store(root); }
    const auto make = [&](const fs::path& output) {
        std::ofstream(dir.path() / "runs", std::ios::app) << "x";
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        write_file(output / "result", "1");
    };
    std::array<pid_t, 3> children;
    for (auto& child : children)
        if ((child = ::fork()) == 0) {
            std::array<std::thread, 3> threads;
            for (auto& thread : threads) thread = std::thread([&] { Store(root).stage("slow", sha256("key"), make); });
            for (auto& thread : threads) thread.join();
            ::_exit(0);
        }
    for (const auto child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(read_file(dir.path() / "runs"), "x");
    EXPECT_THAT(names("tmp"), IsEmpty());
}

TEST_F(StoreTest, SweepsAfterTheDeadAndSparesTheLiving) {
    Victim dead([&](auto ready) {
        Store store(root);
        store.stage("unpack", sha256("key"), [&](const fs::path& output) {
            write_file(output / "half", "1");
            fs::create_directories(output / "locked/inner");
            fs::permissions(output / "locked", fs::perms::owner_read | fs::perms::owner_exec);
            ready();
        });
    });
    Victim living([&](auto ready) {
        Store store(root);
        const auto workspace = store.temporary();
        write_file(workspace.path() / "mine", "1");
        ready();
    });
    dead.kill();
    fs::create_directory(root / "tmp/stray");

    Store store(root);
    const auto left = names("tmp");
    EXPECT_EQ(left.size(), 2U) << "the living one and its lock";
    EXPECT_FALSE(store.has_stage("unpack", sha256("key")));
    store.stage("unpack", sha256("key"), [](const fs::path& output) { write_file(output / "whole", "1"); });
    EXPECT_TRUE(store.has_stage("unpack", sha256("key"))) << "the dead one's claim is free";
    living.kill();
    { const Store again(root); }
    EXPECT_THAT(names("tmp"), IsEmpty());
}

TEST_F(StoreTest, APartialHasOneOwnerAndSurvives) {
    const Digest digest = sha256("whole");
    Victim owner([&](auto ready) {
        Store store(root);
        auto partial = store.claim_partial(digest);
        write_all(partial->claim.fd(), "who", "partial");
        ready();
    });
    Store store(root);
    EXPECT_FALSE(store.claim_partial(digest).has_value()) << "another process is at it";
    owner.kill();
    const auto partial = store.claim_partial(digest);
    ASSERT_TRUE(partial);
    EXPECT_EQ(read_file(partial->path), "who");
    write_all(partial->claim.fd(), "le", "partial");
    write_file(partial->path, "whole");
    store.adopt(partial->path, digest);
    EXPECT_THAT(names("partial"), IsEmpty());
}

TEST_F(StoreTest, ForgetsOldPartials) {
    const Digest digest = sha256("whole");
    {
        Store store(root);
        const auto partial = store.claim_partial(digest);
        write_all(partial->claim.fd(), "who", "partial");
        age(partial->path, std::chrono::hours(24 * 15));
        const Store other(root);
        EXPECT_EQ(names("partial").size(), 1U) << "somebody is at it";
    }
    const Store store(root);
    EXPECT_THAT(names("partial"), IsEmpty());
    (void)store.claim_partial(digest);
    EXPECT_EQ(names("partial").size(), 1U);
    const Store again(root);
    EXPECT_THAT(names("partial"), IsEmpty()) << "nothing was received";
}

// What happens in a file system of one megabyte, as lines; runs in a child with its own mounts.
std::string report_of_full_disk(const fs::path& root, const fs::path& large) {
    Store store(root);
    std::string report;
    const auto attempt = [&](auto body) {
        try {
            body();
            report += "succeeded\n";
        } catch (const Error& error) {
            report += error.message() + "\n" + error.hint() + "\n";
        }
    };
    attempt([&] { store.insert(large); });
    attempt([&] {
        store.stage("unpack", sha256("key"),
                    [&](const fs::path& output) { write_file(output / "x", read_file(large)); });
    });
    report += fs::is_empty(root / "tmp") && fs::is_empty(root / "locks") ? "clean\n" : "left something\n";
    report +=
        !store.find(sha256(read_file(large))) && !store.has_stage("unpack", sha256("key")) ? "nothing visible\n" : "half a thing\n";
    return report;
}

std::string run_on_small_disk(const fs::path& root, const fs::path& large) {
    const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "this test needs user namespaces\n";
    const auto set = [](const char* path, const std::string& text) {
        const Fd fd = open_file(path, O_WRONLY);
        write_all(fd.get(), text, path);
    };
    set("/proc/self/setgroups", "deny");
    set("/proc/self/uid_map", "0 " + user + " 1");
    set("/proc/self/gid_map", "0 " + group + " 1");
    if (::mount("small", root.c_str(), "tmpfs", 0, "size=1m") != 0) return "cannot mount\n";
    return report_of_full_disk(root, large);
}

TEST_F(StoreTest, AFullDiskLeavesNothingAndIsExplained) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "a process with threads enters no user namespace, and the thread sanitizer has one of its own";
#endif
    fs::create_directory(root);
    write_file(dir.path() / "large", std::string(2'000'000, 'x'));
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe(ends.data()), 0);
    if (::fork() == 0) {
        std::string report;
        try {
            report = run_on_small_disk(root, dir.path() / "large");
        } catch (const Error& error) {
            report = error.render();
        }
        write_all(ends[1], report, "pipe");
        ::_exit(0);
    }
    ::close(ends[1]);
    std::array<std::byte, 8192> buffer;
    std::string report;
    while (const auto got = read_some(ends[0], buffer, "pipe"))
        report.append(reinterpret_cast<const char*>(buffer.data()), got);
    ::close(ends[0]);
    ::wait(nullptr);
    const std::string place = "the file system at '" + root.native() + "' has .* free; make room there, or set ";
    EXPECT_THAT(report, MatchesRegex("cannot write '.*': No space left on device\n" + place +
                                     ".*\n"
                                     "cannot write '.*': No space left on device\n" +
                                     place +
                                     ".*\n"
                                     "clean\nnothing visible\n"));
}

TEST(DefaultRoot, PrefersTheEnvironment) {
    ::setenv("ASHLAR_STORE", "/somewhere", 1);
    EXPECT_EQ(store::default_root(), "/somewhere");
    ::unsetenv("ASHLAR_STORE");
    ::setenv("XDG_CACHE_HOME", "/cache", 1);
    const fs::path root = store::default_root();
    EXPECT_EQ(root, ::geteuid() == 0 ? "/var/cache/ashlar" : "/cache/ashlar");
    ::unsetenv("XDG_CACHE_HOME");
}
