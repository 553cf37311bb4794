#pragma once

// From what a node's state says of its site to a member of it: which node of site.toml this machine is, its network, and its way into
// the site. The parts are elsewhere; this is where they come together.

#include <firstboot/identity.hpp>
#include <membership/membership.hpp>
#include <membership/voter.hpp>
#include <node/site_files.hpp>
#include <signing/message_key.hpp>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::site_member {

// Who its site says that this node is.
struct Place {
    std::string name;
    std::set<std::string> roles;
    std::vector<std::string> addresses; // in the management plane
    bool voter = false;
};

class SiteMember {
public:
    // Lays the node's network, and begins. An Error when the machine is not as its site says. `files` has a genesis and a key.
    SiteMember(node::SiteFiles files, const std::filesystem::path& state, const firstboot::Identity& identity, std::function<void()> changed, std::function<void(const std::string&)> alarm);

    // docs/formats/node-status.md, "site".
    [[nodiscard]] Json status() const;

private:
    const node::SiteFiles files_;
    const site::SiteKey site_key_;
    const SigningKey key_;
    const Place place_;
    membership::Voter voter_;
    membership::Membership membership_;
};

// Makes this node a member of its site, and goes on trying: ports and disks may come late.
class SiteService {
public:
    // `state`: the state partition. `changed`: status() is another than before; `alarm`: what people must see. Both from any thread.
    SiteService(std::filesystem::path state, firstboot::Identity identity, std::function<void()> changed, std::function<void(const std::string&)> alarm);
    ~SiteService() = default;
    SiteService(const SiteService&) = delete;
    SiteService& operator=(const SiteService&) = delete;

    // Nothing for a node whose site founds nothing, or whose medium brought no key: it stays by itself.
    [[nodiscard]] std::optional<Json> status() const;

private:
    void join(const std::stop_token& stop, node::SiteFiles files);
    void fail(const std::string& trouble);

    const std::filesystem::path state_;
    const firstboot::Identity identity_;
    const std::function<void()> changed_;
    const std::function<void(const std::string&)> alarm_;

    mutable std::mutex mutex_; // what follows
    std::string name_, trouble_;
    std::unique_ptr<SiteMember> member_;
    std::condition_variable_any stopped_;

    std::jthread thread_;
};

} // namespace ashlar::site_member
