#include <voters/port.hpp>

#include <base/error.hpp>
#include <channel/channel.hpp>
#include <channel/frame.hpp>

#include <memory>
#include <utility>

namespace ashlar::voters {

namespace {

using Clock = std::chrono::steady_clock;

// Instead of an answer that no frame takes.
Json sendable(Json answer) {
    try {
        (void)channel::frame_of(answer);
        return answer;
    } catch (const Error& error) {
        return refused({Reason::unavailable, error.message(), {}});
    } catch (const Json::exception& error) {
        return refused({Reason::unavailable, error.what(), {}});
    }
}

bool is_a_stranger(channel::Cause cause) { return cause == channel::Cause::not_trusted; }

} // namespace

// What one connection takes of what its address may have; given back whatever becomes of it.
class VotersPort::Place {
public:
    Place(VotersPort& port, std::string from) : port_(port), from_(std::move(from)) {
        const std::lock_guard lock(port_.mutex_);
        auto& taken = port_.places_[from_];
        has_ = taken < port_.limits_.of_one_address;
        if (has_) ++taken;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        if (!has_) return;
        const std::lock_guard lock(port_.mutex_);
        const auto found = port_.places_.find(from_);
        if (--found->second == 0) port_.places_.erase(found);
    }
    [[nodiscard]] bool is_free() const { return has_; }
    [[nodiscard]] const std::string& from() const { return from_; }

private:
    VotersPort& port_;
    const std::string from_;
    bool has_ = false;
};

VotersPort::VotersPort(PortParts parts, std::uint16_t port, PortLimits limits)
    : parts_(std::move(parts)), limits_(limits), workers_(limits.conversations, limits.waiting), listener_(port, "the voters' port", [this](Fd connection) { take(std::move(connection)); }) {}

void VotersPort::take(Fd connection) {
    auto place = std::make_shared<Place>(*this, sockets::address_of_peer(connection));
    if (!place->is_free()) return;
    workers_.queue([this, place, shared = std::make_shared<Fd>(std::move(connection))] { converse(std::move(*shared), place->from()); });
}

void VotersPort::converse(Fd connection, const std::string& from) {
    const auto certificate = parts_.certificate();
    const channel::Credentials own{parts_.key, certificate, parts_.trust};
    auto opened = channel::accept(std::move(connection), own, parts_.now(), Clock::now() + limits_.handshake);
    if (const auto* const refusal = std::get_if<channel::Refusal>(&opened)) {
        if (is_a_stranger(refusal->cause)) parts_.desk.note_stranger(from, refusal->text, parts_.etcd()->client());
        return;
    }
    auto& channel = std::get<channel::Channel>(opened);
    const Certified asker{std::get<certificates::Bearer>(channel.peer()), channel.certificate()->key()};
    answer(channel, asker);
}

void VotersPort::answer(channel::Channel& channel, const Certified& asker) {
    const auto session = parts_.etcd();
    const auto end = Clock::now() + limits_.whole;
    for (auto patience = limits_.request; Clock::now() < end; patience = limits_.next) {
        const auto message = channel.receive(Clock::now() + patience);
        if (!message) return;
        channel.send(sendable(parts_.desk.answer(asker, *message, session->client())), Clock::now() + limits_.request);
        // Who has been answered makes room for who waits.
        if (workers_.has_waiting()) break;
    }
    channel.close(Clock::now() + limits_.request);
}

} // namespace ashlar::voters
