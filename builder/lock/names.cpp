#include "names.hpp"

#include <base/text.hpp>

#include <algorithm>

namespace ashlar::lock {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

template <typename Test> bool all(std::string_view word, Test test) {
    return !word.empty() && std::all_of(word.begin(), word.end(), test);
}

std::optional<std::string> unless(bool fine, const char* expected) {
    if (fine) return std::nullopt;
    return expected;
}

} // namespace

std::optional<std::string> not_a_name(std::string_view word) {
    const bool fine = all(word, [](char c) {
        return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '+' || c == '-' || c == '/';
    });
    return unless(fine && !not_a_path(word), "a name of letters, digits and . _ + - /");
}

std::optional<std::string> not_a_package(std::string_view word) {
    const bool fine = word.size() >= 2 && (is_lower(word[0]) || is_digit(word[0])) &&
                      all(word, [](char c) { return is_lower(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
    return unless(fine, "a package's name of lower-case letters, digits and + - .");
}

std::optional<std::string> not_a_version(std::string_view word) {
    const bool fine = all(word, [](char c) {
        return is_letter(c) || is_digit(c) || c == '.' || c == '+' || c == '-' || c == '~' || c == ':';
    });
    return unless(fine, "a version of letters, digits and . + - ~ :");
}

std::optional<std::string> not_an_architecture(std::string_view word) {
    return unless(all(word, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; }),
                  "an architecture such as amd64 or all");
}

std::optional<std::string> not_a_path(std::string_view word) {
    bool fine = all(word, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    for (const auto part : split(word, '/')) fine = fine && !part.empty() && part != "." && part != "..";
    return unless(fine, "a relative path without . and ..");
}

std::optional<std::string> not_a_fingerprint(std::string_view word) {
    const bool fine = (word.size() == 40 || word.size() == 64) &&
                      all(word, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); });
    return unless(fine, "a fingerprint of 40 or 64 upper-case hexadecimal digits");
}

std::optional<std::string> not_a_line(std::string_view word) {
    const bool fine =
        std::none_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
    return unless(fine, "one line of text");
}

} // namespace ashlar::lock
