#pragma once

#include <forming/effects.hpp>

#include <formation/model.hpp>

#include <string>
#include <variant>

namespace ashlar::forming {

// What a program printed, held against what the formation says that it prints; or why it is no observation.
struct Unusable {
    std::string reason;
    bool operator==(const Unusable&) const = default;
};
[[nodiscard]] std::variant<Json, Unusable> read_observation(const formation::Observation& expected, const Outcome& outcome);

// The last line of what a program said, for people.
[[nodiscard]] std::string last_words(const Outcome& outcome);

} // namespace ashlar::forming
