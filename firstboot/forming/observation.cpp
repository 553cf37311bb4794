#include "observation.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

constexpr std::size_t most_output = std::size_t{64} << 10U;
constexpr std::size_t longest_words = 200;

bool fits(const Json& value, formation::Type type) {
    switch (type) {
    case formation::Type::boolean: return value.is_boolean();
    case formation::Type::number: return value.is_number_integer();
    case formation::Type::text: return value.is_string();
    case formation::Type::texts: return value.is_array() && std::ranges::all_of(value, [](const Json& item) { return item.is_string(); });
    }
    return false;
}

std::variant<Json, Unusable> checked(const formation::Observation& expected, Json printed) {
    if (!printed.is_object()) return Unusable{"it did not print a JSON object"};
    std::size_t known = 0;
    for (const auto& [name, symbol] : expected.prints) {
        const auto value = printed.find(name.value);
        const bool is_absent = value == printed.end() || value->is_null();
        if (value != printed.end()) ++known;
        if (is_absent && symbol.presence == formation::Symbol::Presence::always) return Unusable{fmt::format("it did not print '{}'", name.value)};
        if (!is_absent && !fits(*value, symbol.type)) return Unusable{fmt::format("it printed '{}', which is not {}", name.value, formation::name_of(symbol.type))};
    }
    if (known < printed.size()) return Unusable{"it printed what the formation does not name in 'prints'"};
    return printed;
}

} // namespace

std::variant<Json, Unusable> read_observation(const formation::Observation& expected, const Outcome& outcome) {
    if (outcome.was_too_slow) return Unusable{"it did not end in time"};
    if (outcome.exit_code != 0) return Unusable{last_words(outcome)};
    if (outcome.output.size() > most_output) return Unusable{"it printed too much"};
    try {
        return checked(expected, parse_strict_json(outcome.output, "observation"));
    } catch (const Error& error) {
        return Unusable{error.message()};
    }
}

std::string last_words(const Outcome& outcome) {
    if (outcome.was_too_slow) return "it did not end in time";
    const std::string_view said = trim(outcome.errors.empty() ? outcome.output : outcome.errors);
    const std::size_t line = said.rfind('\n');
    const std::string_view last = trim(line == std::string_view::npos ? said : said.substr(line + 1)).substr(0, longest_words);
    return fmt::format("exit code {}{}{}", outcome.exit_code, last.empty() ? "" : ": ", last);
}

} // namespace ashlar::forming
