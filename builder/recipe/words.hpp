#pragma once

// The words of the recipe formats: what a name, a size or a mode looks like.

#include <cstdint>
#include <optional>
#include <string_view>

namespace ashlar::recipe {

// Roles, overlays, archives: lower-case letters, digits and `-`, a letter first.
[[nodiscard]] bool is_name(std::string_view text) noexcept;
// Trains: an upper-case letter and a number, "R0".
[[nodiscard]] bool is_train_name(std::string_view text) noexcept;
// Debian Policy 5.6.7, and 5.6.12 for the version of "name=version".
[[nodiscard]] bool is_package_name(std::string_view text) noexcept;
[[nodiscard]] bool is_package_wish(std::string_view text) noexcept;
// apt_preferences(5): a package name with `*`, `?` and `[…]`.
[[nodiscard]] bool is_package_glob(std::string_view text) noexcept;
// Suites and components: letters, digits and `.+-_`, parts separated by `/`.
[[nodiscard]] bool is_archive_word(std::string_view text) noexcept;
// systemd.unit(5), of a type that can be enabled.
[[nodiscard]] bool is_unit_name(std::string_view text) noexcept;
[[nodiscard]] bool is_module_name(std::string_view text) noexcept;
// "user:group" by name.
[[nodiscard]] bool is_owner(std::string_view text) noexcept;
// Absolute, without `.`, `..`, empty parts, a slash at the end or control characters; not "/" itself.
[[nodiscard]] bool is_image_path(std::string_view text) noexcept;
// Such a path with `*`, `**` and `?`, and perhaps `!` before it.
[[nodiscard]] bool is_path_pattern(std::string_view text) noexcept;
// One word of a kernel command line.
[[nodiscard]] bool is_command_line_word(std::string_view text) noexcept;

// "0750": four octal digits.
[[nodiscard]] std::optional<unsigned> parse_mode(std::string_view text) noexcept;

} // namespace ashlar::recipe
