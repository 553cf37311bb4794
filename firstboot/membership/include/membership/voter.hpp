#pragma once

// What a site is made of, and what being one of its voters takes on this node: its part of the genesis value, and etcd.
// docs/formats/genesis-value.md, docs/formats/etcd.md.

#include <membership/membership.hpp>

#include <etcd/client.hpp>
#include <etcd/setup.hpp>
#include <genesis/value.hpp>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace ashlar::membership {

// Where things are; a test may have them elsewhere.
struct Places {
    std::filesystem::path run = "/run/ashlar";           // gone after a restart: etcd.env, and credentials in a directory
    std::filesystem::path data = "/var/lib/ashlar/etcd"; // of etcd
};

struct VoterParts {
    SiteId site;
    const SigningKey& key; // the node's own
    std::string name;
    std::set<std::string> roles;
    std::vector<std::string> addresses; // the first is where its etcd is reached
    std::filesystem::path state;        // the state partition
    Places places;
    std::function<Time()> now;
    std::function<void()> start_etcd; // by what is in places.run: again where it runs already
};

class Voter final : public Settling {
public:
    explicit Voter(VoterParts parts) : parts_(std::move(parts)) {}

    [[nodiscard]] Bytes offer() override;
    [[nodiscard]] founding::Genesis make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) override;
    [[nodiscard]] std::optional<std::string> objection(const founding::Genesis& genesis) override;
    void settle(const founding::Genesis& genesis, bool voter) override;

private:
    [[nodiscard]] genesis::Value value_of(const founding::Genesis& genesis) const;
    [[nodiscard]] etcd::Setup setup_of(const genesis::Value& value) const;
    [[nodiscard]] certificates::Authority etcd_authority(const genesis::Value& value) const;
    void write_credentials(const genesis::Value& value, const SigningKey& service, const certificates::SiteCertificate& certificate) const;

    const VoterParts parts_;
};

} // namespace ashlar::membership
