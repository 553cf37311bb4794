#include <control/client.hpp>
#include <control/server.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace ashlar;
using testing::HasSubstr;

namespace {

class Control : public testing::Test {
protected:
    Control() : thread([this] { server.run([] {}); }) {}
    ~Control() override {
        server.stop();
        thread.join();
    }
    Json answer(const std::string& method, const Json& parameters, const control::Caller& caller) {
        if (method == "count") return {{"count", count.load()}};
        if (method == "who") return {{"user", caller.user}, {"process", caller.process}};
        if (method == "broken") return parameters.at("nothing");
        throw Error("cannot do '" + method + "'", "do something else");
    }
    TemporaryDirectory directory{testing::TempDir()};
    std::filesystem::path path = directory.path() / "socket";
    std::atomic<int> count = 0;
    control::Server server{path, [this](const auto&... all) { return answer(all...); }};
    std::thread thread;
};

TEST_F(Control, KnowsWhoAsks) { EXPECT_EQ(control::call(path, "who"), (Json{{"user", ::getuid()}, {"process", ::getpid()}})); }

TEST_F(Control, CarriesErrorsWithTheirHints) {
    try {
        (void)control::call(path, "fly");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot do 'fly'\n  hint: do something else");
    }
    EXPECT_THROW((void)control::call(path, "broken"), Error);
}

TEST_F(Control, TellsWatchersWhatChanged) {
    int last = -1;
    control::watch(path, "count", [&](const Json& reply) {
        last = reply.at("count");
        if (last < 3) {
            ++count;
            server.changed();
        }
        return last < 3;
    });
    EXPECT_EQ(last, 3);
}

// Neither ends the daemon nor keeps others waiting.
TEST_F(Control, BearsStrangers) {
    for (const std::string& text : {std::string("no JSON\0", 8), std::string("{}\0", 3), std::string("[1]\0", 4), std::string("half a message")}) {
        const Fd stranger(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::connect(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        write_all(stranger.get(), text, "socket");
        EXPECT_EQ(control::call(path, "count").at("count"), 0);
    }
}

TEST(ControlClient, SaysThatNobodyListens) {
    try {
        (void)control::call("/nonexistent/socket", "status");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.render(), HasSubstr("cannot reach ashlard at '/nonexistent/socket': No such file or directory"));
    }
}

} // namespace
