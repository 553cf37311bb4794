#pragma once

// Private to this module: refusals, as they are worded.

#include <voters/request.hpp>

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace ashlar::voters {

template <typename... Args> std::optional<Refusal> not_allowed(fmt::format_string<Args...> text, Args&&... args) {
    return Refusal{Reason::not_allowed, fmt::format(text, std::forward<Args>(args)...), {}};
}
template <typename... Args> Refusal not_found(fmt::format_string<Args...> text, Args&&... args) { return {Reason::not_found, fmt::format(text, std::forward<Args>(args)...), {}}; }
template <typename... Args> Refusal not_now(fmt::format_string<Args...> text, Args&&... args) { return {Reason::not_now, fmt::format(text, std::forward<Args>(args)...), {}}; }
template <typename... Args> Refusal takes_two(fmt::format_string<Args...> text, Args&&... args) { return {Reason::takes_two, fmt::format(text, std::forward<Args>(args)...), {}}; }

} // namespace ashlar::voters
