#include <bootmenu/version.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ashlar::bootmenu {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool counts(char c) { return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.'; }

std::size_t run_of(std::string_view text, bool (*kind)(char)) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, kind) - text.begin());
}

// A separator that one side has and the other has not: `when_left` is the answer where the left one has it.
enum class Turn { both, neither, decided };
Turn separator(std::string_view& left, std::string_view& right, char which, std::strong_ordering when_left, std::strong_ordering& answer) {
    const bool in_left = left.starts_with(which), in_right = right.starts_with(which);
    if (in_left && in_right) {
        left.remove_prefix(1);
        right.remove_prefix(1);
        return Turn::both;
    }
    if (!in_left && !in_right) return Turn::neither;
    answer = in_left ? when_left : 0 <=> when_left;
    return Turn::decided;
}

std::strong_ordering numbers(std::string_view& left, std::string_view& right) {
    const auto take = [](std::string_view& text) {
        auto number = text.substr(0, run_of(text, is_digit));
        text.remove_prefix(number.size());
        number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
        return number;
    };
    const auto a = take(left), b = take(right);
    if (a.size() != b.size()) return a.size() <=> b.size();
    return a <=> b;
}

std::strong_ordering letters(std::string_view& left, std::string_view& right) {
    const auto take = [](std::string_view& text) {
        const auto word = text.substr(0, run_of(text, is_letter));
        text.remove_prefix(word.size());
        return word;
    };
    const auto a = take(left), b = take(right);
    return a <=> b;
}

void skip_what_does_not_count(std::string_view& text) {
    text.remove_prefix(run_of(text, [](char c) { return !counts(c); }));
}

} // namespace

std::strong_ordering compare_releases(std::string_view left, std::string_view right) {
    constexpr auto less = std::strong_ordering::less;
    for (;;) {
        skip_what_does_not_count(left);
        skip_what_does_not_count(right);
        auto answer = std::strong_ordering::equal;
        // Before the end of the text: "1.0~rc1" comes before "1.0".
        if (separator(left, right, '~', less, answer) == Turn::decided) return answer;
        if (left.empty() || right.empty()) return !left.empty() <=> !right.empty();
        for (const auto& [which, when_left] : {std::pair{'-', less}, std::pair{'^', less}, std::pair{'.', less}})
            if (separator(left, right, which, when_left, answer) == Turn::decided) return answer;
        const bool number = (!left.empty() && is_digit(left.front())) || (!right.empty() && is_digit(right.front()));
        answer = number ? numbers(left, right) : letters(left, right);
        if (answer != 0) return answer;
    }
}

} // namespace ashlar::bootmenu
