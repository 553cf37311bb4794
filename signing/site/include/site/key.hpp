#pragma once

// The site key: 256 random bits by which media of a site are known. It lies in a file of its own, site.key, never in
// site.toml. Everything that is made from it goes through derive(), so that no use knows another's key.
// docs/formats/ticket.md.

#include <base/id.hpp>
#include <signing/secret.hpp>

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace ashlar::site {

// Which key that is, for people and on the wire: it says nothing about the key.
using KeyId = Id<struct SiteKeyIdTag>;
// By the key of beacons, which holders of tickets have as well.
[[nodiscard]] KeyId key_id_of(const Secret& beacon_key);

class SiteKey {
public:
    static constexpr std::size_t size = 32;

    [[nodiscard]] static SiteKey generate(const SiteId& site);
    // Refuses a file that others than its owner may read or write, and anything but the one form that save() writes.
    [[nodiscard]] static SiteKey load(const std::filesystem::path& path);
    // The same for what was read already: a medium's file system may have no owners. `name` is for messages.
    [[nodiscard]] static SiteKey parse(std::string_view line, std::string_view name);
    // A new file with mode 0600; an existing one is an Error.
    void save_new(const std::filesystem::path& path) const;
    // What save_new() writes.
    [[nodiscard]] Secret text() const;

    [[nodiscard]] const SiteId& site() const noexcept { return site_; }
    [[nodiscard]] KeyId id() const;
    // HKDF-SHA256 (RFC 5869); `info` says what for.
    [[nodiscard]] Secret derive(std::string_view info, std::size_t bytes) const;

private:
    SiteKey(const SiteId& site, Secret bytes) : site_(site), bytes_(std::move(bytes)) {}
    SiteId site_;
    Secret bytes_;
};

// What the keys of the site's parts are derived with.
inline constexpr std::string_view beacon_key_info = "ashlar beacon 1";
inline constexpr std::string_view enrolment_key_info = "ashlar enrolment 1";

} // namespace ashlar::site
