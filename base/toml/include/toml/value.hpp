#pragma once

// A TOML document as a plain tree in which every key and value knows its place.

#include <toml/source.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::toml {

struct Entry;
struct Value;
using List = std::vector<Value>;
using Entries = std::vector<Entry>; // in the order written; a key occurs once

// Dates and times: nothing of ours reads them, but a wrong type must be named.
struct Date {};

struct Value {
    Position position; // of a table: its header, or its opening brace
    std::variant<std::string, std::int64_t, double, bool, Date, List, Entries> data;

    // "a string", "a whole number", "a number with a fraction", "a boolean", "a date", "a list", "a table"
    [[nodiscard]] std::string_view type() const noexcept;
};

struct Entry {
    std::string key;
    Position position; // of the key
    Value value;
};

// The root is a table whose position is the file as a whole. Throws SourceError on what is not TOML
// 1.0, and on nesting deeper than `most_levels`.
inline constexpr std::size_t most_levels = 32;
[[nodiscard]] Value parse(const SourcePtr& source);

} // namespace ashlar::toml
