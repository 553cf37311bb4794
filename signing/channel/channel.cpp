#include <channel/channel.hpp>

#include "private_key.hpp"
#include "proof.hpp"
#include "stream.hpp"

#include <base/error.hpp>
#include <channel/frame.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <openssl/err.h>

namespace ashlar::channel {

using namespace openssl;

namespace {

// The first frame, from the server: until it is there, a client does not know whether it is trusted (a handshake of TLS 1.3 ends
// for the client before the server has seen the client's certificate).
const Json greeting{{"channel", 1}};
// What a peer may make us keep before it is known.
constexpr long most_certificates = 16 * 1024;

Context context_for(const Proof& proof, Side side) {
    prepare_for_secrets();
    Context context(SSL_CTX_new(side == Side::client ? TLS_client_method() : TLS_server_method()));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 || SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), "X25519:P-256") != 1 || SSL_CTX_set_num_tickets(context.get(), 0) != 1 ||
        SSL_CTX_set_max_early_data(context.get(), 0) != 1 || SSL_CTX_set_recv_max_early_data(context.get(), 0) != 1)
        fail("prepare", "TLS");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context.get(), most_certificates);
    proof.prepare(context.get(), side);
    return context;
}

std::string text_of(const Peer& peer) {
    const auto* const holder = std::get_if<KeyHolder>(&peer);
    return holder != nullptr ? fmt::format("a holder of the key {}", holder->identity) : certificates::text_of(std::get<certificates::Bearer>(peer));
}

// The last reason in OpenSSL's queue, which it empties.
std::string reason_text() {
    const char* const words = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return words != nullptr ? words : "it sent what nobody understands";
}

Refusal broken(const Proof& proof) {
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    const std::string text = reason_text();
    if (const auto known = proof.refusal(reason)) return *known;
    if (reason == SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION) return {Cause::not_ours, "it does not speak TLS 1.3"};
    if (reason >= SSL_AD_REASON_OFFSET) return {Cause::not_us, fmt::format("it does not trust us: {}", SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET))};
    return {Cause::not_ours, fmt::format("it does not speak TLS 1.3 as this does: {}", text)};
}

std::optional<Refusal> refusal_of(Outcome outcome, const Proof& proof) {
    switch (outcome) {
    case Outcome::done: return std::nullopt;
    case Outcome::late: return Refusal{Cause::late, "it did not answer in time"};
    case Outcome::broken: return broken(proof);
    case Outcome::ended:
    case Outcome::cut: break;
    }
    return Refusal{Cause::closed, "it ended the connection"};
}

Error failure(std::string_view verb, const Peer& peer, Outcome outcome) {
    const auto cause = [&]() -> std::string {
        switch (outcome) {
        case Outcome::late: return "it takes too long";
        case Outcome::broken: return fmt::format("the connection broke ({})", reason_text());
        default: return "the connection was cut";
        }
    }();
    return Error(fmt::format("cannot {} '{}': {}", verb, text_of(peer), cause));
}

} // namespace

struct Channel::State {
    Stream stream;
    Peer peer;
};

struct Opening {
    Stream stream;
    Proof& proof;
    Side side;
    Deadline deadline;

    static Opened run(Fd socket, Proof& proof, Side side, Deadline deadline) {
        const Context context = context_for(proof, side);
        Opening opening{Stream(std::move(socket), context.get()), proof, side, deadline};
        if (auto refusal = opening.shake_hands()) return *refusal;
        return opening.greeted();
    }

private:
    std::optional<Refusal> shake_hands() {
        proof.watch(stream.tls());
        side == Side::client ? SSL_set_connect_state(stream.tls()) : SSL_set_accept_state(stream.tls());
        return refusal_of(stream.handshake(deadline), proof);
    }
    Opened greeted() {
        auto peer = proof.peer(stream.tls());
        if (auto* const refusal = std::get_if<Refusal>(&peer)) return *refusal;
        if (auto refusal = side == Side::server ? greet() : await_greeting()) return *refusal;
        SSL_set_app_data(stream.tls(), nullptr); // the proof goes, the connection stays
        return Channel(std::make_unique<Channel::State>(Channel::State{std::move(stream), std::move(std::get<Peer>(peer))}));
    }
    std::optional<Refusal> greet() { return refusal_of(stream.write(frame_of(greeting), deadline), proof); }
    std::optional<Refusal> await_greeting() {
        const Bytes expected = frame_of(greeting);
        Bytes came(expected.size());
        std::size_t have = 0;
        const Outcome outcome = stream.read(came, have, deadline);
        if (outcome == Outcome::done && came != expected) return Refusal{Cause::not_ours, "it does not speak what is spoken between nodes of a site"};
        return refusal_of(outcome, proof);
    }
};

Opened connect(Fd socket, const SharedKey& key, Deadline deadline) {
    KeyProof proof(key);
    return Opening::run(std::move(socket), proof, Side::client, deadline);
}
Opened accept(Fd socket, const SharedKeys& keys, Deadline deadline) {
    KeyProof proof(keys);
    return Opening::run(std::move(socket), proof, Side::server, deadline);
}
Opened connect(Fd socket, const Credentials& own, std::optional<NodeId> expected, Time now, Deadline deadline) {
    CertificateProof proof(own, expected, now);
    return Opening::run(std::move(socket), proof, Side::client, deadline);
}
Opened accept(Fd socket, const Credentials& own, Time now, Deadline deadline) {
    CertificateProof proof(own, std::nullopt, now);
    return Opening::run(std::move(socket), proof, Side::server, deadline);
}

// ---- Channel -----------------------------------------------------------------------------------

Channel::Channel(std::unique_ptr<State> state) : state_(std::move(state)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

const Peer& Channel::peer() const noexcept { return state_->peer; }

std::optional<certificates::SiteCertificate> Channel::certificate() const {
    const X509* const shown = SSL_get0_peer_certificate(state_->stream.tls());
    return shown == nullptr ? std::nullopt : std::optional(certificates::SiteCertificate::from_der(der_of(i2d_X509, shown), text_of(peer())));
}

void Channel::send(const Json& message, Deadline deadline) {
    const Outcome outcome = state_->stream.write(frame_of(message), deadline);
    if (outcome != Outcome::done) throw failure("send to", peer(), outcome);
}

std::optional<Json> Channel::receive(Deadline deadline) {
    std::array<std::byte, frame_header_size> header{};
    std::size_t have = 0;
    const Outcome begun = state_->stream.read(header, have, deadline);
    if (begun == Outcome::ended && have == 0) return std::nullopt;
    if (begun != Outcome::done) throw failure("receive from", peer(), begun);
    // Memory for what has come, not for what was announced.
    constexpr std::size_t step = 16 * 1024;
    const std::size_t size = frame_size(header);
    Bytes body;
    for (have = 0; have < size;) {
        body.resize(std::min(size, have + step));
        const Outcome outcome = state_->stream.read(body, have, deadline);
        if (outcome != Outcome::done) throw failure("receive from", peer(), outcome);
    }
    return while_doing(fmt::format("receiving from {}", text_of(peer())), [&] { return message_in(body); });
}

void Channel::close(Deadline deadline) {
    const Outcome outcome = state_->stream.end(deadline);
    if (outcome != Outcome::done && outcome != Outcome::ended) throw failure("end the connection with", peer(), outcome);
}

Bytes Channel::exporter(std::string_view label) const {
    Bytes out(32);
    if (SSL_export_keying_material(state_->stream.tls(), reinterpret_cast<unsigned char*>(out.data()), out.size(), label.data(), label.size(), nullptr, 0, 0) != 1)
        fail("derive", "a value of the connection");
    return out;
}

} // namespace ashlar::channel
