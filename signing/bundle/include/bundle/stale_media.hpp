#pragma once

// A site's word that one bundle may be taken although it has expired: docs/formats/stale-media.md.

#include <signing/key.hpp>
#include <tuf/metadata.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// The same for one bundle: an Error unless it names the train and the serial of `manifest`, which its holders have signed. Who
// speaks for a site is said by the newest of `targets` (texts of targets.json: those that came along, those of a run before) that the
// holders of root's role `targets` have signed.
[[nodiscard]] StaleMedia stale_media_for(const tuf::Bundle& manifest, std::string_view text, std::string_view name, const tuf::Root& root,
                                         const std::vector<std::optional<std::string>>& targets, Time now);

// Where a mirror has it, below "metadata/": "stale-media-R1.json".
[[nodiscard]] std::string stale_media_name(std::string_view train);

} // namespace ashlar::bundle
