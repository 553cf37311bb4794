// Strangers at the site port, over the loopback interface.

#include <membership/genesis_json.hpp>
#include <membership/site_port.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <beacon/beacon.hpp>
#include <channel/channel.hpp>
#include <signing/base64.hpp>
#include <signing/message_key.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

namespace ashlar::membership {
namespace {

using namespace std::chrono_literals;
using beacon_port::Origin;

constexpr std::uint16_t port = 47481, port_between = 47482;
constexpr auto enough = 10s;

channel::Deadline soon() { return std::chrono::steady_clock::now() + enough; }

sockaddr_in loopback(std::uint16_t at) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(at);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

Origin at(std::uint16_t where) {
    sockaddr_storage storage{};
    const sockaddr_in address = loopback(where);
    std::memcpy(&storage, &address, sizeof address);
    return {storage, sizeof address};
}

Fd connected(std::uint16_t where = port, std::uint32_t from = INADDR_LOOPBACK) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own = loopback(0);
    own.sin_addr.s_addr = htonl(from);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    const sockaddr_in address = loopback(where);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
}

Fd listening(std::uint16_t where) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    constexpr int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(where);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 8), 0);
    return socket;
}

Fd next_of(const Fd& listener) { return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

// What a port has heard, in its order.
class Ears {
public:
    SitePort::Hear hear() {
        return [this](const Speaker& speaker, founding::Message message) {
            const std::lock_guard lock(mutex_);
            heard_.emplace_back(speaker, std::move(message));
            changed_.notify_all();
        };
    }
    // Waits for so many.
    std::vector<std::pair<Speaker, founding::Message>> heard(std::size_t count, std::chrono::milliseconds longest = enough) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, longest, [&] { return heard_.size() >= count; });
        return heard_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<Speaker, founding::Message>> heard_;
};

class StrangersAtThePort : public testing::Test {
protected:
    // One that holds the site's key, and node `key`'s.
    [[nodiscard]] channel::Opened open(Fd socket, std::string_view secret) const { return channel::connect(std::move(socket), {identity_, Secret(secret)}, soon()); }
    [[nodiscard]] channel::Opened open(std::string_view secret) const { return open(connected(), secret); }

    [[nodiscard]] Json hello(const SigningKey& key, const NodeId& to, ByteView exporter) const {
        Json json{{"type", "hello"}, {"format", 1}, {"site", site_.text()}, {"to", to.text()}, {"key", base64(key.verifying_key().der())}, {"boot", 1}, {"mark", "0000000000000001"}};
        Bytes proven;
        append(proven, "ashlar genesis 1\n");
        append(proven, exporter);
        append(proven, tuf::canonical_json(json));
        json["proof"] = base64(key.sign(proven));
        return json;
    }
    // Returns when the port has heard it, or refused it: then it ends the connection.
    static void say(channel::Channel& channel, const std::vector<Json>& frames) {
        try {
            for (const Json& frame : frames) channel.send(frame, soon());
            (void)channel.receive(soon());
        } catch (const Error&) {
            // It was refused in the middle of its sentence.
        }
    }
    void say_as(const SigningKey& key, const std::function<void(Json&)>& change) const { say_to(node_, key, change); }
    void say_to(const NodeId& node, const SigningKey& key, const std::function<void(Json&)>& change) const {
        auto opened = open(right_);
        auto& channel = std::get<channel::Channel>(opened);
        Json said = hello(key, node, channel.exporter("ashlar genesis 1"));
        change(said);
        say(channel, {said, to_json(founding::Ask{})});
    }
    // Of all that was said nothing was heard, and the next node of the site is.
    void expect_nothing_heard() {
        EXPECT_TRUE(ears_.heard(0).empty());
        const SigningKey key = SigningKey::generate(site_scheme);
        say_as(key, [](Json&) {});
        const auto heard = ears_.heard(1);
        ASSERT_EQ(heard.size(), 1U);
        EXPECT_EQ(heard[0].first.node, node_id_of(key.verifying_key()));
    }

    static constexpr std::string_view right_ = "0123456789abcdef0123456789abcdef", wrong_ = "fedcba9876543210fedcba9876543210";
    const SiteId site_ = SiteId::random();
    // As docs/formats/site-channel.md has it.
    static constexpr std::string_view key_id_ = "00112233445566778899aabbccddeeff";
    const std::string identity_ = to_hex(beacon::summary_of(site_)) + "." + std::string(key_id_);
    [[nodiscard]] std::vector<channel::SharedKey> keys() const {
        std::vector<channel::SharedKey> keys;
        keys.push_back({identity_of(site_, site::KeyId::parse(key_id_).value()), Secret(right_)});
        return keys;
    }
    const std::vector<channel::SharedKey> keys_ = keys();
    const SigningKey key_ = SigningKey::generate(site_scheme), other_ = SigningKey::generate(site_scheme);
    const NodeId node_ = node_id_of(key_.verifying_key());
    Ears ears_;
    SitePort port_{Voice{key_, site_, keys_, {1, 1}}, port, ears_.hear()};
};

TEST_F(StrangersAtThePort, AreThoseWithoutTheKey) {
    const auto opened = open(wrong_);
    EXPECT_EQ(std::get<channel::Refusal>(opened).cause, channel::Cause::not_us);
    expect_nothing_heard();
}

TEST_F(StrangersAtThePort, AreThoseOfAnotherSite) {
    const auto opened = channel::connect(connected(), channel::SharedKey{to_hex(beacon::summary_of(SiteId::random())), Secret(right_)}, soon());
    EXPECT_TRUE(std::holds_alternative<channel::Refusal>(opened));
    expect_nothing_heard();
}

// Each of these holds the site's key.
TEST_F(StrangersAtThePort, AreThoseWhoAreNotWhoTheySay) {
    say_as(other_, [&](Json& said) { said["key"] = base64(key_.verifying_key().der()); });
    say_as(other_, [](Json& said) { said["boot"] = 2; });
    say_as(other_, [](Json& said) { said["site"] = SiteId::random().text(); });
    say_as(other_, [](Json& said) { said.erase("proof"); });
    say_as(other_, [](Json& said) { said["more"] = 1; });
    expect_nothing_heard();
}

TEST_F(StrangersAtThePort, AreThoseWhoMeanAnotherNode) {
    say_to(node_id_of(other_.verifying_key()), other_, [](Json&) {});
    expect_nothing_heard();
}

TEST_F(StrangersAtThePort, WhoRepeatAHelloAreRefused) {
    auto first = open(right_), second = open(right_);
    auto& recorded = std::get<channel::Channel>(first);
    auto& replayed = std::get<channel::Channel>(second);
    const Json said = hello(other_, node_, recorded.exporter("ashlar genesis 1"));
    say(replayed, {said, to_json(founding::Ask{})});
    expect_nothing_heard();
}

// Where beacons are forged a node may be sent to anybody. Whoever does not hold the key hears nothing of it;
TEST_F(StrangersAtThePort, InTheMiddleHearNothingWithoutTheKey) {
    const Fd between = listening(port_between);
    port_.tell(at(port_between), node_id_of(other_.verifying_key()), founding::Ask{});
    const auto opened = channel::accept(next_of(between), [](std::string_view) { return std::optional(Secret(wrong_)); }, soon());
    EXPECT_EQ(std::get<channel::Refusal>(opened).cause, channel::Cause::not_trusted);
}

// and who does, cannot pass it on: what is said on one connection holds on no other.
TEST_F(StrangersAtThePort, InTheMiddleCannotPassOnWhatTheyHear) {
    Ears in_the_middle;
    SitePort speaker{Voice{other_, site_, keys_, {1, 1}}, port_between + 1, in_the_middle.hear()};
    const Fd between = listening(port_between);
    // For the node at the port, by way of the one between.
    speaker.tell(at(port_between), node_, founding::Ask{});
    auto heard = channel::accept(next_of(between), [](std::string_view) { return std::optional(Secret(right_)); }, soon());
    auto& caught = std::get<channel::Channel>(heard);
    std::vector<Json> frames;
    while (auto frame = caught.receive(soon())) frames.push_back(std::move(*frame));
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].at("to"), node_.text());

    auto opened = open(right_);
    say(std::get<channel::Channel>(opened), frames);
    expect_nothing_heard();
}

// A frame of more than a mebibyte is refused before memory is taken for it: Frames.AreBoundedBeforeMemoryIsTaken.
TEST_F(StrangersAtThePort, WhoSayTooMuchAreRefused) {
    auto opened = open(right_);
    auto& channel = std::get<channel::Channel>(opened);
    Json large = hello(other_, node_, channel.exporter("ashlar genesis 1"));
    large["more"] = std::string(channel::most_frame / 2, 'x');
    say(channel, {large, to_json(founding::Ask{})});
    const Fd plain = connected();
    const std::string garbage(std::size_t{16} << 20U, '\x16');
    std::size_t sent = 0;
    while (sent < garbage.size()) {
        const auto took = ::send(plain.get(), garbage.data() + sent, garbage.size() - sent, MSG_NOSIGNAL);
        if (took <= 0) break;
        sent += static_cast<std::size_t>(took);
    }
    EXPECT_LT(sent, garbage.size());
    expect_nothing_heard();
}

// However many they are, and however they begin: the voters are let in.
TEST_F(StrangersAtThePort, WhoSayNothingKeepNobodyOut) {
    std::vector<Fd> silent;
    for (int i = 0; i < 400; ++i) {
        silent.push_back(connected());
        constexpr std::string_view beginning("\x16\x03\x01\x02\x00\x01", 6); // of a TLS record that does not come
        if (i % 2 == 0) (void)::send(silent.back().get(), beginning.data(), beginning.size(), MSG_NOSIGNAL);
    }
    const auto began = std::chrono::steady_clock::now();
    say_as(other_, [](Json&) {});
    EXPECT_EQ(ears_.heard(1).size(), 1U);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

// Who comes again and again from one address is in the way of that address.
TEST_F(StrangersAtThePort, WhoComeInCrowdsKeepNobodyOut) {
    std::atomic<bool> over = false;
    std::atomic<unsigned> came = 0;
    const std::jthread crowd([&] {
        std::deque<Fd> open;
        for (; !over; ++came) {
            open.push_back(connected(port, 0x7f000002));
            if (open.size() > 200) open.pop_front();
        }
    });
    while (came < 300) std::this_thread::yield();
    for (std::size_t i = 1; i <= 5; ++i) {
        say_as(other_, [](Json&) {});
        EXPECT_EQ(ears_.heard(i, 2s).size(), i);
    }
    over = true;
}

// Nor do they keep the node from speaking.
TEST_F(StrangersAtThePort, WhoSayNothingLetTheNodeSpeak) {
    Ears ears;
    const SitePort listener{Voice{other_, site_, keys_, {1, 1}}, port_between, ears.hear()};
    std::vector<Fd> silent;
    for (int i = 0; i < 400; ++i) silent.push_back(connected());
    port_.tell(at(port_between), node_id_of(other_.verifying_key()), founding::Ask{});
    EXPECT_EQ(ears.heard(1, 2s).size(), 1U);
}

} // namespace
} // namespace ashlar::membership
