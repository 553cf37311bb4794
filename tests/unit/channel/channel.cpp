// Two sides that know each other, and strangers of every kind between and beside them.

#include <base/error.hpp>
#include <base/text.hpp>
#include <channel/channel.hpp>
#include <channel/frame.hpp>
#include <error_of.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

#include <array>
#include <csignal>
#include <future>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

using namespace ashlar;
using namespace ashlar::channel;
using namespace std::chrono_literals;
using certificates::Authority;
using certificates::Bearer;
using certificates::NodeBearer;
using certificates::SiteCertificate;
using testing::HasSubstr;

namespace {

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
constexpr auto enough = 10s;

struct Pair {
    Fd client, server;
    Pair() {
        std::array<int, 2> both{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
        client = Fd(both[0]);
        server = Fd(both[1]);
    }
};

struct Both {
    Opened client, server;
};
Both between(const std::function<Opened(Fd)>& client, const std::function<Opened(Fd)>& server) {
    Pair pair;
    auto answer = std::async(std::launch::async, [&] { return server(std::move(pair.server)); });
    Opened asked = client(std::move(pair.client));
    return {std::move(asked), answer.get()};
}

const Refusal& refusal(const Opened& opened) { return std::get<Refusal>(opened); }
Channel& open(Opened& opened) {
    if (auto* const refused = std::get_if<Refusal>(&opened)) throw Error("refused: " + refused->text);
    return std::get<Channel>(opened);
}

// ---- One key -----------------------------------------------------------------------------------

constexpr std::string_view right_key = "0123456789abcdef0123456789abcdef", wrong_key = "fedcba9876543210fedcba9876543210";

Opened ask(Fd socket, std::string_view key = right_key, std::string identity = "site") { return connect(std::move(socket), SharedKey{std::move(identity), Secret(key)}, in(enough)); }
Opened answer(Fd socket, std::string_view key = right_key) {
    return accept(std::move(socket), [key](std::string_view identity) { return identity == "site" ? std::optional(Secret(key)) : std::nullopt; }, in(enough));
}
Both with_key() {
    return between([](Fd socket) { return ask(std::move(socket)); }, [](Fd socket) { return answer(std::move(socket)); });
}

// What a stranger's socket is told in answer to bytes that are no TLS of ours.
Refusal answer_to(std::string_view bytes) {
    Pair pair;
    EXPECT_EQ(::send(pair.client.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    ::shutdown(pair.client.get(), SHUT_WR);
    return refusal(answer(std::move(pair.server)));
}

// ---- A stranger, who speaks TLS as it likes ----------------------------------------------------

struct Stranger {
    SSL_CTX* context;
    SSL* tls = nullptr;
    Fd socket;

    explicit Stranger(const SSL_METHOD* method) : context(SSL_CTX_new(method)) {}
    // A stranger that is turned away in the middle of its sentence shall not end the test.
    void (*before)(int) = std::signal(SIGPIPE, SIG_IGN);
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() {
        SSL_free(tls);
        SSL_CTX_free(context);
        std::signal(SIGPIPE, before);
    }
    void take(Fd fd) {
        socket = std::move(fd);
        tls = SSL_new(context);
        SSL_set_fd(tls, socket.get());
    }
};

int offer_early(SSL* tls, const EVP_MD*, const unsigned char** identity, std::size_t* size, SSL_SESSION** session) {
    constexpr unsigned char suite[] = {0x13, 0x01};
    *session = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(*session, reinterpret_cast<const unsigned char*>(right_key.data()), right_key.size());
    SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(tls, suite));
    SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
    SSL_SESSION_set_max_early_data(*session, 1000);
    *identity = reinterpret_cast<const unsigned char*>("site");
    *size = 4;
    return 1;
}

// ---- Certificates ------------------------------------------------------------------------------

struct Node {
    SigningKey key = SigningKey::generate(site_scheme);
    SiteCertificate certificate;
    const Authority& authority;

    Node(const Authority& by, std::string name, Time now) : certificate(by.issue(NodeBearer{.node = id(), .name = std::move(name), .roles = {"control"}, .addresses = {}}, key.verifying_key(), now)), authority(by) {}
    Node(const Authority& by, const certificates::OperatorBearer& person, Time now) : certificate(by.issue(person, key.verifying_key(), now)), authority(by) {}
    [[nodiscard]] NodeId id() const { return node_id_of(key.verifying_key()); }
    [[nodiscard]] Credentials credentials() const { return {key, certificate, authority.trust()}; }
};

class Certified : public testing::Test {
protected:
    const Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
    const SiteId site = SiteId::random();
    const Authority authority = Authority::found(site, now);
    const Node one{authority, "n01", now}, two{authority, "n02", now};

    [[nodiscard]] Both meet(const Node& client, const Node& server, Time client_now, Time server_now, std::optional<NodeId> expected = std::nullopt) const {
        return between([&](Fd socket) { return connect(std::move(socket), client.credentials(), expected, client_now, in(enough)); },
                       [&](Fd socket) { return accept(std::move(socket), server.credentials(), server_now, in(enough)); });
    }
    [[nodiscard]] Both meet(const Node& client, const Node& server) const { return meet(client, server, now, now); }
};

} // namespace

// ---- By one key --------------------------------------------------------------------------------

TEST(ByKey, BothKnowThatTheOtherHoldsIt) {
    Both both = with_key();
    EXPECT_EQ(open(both.client).peer(), Peer(KeyHolder{"site"}));
    EXPECT_EQ(open(both.server).peer(), Peer(KeyHolder{"site"}));
}

TEST(ByKey, MessagesArriveInTheirOrder) {
    Both both = with_key();
    for (int i = 0; i < 3; ++i) open(both.client).send({{"number", i}}, in(enough));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(open(both.server).receive(in(enough)).value(), (Json{{"number", i}}));
    open(both.server).send({{"type", "answer"}}, in(enough));
    EXPECT_EQ(open(both.client).receive(in(enough)).value(), (Json{{"type", "answer"}}));
}

TEST(ByKey, ALargeMessageArrives) {
    Both both = with_key();
    const Json large{{"text", std::string(most_frame - 100, 'x')}};
    auto sent = std::async(std::launch::async, [&] { open(both.client).send(large, in(enough)); });
    EXPECT_EQ(open(both.server).receive(in(enough)).value(), large);
    sent.get();
}

TEST(ByKey, ATooLargeMessageIsNotSent) {
    Both both = with_key();
    EXPECT_THAT(error_of([&] { open(both.client).send({{"text", std::string(most_frame, 'x')}}, in(enough)); }), HasSubstr("more than 1048576"));
    EXPECT_THAT(error_of([&] { open(both.client).send({{"text", "a\nb"}}, in(enough)); }), HasSubstr("cannot parse 'message'"));
}

TEST(ByKey, AWrongKeyIsRefusedByBoth) {
    const Both both = between([](Fd socket) { return ask(std::move(socket), wrong_key); }, [](Fd socket) { return answer(std::move(socket)); });
    EXPECT_EQ(refusal(both.server).cause, Cause::not_trusted);
    EXPECT_EQ(refusal(both.server).text, "it does not hold the key");
    EXPECT_EQ(refusal(both.client).cause, Cause::not_us);
}

TEST(ByKey, AnUnknownIdentityIsRefusedByBoth) {
    const Both both = between([](Fd socket) { return ask(std::move(socket), right_key, "another"); }, [](Fd socket) { return answer(std::move(socket)); });
    EXPECT_EQ(refusal(both.server).cause, Cause::not_trusted);
    EXPECT_EQ(refusal(both.client).cause, Cause::not_us);
}

TEST(ByKey, AKeyThatIsTooShortIsNotUsed) {
    Pair pair;
    EXPECT_THAT(error_of([&] { (void)ask(std::move(pair.client), "short"); }), HasSubstr("cannot use a shared key"));
}

// A server that knows nothing shows a certificate instead.
TEST_F(Certified, EachSideHasTheCertificateOfTheOther) {
    Both both = meet(one, two, now, now);
    EXPECT_EQ(open(both.server).certificate(), one.certificate);
    EXPECT_EQ(open(both.client).certificate(), two.certificate);
    Both by_key = with_key();
    EXPECT_EQ(open(by_key.server).certificate(), std::nullopt);
}

TEST_F(Certified, AServerWithACertificateIsNoHolderOfTheKey) {
    const Both both = between([](Fd socket) { return ask(std::move(socket)); }, [&](Fd socket) { return accept(std::move(socket), one.credentials(), now, in(enough)); });
    EXPECT_EQ(refusal(both.client).cause, Cause::not_trusted);
    EXPECT_TRUE(std::holds_alternative<Refusal>(both.server));
}

TEST_F(Certified, AClientWithACertificateIsNoHolderOfTheKey) {
    const Both both = between([&](Fd socket) { return connect(std::move(socket), one.credentials(), std::nullopt, now, in(enough)); }, [](Fd socket) { return answer(std::move(socket)); });
    EXPECT_EQ(refusal(both.server).text, "it does not hold the key");
    EXPECT_EQ(refusal(both.client).cause, Cause::not_us);
}

TEST(ByKey, EachConnectionHasItsOwnExporter) {
    Both first = with_key(), second = with_key();
    const Bytes value = open(first.client).exporter("label");
    EXPECT_EQ(value.size(), 32U);
    EXPECT_EQ(open(first.server).exporter("label"), value);
    EXPECT_NE(open(first.server).exporter("another"), value);
    EXPECT_NE(open(second.client).exporter("label"), value);
}

// ---- What is no TLS 1.3 ------------------------------------------------------------------------

TEST(Strangers, WhoSpeakPlainlyAreRefused) {
    EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: site\r\n\r\n").cause, Cause::not_ours);
    EXPECT_EQ(answer_to(text_of(frame_of({{"type", "enrol"}}))).cause, Cause::not_ours);
    EXPECT_EQ(answer_to("").cause, Cause::closed);
    EXPECT_EQ(answer_to("\x16\x03\x01").cause, Cause::closed);
}

TEST(Strangers, WhoSayNothingAreLeft) {
    Pair pair;
    const auto began = std::chrono::steady_clock::now();
    const Opened opened = accept(std::move(pair.server), [](std::string_view) { return std::nullopt; }, in(100ms));
    EXPECT_EQ(refusal(opened).cause, Cause::late);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(Strangers, WhoSpeakTls12AreRefused) {
    Stranger stranger(TLS_client_method());
    SSL_CTX_set_max_proto_version(stranger.context, TLS1_2_VERSION);
    Pair pair;
    stranger.take(std::move(pair.client));
    auto answered = std::async(std::launch::async, [&] { return answer(std::move(pair.server)); });
    EXPECT_LE(SSL_connect(stranger.tls), 0);
    const Opened opened = answered.get();
    EXPECT_EQ(refusal(opened).cause, Cause::not_ours);
    EXPECT_THAT(refusal(opened).text, HasSubstr("TLS 1.3"));
}

TEST(Strangers, AServerOfTls12IsRefused) {
    Stranger stranger(TLS_server_method());
    SSL_CTX_set_max_proto_version(stranger.context, TLS1_2_VERSION);
    Pair pair;
    stranger.take(std::move(pair.server));
    auto asked = std::async(std::launch::async, [&] { return ask(std::move(pair.client)); });
    EXPECT_LE(SSL_accept(stranger.tls), 0);
    const Opened opened = asked.get();
    EXPECT_EQ(refusal(opened).cause, Cause::not_ours);
    EXPECT_EQ(refusal(opened).text, "it does not speak TLS 1.3");
}

// Who holds the key may still not make us act on what could be sent again by somebody else.
TEST(Strangers, EarlyDataIsNotTaken) {
    Stranger stranger(TLS_client_method());
    SSL_CTX_set_psk_use_session_callback(stranger.context, offer_early);
    Pair pair;
    stranger.take(std::move(pair.client));
    auto answered = std::async(std::launch::async, [&] { return answer(std::move(pair.server)); });
    const Bytes early = frame_of({{"type", "early"}});
    std::size_t written = 0;
    ASSERT_EQ(SSL_write_early_data(stranger.tls, early.data(), early.size(), &written), 1);
    const bool connected = SSL_connect(stranger.tls) == 1;
    EXPECT_NE(SSL_get_early_data_status(stranger.tls), SSL_EARLY_DATA_ACCEPTED);
    stranger.socket.close();
    Opened opened = answered.get();
    if (connected && std::holds_alternative<Channel>(opened)) {
        EXPECT_THAT(error_of([&] { (void)open(opened).receive(in(enough)); }), HasSubstr("cut"));
    }
}

TEST(Strangers, NobodyGetsATicket) {
    Stranger stranger(TLS_client_method());
    SSL_CTX_set_psk_use_session_callback(stranger.context, [](SSL* tls, const EVP_MD* digest, const unsigned char** identity, std::size_t* size, SSL_SESSION** session) {
        const int done = offer_early(tls, digest, identity, size, session);
        SSL_SESSION_set_max_early_data(*session, 0);
        return done;
    });
    Pair pair;
    stranger.take(std::move(pair.client));
    auto answered = std::async(std::launch::async, [&] { return answer(std::move(pair.server)); });
    ASSERT_EQ(SSL_connect(stranger.tls), 1);
    EVP_PKEY* ephemeral = nullptr;
    EXPECT_EQ(SSL_get_peer_tmp_key(stranger.tls, &ephemeral), 1) << "a key exchange beside the key";
    EVP_PKEY_free(ephemeral);
    std::array<char, 64> greeting{};
    EXPECT_GT(SSL_read(stranger.tls, greeting.data(), static_cast<int>(greeting.size())), 0);
    EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(stranger.tls)), 0);
    EXPECT_TRUE(std::holds_alternative<Channel>(answered.get()));
}

// ---- Frames ------------------------------------------------------------------------------------

TEST(Frames, AreALengthAndCanonicalJson) {
    EXPECT_EQ(text_of(frame_of({{"b", 1}, {"a", "x"}})), std::string("\0\0\0\x0f{\"a\":\"x\",\"b\":1}", 19));
    EXPECT_EQ(message_in(bytes_of(R"({"a":"x","b":1})")), (Json{{"a", "x"}, {"b", 1}}));
}

TEST(Frames, OfAnotherFormAreRefused) {
    for (const std::string_view body : {R"({"a": 1})", R"({"b":1,"a":1})", R"({"a":1,"a":1})", R"({"a":1.0})", "[]", "1", "", "{", R"({"a":"\u0041"})", R"({"a":1} )"})
        EXPECT_THROW((void)message_in(bytes_of(body)), Error) << body;
}

TEST(Frames, AreBoundedBeforeMemoryIsTaken) {
    EXPECT_EQ(frame_size(bytes_of(std::string_view("\0\x10\0\0", 4))), most_frame);
    EXPECT_THAT(error_of([] { (void)frame_size(bytes_of(std::string_view("\0\x10\0\x01", 4))); }), HasSubstr("its length is 1048577 bytes, not 1 to 1048576"));
    EXPECT_THROW((void)frame_size(bytes_of("\xff\xff\xff\xff")), Error);
    EXPECT_THROW((void)frame_size(bytes_of(std::string_view("\0\0\0\0", 4))), Error);
}

TEST(Frames, TheEndOfAConversationIsNothing) {
    Both both = with_key();
    open(both.client).send({{"last", true}}, in(enough));
    open(both.client).close(in(enough));
    EXPECT_EQ(open(both.server).receive(in(enough)).value(), (Json{{"last", true}}));
    EXPECT_FALSE(open(both.server).receive(in(enough)));
}

// Somebody who cuts the wire must not be able to end a conversation as its owner would.
TEST(Frames, ACutIsAnError) {
    Both both = with_key();
    both.client = Refusal{};
    EXPECT_THAT(error_of([&] { (void)open(both.server).receive(in(enough)); }), HasSubstr("cannot receive from 'a holder of the key site': the connection was cut"));
}

TEST(Frames, SendingToOneWhoIsGoneIsAnErrorAndNoSignal) {
    Both both = with_key();
    both.server = Refusal{};
    EXPECT_THAT(error_of([&] {
                    for (int i = 0; i < 100; ++i) open(both.client).send({{"text", std::string(100'000, 'x')}}, in(enough));
                }),
                HasSubstr("cannot send to"));
}

TEST(Frames, WaitingEndsAtTheDeadline) {
    Both both = with_key();
    EXPECT_THAT(error_of([&] { (void)open(both.server).receive(in(100ms)); }), HasSubstr("it takes too long"));
}

TEST(Frames, SendingEndsAtTheDeadline) {
    Both both = with_key();
    EXPECT_THAT(error_of([&] {
                    for (int i = 0; i < 100; ++i) open(both.client).send({{"text", std::string(500'000, 'x')}}, in(200ms));
                }),
                HasSubstr("it takes too long"));
}

// ---- By certificates ---------------------------------------------------------------------------

TEST_F(Certified, BothKnowWhoTheOtherIs) {
    Both both = meet(one, two);
    EXPECT_EQ(open(both.client).peer(), Peer(Bearer(NodeBearer{.node = two.id(), .name = "n02", .roles = {"control"}, .addresses = {}})));
    EXPECT_EQ(open(both.server).peer(), Peer(Bearer(NodeBearer{.node = one.id(), .name = "n01", .roles = {"control"}, .addresses = {}})));
    open(both.client).send({{"type", "hello"}}, in(enough));
    EXPECT_EQ(open(both.server).receive(in(enough)).value(), (Json{{"type", "hello"}}));
}

TEST_F(Certified, AnOperatorIsAClientAndNeverAServer) {
    const Node anna{authority, certificates::OperatorBearer{.name = "anna", .rights = {certificates::Right::view}}, now};
    Both both = meet(anna, one);
    EXPECT_EQ(open(both.server).peer(), Peer(Bearer(certificates::OperatorBearer{.name = "anna", .rights = {certificates::Right::view}})));
    const Both turned = meet(one, anna);
    EXPECT_TRUE(std::holds_alternative<Refusal>(turned.client));
}

TEST_F(Certified, TheNodeThatAnswersIsTheOneThatWasMeant) {
    Both right = meet(one, two, now, now, two.id());
    EXPECT_NO_THROW((void)open(right.client));
    const Both wrong = meet(one, two, now, now, one.id());
    EXPECT_EQ(refusal(wrong.client).cause, Cause::another);
    EXPECT_THAT(refusal(wrong.client).text, HasSubstr("it is node n02"));
}

TEST_F(Certified, ACertificateOfAnotherSiteIsRefused) {
    const Authority elsewhere = Authority::found(SiteId::random(), now);
    const Node stranger{elsewhere, "n01", now};
    const Both as_client = meet(stranger, one);
    // The stranger trusts nobody here either, and says so first.
    EXPECT_EQ(refusal(as_client.client).text, "its certificate does not count: it is not signed by the site's authority");
    EXPECT_EQ(refusal(as_client.server).cause, Cause::not_us);
}

// A stranger who pretends to trust us learns from the server, not from a handshake that seems to have gone well.
TEST_F(Certified, ACertificateOfAnotherAuthorityIsRefusedByTheServer) {
    const Authority twin = Authority::found(site, now);
    const Node stranger{twin, "n01", now};
    const Both both = between([&](Fd socket) { return connect(std::move(socket), Credentials{stranger.key, stranger.certificate, authority.trust()}, std::nullopt, now, in(enough)); },
                              [&](Fd socket) { return accept(std::move(socket), one.credentials(), now, in(enough)); });
    EXPECT_EQ(refusal(both.server).cause, Cause::not_trusted);
    EXPECT_EQ(refusal(both.server).text, "its certificate does not count: it is not signed by the site's authority");
    EXPECT_EQ(refusal(both.client).cause, Cause::not_us);
}

TEST_F(Certified, AnExpiredCertificateIsRefused) {
    const Time later = now + std::chrono::days{40};
    const Node fresh{authority, "n03", later};
    const Both both = meet(one, fresh, later, later);
    EXPECT_EQ(refusal(both.server).text, "its certificate does not count: it expired at 2026-12-30 00:00:00 UTC");
    EXPECT_TRUE(std::holds_alternative<Refusal>(both.client));
}

TEST_F(Certified, ACertificateThatIsNotYetValidIsRefused) {
    const Both both = meet(one, two, now, now - std::chrono::days{10});
    EXPECT_THAT(refusal(both.server).text, HasSubstr("is not valid before"));
}

TEST_F(Certified, AClientWithoutACertificateIsRefused) {
    Stranger stranger(TLS_client_method());
    Pair pair;
    stranger.take(std::move(pair.client));
    auto answered = std::async(std::launch::async, [&] { return accept(std::move(pair.server), one.credentials(), now, in(enough)); });
    (void)SSL_connect(stranger.tls);
    const Opened opened = answered.get();
    EXPECT_EQ(refusal(opened).cause, Cause::not_trusted);
    EXPECT_EQ(refusal(opened).text, "it showed no certificate");
}

// Somebody in the middle may carry bytes from one to the other, and change one of them.
TEST(Middle, AChangedByteEndsTheConnection) {
    Pair left, right;
    auto answered = std::async(std::launch::async, [&] { return answer(std::move(right.server)); });
    std::thread carrier([&, near = left.server.get(), far = right.client.get()] {
        std::array<char, 4096> bytes{};
        const auto carry = [&](int from, int to, bool change) {
            const ssize_t got = ::recv(from, bytes.data(), bytes.size(), 0);
            if (got > 0 && change) bytes[static_cast<std::size_t>(got) - 1] ^= 1;
            return got > 0 && ::send(to, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
        };
        if (carry(near, far, false) && carry(far, near, false)) (void)carry(near, far, true);
        ::shutdown(far, SHUT_RDWR);
        ::shutdown(near, SHUT_RDWR);
    });
    const Opened asked = ask(std::move(left.client));
    carrier.join();
    EXPECT_TRUE(std::holds_alternative<Refusal>(asked));
    EXPECT_TRUE(std::holds_alternative<Refusal>(answered.get()));
}
