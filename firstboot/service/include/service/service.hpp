#pragma once

// What ashlard does while a node runs: it keeps the node's releases (<upgrade/keeper.hpp>) and answers
// whoever asks at its socket. The work has a thread of its own, so that an answer never waits for a disk.

#include <control/server.hpp>
#include <firstboot/identity.hpp>
#include <journald/entry.hpp>
#include <steps/node_steps.hpp>
#include <upgrade/keeper.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::service {

// What the installation last said, on a node that runs from a medium.
inline constexpr const char* installation_file = "/run/ashlar/installation";

class Service {
public:
    // `node`: nothing where the node runs from a medium; there is nothing to keep then. Both are called from
    // any thread: `changed` when status() is another than before, `say` with what belongs into the system's journal.
    Service(firstboot::Identity identity, std::optional<steps::Node> node, std::function<void()> changed, std::function<void(const journald::Entry&)> say);
    ~Service(); // ends the work at the next step
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Before anybody asks: what status() says of the node's site; nothing where it has none.
    void has_site(std::function<std::optional<Json>()> status) { site_ = std::move(status); }

    // The methods of docs/formats/control.md.
    [[nodiscard]] Json answer(const std::string& method, const Json& parameters, const control::Caller& caller);
    // The whole of what is known of the node: docs/formats/node-status.md.
    [[nodiscard]] Json status() const;
    [[nodiscard]] upgrade::Phase phase() const;
    // The site has given this node up, and wants nothing of it left: a factory reset, as if root had asked. An Error when it cannot be now.
    void wipe();

private:
    using Wish = std::function<bool(upgrade::Keeper&)>;
    struct Asked {
        Wish wish;
        std::promise<bool> granted;
    };
    void work();
    void wake(upgrade::Keeper& keeper, const steps::NodeSteps& steps);
    void see(const upgrade::Journal& journal);
    void note(const steps::Transfer& transfer);
    void note(const steps::Notice& notice);
    void recover();
    [[nodiscard]] reset::Name factory_reset(const std::string& node, unsigned by);
    [[nodiscard]] bool ask(Wish wish);
    // Waits until it is known what this start is.
    [[nodiscard]] bool is_time_for(upgrade::Event event);
    void require(upgrade::Event event) const;
    [[nodiscard]] Json look_at_slots() const;

    const firstboot::Identity identity_;
    const std::optional<steps::Node> node_;
    const std::function<void()> changed_;
    const std::function<void(const journald::Entry&)> say_;
    std::function<std::optional<Json>()> site_;

    mutable std::mutex mutex_; // what follows
    std::condition_variable wished_;
    std::deque<Asked> asked_;
    bool ended_ = false, awake_ = false;
    upgrade::Journal journal_; // of this start once awake_
    Json slots_ = Json::object();
    Json last_reset_; // null: there was none
    std::vector<steps::FirmwareRevocation> revocations_;
    std::optional<bundle::StaleMedia> stale_; // since the daemon started
    std::optional<steps::Transfer> transfer_;
    std::chrono::steady_clock::time_point transfer_began_;
    std::uint64_t fetched_before_ = 0;
    std::string fault_; // why nothing is kept

    std::thread thread_;
};

} // namespace ashlar::service
