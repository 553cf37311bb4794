#include <membership/site_port.hpp>

#include "mark.hpp"
#include <membership/genesis_json.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace ashlar::membership {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view label = "ashlar genesis 1"; // of the exporter, and of the proof
constexpr std::size_t workers = 6, most_queued = 256;
constexpr auto longest = 5s; // of a conversation
constexpr JsonDocument hello_document{.kind = "message", .name = "hello", .remedy = ""};

channel::Deadline deadline() { return std::chrono::steady_clock::now() + longest; }

// ---- The first message: who speaks ----------------------------------------------------------------------

Bytes proven(const Json& hello, ByteView exporter) {
    Bytes bytes;
    append(bytes, label);
    append(bytes, "\n");
    append(bytes, exporter);
    append(bytes, tuf::canonical_json(hello));
    return bytes;
}

Json hello(const Voice& voice, const NodeId& to, ByteView exporter) {
    Json json{{"type", "hello"}, {"format", 1}, {"site", voice.site.text()}, {"to", to.text()}, {"key", base64(voice.key.verifying_key().der())}, {"boot", voice.life.boot}, {"mark", text_of_mark(voice.life.mark)}};
    json["proof"] = base64(voice.key.sign(proven(json, exporter)));
    return json;
}

Speaker speaker_in(const Json& json, const SiteId& site, const NodeId& self, ByteView exporter) {
    JsonObject object(json, hello_document, "it");
    object.expect("type", "hello");
    object.expect("format", 1);
    object.expect("site", site.text());
    object.expect("to", self.text());
    const auto key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "hello");
    const Speaker speaker{node_id_of(key), {object.number("boot"), mark_in(object)}};
    const Bytes proof = object.bytes("proof");
    object.finish();
    Json rest = json;
    rest.erase("proof");
    if (!key.verifies(proven(rest, exporter), proof)) throw object.refusal("it is not signed by its key, for this connection");
    return speaker;
}

// ---- Sockets ----------------------------------------------------------------------------------------------

// Of both families, where there are both.
Fd listen_on(std::uint16_t port) {
    Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool has_ipv6 = static_cast<bool>(socket);
    if (!has_ipv6) socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) throw system_error("open", "the site port");
    constexpr int on = 1, off = 0;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    if (has_ipv6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const int bound = has_ipv6 ? ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6) : ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4);
    if (bound != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
        Error error = system_error("listen on", fmt::format("TCP port {}", port));
        error.add_hint("another program has that port: `ss -ltnp` names it");
        throw error;
    }
    return socket;
}

// Nothing when nobody answers.
Fd connect_to(const beacon_port::Origin& to) {
    Fd socket(::socket(to.address()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return {};
    if (::connect(socket.get(), to.address(), to.length()) != 0 && errno != EINPROGRESS) return {};
    pollfd wanted{socket.get(), POLLOUT, 0};
    if (::poll(&wanted, 1, static_cast<int>(std::chrono::milliseconds(longest).count())) != 1) return {};
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure == 0 ? std::move(socket) : Fd();
}

Secret copy_of(const Secret& secret) { return Secret(secret.text()); }

// As in beacons: who listens on the wire learns nothing new.
std::string identity_of(const SiteId& site) { return to_hex(beacon::summary_of(site)); }

} // namespace

SitePort::SitePort(Voice voice, std::uint16_t port, Hear hear)
    : voice_(voice), node_(node_id_of(voice.key.verifying_key())), hear_(std::move(hear)), listener_(listen_on(port)), ended_(::eventfd(0, EFD_CLOEXEC)) {
    if (!ended_) throw system_error("make", "event descriptor");
    threads_.emplace_back([this] { listen(); });
    for (std::size_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
}

SitePort::~SitePort() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(ended_.get(), &one, sizeof one);
    const std::lock_guard lock(mutex_);
    over_ = true;
    wanted_.notify_all();
}

void SitePort::listen() {
    for (;;) {
        std::array<pollfd, 2> polls{pollfd{listener_.get(), POLLIN, 0}, pollfd{ended_.get(), POLLIN, 0}};
        ::poll(polls.data(), polls.size(), -1);
        if (polls[1].revents != 0) return;
        Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connection) queue([this, shared = std::make_shared<Fd>(std::move(connection))] { answer(std::move(*shared)); });
    }
}

// More than can be worked off is lost, whoever wants it.
void SitePort::queue(Work work) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= most_queued) return;
    queue_.push_back(std::move(work));
    wanted_.notify_one();
}

void SitePort::work() {
    for (;;) {
        Work next;
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [&] { return over_ || !queue_.empty(); });
            if (over_) return;
            next = std::move(queue_.front());
            queue_.pop_front();
        }
        try {
            next();
        } catch (const Error&) {
            // Of a peer or the way to it: nothing that this node could mend.
        }
    }
}

void SitePort::answer(Fd connection) {
    const auto until = deadline();
    const auto keys = [&](std::string_view identity) { return identity == identity_of(voice_.site) ? std::optional(copy_of(voice_.enrolment_key)) : std::nullopt; };
    auto opened = channel::accept(std::move(connection), keys, until);
    auto* channel = std::get_if<channel::Channel>(&opened);
    if (channel == nullptr) return;
    const auto first = channel->receive(until);
    if (!first) return;
    const Speaker speaker = speaker_in(*first, voice_.site, node_, channel->exporter(label));
    if (const auto second = channel->receive(until)) hear_(speaker, message_from(*second));
}

void SitePort::tell(const beacon_port::Origin& to, const NodeId& node, founding::Message message) {
    queue([this, to, node, message = std::move(message)] { speak(to, node, message); });
}

void SitePort::speak(const beacon_port::Origin& to, const NodeId& node, const founding::Message& message) {
    Fd socket = connect_to(to);
    if (!socket) return;
    const auto until = deadline();
    auto opened = channel::connect(std::move(socket), channel::SharedKey{identity_of(voice_.site), copy_of(voice_.enrolment_key)}, until);
    auto* channel = std::get_if<channel::Channel>(&opened);
    if (channel == nullptr) return;
    channel->send(hello(voice_, node, channel->exporter(label)), until);
    channel->send(to_json(message), until);
    channel->close(until);
}

} // namespace ashlar::membership
