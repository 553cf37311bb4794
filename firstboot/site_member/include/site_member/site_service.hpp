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
    void live(const std::stop_token& stop);
    void require_tpm_where_the_site_does(const node::SiteFiles& files, const tpm::Sealer* sealer) const;
    void seal(const tpm::Sealer* sealer) const;
    void say_where_keys_are();
    void join(const std::stop_token& stop, const node::SiteFiles& files);
    void wait(const std::stop_token& stop, std::chrono::seconds time);
    void fail(const std::string& trouble);

    const std::filesystem::path state_;
    const firstboot::Identity identity_;
    const SiteMember::Surroundings around_;
    std::optional<SigningKey> key_; // the thread's, and of its member

    mutable std::mutex mutex_; // what follows
    std::string name_, trouble_, keys_;
    std::shared_ptr<SiteMember> member_;
    std::condition_variable_any stopped_;

    std::jthread thread_;
};

} // namespace ashlar::site_member
