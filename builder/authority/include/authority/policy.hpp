#pragma once

// Who may sign what: `trust.toml` and the public keys beside it, in `trust/` of the directory of keys.
// docs/formats/trust-policy.md. Private keys may lie there too, and need not.

#include <signing/message_key.hpp>
#include <toml/source.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::authority {

struct RolePolicy {
    std::string name;              // "root", "targets", "snapshot", "timestamp", "bundle", "train-R1", "site-berlin-1"; "rebuilders"
    std::vector<std::string> keys; // "root-1", for the file root-1.pub
    unsigned threshold = 1;
    std::chrono::days lifetime{}; // of what it signs; of what has no end 0
    toml::Position position;
};

// Those that every repository has.
inline constexpr std::array<std::string_view, 5> top_roles{"root", "targets", "snapshot", "timestamp", "bundle"};
[[nodiscard]] bool is_delegated(std::string_view role); // "train-R1", "site-berlin-1"
// Whose word on a release that they have built again counts: docs/formats/confirmation.md. Metadata does not know it.
inline constexpr std::string_view rebuilders = "rebuilders";

class Policy {
public:
    // Error, with all that is wrong: keys that are missing or no keys, thresholds that nobody can reach, roles that are none,
    // top roles that are not there.
    [[nodiscard]] static Policy load(const std::filesystem::path& keys);
    [[nodiscard]] static std::filesystem::path file_in(const std::filesystem::path& keys);

    [[nodiscard]] const std::vector<RolePolicy>& roles() const noexcept { return roles_; }
    [[nodiscard]] const RolePolicy* find(std::string_view role) const;
    // Error, naming the command that makes it, when there is none.
    [[nodiscard]] const RolePolicy& role(std::string_view name) const;
    [[nodiscard]] const VerifyingKey& key(const std::string& name) const { return keys_.at(name); }
    // Who has it, "root-1"; for messages.
    [[nodiscard]] std::optional<std::string> name_of(const VerifyingKey& key) const;
    // Where the private half would lie.
    [[nodiscard]] std::filesystem::path private_file(const std::string& key) const { return directory_ / (key + ".key"); }

private:
    std::filesystem::path directory_;
    std::vector<RolePolicy> roles_;
    std::map<std::string, VerifyingKey> keys_;
};

struct NewKey {
    std::string role;
    SignatureScheme scheme = SignatureScheme::ed25519;
    unsigned count = 1;
    std::optional<std::string_view> passphrase;
    std::map<std::string, VerifyingKey> others{}; // public halves that their holders gave, by the names that they get: in place of `count` new keys
};
// A public key in PEM form: Ed25519, P-256 or P-384; an Error for anything else.
[[nodiscard]] VerifyingKey read_public_key(const std::filesystem::path& file);
// Makes keys for a role, and the role's entry in trust.toml (and that file, with a key for every top role, where there is
// none yet); a role that is there gets more keys. Returns the names. Nothing is left behind by a failure.
std::vector<std::string> make_keys(const std::filesystem::path& keys, const NewKey& order);
// A new key in the place of another one of the role, "root-1". Returns its name. The old files stay.
std::string replace_key(const std::filesystem::path& keys, const std::string& role, const std::string& old, SignatureScheme scheme,
                        std::optional<std::string_view> passphrase);

} // namespace ashlar::authority
