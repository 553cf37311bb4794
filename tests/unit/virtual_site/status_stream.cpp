// A node's daemon is asked once, and tells what changes.

#include <virtual_site/status_stream.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::virtual_site;
namespace fs = std::filesystem;

namespace {

class Daemon {
public:
    explicit Daemon(const fs::path& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path.c_str());
        ::unlink(path.c_str());
        if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_.get(), 1) != 0) throw system_error("listen at", path.native());
    }
    // What it is asked, with the zero byte.
    std::string accept() {
        connection_ = Fd(::accept(listener_.get(), nullptr, nullptr));
        char buffer[256];
        const auto got = ::read(connection_.get(), buffer, sizeof buffer);
        return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    void say(std::string_view text) const { write_all(connection_.get(), text, "test"); }
    void end(const std::string& rest) const { say(rest + '\0'); }
    void hang_up() { connection_ = Fd(); }

private:
    Fd listener_, connection_;
};

class Stream : public testing::Test {
protected:
    std::optional<Json> next() {
        pollfd watched{stream_.fd(), POLLIN, 0};
        ::poll(&watched, 1, 5000);
        return stream_.take();
    }
    const TemporaryDirectory work_{fs::temp_directory_path()};
    const fs::path socket_ = work_.path() / "socket";
    StatusStream stream_;
};

TEST_F(Stream, NobodyIsThereYet) {
    stream_.listen_at(socket_);
    EXPECT_EQ(stream_.fd(), -1);
    EXPECT_EQ(stream_.take(), std::nullopt);
}

TEST_F(Stream, TheNewestAnswerCounts) {
    Daemon daemon(socket_);
    stream_.listen_at(socket_);
    EXPECT_EQ(daemon.accept(), std::string(R"({"method":"org.ashlar.Node.Status","parameters":{},"more":true})") + '\0');
    EXPECT_EQ(stream_.take(), std::nullopt);
    daemon.end(R"({"parameters":{"n":1},"continues":true})");
    daemon.end(R"({"parameters":{"n":2},"continues":true})");
    daemon.say(R"({"parameters":{"n":)");
    EXPECT_EQ(next(), (Json{{"n", 2}}));
    EXPECT_EQ(stream_.take(), std::nullopt);
    daemon.end("3}}");
    EXPECT_EQ(next(), (Json{{"n", 3}}));
}

TEST_F(Stream, AnErrorAndWhatIsNoJsonAreNoAnswers) {
    Daemon daemon(socket_);
    stream_.listen_at(socket_);
    (void)daemon.accept();
    daemon.end(R"({"error":"org.ashlar.Node.Failed","parameters":{"text":"no"}})");
    daemon.end("no json");
    EXPECT_EQ(next(), std::nullopt);
}

TEST_F(Stream, ADaemonThatStartsAgainIsAskedAgain) {
    Daemon daemon(socket_);
    stream_.listen_at(socket_);
    (void)daemon.accept();
    daemon.end(R"({"parameters":{"n":1}})");
    daemon.hang_up();
    EXPECT_EQ(next(), (Json{{"n", 1}})) << "what it said last";
    EXPECT_EQ(stream_.fd(), -1);
    stream_.listen_at(socket_);
    EXPECT_FALSE(daemon.accept().empty());
}

} // namespace
