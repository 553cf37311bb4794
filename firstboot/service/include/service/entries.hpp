#pragma once

// What ashlard says in the system's journal: docs/formats/journal-fields.md. Pure.

#include <firstboot/identity.hpp>
#include <journald/entry.hpp>
#include <steps/node_steps.hpp>
#include <upgrade/journal.hpp>

#include <optional>
#include <string>

namespace ashlar::service {

// Constant for ever: programs look for them.
inline constexpr std::string_view node_ready_id = "e6f9b5d227c44cc0bdb791b3579ddce6";
inline constexpr std::string_view phase_id = "654e4917f10640b9b3d17b6edbbecd92";
inline constexpr std::string_view way_refused_id = "f6c9b1b89b7e4afa98a1bcb6bfbeeb3a";
inline constexpr std::string_view installed_id = "665a30d67b39497fbe7f7a4c25fdc78a";
inline constexpr std::string_view not_installed_id = "24bb1ce3490f45398e0237fb2cff4fdd";
inline constexpr std::string_view not_kept_id = "552719e4c7f74b7384c94d6b33566601";
inline constexpr std::string_view reset_id = "1f3997d13d154358a50a7b4053aec273";
inline constexpr std::string_view firmware_revocation_id = "c6886b4f4f1247d331485e63dff4d30f";
inline constexpr std::string_view stale_media_id = "f0a34a53ae6a1ee926edf0fb4fd94d3e";
inline constexpr std::string_view site_alarm_id = "26bda61557fd4dcbb4e15c43ab2c51d5";

[[nodiscard]] journald::Entry ready_entry(const firstboot::Identity& identity, const std::string& hostname);
// What came of a change; nothing where it is only more of the same. `running` is the release that runs.
[[nodiscard]] std::optional<journald::Entry> entry_of(const upgrade::Journal& before, const upgrade::Journal& now, const std::string& running);
[[nodiscard]] journald::Entry entry_of(const steps::Notice& notice, const std::string& running);
// What people must see of the node's way into its site.
[[nodiscard]] journald::Entry site_alarm_entry(const std::string& text, const std::string& running);
[[nodiscard]] journald::Entry not_kept_entry(const std::string& fault, const std::string& running);

} // namespace ashlar::service
