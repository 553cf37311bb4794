#include <base/json.hpp>

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar {

Json parse_json(std::string_view text, std::string_view name) {
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        throw Error(fmt::format("cannot parse '{}': {}", name, error.what()));
    }
}

std::string pretty(const Json& value) { return value.dump(2) + "\n"; }

} // namespace ashlar
