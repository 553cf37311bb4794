#pragma once

// Asks the site's voters, one after the other until one answers. For nodes without a seat, and for operators.
//
// What only reads is repeated; a change only where it cannot have arrived: otherwise it may have been done, and OutcomeUnknown says so.

#include <voters/request.hpp>

#include <base/error.hpp>
#include <channel/channel.hpp>
#include <forming/store.hpp>
#include <site/ports.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::voters {

struct VoterAddress {
    NodeId node;         // who must answer there
    std::string address; // "10.0.0.11"
    std::uint16_t port = site::voters_port;
    bool operator==(const VoterAddress&) const = default;
};
// From the answer to `roster`.
[[nodiscard]] std::vector<VoterAddress> voters_in(const Json& roster);

class OutcomeUnknown : public Error {
public:
    using Error::Error;
};

struct ClientParts {
    const SigningKey& key;
    std::function<certificates::SiteCertificate()> certificate;
    const certificates::Trust& trust;
    std::function<Time()> now;
};

// From any thread; one question at a time.
class VotersClient {
public:
    VotersClient(ClientParts parts, std::vector<VoterAddress> voters, std::chrono::milliseconds patience = std::chrono::seconds(10));

    // The others become known with `roster`. An Error for none. Each client begins with another one of them.
    void set_voters(std::vector<VoterAddress> voters);

    enum class Changes { nothing, something };
    // An Error when no voter answers.
    [[nodiscard]] std::variant<Json, Refusal> ask(const Request& request, Changes changes);

private:
    using Answer = std::variant<Json, Refusal>;
    struct NoAnswer {
        std::string cause;
        bool may_have_arrived = false;
    };
    [[nodiscard]] std::variant<channel::Channel, NoAnswer> open(const VoterAddress& voter, channel::Deadline deadline) const;
    [[nodiscard]] std::variant<Answer, NoAnswer> ask(const VoterAddress& voter, const Request& request, Changes changes, channel::Deadline deadline);
    [[nodiscard]] std::optional<Answer> ask_again(const VoterAddress& voter, const Request& request, channel::Deadline deadline);

    const ClientParts parts_;
    const std::chrono::milliseconds patience_;

    std::mutex mutex_; // of what follows
    std::vector<VoterAddress> voters_; // who answered last is first
    struct Kept {
        VoterAddress voter;
        channel::Channel channel;
        channel::Deadline until; // voters end what is idle
    };
    std::optional<Kept> kept_; // for questions that change nothing
};

// The site's store, as a node without a seat has it.
class RemoteStore final : public forming::SiteStore {
public:
    explicit RemoteStore(VotersClient& client) : client_(client) {}
    [[nodiscard]] Entries list(std::string_view prefix) const override;
    [[nodiscard]] bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override;

private:
    VotersClient& client_;
};

} // namespace ashlar::voters
