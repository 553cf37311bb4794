#pragma once

// This node's member of the site's etcd: what it is told, its certificates, and the way to it. docs/formats/etcd.md.

#include <etcd/https_door.hpp>
#include <etcd/setup.hpp>
#include <genesis/value.hpp>

#include <filesystem>
#include <functional>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::seat {

// Where things are; a test may have them elsewhere.
struct Places {
    std::filesystem::path run = "/run/ashlar";           // gone after a restart: etcd.env, and credentials in a directory
    std::filesystem::path data = "/var/lib/ashlar/etcd"; // of etcd

    [[nodiscard]] bool has_data() const;
    // What is left of a member that the cluster has forgotten.
    void drop_data() const;
};

class StoreMember {
public:
    enum class Start { anew, if_needed }; // it is told something new; or the same as before: where it runs, it runs on
    struct Parts {
        const SigningKey& key; // the node's own
        Places places;
        std::function<Time()> now;
        std::function<void(Start)> start_etcd; // by what is in places.run
    };
    explicit StoreMember(Parts parts) : parts_(std::move(parts)) {}

    struct Order {
        const genesis::Value& value;
        const certificates::Authority& etcd_authority;
        std::vector<etcd::Member> cluster; // with this one
        etcd::Start start;
        bool alone = false; // the others are lost: etcd goes on without them, until stop_being_alone()
        // Of the authorities, when they are not those of the genesis any more: with another step etcd is started again, as it reads only then
        // whom it trusts; and who counts beside the one that issues.
        std::uint64_t step = 0;
        std::optional<certificates::SiteCertificate> also = std::nullopt;
    };
    // Returns when it was asked to start.
    void start(const Order& order);
    // Once it has gone on: the next start is one like any other.
    void stop_being_alone(Order order) const;
    // Returns when etcd answers, and belongs to that genesis; whoever is first writes it there. An Error when that takes a minute.
    void wait(const GenesisId& genesis) const;
    // The certificate that etcd shows, anew when a third of its life is over; etcd reads it at each handshake.
    void renew(const certificates::Authority& etcd_authority);

    // For one thread. An Error before start().
    [[nodiscard]] std::unique_ptr<etcd::Session> open() const;
    // Whether that very member answers, and has a quorum.
    [[nodiscard]] bool answers_at(const std::string& address) const;

private:
    [[nodiscard]] std::filesystem::path credentials() const { return parts_.places.run / "etcd"; }
    [[nodiscard]] std::filesystem::path environment() const { return parts_.places.run / "etcd.env"; }
    [[nodiscard]] std::string told(const Order& order) const;
    [[nodiscard]] std::unique_ptr<etcd::Session> open_at(std::vector<std::string> endpoints) const; // while mutex_

    const Parts parts_;
    mutable std::mutex mutex_; // what follows
    std::set<std::string> addresses_;
    std::vector<std::string> endpoints_;
    std::optional<certificates::SiteCertificate> certificate_;
    std::optional<SigningKey> service_key_;
    std::optional<certificates::SiteCertificate> also_;
    std::string authority_; // PEM, one or more
};

} // namespace ashlar::seat
