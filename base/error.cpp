#include <base/error.hpp>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace ashlar {

Error::Error(std::string message, std::string hint)
    : message_(std::move(message)), hint_(std::move(hint)) {
    rendered_ = render();
}

void Error::add_trail(std::string doing) {
    if (!trail_.empty() && trail_.back() == doing) return;
    trail_.push_back(std::move(doing));
    rendered_ = render();
}

void Error::add_hint(std::string hint) {
    if (!hint_.empty()) return;
    hint_ = std::move(hint);
    rendered_ = render();
}

std::string Error::render() const {
    std::string text = message_;
    for (const auto& doing : trail_) text += fmt::format("\n  while {}", doing);
    if (!hint_.empty()) text += fmt::format("\n  hint: {}", hint_);
    return text;
}

const char* Error::what() const noexcept { return rendered_.c_str(); }

Error system_error(std::string_view verb, std::string_view object, int error_number) {
    return Error(fmt::format("cannot {} '{}': {}", verb, object,
                             std::generic_category().message(error_number)));
}

Error system_error(std::string_view verb, std::string_view object) {
    return system_error(verb, object, errno);
}

} // namespace ashlar
