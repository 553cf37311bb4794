#include <child.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::machine;

namespace {

std::string read_all(const Fd& fd) {
    std::string out;
    std::array<std::byte, 256> buffer;
    while (const auto got = read_some(fd.get(), buffer, "socket")) out.append(reinterpret_cast<const char*>(buffer.data()), got);
    return out;
}

TEST(Child, GetsStreamsUnderTheNumbersItKnows) {
    auto one = make_socket_pair(), two = make_socket_pair();
    // Crossed on purpose: each wants a number that another occupies.
    Child child({"sh", "-c", "echo first >&8; echo second >&9"}, {{two.theirs.get(), 9}, {one.theirs.get(), 8}}, "");
    one.theirs = Fd();
    two.theirs = Fd();
    EXPECT_EQ(read_all(one.ours), "first\n");
    EXPECT_EQ(read_all(two.ours), "second\n");
    while (!child.ended()) std::this_thread::yield();
    EXPECT_EQ(child.ended(), 0);
}

TEST(Child, SaysWhatToInstallWhenTheProgramIsMissing) {
    try {
        const Child child({"qemu-system-nothing"}, {}, "install the package qemu-system-x86");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot start 'qemu-system-nothing': No such file or directory\n  hint: install the package qemu-system-x86");
    }
}

TEST(Child, TellsHowItEnded) {
    Child failing({"sh", "-c", "exit 7"}, {}, "");
    while (!failing.ended()) std::this_thread::yield();
    EXPECT_EQ(failing.ended(), 7);
    Child sleeping({"sleep", "1000"}, {}, "");
    EXPECT_FALSE(sleeping.ended());
    sleeping.kill();
    EXPECT_EQ(sleeping.ended(), 128 + SIGKILL);
}

TEST(Child, EndsWithItsOwner) {
    auto pair = make_socket_pair();
    {
        const Child child({"sh", "-c", "echo up >&8; exec sleep 1000"}, {{pair.theirs.get(), 8}}, "");
        pair.theirs = Fd();
        std::array<std::byte, 3> up;
        ASSERT_EQ(read_some(pair.ours.get(), up, "socket"), 3U);
    }
    EXPECT_EQ(read_all(pair.ours), ""); // ends: nobody holds the other end any more
}

TEST(Child, EndsWhenItsOwnerIsKilled) {
    auto pair = make_socket_pair();
    const auto owner = ::fork();
    ASSERT_GE(owner, 0);
    if (owner == 0) {
        const Child child({"sh", "-c", "echo up >&8; exec sleep 1000"}, {{pair.theirs.get(), 8}}, "");
        ::pause();
        ::_exit(0);
    }
    pair.theirs = Fd();
    std::array<std::byte, 3> up;
    ASSERT_EQ(read_some(pair.ours.get(), up, "socket"), 3U);
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    EXPECT_EQ(read_all(pair.ours), ""); // ends when the grandchild is gone
}

TEST(Child, CountsProcessorTimeOnly) {
    Child busy({"sh", "-c", "while :; do :; done"}, {}, "");
    Child idle({"sleep", "1000"}, {}, "");
    while (busy.usage().processor < std::chrono::milliseconds(200)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_LT(idle.usage().processor, std::chrono::milliseconds(200));
}

} // namespace
