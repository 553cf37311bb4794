#include <founding/gathering.hpp>

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

namespace ashlar::founding {

namespace {

using beacon::Standing;

bool is_voter(const Charter& charter, const beacon::Beacon& beacon) {
    return beacon.voter && (charter.mode != Mode::listed || charter.declares(beacon.name));
}

bool is_blank(const beacon::Beacon& beacon) {
    return !beacon.genesis && (beacon.standing == Standing::hearing || beacon.standing == Standing::agreeing);
}

std::string seconds(Milliseconds time) { return fmt::format("{} s", time.count() / 1000); }

// ---- listed ----

class Roll {
public:
    Roll(const Charter& charter, const std::optional<Order>& order, const Self& self, const Peers& peers, Milliseconds now)
        : charter_(charter), self_(self), peers_(peers), now_(now), required_(charter.required(order)) {}

    Gathering call() {
        gathering_.wanted = required_.size();
        for (const std::string& place : required_) call(place);
        if (charter_.declares(self_.name) && std::ranges::find(required_, self_.name) == required_.end())
            want("an operator's order leaves this node out", "wait until the others have founded the site");
        if (gathering_.missing.empty()) gathering_.electorate = electorate_;
        return std::move(gathering_);
    }

private:
    void call(const std::string& place);
    void seat(const std::string& place, const NodeId& node) {
        electorate_.push_back({place, node});
        ++gathering_.here;
    }
    void want(std::string what, std::string remedy) {
        gathering_.missing.push_back(std::move(what));
        if (gathering_.remedy.empty()) gathering_.remedy = std::move(remedy);
    }
    void want_absent(const std::string& place);
    // Why a node that sits there cannot agree; empty when it can.
    [[nodiscard]] std::string obstacle(const Peer& peer) const;

    const Charter& charter_;
    const Self& self_;
    const Peers& peers_;
    Milliseconds now_;
    std::vector<std::string> required_;
    Electorate electorate_;
    Gathering gathering_;
};

void Roll::call(const std::string& place) {
    std::vector<const Peer*> claimants = peers_.present(now_);
    std::erase_if(claimants, [&](const Peer* peer) { return peer->beacon.name != place || !peer->beacon.voter; });
    const bool mine = self_.name == place;
    if (claimants.size() + (mine ? 1 : 0) > 1) {
        const auto other = claimants.back()->beacon.node.text();
        return want(fmt::format("{} is claimed by two nodes, {} and {}", place, mine ? self_.node.text() : claimants.front()->beacon.node.text(), other),
                    fmt::format("switch one of them off, or declare what tells them apart in place of '{}'", place));
    }
    if (mine) return seat(place, self_.node);
    if (claimants.empty()) return want_absent(place);
    const Peer& peer = *claimants.front();
    if (const std::string why = obstacle(peer); !why.empty()) return want(fmt::format("{} {}", place, why), fmt::format("see the console of {}", place));
    seat(place, peer.beacon.node);
}

void Roll::want_absent(const std::string& place) {
    const auto declared = std::ranges::find(charter_.places, place, &Place::name);
    std::optional<Milliseconds> heard;
    for (const Peer* peer : peers_.all())
        if (peer->beacon.name == place) heard = std::max(heard.value_or(peer->heard), peer->heard);
    want(fmt::format("waiting for {}{}, {}", place, declared->sought.empty() ? "" : fmt::format(" ({})", declared->sought),
                     heard ? fmt::format("last heard {} ago", seconds(now_ - *heard)) : "never heard"),
         fmt::format("power on {}, see that it was flashed for this site and is on this network; or order to go on without it: `ashlarctl order make found`", place));
}

std::string Roll::obstacle(const Peer& peer) const {
    if (is_clashing(peer, now_) || peer.beacon.standing == Standing::identity_conflict) return "is two machines with one id";
    if (peer.beacon.charter != charter_.summary()) return "has another list of voters in its site.toml";
    if (peer.beacon.standing == Standing::foreign_data) return "has disks that carry this site, and waits";
    if (!is_blank(peer.beacon)) return "belongs to a site already, or looks for it";
    return {};
}

// ---- anonymous ----

Gathering count(const Charter& charter, const Self& self, const Peers& peers, Milliseconds now) {
    const auto here = voters_here(charter, self, peers, now);
    Gathering gathering{.here = here.size(), .wanted = charter.expect};
    if (here.size() < charter.expect) {
        gathering.missing = {fmt::format("waiting for {} more", charter.expect - here.size())};
        gathering.remedy = "power on as many nodes of the voters' role as site.toml expects";
    } else if (here.size() > charter.expect) {
        gathering.missing = {fmt::format("{} too many", here.size() - charter.expect)};
        gathering.remedy = "switch the others off until the site is founded, or list the voters in site.toml";
    }
    const Summary view = summary_of(here);
    for (const Peer* peer : peers.present(now))
        if (is_voter(charter, peer->beacon) && is_blank(peer->beacon) && (peer->beacon.view != view || peer->beacon.charter != charter.summary() || is_clashing(*peer, now))) {
            gathering.missing.push_back(fmt::format("{} sees others", peer->beacon.node.text()));
            if (gathering.remedy.empty()) gathering.remedy = "wait; if it stays, see that all voters are on one network and have one site.toml";
        }
    if (!gathering.missing.empty()) return gathering;
    gathering.electorate.emplace();
    for (const NodeId& node : here) gathering.electorate->push_back({node.text(), node});
    return gathering;
}

Gathering alone(const Self& self) {
    if (self.voter) return {.electorate = Electorate{{self.node.text(), self.node}}, .here = 1, .wanted = 1};
    return {.wanted = 1, .missing = {"waiting for the seed"}, .remedy = "power on the node that is the seed"};
}

} // namespace

std::vector<NodeId> voters_here(const Charter& charter, const Self& self, const Peers& peers, Milliseconds now) {
    std::vector<NodeId> here;
    if (self.voter) here.push_back(self.node);
    for (const Peer* peer : peers.present(now))
        if (is_voter(charter, peer->beacon) && is_blank(peer->beacon)) here.push_back(peer->beacon.node);
    std::ranges::sort(here);
    return here;
}

Summary summary_of(const std::vector<NodeId>& voters) {
    Bytes text;
    append(text, "ashlar view 1");
    for (const NodeId& node : voters) append(text, ByteView(node.bytes));
    return beacon::summary_of(ByteView(text));
}

Gathering gather(const Charter& charter, const std::optional<Order>& order, const Self& self, const Peers& peers, Milliseconds now) {
    switch (charter.mode) {
    case Mode::listed: return Roll(charter, order, self, peers, now).call();
    case Mode::anonymous: return count(charter, self, peers, now);
    case Mode::seed: break;
    }
    return alone(self);
}

} // namespace ashlar::founding
