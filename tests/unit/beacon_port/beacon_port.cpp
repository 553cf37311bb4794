// Over the loopback interface by seeds: what multicast does is seen on real links, in ring site.

#include <beacon_port/beacon_port.hpp>

#include <error_of.hpp>

#include <arpa/inet.h>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>

#include <gmock/gmock.h>

namespace ashlar::beacon_port {
namespace {

using testing::HasSubstr;

constexpr std::uint16_t port = 47479;

Options options(std::vector<std::string> seeds) { return {.port = port, .groups = {}, .seeds = std::move(seeds)}; }

std::optional<Datagram> next(BeaconPort& one) {
    std::vector<pollfd> polls;
    for (const int descriptor : one.descriptors()) polls.push_back({descriptor, POLLIN, 0});
    ::poll(polls.data(), polls.size(), 5000);
    return one.receive();
}

// To ourselves: one that is bound to the port can be its own seed.
TEST(BeaconPort, SendsToSeedsAndReceivesWithWhereItCameFrom) {
    BeaconPort one(options({"127.0.0.1"}));
    EXPECT_FALSE(one.receive());
    const Bytes said(most_bytes, std::byte{7});
    one.send(said);
    const auto heard = next(one);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->bytes, said);
    EXPECT_EQ(heard->from.text(), "127.0.0.1");
    EXPECT_FALSE(heard->to_group);
    const auto other = heard->from.with_port(99);
    EXPECT_EQ(ntohs(reinterpret_cast<const sockaddr_in*>(other.address())->sin_port), 99);
}

TEST(BeaconPort, SendsToOneNodeMoreUnlessItIsASeed) {
    for (const char* loopback : {"127.0.0.1", "::1"}) {
        BeaconPort one(options({loopback}));
        one.send(Bytes{std::byte{1}});
        const auto heard = next(one);
        ASSERT_TRUE(heard) << loopback;
        EXPECT_FALSE(heard->to_group);
        one.send_to(heard->from.with_port(1), Bytes{std::byte{2}});
        EXPECT_FALSE(one.receive()) << loopback;
    }
    BeaconPort one(options({"127.0.0.1"}));
    one.send(Bytes{std::byte{1}});
    const auto from = next(one)->from;
    sockaddr_in elsewhere = *reinterpret_cast<const sockaddr_in*>(from.address());
    ::inet_pton(AF_INET, "127.0.0.2", &elsewhere.sin_addr);
    sockaddr_storage address{};
    std::memcpy(&address, &elsewhere, sizeof elsewhere);
    one.send_to({address, sizeof elsewhere}, Bytes{std::byte{3}});
    const auto heard = next(one);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->bytes, Bytes{std::byte{3}});
}

TEST(BeaconPort, KnowsWhatWasSentToAGroup) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    BeaconPort one({.port = port, .groups = Groups{"224.0.0.247", "ff02::4747"}, .seeds = {}});
    ip_mreqn loopback{};
    loopback.imr_ifindex = static_cast<int>(::if_nametoindex("lo"));
    ::inet_pton(AF_INET, "224.0.0.247", &loopback.imr_multiaddr);
    ASSERT_EQ(::setsockopt(one.descriptors().back(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &loopback, sizeof loopback), 0);
    ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), 0);
    sockaddr_in group{};
    group.sin_family = AF_INET;
    group.sin_port = htons(port);
    group.sin_addr = loopback.imr_multiaddr;
    ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&group), sizeof group), 1);
    const auto heard = next(one);
    ASSERT_TRUE(heard);
    EXPECT_TRUE(heard->to_group);
}

TEST(BeaconPort, DropsWhatIsTooLong) {
    BeaconPort one(options({"127.0.0.1"}));
    one.send(Bytes(most_bytes + 1, std::byte{7}));
    one.send(Bytes{std::byte{8}});
    const auto heard = next(one);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->bytes, Bytes{std::byte{8}});
}

TEST(BeaconPort, SaysWhoIsInTheWay) {
    const BeaconPort first(options({}));
    EXPECT_THAT(error_of([] { BeaconPort(options({})); }), HasSubstr("cannot listen for beacons on 'UDP port 47479'"));
    EXPECT_THAT(error_of([] { BeaconPort({.port = port + 1, .groups = {}, .seeds = {"seed.example"}}); }),
                HasSubstr("cannot send beacons to 'seed.example': it is no address"));
}

} // namespace
} // namespace ashlar::beacon_port
