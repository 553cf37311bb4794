#include <debian/package.hpp>

#include <algorithm>

namespace ashlar::debian {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Rank of the character at `at` among non-digits: '~' before the end, the end before letters,
// letters before the rest.
int rank(std::string_view text, std::size_t at) noexcept {
    if (at >= text.size() || is_digit(text[at])) return 0;
    const char c = text[at];
    if (c == '~') return -1;
    return is_letter(c) ? static_cast<unsigned char>(c) : static_cast<unsigned char>(c) + 256;
}

std::string_view take_digits(std::string_view& text) noexcept {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

std::weak_ordering compare_numbers(std::string_view a, std::string_view b) noexcept {
    return a.size() != b.size() ? std::weak_ordering(a.size() <=> b.size()) : std::weak_ordering(a <=> b);
}

std::weak_ordering compare_part(std::string_view a, std::string_view b) noexcept {
    while (!a.empty() || !b.empty()) {
        std::size_t at = 0;
        while ((at < a.size() && !is_digit(a[at])) || (at < b.size() && !is_digit(b[at]))) {
            if (const auto order = rank(a, at) <=> rank(b, at); order != 0) return order;
            ++at;
        }
        a.remove_prefix(std::min(at, a.size()));
        b.remove_prefix(std::min(at, b.size()));
        if (const auto order = compare_numbers(take_digits(a), take_digits(b)); order != 0) return order;
    }
    return std::weak_ordering::equivalent;
}

struct Parts {
    std::string_view epoch, upstream, revision;
};

Parts parts_of(std::string_view version) noexcept {
    Parts parts;
    if (const std::size_t colon = version.find(':'); colon != std::string_view::npos) {
        parts.epoch = version.substr(0, colon);
        version.remove_prefix(colon + 1);
    }
    if (const std::size_t dash = version.rfind('-'); dash != std::string_view::npos) {
        parts.revision = version.substr(dash + 1);
        version = version.substr(0, dash);
    }
    parts.upstream = version;
    return parts;
}

} // namespace

std::weak_ordering compare_versions(std::string_view a, std::string_view b) {
    const Parts left = parts_of(a), right = parts_of(b);
    if (const auto order = compare_part(left.epoch, right.epoch); order != 0) return order;
    if (const auto order = compare_part(left.upstream, right.upstream); order != 0) return order;
    return compare_part(left.revision, right.revision);
}

bool is_version(std::string_view text) noexcept {
    const auto allowed = [](char c) {
        return is_digit(c) || is_letter(c) || c == '.' || c == '+' || c == '~' || c == '-' || c == ':';
    };
    const Parts parts = parts_of(text);
    const bool epoch_ok =
        text.find(':') == std::string_view::npos || (!parts.epoch.empty() && parts.epoch.size() <= 9 &&
                                                     std::all_of(parts.epoch.begin(), parts.epoch.end(), is_digit));
    const bool revision_ok = text.rfind('-') == std::string_view::npos ||
                             (!parts.revision.empty() && parts.revision.find(':') == std::string_view::npos);
    return epoch_ok && revision_ok && !parts.upstream.empty() && is_digit(parts.upstream.front()) &&
           std::all_of(text.begin(), text.end(), allowed);
}

} // namespace ashlar::debian
