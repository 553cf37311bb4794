#include <founding/peers.hpp>

#include <algorithm>
#include <tuple>

namespace ashlar::founding {

Peers::Outcome Peers::hear(Milliseconds now, const beacon::Beacon& beacon, unsigned importance) {
    const auto found = peers_.find(beacon.node);
    if (found == peers_.end()) {
        if (!make_room(now, importance)) return Outcome::no_room;
        peers_.emplace(beacon.node, Entry{{beacon, now, {}, {}}, importance});
        return Outcome::fresh;
    }
    Peer& peer = found->second.peer;
    if (beacon.key != peer.beacon.key) {
        peer.clashed = now;
        return Outcome::other_key;
    }
    if (beacon.life == peer.beacon.life ? beacon.sequence <= peer.beacon.sequence : beacon.life.boot <= peer.beacon.life.boot)
        return beacon.life == peer.beacon.life ? Outcome::stale : Outcome::other_life;
    found->second = Entry{{beacon, now, peer.clashed, peer.asked}, importance};
    return Outcome::fresh;
}

bool Peers::make_room(Milliseconds now, unsigned importance) {
    if (peers_.size() < most_) return true;
    if (full_ && importance <= full_->importance && now < full_->until) return false;
    const auto least = std::ranges::min_element(peers_, {}, [](const auto& each) {
        const Entry& entry = each.second;
        return std::tuple(entry.importance, entry.peer.heard);
    });
    const bool gives_way = least->second.importance < importance || (least->second.importance == importance && !is_present(least->second.peer, now));
    full_.reset();
    if (gives_way) peers_.erase(least);
    else full_ = Full{importance, least->second.peer.heard + silence};
    return gives_way;
}

void Peers::met(const NodeId& node, const beacon::Life& life) {
    const auto found = peers_.find(node);
    if (found == peers_.end() || found->second.peer.beacon.life == life) return;
    found->second.peer.beacon.life = life;
    found->second.peer.beacon.sequence = 0;
}

void Peers::asked(Milliseconds now, const NodeId& node) {
    if (const auto found = peers_.find(node); found != peers_.end()) found->second.peer.asked = now;
}

const Peer* Peers::find(const NodeId& node) const {
    const auto found = peers_.find(node);
    return found == peers_.end() ? nullptr : &found->second.peer;
}

std::vector<const Peer*> Peers::present(Milliseconds now) const {
    auto present = all();
    std::erase_if(present, [&](const Peer* peer) { return !is_present(*peer, now); });
    return present;
}

std::vector<const Peer*> Peers::all() const {
    std::vector<const Peer*> all;
    for (const auto& [node, entry] : peers_) all.push_back(&entry.peer);
    return all;
}

} // namespace ashlar::founding
