#pragma once

// What answers `secret.rotate` and `secret.give`: another value, written in one transaction with its entry in the audit log. docs/formats/secrets.md.

#include <voters/desk.hpp>

#include <signing/secret.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace ashlar::voters {

// What takes the place of what is at that key of the site's store ("formations/db/secrets/admin"), while that still has that revision.
struct Rotation {
    std::string key;
    std::uint64_t revision; // 0: there is none
    std::string value;      // sealed: nobody reads it but the nodes that are entitled
};
// From several threads. An Error when it cannot be; its text is for whoever asked.
using Rotate = std::function<Rotation(const std::string& formation, const std::string& secret)>;

[[nodiscard]] Handler rotates_secrets(Rotate rotate);

// The same of a value that a person gives.
using Seal = std::function<Rotation(const std::string& formation, const std::string& secret, const Secret& value)>;
inline constexpr std::size_t most_given = 16384; // bytes: each node that is entitled has a copy

[[nodiscard]] Handler gives_secrets(Seal seal);

} // namespace ashlar::voters
