#include <voters/client.hpp>

#include <base/error.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <sockets/sockets.hpp>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace ashlar::voters {

namespace {

using Clock = std::chrono::steady_clock;

constexpr JsonDocument roster_document{.kind = "answer", .name = "roster", .remedy = ""};
constexpr JsonDocument list_document{.kind = "answer", .name = "store.list", .remedy = ""};
constexpr JsonDocument swap_document{.kind = "answer", .name = "store.swap", .remedy = ""};
constexpr std::chrono::milliseconds one_connection{3'000}, kept_for{300}; // less than a voter waits for the next question

std::string text_of(const VoterAddress& voter) { return fmt::format("{} (node {})", voter.address, voter.node.text()); }

// Nothing was done: another voter may do better.
bool passes(const std::variant<Json, Refusal>& answer) {
    const auto* const refusal = std::get_if<Refusal>(&answer);
    return refusal != nullptr && refusal->reason == Reason::unavailable;
}

Error refused_error(std::string_view what, const Refusal& refusal) { return Error(fmt::format("cannot {}: the voters refuse: {}", what, refusal.text)); }

} // namespace

std::vector<VoterAddress> voters_in(const Json& roster) {
    std::vector<VoterAddress> voters;
    const auto found = roster.find("voters");
    if (found == roster.end() || !found->is_array()) throw roster_document.refusal("it has no list 'voters'");
    for (const Json& entry : *found) {
        JsonObject object(entry, roster_document, "an entry of 'voters'");
        VoterAddress voter{.node = object.id<NodeId>("node"), .address = object.text("address")};
        const auto port = object.number("port");
        object.finish();
        if (port == 0 || port > std::numeric_limits<std::uint16_t>::max()) throw object.refusal("'port' is none");
        voter.port = static_cast<std::uint16_t>(port);
        voters.push_back(std::move(voter));
    }
    return voters;
}

VotersClient::VotersClient(ClientParts parts, std::vector<VoterAddress> voters, std::chrono::milliseconds patience) : parts_(std::move(parts)), patience_(patience) { set_voters(std::move(voters)); }

void VotersClient::set_voters(std::vector<VoterAddress> voters) {
    if (voters.empty()) throw Error("cannot ask the voters: none of them is known");
    const auto own = std::to_integer<std::size_t>(node_id_of(parts_.key.verifying_key()).bytes[0]);
    std::ranges::rotate(voters, voters.begin() + static_cast<std::ptrdiff_t>(own % voters.size()));
    const std::lock_guard lock(mutex_);
    voters_ = std::move(voters);
}

std::variant<Json, Refusal> VotersClient::ask(const Request& request, Changes changes) {
    const std::lock_guard lock(mutex_);
    const auto deadline = Clock::now() + patience_;
    std::string causes;
    std::optional<Answer> refused;
    for (std::size_t i = 0; i < voters_.size() && Clock::now() < deadline; ++i) {
        const VoterAddress voter = voters_[i];
        auto asked = ask(voter, request, changes, deadline);
        if (auto* const answer = std::get_if<Answer>(&asked); answer != nullptr && !passes(*answer)) {
            std::rotate(voters_.begin(), voters_.begin() + static_cast<std::ptrdiff_t>(i), voters_.end());
            return std::move(*answer);
        } else if (answer != nullptr) {
            refused = std::move(*answer);
            causes += fmt::format("{}{}: {}", causes.empty() ? "" : "; ", text_of(voter), std::get<Refusal>(*refused).text);
            continue;
        }
        const auto& none = std::get<NoAnswer>(asked);
        causes += fmt::format("{}{}: {}", causes.empty() ? "" : "; ", text_of(voter), none.cause);
        if (changes == Changes::something && none.may_have_arrived)
            throw OutcomeUnknown(fmt::format("cannot say whether '{}' was done: {}", request.ask, causes), "read what is there before asking again");
    }
    if (refused) return std::move(*refused);
    throw Error(fmt::format("cannot ask '{}': no voter of the site answers: {}", request.ask, causes.empty() ? "the time is over" : causes), "`ashlarctl status` shows the voters and the quorum");
}

std::variant<channel::Channel, VotersClient::NoAnswer> VotersClient::open(const VoterAddress& voter, channel::Deadline deadline) const {
    const auto until = std::min(deadline, Clock::now() + one_connection);
    Fd socket = sockets::connect_to(voter.address, voter.port, std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()));
    if (!socket) return NoAnswer{"nobody answers", false};
    const auto certificate = parts_.certificate();
    auto opened = channel::connect(std::move(socket), channel::Credentials{parts_.key, certificate, parts_.trust}, voter.node, parts_.now(), until);
    if (auto* const channel = std::get_if<channel::Channel>(&opened)) return std::move(*channel);
    return NoAnswer{std::get<channel::Refusal>(opened).text, false};
}

std::variant<VotersClient::Answer, VotersClient::NoAnswer> VotersClient::ask(const VoterAddress& voter, const Request& request, Changes changes, channel::Deadline deadline) {
    // A change has a connection of its own: of one that was ended in between it would not be known whether the question came.
    if (changes == Changes::nothing)
        if (auto answer = ask_again(voter, request, deadline)) return *std::move(answer);
    auto opened = open(voter, deadline);
    if (auto* const none = std::get_if<NoAnswer>(&opened)) return std::move(*none);
    auto& channel = std::get<channel::Channel>(opened);
    try {
        channel.send(message_of(request), deadline);
        const auto message = channel.receive(deadline);
        if (!message) return NoAnswer{"it ended the connection", true};
        Answer answer = answer_in(*message);
        if (changes == Changes::nothing) kept_ = Kept{voter, std::move(channel), Clock::now() + kept_for};
        return answer;
    } catch (const Error& error) {
        return NoAnswer{error.message(), true};
    }
}

// Over the connection that is there already; nothing when there is none, or it has ended.
std::optional<VotersClient::Answer> VotersClient::ask_again(const VoterAddress& voter, const Request& request, channel::Deadline deadline) {
    auto kept = std::exchange(kept_, std::nullopt);
    if (!kept || kept->voter != voter || Clock::now() >= kept->until) return std::nullopt;
    try {
        kept->channel.send(message_of(request), deadline);
        const auto message = kept->channel.receive(deadline);
        if (!message) return std::nullopt;
        Answer answer = answer_in(*message);
        kept->until = Clock::now() + kept_for;
        kept_ = std::move(kept);
        return answer;
    } catch (const Error&) {
        return std::nullopt;
    }
}

// ---- The store -------------------------------------------------------------------------------------

forming::SiteStore::Entries RemoteStore::list(std::string_view prefix) const {
    const auto answer = client_.ask({"store.list", {{"prefix", std::string(prefix)}}}, VotersClient::Changes::nothing);
    if (const auto* const refusal = std::get_if<Refusal>(&answer)) throw refused_error(fmt::format("read '{}…'", prefix), *refusal);
    JsonObject object(std::get<Json>(answer), list_document, "it");
    Entries entries;
    for (const Json& json : object.list("entries")) {
        JsonObject entry(json, list_document, "an entry");
        const std::string key = entry.text("key");
        const auto value = bytes_in(entry.at("value"));
        if (!value) throw entry.refusal("'value' is not base64");
        const auto revision = entry.number("revision");
        entry.finish();
        if (!key.starts_with(prefix) || revision == 0) throw entry.refusal("it was not asked for");
        entries.emplace(key, Entry{std::string(ashlar::text_of(*value)), revision});
    }
    object.finish();
    return entries;
}

bool RemoteStore::swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) {
    const auto answer = client_.ask({"store.swap", {{"key", key}, {"revision", revision}, {"value", value ? base64_of(*value) : Json(nullptr)}}}, VotersClient::Changes::something);
    if (const auto* const refusal = std::get_if<Refusal>(&answer)) throw refused_error(fmt::format("write '{}'", key), *refusal);
    JsonObject object(std::get<Json>(answer), swap_document, "it");
    const bool swapped = object.boolean("swapped");
    object.finish();
    return swapped;
}

} // namespace ashlar::voters
