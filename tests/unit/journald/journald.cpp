#include <journald/log.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::journald;
namespace fs = std::filesystem;

namespace {

const Entry entry{"0123456789abcdef0123456789abcdef", "it goes on", {{"ASHLAR_PHASE", "writing"}, {"ASHLAR_REASON", "one\ntwo"}}, Priority::warning};

TEST(Datagram, HasAFieldALineAndLengthsWhereAValueHasLines) {
    using namespace std::string_literals;
    EXPECT_EQ(datagram_of(entry, "ashlard"), "MESSAGE=it goes on\nMESSAGE_ID=0123456789abcdef0123456789abcdef\nPRIORITY=4\nSYSLOG_IDENTIFIER=ashlard\nASHLAR_PHASE=writing\n"
                                             "ASHLAR_REASON\n\x07\0\0\0\0\0\0\0one\ntwo\n"s);
}

TEST(JournalStream, IsTheFileThatTheVariableNames) {
    const TemporaryDirectory directory{testing::TempDir()};
    const Fd file = open_file(directory.path() / "file", O_RDWR | O_CREAT);
    struct stat info{};
    ASSERT_EQ(::fstat(file.get(), &info), 0);
    const std::string name = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    EXPECT_TRUE(is_journal_stream(file.get(), name.c_str()));
    EXPECT_FALSE(is_journal_stream(file.get(), (name + "1").c_str()));
    EXPECT_FALSE(is_journal_stream(file.get(), nullptr));
    EXPECT_FALSE(is_journal_stream(file.get(), ""));
}

// Standard output is a file of ours, and $JOURNAL_STREAM names it.
class LogTest : public testing::Test {
protected:
    LogTest() : output(open_file(directory.path() / "output", O_RDWR | O_CREAT)), standard_output(::dup(STDOUT_FILENO)) {
        std::fflush(stdout);
        ::dup2(output.get(), STDOUT_FILENO);
        struct stat info{};
        ::fstat(STDOUT_FILENO, &info);
        ::setenv("JOURNAL_STREAM", (std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino)).c_str(), 1);
        write_file(console, "");
    }
    ~LogTest() override {
        std::fflush(stdout);
        ::dup2(standard_output.get(), STDOUT_FILENO);
        ::unsetenv("JOURNAL_STREAM");
    }
    [[nodiscard]] Fd listen() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
        Fd listener(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return listener;
    }
    [[nodiscard]] std::string said() const { return read_file(directory.path() / "output"); }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path socket = directory.path() / "socket", console = directory.path() / "console";
    Fd output, standard_output;
};

TEST_F(LogTest, SendsToTheJournalAndWritesALineToTheConsole) {
    const Fd journal = listen();
    Log("ashlard", socket, console).say(entry);
    std::array<char, 4096> buffer;
    const auto got = ::recv(journal.get(), buffer.data(), buffer.size(), 0);
    ASSERT_GT(got, 0);
    EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(got)), datagram_of(entry, "ashlard"));
    EXPECT_EQ(read_file(console), "ashlard: it goes on\n");
    EXPECT_EQ(said(), "");
}

TEST_F(LogTest, WritesALineWhereNoJournalListens) {
    Log("ashlard", socket, console).say(entry);
    EXPECT_EQ(said(), "ashlard: it goes on\n");
    EXPECT_EQ(read_file(console), "");
}

TEST_F(LogTest, WritesALineWhereStandardOutputIsNotTheJournals) {
    const Fd journal = listen();
    ::setenv("JOURNAL_STREAM", "1:2", 1);
    Log("ashlard", socket, console).say(entry);
    EXPECT_EQ(said(), "ashlard: it goes on\n");
    std::array<char, 16> buffer;
    EXPECT_LT(::recv(journal.get(), buffer.data(), buffer.size(), 0), 0);
}

} // namespace
