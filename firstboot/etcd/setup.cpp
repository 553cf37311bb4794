#include <etcd/setup.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::etcd {

namespace {

std::string url(const std::string& address, unsigned port) {
    return address.find(':') == address.npos ? fmt::format("https://{}:{}", address, port) : fmt::format("https://[{}]:{}", address, port);
}

std::string list_of(const std::vector<Member>& members) {
    std::vector<std::string> entries;
    for (const Member& member : members) entries.push_back(fmt::format("{}={}", member.node.text(), peer_url(member.address)));
    return join(entries, ",");
}

// With "new" members whose data are gone begin a second history when there are enough of them.
std::string_view state_of(Start start) { return start == Start::initial ? "new" : "existing"; }

} // namespace

std::optional<Start> start_after(const Past& past) {
    if (past.has_data) return past.was_member || past.awaited ? Start::again : Start::initial; // the latter: cut off in its first start
    if (past.awaited) return Start::join;
    return past.was_member ? std::nullopt : std::optional(Start::initial);
}

std::vector<Member> members_of(const genesis::Value& value) {
    std::vector<Member> members;
    for (const genesis::Voter& voter : value.voters) members.push_back({.node = voter.node, .address = voter.addresses.front()});
    return members;
}

std::string client_url(const std::string& address) { return url(address, client_port); }
std::string peer_url(const std::string& address) { return url(address, peer_port); }

std::vector<std::pair<std::string, std::string>> environment(const Setup& setup) {
    const Member& self = setup.self;
    if (std::ranges::find(setup.cluster, self) == setup.cluster.end()) throw Error(fmt::format("cannot start 'etcd': {} is not in its cluster", self.node.text()));
    const std::string certificate = (setup.credentials / "certificate.pem").native(), key = (setup.credentials / "key.pem").native(),
                      authority = (setup.credentials / "authority.pem").native();
    std::vector<std::pair<std::string, std::string>> variables{{"ETCD_NAME", self.node.text()},
            {"ETCD_DATA_DIR", setup.data.native()},
            {"ETCD_LOGGER", "zap"},
            {"ETCD_LISTEN_CLIENT_URLS", client_url(self.address)},
            {"ETCD_ADVERTISE_CLIENT_URLS", client_url(self.address)},
            {"ETCD_LISTEN_PEER_URLS", peer_url(self.address)},
            {"ETCD_INITIAL_ADVERTISE_PEER_URLS", peer_url(self.address)},
            {"ETCD_INITIAL_CLUSTER", list_of(setup.cluster)},
            {"ETCD_INITIAL_CLUSTER_TOKEN", setup.genesis.text()},
            {"ETCD_INITIAL_CLUSTER_STATE", std::string(state_of(setup.start))},
            {"ETCD_STRICT_RECONFIG_CHECK", "true"},
            {"ETCD_CERT_FILE", certificate},
            {"ETCD_KEY_FILE", key},
            {"ETCD_TRUSTED_CA_FILE", authority},
            {"ETCD_CLIENT_CERT_AUTH", "true"},
            {"ETCD_PEER_CERT_FILE", certificate},
            {"ETCD_PEER_KEY_FILE", key},
            {"ETCD_PEER_TRUSTED_CA_FILE", authority},
            {"ETCD_PEER_CLIENT_CERT_AUTH", "true"},
            // Where a connection comes from is no part of who a voter is: it may have more addresses than the one where it is reached.
            {"ETCD_EXPERIMENTAL_PEER_SKIP_CLIENT_SAN_VERIFICATION", "true"}};
    if (setup.alone) variables.emplace_back("ETCD_FORCE_NEW_CLUSTER", "true");
    return variables;
}

// No value here has a character that systemd would take for anything but itself: ids, addresses and paths of ours.
std::string environment_file(const Setup& setup) {
    std::string text;
    for (const auto& [name, value] : environment(setup)) text += fmt::format("{}={}\n", name, value);
    return text;
}

} // namespace ashlar::etcd
