#include <root/namespace.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <csignal>
#include <functional>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

// Runs `body` in new namespaces below a process of its own; returns the supervisor's process id.
pid_t start_inside(const std::function<int()>& body) {
    const pid_t supervisor = ::fork();
    if (supervisor != 0) return supervisor;
    try {
        enter_build_namespace();
        ::_exit(body());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(99);
    }
}

int exit_code_of(pid_t supervisor) {
    int status = 0;
    ::waitpid(supervisor, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int inside(const std::function<int()>& body) { return exit_code_of(start_inside(body)); }

// True when the last holder of the other end has gone, in at most ten seconds.
bool hangs_up(int fd) {
    std::byte byte;
    ::alarm(10);
    const bool ended = read_some(fd, {&byte, 1}, "pipe") == 0;
    ::alarm(0);
    return ended;
}

} // namespace

TEST(SubordinateRange, TakesTheFirstLargeEnoughOneOfTheUser) {
    const std::string text = "bob:100000:65536\n# note\nalice:1:10\nalice:200000:65536\nalice:300000:65536\n";
    EXPECT_EQ(subordinate_range(text, "alice", 1000), (IdRange{1, 200000, 65535}));
}

TEST(SubordinateRange, AcceptsTheNumberOfTheUser) {
    EXPECT_EQ(subordinate_range("1000:165536:65535\n", "alice", 1000), (IdRange{1, 165536, 65535}));
}

TEST(SubordinateRange, IsEmptyWhenNothingFits) {
    EXPECT_EQ(subordinate_range("alice:100000:65534\nalice:x:65536\nalice:1\nalicia:5:65536\n", "alice", 1000), std::nullopt);
}

TEST(MapForUser, GivesTheUserTheNameOfRoot) {
    EXPECT_THAT(map_for_user(1000, {1, 100000, 65535}), ElementsAre(IdRange{0, 1000, 1}, IdRange{1, 100000, 65535}));
}

TEST(IdentityMap, FollowsThePiecesOfTheMapAround) {
    EXPECT_THAT(identity_map("         0          0 4294967295\n").value(), ElementsAre(IdRange{0, 0, 65536}));
    EXPECT_THAT(identity_map("1 100000 65535\n0 1000 1\n").value(), ElementsAre(IdRange{0, 0, 1}, IdRange{1, 1, 65535}));
}

TEST(IdentityMap, IsEmptyWhenAnIdIsMissing) {
    EXPECT_EQ(identity_map("0 1000 1\n"), std::nullopt);
    EXPECT_EQ(identity_map("0 1000 10\n11 100000 65525\n"), std::nullopt);
    EXPECT_EQ(identity_map(""), std::nullopt);
}

TEST(FreeRangeStart, LiesAboveEveryRange) {
    EXPECT_EQ(free_range_start(""), 100000U);
    EXPECT_EQ(free_range_start("bob:100000:65536\n"), 165536U);
    EXPECT_EQ(free_range_start("a:165536:65536\nb:100000:65536\n"), 231072U);
}

TEST(EnterBuildNamespace, MapsAllIdsAndMakesFilesOfAnyOwner) {
    const TemporaryDirectory directory("/tmp");
    const auto file = directory.path() / "owned";
    EXPECT_EQ(inside([&] {
        write_file(file, "x");
        return ::getuid() == 0 && ::getgid() == 0 && ::chown(file.c_str(), 33, 65534) == 0 ? 0 : 1;
    }), 0);
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 33U);
    EXPECT_EQ(info.st_gid, 65534U);
}

TEST(EnterBuildNamespace, IsAPidNamespaceWithItsOwnProc) {
    EXPECT_EQ(inside([] { return read_file("/proc/1/comm") == "ashlar-init\n" && ::getppid() == 1 ? 0 : 1; }), 0);
}

TEST(EnterBuildNamespace, PassesTheExitCodeOn) {
    EXPECT_EQ(inside([] { return 42; }), 42);
}

TEST(EnterBuildNamespace, PassesADeathBySignalOn) {
    EXPECT_EQ(inside([] { return ::raise(SIGKILL); }), 128 + SIGKILL);
}

TEST(EnterBuildNamespace, LeavesNoMountBehind) {
    const TemporaryDirectory directory("/tmp");
    EXPECT_EQ(inside([&] { return ::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, nullptr); }), 0);
    EXPECT_THAT(read_file("/proc/self/mountinfo"), testing::Not(HasSubstr(directory.path().native())));
}

TEST(EnterBuildNamespace, PassesASignalOn) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t supervisor = start_inside([&] {
        ::close(ends[0]);
        [[maybe_unused]] const auto sent = ::write(ends[1], "r", 1);
        for (;;) ::pause();
        return 0;
    });
    ::close(ends[1]);
    char ready;
    ASSERT_EQ(::read(ends[0], &ready, 1), 1);
    ::kill(supervisor, SIGTERM);
    EXPECT_EQ(exit_code_of(supervisor), 128 + SIGTERM);
    ::close(ends[0]);
}

TEST(EnterBuildNamespace, NothingSurvivesTheSupervisor) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t supervisor = start_inside([&] {
        ::close(ends[0]);
        // An orphan of the namespace, in a session of its own.
        if (::fork() == 0) {
            ::setsid();
            if (::fork() == 0)
                for (;;) ::pause();
            ::_exit(0);
        }
        [[maybe_unused]] const auto sent = ::write(ends[1], "r", 1);
        for (;;) ::pause();
        return 0;
    });
    ::close(ends[1]);
    char ready;
    ASSERT_EQ(::read(ends[0], &ready, 1), 1);
    ::kill(supervisor, SIGKILL);
    EXPECT_EQ(exit_code_of(supervisor), 128 + SIGKILL);
    EXPECT_TRUE(hangs_up(ends[0]));
    ::close(ends[0]);
}

TEST(EnterBuildNamespace, NamesTheSettingThatForbidsIt) {
    EXPECT_EQ(inside([] {
        // Limits of this namespace bind those that are made below it.
        write_all(open_file("/proc/sys/user/max_user_namespaces", O_WRONLY).get(), "0", "limit");
        try {
            enter_build_namespace();
        } catch (const Error& error) {
            const std::string expected = "cannot make 'user namespace': No space left on device\n"
                                         "  hint: this machine allows none: allow them with 'sysctl user.max_user_namespaces=10000'";
            return error.render() == expected ? 0 : 1;
        }
        return 2;
    }), 0);
}

TEST(EnterBuildNamespace, SaysThatAChrootIsInTheWay) {
    const TemporaryDirectory directory("/tmp");
    std::filesystem::create_directory(directory.path() / "proc");
    EXPECT_EQ(inside([&] {
        if (::mount("proc", (directory.path() / "proc").c_str(), "proc", 0, nullptr) != 0) return 3;
        if (::chroot(directory.path().c_str()) != 0 || ::chdir("/") != 0) return 4;
        try {
            enter_build_namespace();
        } catch (const Error& error) {
            return error.hint().starts_with("the kernel makes none inside a chroot") ? 0 : 1;
        }
        return 2;
    }), 0);
}
