#include <base/release_version.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar {

namespace {

std::optional<std::uint64_t> number_of(std::string_view digits, std::size_t most) noexcept {
    const bool plain = !digits.empty() && digits.size() <= most && (digits.size() == 1 || digits.front() != '0') &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!plain) return std::nullopt;
    std::uint64_t number = 0;
    for (const char digit : digits) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    return number;
}

} // namespace

std::optional<TrainName> parse_train_name(std::string_view text) noexcept {
    if (text.size() < 2 || text.front() < 'A' || text.front() > 'Z') return std::nullopt;
    const auto number = number_of(text.substr(1), 9);
    if (!number) return std::nullopt;
    return TrainName{text.front(), *number};
}

std::optional<ReleaseVersion> parse_release_version(std::string_view text) noexcept {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto train = parse_train_name(text.substr(0, dot));
    const auto number = number_of(text.substr(dot + 1), 6);
    if (!train || !number) return std::nullopt;
    return ReleaseVersion{*train, *number};
}

std::optional<ReleaseOrigin> parse_release_origin(std::string_view text) noexcept {
    if (const auto release = parse_release_version(text)) return ReleaseOrigin{release->train, release->number};
    if (const auto train = parse_train_name(text)) return ReleaseOrigin{*train, std::nullopt};
    return std::nullopt;
}

std::string to_text(const TrainName& name) { return fmt::format("{}{}", name.letter, name.number); }
std::string to_text(const ReleaseVersion& version) { return fmt::format("{}.{}", to_text(version.train), version.number); }

std::string to_text(const ReleaseOrigin& origin) {
    return origin.number ? to_text(ReleaseVersion{origin.train, *origin.number}) : to_text(origin.train);
}

} // namespace ashlar
