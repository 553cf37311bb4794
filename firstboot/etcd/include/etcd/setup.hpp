#pragma once

// How the site's etcd is started on a voter: the environment of ashlar-etcd.service. docs/formats/etcd.md. Pure.

#include <genesis/value.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::etcd {

inline constexpr unsigned client_port = 12379, peer_port = 12380;

enum class Start {
    initial, // no member has ever answered: the voters of the genesis value begin
    join,    // the cluster has been told of this one as a new member
    again,   // this one has been a member, and its data are there
};

// What is known before etcd is started on this node.
struct Past {
    bool was_member = false; // of this genesis, by this node's own journal or by the cluster's list
    bool has_data = false;
    bool awaited = false; // the cluster has been told of it as a new member, and it has not started since
};
// Nothing: the data of a member are gone. It must be removed from the cluster and added as another one; started, it could vote
// a second time where it has voted, since etcd lets it in once the leader has changed.
[[nodiscard]] std::optional<Start> start_after(const Past& past);

struct Member {
    NodeId node;
    std::string address;
    bool operator==(const Member&) const = default;
};
// The voters, as the genesis value has them.
[[nodiscard]] std::vector<Member> members_of(const genesis::Value& value);

// "https://10.0.0.11:12380", "https://[fd00::11]:12380"
[[nodiscard]] std::string client_url(const std::string& address);
[[nodiscard]] std::string peer_url(const std::string& address);

struct Setup {
    Member self;
    std::vector<Member> cluster; // with this one
    GenesisId genesis;
    Start start;
    bool alone = false;                // the other members are lost: it goes on with its data and without them
    std::filesystem::path data;        // /var/lib/ashlar/etcd
    std::filesystem::path credentials; // certificate.pem and key.pem of the service "etcd", authority.pem: etcd's own
};

// Everything that etcd is told; nothing in it is secret. An Error when this one is not in the cluster.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> environment(const Setup& setup);
// The same as systemd reads it (systemd.exec(5), EnvironmentFile=).
[[nodiscard]] std::string environment_file(const Setup& setup);

} // namespace ashlar::etcd
