#pragma once

// URLs of mirrors, as people and APT write them.

#include <optional>
#include <string>
#include <string_view>

namespace ashlar::fetch {

// What is wrong with a mirror's URL, or nothing: http, https or file with an absolute path.
[[nodiscard]] std::optional<std::string> fault_of_url(std::string_view url);
// The same for a shared store, to which things are also sent: http or https.
[[nodiscard]] std::optional<std::string> fault_of_shared_url(std::string_view url);
// Without slashes at its end; APT's "file:/srv" becomes "file:///srv", "copy:" is "file:".
[[nodiscard]] std::string normal_url(std::string_view url);
// "debian" of "http://mirror.example/debian".
[[nodiscard]] std::string_view last_component(std::string_view normal_url);
// A path below a URL, with what a URL cannot hold escaped (RFC 3986, 2.1).
[[nodiscard]] std::string below(std::string_view normal_url, std::string_view path);

} // namespace ashlar::fetch
