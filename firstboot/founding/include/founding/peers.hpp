#pragma once

// Who is heard. Bounded: whoever has the site's key could still pretend to be many.

#include <beacon/beacon.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace ashlar::founding {

using Milliseconds = std::chrono::milliseconds;

// After this time without a beacon a node is taken to be off. Slow beacons come every 10 s: three may be lost.
inline constexpr Milliseconds silence{45'000};

// Whom a node keeps in mind.
inline constexpr std::size_t most_peers = 256;

struct Peer {
    beacon::Beacon beacon;               // the newest
    Milliseconds heard{};                // when
    std::optional<Milliseconds> clashed; // when another key was heard under the same id
    std::optional<Milliseconds> asked;   // when
};

class Peers {
public:
    explicit Peers(std::size_t most = most_peers) : most_(most) {}

    enum class Outcome {
        fresh,
        stale,      // heard before, or older: a replay
        other_life, // not newer, and yet another life: a replay, or a node that has forgotten its boots. Ask it.
        other_key,
        no_room,
    };
    // Of two that do not both fit, the more important stays; among equals whoever is there already and not silent.
    Outcome hear(Milliseconds now, const beacon::Beacon& beacon, unsigned importance);
    // The node has proved over the site port which life it lives.
    void met(const NodeId& node, const beacon::Life& life);
    void asked(Milliseconds now, const NodeId& node);

    [[nodiscard]] const Peer* find(const NodeId& node) const;
    // Heard within `silence`, by id.
    [[nodiscard]] std::vector<const Peer*> present(Milliseconds now) const;
    [[nodiscard]] std::vector<const Peer*> all() const;
    [[nodiscard]] std::size_t count() const { return peers_.size(); }

private:
    struct Entry {
        Peer peer;
        unsigned importance = 0;
    };
    [[nodiscard]] bool make_room(Milliseconds now, unsigned importance);

    // Nobody gives way to what is no more important, before then: so a flood is not compared with everybody each time.
    struct Full {
        unsigned importance;
        Milliseconds until;
    };

    std::size_t most_;
    std::optional<Full> full_;
    std::map<NodeId, Entry> peers_;
};

[[nodiscard]] inline bool is_present(const Peer& peer, Milliseconds now) { return now - peer.heard < silence; }
[[nodiscard]] inline bool is_clashing(const Peer& peer, Milliseconds now) { return peer.clashed && now - *peer.clashed < silence; }

} // namespace ashlar::founding
