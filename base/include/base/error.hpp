#pragma once

// Failures with a trail.
//
// An Error is born where something fails, with the sentence `cannot <verb> '<object>': <cause>`.
// Each layer that knows why it was doing that adds one line on the way up (`while …`), and one
// layer, usually the innermost, adds the hint that tells the user what to do.
//
// An expected answer ("no solution", "not there", "already done") is never an Error: it is a value.

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ashlar {

class Error : public std::exception {
public:
    explicit Error(std::string message, std::string hint = {});

    // The sentence alone, without trail and hint.
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
    // Innermost first.
    [[nodiscard]] const std::vector<std::string>& trail() const noexcept { return trail_; }

    // Adds "while <doing>", e.g. "unpacking 'openssh-server 1:10.0p1-7'"; once where two layers say the same.
    void add_trail(std::string doing);
    // Only the first hint stays: the innermost layer knows best.
    void add_hint(std::string hint);

    // message, a line "  while <doing>" for each step, and "  hint: <hint>"; no trailing newline.
    [[nodiscard]] std::string render() const;

    [[nodiscard]] const char* what() const noexcept override;

private:
    std::string message_;
    std::string hint_;
    std::vector<std::string> trail_;
    std::string rendered_;
};

// "cannot <verb> '<object>': <text of errno>"
[[nodiscard]] Error system_error(std::string_view verb, std::string_view object, int error_number);
// The same with the calling thread's errno.
[[nodiscard]] Error system_error(std::string_view verb, std::string_view object);

// Runs `body`; an Error that leaves it has "while <doing>" added.
template <typename Body>
decltype(auto) while_doing(std::string_view doing, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        error.add_trail(std::string(doing));
        throw;
    }
}

} // namespace ashlar
