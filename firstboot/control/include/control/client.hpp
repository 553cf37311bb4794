#pragma once

// The other side of <control/server.hpp>.

#include <base/json.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace ashlar::control {

// The parameters of the reply; an Error that the daemon sent is thrown here.
// `cannot reach ashlard: …` when nobody listens.
[[nodiscard]] Json call(const std::filesystem::path& socket, const std::string& method, const Json& parameters = Json::object());

// Each answer until `seen` returns false or the daemon ends.
void watch(const std::filesystem::path& socket, const std::string& method, const std::function<bool(const Json&)>& seen);

} // namespace ashlar::control
