#pragma once

// The version of a release, "R1.10": its train's name, a dot, a number. R0.3 comes before R0.10, R0.10 before R1.0.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

// "R1": an upper-case letter and a number.
struct TrainName {
    char letter = 'R';
    std::uint64_t number = 0;
    auto operator<=>(const TrainName&) const = default;
};

struct ReleaseVersion {
    TrainName train;
    std::uint64_t number = 0;
    auto operator<=>(const ReleaseVersion&) const = default;
};

// From where one may come: a release, or a train for all of its releases. A train comes before its releases.
struct ReleaseOrigin {
    TrainName train;
    std::optional<std::uint64_t> number; // nothing: the whole train
    auto operator<=>(const ReleaseOrigin&) const = default;

    [[nodiscard]] bool holds(const ReleaseVersion& release) const noexcept {
        return train == release.train && (!number || *number == release.number);
    }
};

// One version has one text: no zeros in front, at most nine digits of a train and six of a release.
[[nodiscard]] std::optional<TrainName> parse_train_name(std::string_view text) noexcept;
[[nodiscard]] std::optional<ReleaseVersion> parse_release_version(std::string_view text) noexcept;
// "R0" or "R0.3"
[[nodiscard]] std::optional<ReleaseOrigin> parse_release_origin(std::string_view text) noexcept;
[[nodiscard]] std::string to_text(const TrainName& name);
[[nodiscard]] std::string to_text(const ReleaseVersion& version);
[[nodiscard]] std::string to_text(const ReleaseOrigin& origin);

} // namespace ashlar
