#pragma once

// A repository in memory with the keys of all its roles, and a client of it with a store in memory: honest as long as a test
// does not make it otherwise.

#include <tuf/updater.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::tuf::test {

using SharedKey = std::shared_ptr<const SigningKey>;
[[nodiscard]] SharedKey new_key(SignatureScheme scheme = SignatureScheme::ed25519);

// "2026-11-30T08:00:00Z", and days later.
[[nodiscard]] Time day(int days);

class Simulator final : public Repository {
public:
    // Roles root (two of three keys), targets, snapshot, timestamp, bundle; trains R0 and R1 with a release each; site "berlin". All
    // is published once; root is version 1.
    Simulator();

    // ---- what is there ----
    std::map<std::string, std::string, std::less<>> files; // below metadata/
    std::vector<std::string> asked;                        // in order, of this client's run
    [[nodiscard]] std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override;

    // ---- what will be published, and by whom it is signed ----
    Root root;
    Timestamp timestamp;
    Snapshot snapshot;
    Targets targets;
    std::map<std::string, Targets, std::less<>> delegated; // by role
    Bundle bundle;
    std::map<std::string, std::vector<SharedKey>, std::less<>> signers; // by role

    // Each raises the version by one.
    void publish_root();
    void publish_targets();
    void publish_delegated(const std::string& role);
    void publish_snapshot();
    void publish_timestamp();
    void publish_bundle();
    // Targets, snapshot, timestamp: what a release changes.
    void publish_release();
    // Of a role that root lists: other keys, and as many; the old ones sign root as well.
    void rotate(const std::string& role);
    // As `name`, signed by those.
    [[nodiscard]] std::string signed_text(const Json& signed_part, const std::vector<SharedKey>& by) const;
    [[nodiscard]] std::string text(const std::string& role) const; // as last published

    [[nodiscard]] Role& role(std::string_view name);
    [[nodiscard]] static Target target(std::string_view bytes, Json custom = nullptr);

private:
    void put(const std::string& role, std::uint64_t version, const std::string& text);
    void delegate(const std::string& role, const std::string& paths, const std::string& path);
    std::vector<SharedKey> former_root_signers_;
    std::map<std::string, std::string, std::less<>> latest_;
};

class MemoryStore final : public Store {
public:
    std::map<std::string, std::string, std::less<>> files; // by role
    [[nodiscard]] std::optional<std::string> load(std::string_view role) const override;
    void save(std::string_view role, std::string_view text) override { files.insert_or_assign(std::string(role), std::string(text)); }
    void remove(std::string_view role) override {
        if (const auto found = files.find(role); found != files.end()) files.erase(found);
    }
};

// A client from the first root on.
struct Client {
    explicit Client(Simulator& site) : repository(site) { store.save("root", site.files.at("1.root.json")); }

    Simulator& repository;
    MemoryStore store;
    UpdaterOptions options{.now = day(0)};

    // "", or the first line of why it failed.
    std::string refresh();
    // The role that names it; "" for none; or why it failed.
    std::string find(std::string_view path);
    [[nodiscard]] std::uint64_t version(const std::string& role) const; // of what is stored; 0: nothing is
    std::optional<Fault> fault;                                          // of the last call
};

// The first line of what `body` fails with, "" when it does not.
[[nodiscard]] std::string error_of(const std::function<void()>& body);

} // namespace ashlar::tuf::test
