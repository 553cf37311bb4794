#pragma once

// From text to tree. What the names in it are is no matter here.

#include <base/json.hpp>
#include <toml/reader.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::formation::syntax {

struct Node {
    enum class Kind { literal, name, has, negation, conjunction, disjunction, equal, unequal, less, in } kind;
    Json literal;               // of a literal
    std::string name;           // of a name; of has
    std::vector<Node> operands; // one, two, or of conjunction and disjunction many
    std::size_t offset = 0, size = 0; // where it stands, in bytes
};

// Part [offset, offset + size) of the text. What is wrong goes to `problems`; nothing then.
[[nodiscard]] std::optional<Node> parse(const toml::Text& text, std::size_t offset, std::size_t size, toml::Problems& problems);

} // namespace ashlar::formation::syntax
