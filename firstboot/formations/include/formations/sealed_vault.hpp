#pragma once

// Secrets of formations in the site's store, each copy sealed to one node. docs/formats/secrets.md.
//
// Entitled are the nodes on which the formation runs, those of the formations that it names in `also`, and all voters, so that a
// secret is not lost with the last node that uses it. Who has a copy gives one to whoever is entitled and has none; who is entitled
// no more keeps what it has read, until the secret is rotated.

#include <formation/reader.hpp>
#include <forming/effects.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::formations {

// Of members of the site, by node id. A key that does not make that id is refused.
using Keys = std::map<std::string, VerifyingKey, std::less<>>;

// From any thread.
class SealedVault final : public forming::Vault {
public:
    // All outlive the vault. `key`: the node's own.
    SealedVault(forming::SiteStore& store, const formation::Formations& formations, const SigningKey& key, forming::Randomness& random);

    // The site as it is now. Before anything is made, shared or rotated.
    void see(forming::Site site, Keys keys);

    // While the store does not answer: what it last was, so that a service that fails meanwhile is started again all the same. Error when
    // it was never read, or when there is a copy for this node that does not open.
    [[nodiscard]] std::optional<std::string> open(std::string_view formation, std::string_view secret) const override;
    void make(std::string_view formation, const formation::Secret& secret) override;

    // Gives copies to who is entitled and has none, of all that this node can open. How many.
    unsigned share();
    // Makes another value, sealed to those who are entitled now and to nobody else.
    void rotate(std::string_view formation, std::string_view secret);
    // The same for whoever writes it together with something else: what takes the place of what is at that key of the store, while
    // that still has that revision. Error when there is nothing to rotate.
    struct Rotation {
        std::string key;
        std::uint64_t revision;
        std::string value;
    };
    [[nodiscard]] Rotation rotation(std::string_view formation, std::string_view secret);
    // The same for what a person gives; revision 0: there was none. Error for a secret that nobody gives.
    [[nodiscard]] Rotation gift(std::string_view formation, std::string_view secret, const Secret& value);

    // The record itself, for who has it from elsewhere: a backup, and what is restored from it. `site`: its id.
    [[nodiscard]] static std::string sealed(const Secret& value, const Keys& to, std::string_view site, std::string_view formation, std::string_view secret);
    // Nothing when there is no copy for that key. An Error for one that does not open, and for what is no record.
    [[nodiscard]] static std::optional<Secret> opened(std::string_view record, const SigningKey& key, std::string_view site, std::string_view formation, std::string_view secret);

private:
    struct Copies;
    struct Kept;
    using Entitled = std::map<std::string, const VerifyingKey*, std::less<>>;
    [[nodiscard]] std::string purpose(std::string_view formation, std::string_view secret) const;
    [[nodiscard]] std::optional<Kept> kept(std::string_view formation, std::string_view secret) const;
    [[nodiscard]] std::optional<Secret> read(std::string_view formation, std::string_view secret) const;
    [[nodiscard]] std::optional<Secret> own_copy(const Copies& copies, std::string_view formation, std::string_view secret) const;
    [[nodiscard]] static std::optional<Secret> copy_for(const SigningKey& key, const Copies& copies, std::string_view site, std::string_view formation, std::string_view secret);
    [[nodiscard]] Entitled entitled(const formation::Formation& formation, const formation::Secret& secret) const;
    void seal(Copies& copies, const Entitled& to, std::string_view formation, std::string_view secret, const Secret& value) const;
    struct Known {
        const formation::Formation& formation;
        const formation::Secret& secret;
    };
    [[nodiscard]] Known known_secret(std::string_view formation, std::string_view secret) const;
    [[nodiscard]] Copies sealed_new(const formation::Formation& formation, const formation::Secret& secret, const Secret& value) const;
    [[nodiscard]] Rotation rotated(std::string_view formation, std::string_view secret);
    [[nodiscard]] unsigned share(const formation::Formation& formation, const formation::Secret& secret);

    forming::SiteStore& store_;
    const formation::Formations& formations_;
    const SigningKey& key_;
    forming::Randomness& random_;

    mutable std::mutex mutex_; // what follows
    mutable std::map<std::string, Secret, std::less<>> opened_; // by formation and name
    forming::Site site_;
    Keys keys_;
};

} // namespace ashlar::formations
