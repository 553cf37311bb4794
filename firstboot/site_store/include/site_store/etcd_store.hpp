#pragma once

// The site's store in its etcd. A key has a `/` before it there: "formations/etcd/facts/x" is "/formations/etcd/facts/x".
// docs/formats/etcd.md.

#include <etcd/client.hpp>
#include <forming/store.hpp>

#include <mutex>

namespace ashlar::site_store {

// From any thread, one question at a time. etcd::OutcomeUnknown, which is an Error, of a write that may have been made.
class EtcdStore final : public forming::SiteStore {
public:
    // `client` is this one's alone.
    explicit EtcdStore(etcd::Client& client) : client_(client) {}

    [[nodiscard]] Entries list(std::string_view prefix) const override;
    [[nodiscard]] bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override;

private:
    mutable std::mutex mutex_;
    etcd::Client& client_;
};

} // namespace ashlar::site_store
