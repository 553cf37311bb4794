#pragma once

// What a cut looks at, by the names that a train's [[accept]] and a release use: docs/formats/components.md.

#include <array>
#include <cstddef>
#include <string_view>

namespace ashlar::rules {

enum class CutRule { component_step, component_gone, component_line, component_mixed, component_end, account, set_id, listener, hyperconverged };
inline constexpr std::array<std::string_view, 9> cut_rules{"component-step", "component-gone", "component-line", "component-mixed", "component-end",
                                                           "account",        "set-id",         "listener",       "hyperconverged"};
[[nodiscard]] inline std::string_view to_string(CutRule rule) noexcept { return cut_rules[static_cast<std::size_t>(rule)]; }

} // namespace ashlar::rules
