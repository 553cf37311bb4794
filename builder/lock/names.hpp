#pragma once

// What the words of a lock may look like. The same questions are asked before writing and after
// reading, so that no lock is written that cannot be read.

#include <optional>
#include <string>
#include <string_view>

namespace ashlar::lock {

// Each returns what the word should have been, or nothing when it is fine.
using Rule = std::optional<std::string> (*)(std::string_view word);

[[nodiscard]] std::optional<std::string> not_a_name(std::string_view word); // archives, suites, roles, trains, outputs
[[nodiscard]] std::optional<std::string> not_a_package(std::string_view word); // Debian Policy 5.6.1
[[nodiscard]] std::optional<std::string> not_a_version(std::string_view word); // Debian Policy 5.6.12
[[nodiscard]] std::optional<std::string> not_an_architecture(std::string_view word);
[[nodiscard]] std::optional<std::string> not_a_path(std::string_view word);        // relative, without "." and ".."
[[nodiscard]] std::optional<std::string> not_a_fingerprint(std::string_view word); // 40 or 64 hex digits, upper case
[[nodiscard]] std::optional<std::string> not_a_line(std::string_view word);        // printable UTF-8 or empty

} // namespace ashlar::lock
