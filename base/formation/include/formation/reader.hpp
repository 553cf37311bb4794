#pragma once

#include <formation/model.hpp>

#include <filesystem>
#include <map>
#include <string_view>

namespace ashlar::formation {

// SourceError with everything that is wrong in the file by itself: syntax, keys, types, names in expressions,
// contradictions.
[[nodiscard]] Formation read_formation(const toml::SourcePtr& source, std::string name);

using Formations = std::map<std::string, Formation, std::less<>>;
// Every <name>.toml of a folder. Empty when there is no such folder. `shown` is the folder in errors.
[[nodiscard]] Formations read_folder(const std::filesystem::path& folder, const std::filesystem::path& shown);

// lower-case letters, digits and '-', a letter first; for facts, secrets, listings and values also '_'.
[[nodiscard]] bool is_formation_name(std::string_view text) noexcept;
[[nodiscard]] bool is_value_name(std::string_view text) noexcept;

// "90 s", "5 min", "1 h", "500 ms"; at most a day.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text) noexcept;

// ---- The names that each part may say ----

// In texts of files, where the formation has [certificate].
inline constexpr std::string_view certificate_chain = "certificate.chain", certificate_key = "certificate.key";

[[nodiscard]] const Scope& site_names();      // site.*, node.*
[[nodiscard]] const Scope& formation_names(); // formation.*, units.*
[[nodiscard]] const Scope& item_names();      // item.* of nodes
[[nodiscard]] const Scope& gone_names();      // gone.*

} // namespace ashlar::formation
