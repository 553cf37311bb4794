// Over the loopback interface by seeds: what multicast does is seen on real links, in ring site.

#include <beacon_port/beacon_port.hpp>

#include <error_of.hpp>

#include <arpa/inet.h>
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
    const auto other = heard->from.with_port(99);
    EXPECT_EQ(ntohs(reinterpret_cast<const sockaddr_in*>(other.address())->sin_port), 99);
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
