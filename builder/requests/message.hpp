#pragma once

// Private to this module: what the messages of each kind say.

#include <requests/request.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::requests {

// Lines for people. Throws an Error whose message is the cause alone ("its message is …") when it is no message of this kind.
[[nodiscard]] std::vector<std::string> read_message(const SigningRequest& request);
// The same, for metadata.
[[nodiscard]] std::vector<std::string> read_metadata(std::string_view message);

// Foreign text on a terminal: what is not printable ASCII as \xNN, and no more than 200 characters.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace ashlar::requests
