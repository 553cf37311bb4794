#include <beacon/beacon.hpp>

#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/hmac.hpp>

#include <algorithm>
#include <stdexcept>

#include <gmock/gmock.h>

namespace ashlar::beacon {
namespace {

const SiteId site = *SiteId::parse("00112233445566778899aabbccddeeff");
const Key key(bytes_of("the key of a site that nobody has"));

Beacon sample() {
    const Digest node_key = sha256("key");
    Beacon beacon{.key = node_key.bytes(), .life = {3, 0x1122334455667788}, .sequence = 42, .voter = true, .port = 4747, .name = "n01", .role = "control"};
    std::ranges::copy_n(node_key.bytes().begin(), 16, beacon.node.bytes.begin());
    beacon.charter.fill(std::byte{'c'});
    beacon.view.fill(std::byte{'v'});
    return beacon;
}

std::string refusal_of(ByteView datagram) {
    const auto reading = decode(datagram, site, key);
    return reading.beacon ? "none" : std::string(name_of(reading.refusal));
}

// With a right code, whatever it says.
std::string refusal_of_changed(std::size_t at, std::uint8_t value) {
    Bytes datagram = encode(sample(), site, key);
    datagram[at] = std::byte{value};
    const Digest code = hmac_sha256(key.bytes(), ByteView(datagram).first(392));
    std::ranges::copy(code.bytes(), datagram.begin() + 392);
    return refusal_of(datagram);
}

TEST(Beacon, IsTheBytesOfItsPage) {
    // Made by the page, not by this code: tests/fuzz/corpus/beacon.
    const auto written = read_file(ASHLAR_SOURCE_DIR "/tests/fuzz/corpus/beacon/hearing");
    EXPECT_EQ(to_hex(encode(sample(), site, key)), to_hex(bytes_of(written)));
}

TEST(Beacon, IsReadAsItWasWritten) {
    Beacon beacon = sample();
    EXPECT_EQ(decode(encode(beacon, site, key), site, key).beacon, beacon);
    beacon.standing = Standing::member;
    beacon.voter = false;
    beacon.genesis = GenesisId::random();
    beacon.name = std::string(longest_name, 'n');
    beacon.role = std::string(longest_role, 'r');
    beacon.addresses.assign(most_addresses, {Address::Family::ipv6, {std::byte{0xfe}, std::byte{0x80}}});
    beacon.addresses.front() = {Address::Family::ipv4, {std::byte{10}, std::byte{0}, std::byte{0}, std::byte{1}}};
    const Bytes datagram = encode(beacon, site, key);
    EXPECT_EQ(datagram.size(), size);
    EXPECT_EQ(decode(datagram, site, key).beacon, beacon);
}

TEST(Beacon, OfAnotherSiteOrWithAnotherKeyIsDropped) {
    EXPECT_EQ(refusal_of(encode(sample(), SiteId::random(), key)), "other-site");
    EXPECT_EQ(refusal_of(encode(sample(), site, Key(bytes_of("another key")))), "wrong-code");
    EXPECT_TRUE(decode(encode(sample(), site, Key::derived(key.bytes())), site, key).beacon);
}

TEST(Beacon, ThatWasChangedAnywhereIsDropped) {
    const Bytes datagram = encode(sample(), site, key);
    for (std::size_t i = 0; i < datagram.size(); ++i) {
        Bytes changed = datagram;
        changed[i] ^= std::byte{0x40};
        EXPECT_FALSE(decode(changed, site, key).beacon) << i;
    }
}

TEST(Beacon, HasOneSize) {
    Bytes datagram = encode(sample(), site, key);
    EXPECT_EQ(refusal_of(ByteView(datagram).first(size - 1)), "not-a-beacon");
    EXPECT_EQ(refusal_of(ByteView(datagram).first(3)), "not-a-beacon");
    EXPECT_EQ(refusal_of({}), "not-a-beacon");
    datagram.push_back(std::byte{0});
    EXPECT_EQ(refusal_of(datagram), "not-a-beacon");
}

TEST(Beacon, WithARightCodeMustStillBeOne) {
    EXPECT_EQ(refusal_of_changed(4, 2), "other-version");
    EXPECT_EQ(refusal_of_changed(5, 0), "malformed");   // standing
    EXPECT_EQ(refusal_of_changed(5, 9), "malformed");
    EXPECT_EQ(refusal_of_changed(6, 2), "malformed");   // flags
    EXPECT_EQ(refusal_of_changed(7, 9), "malformed");   // more addresses than there is room for
    EXPECT_EQ(refusal_of_changed(7, 1), "malformed");   // an address of no family
    EXPECT_EQ(refusal_of_changed(24, 0xff), "malformed"); // an id that is not its key's
    EXPECT_EQ(refusal_of_changed(147, ' '), "malformed"); // a name
    EXPECT_EQ(refusal_of_changed(209, 'n'), "malformed"); // after its end
    EXPECT_EQ(refusal_of_changed(242, 4), "malformed");   // an address that is not counted
    EXPECT_EQ(refusal_of_changed(391, 1), "malformed");   // what has no meaning
}

TEST(Beacon, ThatNobodyWouldReadIsNotWritten) {
    for (const auto& spoil : std::initializer_list<void (*)(Beacon&)>{[](Beacon& b) { b.port = 0; }, [](Beacon& b) { b.name = "two words"; },
                                                                      [](Beacon& b) { b.role = std::string(32, 'r'); }, [](Beacon& b) { b.node = {}; },
                                                                      [](Beacon& b) { b.genesis = GenesisId{}; }, [](Beacon& b) { b.addresses.resize(9); }}) {
        Beacon beacon = sample();
        spoil(beacon);
        EXPECT_THROW((void)encode(beacon, site, key), std::logic_error);
    }
}

TEST(Beacon, DoesNotShowTheSitesId) {
    const Bytes datagram = encode(sample(), site, key);
    EXPECT_EQ(std::ranges::search(datagram, site.bytes).size(), 0U);
}

} // namespace
} // namespace ashlar::beacon
