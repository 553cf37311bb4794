#pragma once

// Makes this node a member of its site, and goes on trying: ports, disks and addresses may come late.

#include <site_member/site_member.hpp>

namespace ashlar::site_member {

class SiteService {
public:
    // `state`: the state partition.
    SiteService(std::filesystem::path state, firstboot::Identity identity, SiteMember::Surroundings around);
    ~SiteService() = default;
    SiteService(const SiteService&) = delete;
    SiteService& operator=(const SiteService&) = delete;

    // Nothing for a node whose site founds nothing, or whose medium brought neither key nor ticket: it stays by itself.
    [[nodiscard]] std::optional<Json> status() const;
    // The rest: <site_member/site_member.hpp>. An Error while there is no member.
    [[nodiscard]] std::shared_ptr<SiteMember> member() const;

private:
    void join(const std::stop_token& stop, const node::SiteFiles& files);
    void fail(const std::string& trouble);

    const std::filesystem::path state_;
    const firstboot::Identity identity_;
    const SiteMember::Surroundings around_;

    mutable std::mutex mutex_; // what follows
    std::string name_, trouble_;
    std::shared_ptr<SiteMember> member_;
    std::condition_variable_any stopped_;

    std::jthread thread_;
};

} // namespace ashlar::site_member
