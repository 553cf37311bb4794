#include <sockets/sockets.hpp>
#include <sockets/workers.hpp>

#include <base/error.hpp>
#include <error_of.hpp>

#include <gmock/gmock.h>

#include <future>

using namespace ashlar;
using namespace ashlar::sockets;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

TEST(Sockets, AConnectionIsTakenAndSaysFromWhere) {
    std::promise<std::string> from;
    const Listener listener(0, "a port", [&](const Fd& connection) { from.set_value(address_of_peer(connection)); });
    const Fd connection = connect_to("127.0.0.1", listener.port(), 5s);
    ASSERT_TRUE(connection);
    EXPECT_THAT(from.get_future().get(), HasSubstr("127.0.0.1"));
    EXPECT_EQ(address_of_peer(connection), "127.0.0.1");
}

TEST(Sockets, NobodyAnswersIsNothing) {
    std::uint16_t port = 0;
    { port = Listener(0, "a port", [](const Fd&) {}).port(); }
    EXPECT_FALSE(connect_to("127.0.0.1", port, 5s));
    EXPECT_FALSE(connect_to("n01", port, 5s));
    // No time left is no time, and not for ever: nobody answers at an address of documentation (RFC 5737).
    EXPECT_FALSE(connect_to("192.0.2.1", 9, -1s));
}

TEST(Sockets, APortThatIsTakenIsNamed) {
    const Listener first(0, "a port", [](const Fd&) {});
    EXPECT_THAT(error_of([&] { (void)listen_on(first.port(), "a port"); }), HasSubstr(fmt::format("cannot listen on 'TCP port {}'", first.port())));
}

TEST(Workers, WhatIsTooMuchIsLostAndAnErrorEndsNoThread) {
    std::promise<void> begun, go, done;
    Workers workers(1, 2);
    EXPECT_TRUE(workers.queue([&] {
        begun.set_value();
        go.get_future().wait();
        throw Error("a peer is gone");
    }));
    begun.get_future().wait();
    EXPECT_FALSE(workers.has_waiting());
    EXPECT_TRUE(workers.queue([] {}));
    EXPECT_TRUE(workers.queue([&] { done.set_value(); }));
    EXPECT_TRUE(workers.has_waiting());
    EXPECT_FALSE(workers.queue([] { FAIL(); }));
    go.set_value();
    EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
}

} // namespace
