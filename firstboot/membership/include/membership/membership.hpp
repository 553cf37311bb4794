#pragma once

// This node's way into its site: the pure core (<founding/founder.hpp>) with a clock, a network and a disk. Beacons go out and come in,
// messages of the agreement are told and heard, the journal is on the disk before anything that depends on it is said.
//
// What a genesis is made of, and what belonging to one takes on this node, is work of others: Settling.

#include <base/json.hpp>
#include <beacon/beacon.hpp>
#include <beacon_port/beacon_port.hpp>
#include <founding/founder.hpp>
#include <membership/site_port.hpp>
#include <signing/message_key.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ashlar::membership {

// Called from threads of their own, one at a time each, and may take as long as they need. An Error is shown, and it is tried again.
// Not before the Membership is begun().
class Settling {
public:
    virtual ~Settling() = default;
    // What a proposer needs of this node to make a genesis with it as a voter.
    [[nodiscard]] virtual Bytes offer() = 0;
    [[nodiscard]] virtual founding::Genesis make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) = 0;
    // What speaks against accepting it: then it was never heard of. Called from the loop.
    [[nodiscard]] virtual std::optional<std::string> objection(const founding::Genesis& genesis) = 0;
    // What speaks against proposing again what another voter has accepted: a proposer has no choice then. Its promise was never heard of.
    // Called from the loop.
    [[nodiscard]] virtual std::optional<std::string> objection_to_repeat([[maybe_unused]] const founding::Genesis& genesis) { return std::nullopt; }
    // What speaks against an operator's order that another voter shows with its ballot: then it never came. Called from the loop.
    [[nodiscard]] virtual std::optional<std::string> objection_to_order([[maybe_unused]] const founding::Order& order) { return "nobody here can tell whose it is"; }
    // For a node that has no say in the agreement, and so is told nothing of it: it is enrolled by that member, and learns the genesis.
    [[nodiscard]] virtual founding::Genesis introduce(const beacon_port::Origin& member) = 0;
    // Returns when this node's part of the site is set up and works: at genesis, and again at each start.
    virtual void settle(const founding::Genesis& genesis, bool voter) = 0;
};

// While the site's key is rotated: what was derived from that of before.
struct FormerKeys {
    Secret beacon_key;
    std::optional<Secret> enrolment_key;
};

struct Parts {
    SiteId site;
    founding::Charter charter;
    founding::Self self; // its life and port are set here
    const SigningKey& key;         // the node's own
    Secret beacon_key;                   // derived from the site's
    std::optional<Secret> enrolment_key; // the same; a node with a ticket has none, and no site port
    std::filesystem::path state;   // the state partition
    beacon_port::Options beacons;
    std::uint16_t site_port = 0;
    bool marked = false;           // disks of this node carry marks of this site
    Settling& settling;
    std::optional<FormerKeys> former = std::nullopt; // heard as well, and spoken with to whoever has no other; beacons go out under both
};

class Membership {
public:
    // `changed` when status() is another than before, `alarm` with what people must see; both from any thread.
    Membership(Parts parts, std::function<void()> changed, std::function<void(const std::string&)> alarm);
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;
    ~Membership();

    // What was settled before is settled again, and the loop runs. Once.
    void begin();

    // Who wants to be a member is received by it from now on.
    void receive_by(std::shared_ptr<Reception> reception);
    // An operator's order, which is one: verified.
    void take(founding::Order order) { post(founding::Ordered{std::move(order)}); }
    // Within the time in which nodes are.
    [[nodiscard]] bool hears(const NodeId& node) const;

    // docs/formats/node-status.md, "site".
    [[nodiscard]] Json status() const;

private:
    void run();
    void happen(const founding::Event& event);
    void perform(const founding::Action& action);
    void perform(const founding::Announce& announce);
    void perform(const founding::Send& send);
    void perform(const founding::Persist& persist);
    void perform(const founding::Make& make);
    void perform(const founding::Settle& settle);
    void perform(const founding::Alarm& alarm);
    void say_at(const beacon_port::Origin& origin, const founding::Send& send);
    void introduce_to(const NodeId& node, const beacon_port::Origin& origin);
    void hear(const founding::Received& received);
    void refuse(const std::string& text);
    void hear_beacons();
    void send_out(ByteView datagram);
    [[nodiscard]] beacon::Reading decoded(ByteView datagram);
    [[nodiscard]] bool hears_another_key() const;
    void hear(const beacon::Beacon& beacon, const beacon_port::Datagram& datagram);
    void remember(const NodeId& node, const beacon_port::Origin& from, bool by_group);
    void take_events();
    void post(founding::Event event);
    void wait(founding::Milliseconds longest);
    void show();
    // Until it succeeds, or something else takes its place.
    template <typename Work> void keep_trying(const std::stop_token& stop, std::string_view what, const Work& work);

    Parts parts_;
    const std::function<void()> changed_;
    const std::function<void(const std::string&)> alarm_;
    const beacon::Key beacon_key_;
    const std::optional<beacon::Key> former_beacon_key_;
    const std::vector<channel::SharedKey> shared_keys_; // of the site port, that of now first
    beacon_port::BeaconPort beacons_;
    founding::Founder founder_;
    std::string refused_; // what was said of it last
    struct Whereabouts {
        beacon_port::Origin origin;
        bool by_group = false; // heard by the group; otherwise the group does not lead there either
        founding::Milliseconds heard{};
    };
    std::optional<founding::Milliseconds> heard_another_key_; // when somebody spoke for this site under none of its keys
    std::map<NodeId, Whereabouts> origins_; // of those who are heard
    std::optional<std::pair<NodeId, beacon_port::Origin>> in_question_; // where the beacon came from that the core hears just now

    mutable std::mutex mutex_; // what follows
    std::deque<founding::Event> events_;
    Json status_;
    std::set<NodeId> present_;
    std::string trouble_; // of work that is tried again
    bool over_ = false;
    std::condition_variable_any stopped_;
    Fd wake_; // an eventfd

    std::unique_ptr<SitePort> site_port_;
    std::atomic<bool> introducing_ = false;
    std::jthread making_, settling_, introduction_, thread_;
};

} // namespace ashlar::membership
