// A voter that waits for two others, and beacons that are not theirs, over the loopback interface.

#include <membership/membership.hpp>

#include <base/error.hpp>
#include <base/random.hpp>
#include <signing/hkdf.hpp>
#include <signing/node_id.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace ashlar::membership {
namespace {

using namespace std::chrono_literals;
using beacon::Beacon;

constexpr std::uint16_t beacons_at = 47483, site_port = 47484, stranger_port = 47485;

bool wait_until(std::chrono::seconds longest, const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

sockaddr_in loopback(std::uint16_t port, unsigned host = 1) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000000U + host);
    return address;
}

Fd bound(int type, const sockaddr_in& address) {
    Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    constexpr int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
}

Fd listening(const sockaddr_in& address) {
    Fd socket = bound(SOCK_STREAM, address);
    EXPECT_EQ(::listen(socket.get(), 16), 0);
    return socket;
}

bool is_asked(const Fd& listener, std::chrono::milliseconds longest) {
    pollfd asked{listener.get(), POLLIN, 0};
    return ::poll(&asked, 1, static_cast<int>(longest.count())) == 1;
}

// One that has no key to answer with.
void answer(const Fd& listener) {
    const auto opened = channel::accept(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), [](std::string_view) { return std::optional(Secret("fedcba9876543210fedcba9876543210")); }, std::chrono::steady_clock::now() + 5s);
    EXPECT_TRUE(std::holds_alternative<channel::Refusal>(opened));
}

// Founds nothing, and says whether it was asked to.
class NoSettling final : public Settling {
public:
    Bytes offer() override { return {}; }
    founding::Genesis make(const founding::Electorate&, const std::vector<std::pair<NodeId, Bytes>>&) override {
        made = true;
        return {};
    }
    std::optional<std::string> objection(const founding::Genesis&) override { return std::nullopt; }
    founding::Genesis introduce(const beacon_port::Origin&) override { return {}; }
    void settle(const founding::Genesis&, bool) override { settled = true; }
    std::atomic<bool> made = false, settled = false;
};

Bytes derived(std::string_view site_key, std::string_view info) { return hkdf_sha256(bytes_of(site_key), info, 32); }

class StrangersBeacons : public testing::Test {
protected:
    StrangersBeacons() {
        write_file(state_, "");
        std::filesystem::resize_file(state_, state::partition_size);
        state::write(state_, {{"format", 1}});
        start();
    }

    void start() {
        membership_.reset();
        founding::Self self{.node = node_id_of(key_.verifying_key()), .key = {}, .life = {}, .name = "n01", .role = "base", .port = 0, .addresses = {}, .voter = true};
        const Digest digest = sha256(key_.verifying_key().der());
        std::ranges::copy(digest.bytes(), self.key.begin());
        membership_ = std::make_unique<Membership>(Parts{.site = site_,
                                                         .charter = charter_,
                                                         .self = self,
                                                         .key = key_,
                                                         .beacon_key = Secret(text_of(derived(site_key_, "ashlar beacon 1"))),
                                                         .enrolment_key = Secret(text_of(derived(site_key_, "ashlar enrolment 1"))),
                                                         .state = state_,
                                                         .beacons = {.port = beacons_at, .groups = {}, .seeds = {}},
                                                         .site_port = site_port,
                                                         .settling = settling_,
                                                         .former = former()},
                                                   [] {}, [this](const std::string&) { ++alarms_; });
        membership_->begin();
    }

    [[nodiscard]] std::optional<FormerKeys> former() const {
        if (former_key_.empty()) return std::nullopt;
        return FormerKeys{Secret(text_of(derived(former_key_, "ashlar beacon 1"))), Secret(text_of(derived(former_key_, "ashlar enrolment 1")))};
    }

    // Of a voter; its id is higher than any other, so that the node is the first who may propose.
    [[nodiscard]] Beacon voter(unsigned number) const {
        Beacon beacon{.node = {}, .key = {}, .life = {1, number}, .sequence = 1, .standing = beacon::Standing::hearing, .voter = true, .genesis = {}, .charter = charter_.summary(), .view = {}, .port = stranger_port, .name = "n0" + std::to_string(number), .role = "base", .addresses = {}};
        beacon.key.fill(std::byte{0xff});
        beacon.key[31] = static_cast<std::byte>(number);
        beacon.key[15] = static_cast<std::byte>(number);
        std::ranges::copy_n(beacon.key.begin(), 16, beacon.node.bytes.begin());
        return beacon;
    }
    // Of another node of the site, which may not vote.
    [[nodiscard]] Beacon member(std::size_t number) const {
        Beacon beacon = voter(9);
        beacon.key[0] = static_cast<std::byte>(number);
        beacon.key[1] = static_cast<std::byte>(number >> 8U);
        std::ranges::copy_n(beacon.key.begin(), 16, beacon.node.bytes.begin());
        beacon.voter = false;
        beacon.name = number < 400 ? "" : "late";
        return beacon;
    }
    [[nodiscard]] Bytes coded(const Beacon& beacon) const { return coded(beacon, site_key_); }
    [[nodiscard]] Bytes coded(const Beacon& beacon, std::string_view key) const { return encode(beacon, site_, beacon::Key(bytes_of(key))); }

    [[nodiscard]] std::vector<channel::SharedKey> shared_keys(std::string_view key) const {
        std::vector<channel::SharedKey> keys;
        keys.push_back({identity_of(site_, site::key_id_of(Secret(text_of(derived(key, "ashlar beacon 1"))))), Secret(text_of(derived(key, "ashlar enrolment 1")))});
        return keys;
    }

    void send(ByteView datagram) const { send(datagram, socket_); }
    void send(ByteView datagram, const Fd& from) const {
        const sockaddr_in address = loopback(beacons_at);
        ::sendto(from.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        // The receiver's queue is not long: what is lost there proves nothing.
        if (++sent_ % 32 == 0) std::this_thread::sleep_for(2ms);
    }
    [[nodiscard]] std::vector<std::string> heard() const {
        std::vector<std::string> names;
        const Json status = membership_->status();
        if (status.is_object())
            for (const auto& peer : status.at("peers")) names.push_back(peer.at("name"));
        return names;
    }
    // What was sent before it was read before it.
    [[nodiscard]] bool hears(const Beacon& beacon) const {
        return wait_until(10s, [&] {
            send(coded(beacon));
            return std::ranges::count(heard(), beacon.name) > 0;
        });
    }

    const SiteId site_ = SiteId::random();
    const std::string site_key_ = "0123456789abcdef0123456789abcdef", another_key_ = "fedcba9876543210fedcba9876543210";
    std::string former_key_; // while it is rotated
    const founding::Charter charter_{.mode = founding::Mode::listed, .places = {{"n01", "serial 1"}, {"n02", "serial 2"}, {"n03", "serial 3"}}, .expect = 0};
    const SigningKey key_ = SigningKey::generate(site_scheme);
    const TemporaryDirectory directory_{testing::TempDir()};
    const std::filesystem::path state_ = directory_.path() / "state";
    const Fd socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    mutable unsigned sent_ = 0;
    std::atomic<unsigned> alarms_ = 0;
    NoSettling settling_;
    std::unique_ptr<Membership> membership_;
};

TEST_F(StrangersBeacons, AreNotHeard) {
    send(encode(voter(2), site_, beacon::Key(bytes_of("fedcba9876543210fedcba9876543210"))));
    send(encode(voter(2), SiteId::random(), beacon::Key(bytes_of(site_key_))));
    const Bytes right = coded(voter(2));
    for (std::size_t size = 0; size < right.size(); ++size) send(ByteView(right).first(size));
    for (std::size_t at = 0; at < right.size(); ++at) {
        Bytes other = right;
        other[at] ^= std::byte{0x40};
        send(other);
    }
    for (int i = 0; i < 1000; ++i) {
        Bytes garbage(beacon::size);
        fill_with_random(garbage);
        if (i % 2 == 0) std::ranges::copy(ByteView(right).first(24), garbage.begin());
        send(garbage);
    }
    ASSERT_TRUE(hears(voter(3)));
    EXPECT_EQ(heard(), std::vector<std::string>{"n03"});
    EXPECT_EQ(alarms_, 0U);
}

// Of voters that were here once: they may be recorded, and their power may be off. They are believed to be heard; nothing follows from it.
TEST_F(StrangersBeacons, ThatWereRecordedFoundNoSite) {
    ASSERT_TRUE(hears(voter(2)));
    ASSERT_TRUE(hears(voter(3)));
    const Fd listener = listening(loopback(stranger_port));

    start();
    EXPECT_EQ(heard(), std::vector<std::string>{});
    ASSERT_TRUE(hears(voter(2)));
    ASSERT_TRUE(hears(voter(3)));
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(is_asked(listener, 15s)) << membership_->status().dump();
        answer(listener);
    }
    EXPECT_FALSE(settling_.made);
    EXPECT_FALSE(settling_.settled);
    EXPECT_FALSE(membership_->status().contains("genesis"));
}

// Each voter lives at 127.0.0.2; a stranger at 127.0.0.3 repeats what they say.
TEST_F(StrangersBeacons, ThatAreRepeatedDrawNoConversationAway) {
    const Fd voters = bound(SOCK_DGRAM, loopback(0, 2)), stranger = bound(SOCK_DGRAM, loopback(0, 3));
    const Fd right = listening(loopback(stranger_port, 2)), wrong = listening(loopback(stranger_port, 3));
    for (const unsigned number : {2U, 3U})
        ASSERT_TRUE(wait_until(10s, [&] {
            send(coded(voter(number)), voters);
            return heard().size() == number - 1;
        }));
    for (int i = 0; i < 100; ++i)
        for (const unsigned number : {2U, 3U}) send(coded(voter(number)), stranger);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(is_asked(right, 15s)) << membership_->status().dump();
        answer(right);
        for (const unsigned number : {2U, 3U}) send(coded(voter(number)), stranger);
    }
    EXPECT_FALSE(is_asked(wrong, 0s));
}

// One that was flashed again, kept its key and forgot its boots, at another address: only it can say which life is the newer one.
TEST_F(StrangersBeacons, OfAnotherLifeAreAskedWhereTheyComeFrom) {
    const Fd now = bound(SOCK_DGRAM, loopback(0, 2)), before = bound(SOCK_DGRAM, loopback(0, 3));
    const Fd right = listening(loopback(stranger_port, 2));
    ASSERT_TRUE(wait_until(10s, [&] {
        send(coded(voter(2)), before);
        return heard().size() == 1;
    }));
    Beacon other = voter(2);
    other.life.mark = 77;
    EXPECT_TRUE(wait_until(10s, [&] {
        send(coded(other), now);
        return is_asked(right, 100ms);
    }));
}

// More than a node keeps in mind. A voter that comes after them is spoken to,
TEST_F(StrangersBeacons, OfManyNodesLeaveRoomForVoters) {
    const Fd right = listening(loopback(stranger_port));
    for (std::size_t number = 0; number < 1500; ++number) send(coded(member(number)));
    for (const unsigned number : {2U, 3U}) ASSERT_TRUE(hears(voter(number)));
    EXPECT_LE(heard().size(), 256U);
    EXPECT_TRUE(is_asked(right, 15s)) << membership_->status().dump();
}

// and a node for which there is no room is answered.
TEST_F(StrangersBeacons, OfManyNodesAreAnswered) {
    for (std::size_t number = 0; number < 400; ++number) send(coded(member(number)));
    const SigningKey key = SigningKey::generate(site_scheme);
    Beacon late = member(400);
    const Digest digest = sha256(key.verifying_key().der());
    std::ranges::copy(digest.bytes(), late.key.begin());
    late.node = node_id_of(key.verifying_key());
    std::atomic<bool> answered = false;
    const auto keys = shared_keys(site_key_);
    SitePort port{Voice{key, site_, keys, late.life}, stranger_port, [&](const Speaker&, const founding::Message& message) { answered = std::holds_alternative<founding::Known>(message); }};
    sockaddr_storage there{};
    const sockaddr_in address = loopback(site_port);
    std::memcpy(&there, &address, sizeof address);
    EXPECT_TRUE(wait_until(10s, [&] {
        send(coded(late));
        port.tell({there, sizeof address}, node_id_of(key_.verifying_key()), founding::Ask{});
        std::this_thread::sleep_for(50ms);
        return answered.load();
    }));
    EXPECT_EQ(std::ranges::count(heard(), "late"), 0);
}

// ---- Rotation of the site's key ----

TEST_F(StrangersBeacons, UnderAnotherKeyAreNamedWhereNobodyElseIsHeard) {
    const auto trouble = [&] {
        const Json status = membership_->status();
        return status.is_object() ? status.value("trouble", "") : "";
    };
    send(coded(voter(2), another_key_));
    EXPECT_TRUE(wait_until(10s, [&] { return trouble().starts_with("somebody speaks for this site under another key"); })) << membership_->status().dump();
    EXPECT_EQ(std::ranges::count(heard(), "n02"), 0);
    ASSERT_TRUE(hears(voter(3)));
    EXPECT_TRUE(wait_until(10s, [&] { return trouble().empty(); })) << membership_->status().dump();
}

TEST_F(StrangersBeacons, UnderTheKeyOfBeforeAreHeardAndAnsweredWhileItIsRotated) {
    former_key_ = another_key_;
    start();
    EXPECT_TRUE(wait_until(10s, [&] {
        send(coded(voter(2), former_key_));
        return std::ranges::count(heard(), "n02") > 0;
    }));
    ASSERT_TRUE(hears(voter(3)));
    for (const auto& key_of_peer : {site_key_, former_key_}) {
        const SigningKey key = SigningKey::generate(site_scheme);
        Beacon late = member(400);
        const Digest digest = sha256(key.verifying_key().der());
        std::ranges::copy(digest.bytes(), late.key.begin());
        late.node = node_id_of(key.verifying_key());
        std::atomic<bool> answered = false;
        const auto keys = shared_keys(key_of_peer);
        SitePort port{Voice{key, site_, keys, late.life}, stranger_port, [&](const Speaker&, const founding::Message& message) { answered = std::holds_alternative<founding::Known>(message); }};
        sockaddr_storage there{};
        const sockaddr_in address = loopback(site_port);
        std::memcpy(&there, &address, sizeof address);
        EXPECT_TRUE(wait_until(10s, [&] {
            send(coded(late, key_of_peer));
            port.tell({there, sizeof address}, node_id_of(key_.verifying_key()), founding::Ask{});
            std::this_thread::sleep_for(50ms);
            return answered.load();
        })) << (key_of_peer == site_key_ ? "by the key of now" : "by that of before");
    }
}

class OwnBeacons : public StrangersBeacons {
protected:
    [[nodiscard]] Bytes own(const beacon::Life& life) const {
        Beacon beacon = voter(2);
        const Digest digest = sha256(key_.verifying_key().der());
        std::ranges::copy(digest.bytes(), beacon.key.begin());
        beacon.node = node_id_of(key_.verifying_key());
        beacon.name = "n01";
        beacon.life = life;
        return coded(beacon);
    }
};

// Recorded, and sent again after the next start.
TEST_F(OwnBeacons, OfBeforeFrightenNobody) {
    start();
    for (int i = 0; i < 10; ++i) send(own({1, 7}));
    ASSERT_TRUE(hears(voter(3)));
    EXPECT_EQ(membership_->status().at("phase"), "hearing");
    EXPECT_EQ(alarms_, 0U);
}

TEST_F(OwnBeacons, OfNowAreASecondMachineWithItsKey) {
    send(own({1, 7}));
    ASSERT_TRUE(wait_until(10s, [&] { return alarms_ > 0; }));
    ASSERT_TRUE(hears(voter(3)));
    EXPECT_EQ(membership_->status().at("phase"), "identity-conflict");
}

} // namespace
} // namespace ashlar::membership
