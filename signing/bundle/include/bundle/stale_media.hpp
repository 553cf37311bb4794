#pragma once

// A site's word that one bundle may be taken although it has expired: docs/formats/stale-media.md.

#include <signing/key.hpp>
#include <tuf/metadata.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ashlar::bundle {

struct StaleMedia {
    std::string train;
    std::uint64_t serial = 0;
    std::string site; // its role is "site-<site>"
    Time issued, expires;
    std::string reason;
};

inline constexpr std::uint64_t most_stale_media_bytes = 65536;
inline constexpr std::chrono::days longest_stale_media{30};

// What is signed, for whoever makes one; an Error for what verify_stale_media() would refuse.
[[nodiscard]] Json json_of(const StaleMedia& word);

// Signed by one key of the role that `targets`, which is trusted, delegates to; valid at `now`. Everything else is an Error.
[[nodiscard]] StaleMedia verify_stale_media(std::string_view text, std::string_view name, const tuf::Targets& targets, Time now);

} // namespace ashlar::bundle
