#include <membership/site_port.hpp>

#include "mark.hpp"
#include <membership/genesis_json.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <memory>

namespace ashlar::membership {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view label = "ashlar genesis 1"; // of the exporter, and of the proof
// Fewer strangers than there are who answer: who has proved itself does not wait for them.
constexpr std::size_t tellers = 6, answerers = 16, most_strangers = 12, most_queued = 256;
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

Secret copy_of(const Secret& secret) { return Secret(secret.text()); }

} // namespace

std::string identity_of(const SiteId& site, const site::KeyId& key) { return to_hex(beacon::summary_of(site)) + '.' + key.text(); }

SitePort::SitePort(Voice voice, std::uint16_t port, Hear hear)
    : voice_(voice), node_(node_id_of(voice.key.verifying_key())), hear_(std::move(hear)), strangers_(most_strangers),
      // More than can be worked off is lost, whoever wants it.
      telling_(tellers, most_queued), answering_(answerers, most_queued), listener_(port, "the site port", [this](Fd connection) { admit(std::move(connection)); }) {}

void SitePort::receive_by(std::shared_ptr<Reception> reception) {
    const std::lock_guard lock(mutex_);
    reception_ = std::move(reception);
}

std::shared_ptr<Reception> SitePort::reception() const {
    const std::lock_guard lock(mutex_);
    return reception_;
}

void SitePort::admit(Fd connection) {
    if (const auto number = strangers_.enter(connection)) answering_.queue([this, number, shared = std::make_shared<Fd>(std::move(connection))] { answer(std::move(*shared), number); });
}

void SitePort::answer(Fd connection, std::uint64_t number) {
    if (!strangers_.holds(number)) return;
    const auto until = deadline();
    const auto reception = this->reception();
    const auto keys = [&](std::string_view identity) -> std::optional<Secret> {
        if (const auto* const own = key_of(identity)) return copy_of(own->key);
        return reception ? reception->key_of(identity) : std::nullopt;
    };
    auto opened = channel::accept(std::move(connection), keys, until);
    strangers_.leave(number);
    if (auto* channel = std::get_if<channel::Channel>(&opened)) hear(std::move(*channel), reception, until);
}

void SitePort::hear(channel::Channel channel, const std::shared_ptr<Reception>& reception, channel::Deadline until) {
    auto first = channel.receive(until);
    if (!first) return;
    if (first->contains("type") && first->at("type") == "enrol") {
        if (reception) reception->receive(std::move(channel), std::move(*first));
        return;
    }
    // Who has only a ticket has no say in the agreement.
    const auto* const holder = std::get_if<channel::KeyHolder>(&channel.peer());
    if (holder == nullptr || key_of(holder->identity) == nullptr) return;
    const Speaker speaker = speaker_in(*first, voice_.site, node_, channel.exporter(label));
    if (const auto second = channel.receive(until)) hear_(speaker, message_from(*second));
}

void SitePort::tell(const beacon_port::Origin& to, const NodeId& node, founding::Message message) {
    telling_.queue([this, to, node, message = std::move(message)] { speak(to, node, message); });
}

const channel::SharedKey* SitePort::key_of(std::string_view identity) const {
    const auto found = std::ranges::find(voice_.keys, identity, [](const auto& key) { return std::string_view(key.identity); });
    return found == voice_.keys.end() ? nullptr : &*found;
}

std::optional<channel::Channel> SitePort::opened(const beacon_port::Origin& to, const channel::SharedKey& key, channel::Deadline until) {
    Fd socket = sockets::connect_to(to.address(), to.length(), longest);
    if (!socket) return std::nullopt;
    auto opened = channel::connect(std::move(socket), key, until);
    auto* channel = std::get_if<channel::Channel>(&opened);
    return channel == nullptr ? std::nullopt : std::optional(std::move(*channel));
}

void SitePort::speak(const beacon_port::Origin& to, const NodeId& node, const founding::Message& message) {
    const auto until = deadline();
    for (const auto& key : voice_.keys) {
        auto channel = opened(to, key, until);
        if (!channel) continue;
        channel->send(hello(voice_, node, channel->exporter(label)), until);
        channel->send(to_json(message), until);
        return channel->close(until);
    }
}

} // namespace ashlar::membership
