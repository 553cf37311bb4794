#pragma once

// The keyboard of a console.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::ctl {

// The next key, unseen and without Enter; nothing when none comes in time. Where standard input is no terminal it only waits.
[[nodiscard]] std::optional<char> key_within(std::chrono::seconds time);

// Lines as they are typed or pasted: up to and with the first that is `last`, or to an empty one at the beginning, or until
// nothing comes for a minute, or to `most` bytes.
[[nodiscard]] std::string lines_to(std::string_view last, std::size_t most);

} // namespace ashlar::ctl
