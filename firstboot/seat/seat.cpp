#include <seat/seat.hpp>

#include <base/error.hpp>
#include <signing/hpke.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::seat {

namespace {

std::string purpose_of_site_key(const genesis::Value& value) { return fmt::format("ashlar site key 1 {} {}", value.site.text(), value.genesis.text()); }

bool is_at(const etcd::ClusterMember& member, const std::string& address) { return std::ranges::find(member.peer_urls, etcd::peer_url(address)) != member.peer_urls.end(); }

// Nobody comes back under it: the node that it was is no member of the site any more, or has lost what it had.
bool is_over(const etcd::ClusterMember& member, const roster::Roster& roster, const roster::Member& who, Data data) {
    const auto node = NodeId::parse(member.name);
    if (!node) return false;
    return roster.member(*node) == nullptr || (*node == who.node() && data == Data::none);
}

// "https://10.0.0.11:12380"
std::string address_in(const std::string& url) {
    const auto begin = url.find("//") + 2, end = url.rfind(':');
    std::string address = url.substr(begin, end - begin);
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    return address;
}

std::vector<etcd::Member> cluster_of(const std::vector<etcd::ClusterMember>& members, const roster::Member& who, const std::string& address) {
    std::vector<etcd::Member> cluster{{who.node(), address}};
    for (const auto& member : members)
        if (const auto node = NodeId::parse(member.name); node && *node != who.node() && !member.peer_urls.empty()) cluster.push_back({*node, address_in(member.peer_urls.front())});
    return cluster;
}

} // namespace

roster::Seat seat_for(const Keys& keys, const VerifyingKey& voter, const std::string& address) {
    const auto sealed = genesis::seal(keys.value, keys.authorities, voter);
    return {.address = address, .authority = sealed.authority, .etcd_authority = sealed.etcd_authority, .site_key = seal_to_node(voter, purpose_of_site_key(keys.value), keys.site_key)};
}

Opened open(const roster::Seat& seat, const genesis::Value& value, const SigningKey& key) {
    auto authorities = genesis::open(value, {seat.authority, seat.etcd_authority}, key);
    if (const auto* refused = std::get_if<genesis::Refused>(&authorities)) throw Error(fmt::format("cannot take the seat of a voter: {}", refused->text));
    auto site_key = unseal(key, purpose_of_site_key(value), seat.site_key);
    if (!site_key) throw Error("cannot take the seat of a voter: the site's key does not open with this node's");
    return {std::get<genesis::Authorities>(std::move(authorities)), std::move(*site_key)};
}

Taken take(etcd::Client& client, const Keys& keys, const roster::Member& who, const std::string& address, Data data) {
    const auto roster = roster::read(client);
    bool is_added = false;
    for (const auto& member : client.members()) {
        if (is_over(member, roster, who, data)) client.remove_member(member.id);
        else is_added = is_added || is_at(member, address);
    }
    if (!is_added) client.add_learner(etcd::peer_url(address));
    Taken taken{.seat = seat_for(keys, who.key, address), .cluster = cluster_of(client.members(), who, address)};
    client.put(roster::key::seat(who.node()), text_of(taken.seat));
    return taken;
}

bool promote(etcd::Client& client, const std::string& address) {
    for (const auto& member : client.members())
        if (is_at(member, address)) return !member.learner || client.promote(member.id);
    throw Error(fmt::format("cannot give a vote: etcd has no member at {}", address), "it asks for its seat again");
}

} // namespace ashlar::seat
