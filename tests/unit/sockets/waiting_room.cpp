#include <sockets/sockets.hpp>
#include <sockets/waiting_room.hpp>

#include <gmock/gmock.h>

#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

using namespace ashlar;
using namespace ashlar::sockets;
using namespace std::chrono_literals;

namespace {

// Connections to a port of this machine, from its addresses 127.0.0.1, 127.0.0.2 …
class Strangers : public testing::Test {
protected:
    struct Pair {
        Fd stranger, here;
    };
    Pair from(unsigned address) {
        Pair pair{.stranger = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), .here = {}};
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(0x7f000000U + address);
        EXPECT_EQ(::bind(pair.stranger.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        EXPECT_EQ(::connect(pair.stranger.get(), reinterpret_cast<const sockaddr*>(&there_), sizeof there_), 0);
        pollfd waiting{listener_.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
        pair.here = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        return pair;
    }
    static bool is_cut(const Pair& pair) {
        pollfd end{pair.stranger.get(), POLLIN, 0};
        return ::poll(&end, 1, 0) == 1;
    }

    Strangers() {
        sockaddr_in6 bound{};
        socklen_t length = sizeof bound;
        EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &length), 0);
        there_.sin_family = AF_INET;
        there_.sin_port = bound.sin6_port;
        there_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }

    const Fd listener_ = listen_on(0, "a port");
    sockaddr_in there_{};
    WaitingRoom room_{3};
};

TEST_F(Strangers, AreLetInUntilTheRoomIsFull) {
    const std::array pairs{from(1), from(2), from(3)};
    for (const Pair& pair : pairs) EXPECT_TRUE(room_.holds(room_.enter(pair.here)));
    for (const Pair& pair : pairs) EXPECT_FALSE(is_cut(pair));
}

TEST_F(Strangers, TakeThePlaceOfTheOldest) {
    const std::array pairs{from(1), from(1), from(1), from(1)};
    const auto first = room_.enter(pairs[0].here);
    for (const std::size_t later : {1U, 2U, 3U}) EXPECT_TRUE(room_.holds(room_.enter(pairs[later].here)));
    EXPECT_FALSE(room_.holds(first));
    EXPECT_TRUE(is_cut(pairs[0]));
    for (const std::size_t later : {1U, 2U, 3U}) EXPECT_FALSE(is_cut(pairs[later]));
}

TEST_F(Strangers, OfACrowdTakeThePlacesOfTheCrowd) {
    const Pair alone = from(1);
    const auto number = room_.enter(alone.here);
    std::vector<Pair> crowd;
    for (int i = 0; i < 20; ++i) (void)room_.enter(crowd.emplace_back(from(2)).here);
    EXPECT_TRUE(room_.holds(number));
    EXPECT_FALSE(is_cut(alone));
    EXPECT_TRUE(is_cut(crowd[0]));
}

TEST_F(Strangers, WhoAreKnownNeedNoRoom) {
    const Pair known = from(1);
    const auto number = room_.enter(known.here);
    room_.leave(number);
    EXPECT_FALSE(room_.holds(number));
    std::vector<Pair> others;
    for (int i = 0; i < 4; ++i) (void)room_.enter(others.emplace_back(from(1)).here);
    EXPECT_FALSE(is_cut(known));
}

} // namespace
