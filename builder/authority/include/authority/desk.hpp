#pragma once

// Metadata on its way to be published: what is proposed, who has signed it, whose signatures are still wanted.
//
//     <directory>/pending/<role>.json           proposed, with the signatures it has
//     <directory>/requests/<role>.<key>.request.json, .answer.json   docs/formats/signing-request.md
//
// A proposal that is complete is published: root before targets, targets before what it delegates to, then a snapshot and
// a timestamp that name what is new, bundles last. Any step may be cut off and is done again.

#include <authority/policy.hpp>
#include <authority/repository.hpp>
#include <signing/key.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::authority {

// A signature that is wanted.
struct Wanted {
    std::string role;      // whose metadata: "train-R1"; or what else is to be signed, "dbx-R1"
    std::uint64_t version; // of it; 0: it has none
    std::string key;       // "train-R1-1"
    std::filesystem::path request;
};
struct Published {
    std::string role;
    std::uint64_t version;
};
struct Advance {
    std::vector<Published> published;
    std::vector<Wanted> wanted; // for each role at most what the threshold lacks, and all who could give it
};

class Desk {
public:
    Desk(std::filesystem::path directory, const Policy& policy, const Repository& repository) : directory_(std::move(directory)), policy_(policy), repository_(repository) {}

    // In place of what was proposed for the role before. `signed_part` has its version and expiry.
    void propose(std::string_view role, const Json& signed_part) const;
    [[nodiscard]] std::optional<Json> proposed(std::string_view role) const;
    void withdraw(std::string_view role) const;

    // Signs with the keys that are at hand, takes answers, publishes what is complete, asks for the rest. `now`: the issue of
    // the snapshot and timestamp that follow.
    [[nodiscard]] Advance advance(const std::vector<std::shared_ptr<const MessageSigner>>& signers, Time now) const;

private:
    std::filesystem::path directory_;
    const Policy& policy_;
    const Repository& repository_;
};

// The private keys that lie beside the policy and need no passphrase, and those that `passphrase` opens.
[[nodiscard]] std::vector<std::shared_ptr<const MessageSigner>> keys_at_hand(const Policy& policy, const std::optional<Secret>& passphrase);

// What a role's next metadata says at least: version, expiry by the policy, issue.
[[nodiscard]] tuf::Common next(const Repository& repository, const RolePolicy& role, Time now);

} // namespace ashlar::authority
