#pragma once

// Conditions of a formation:
//
//     observation.running and not (node.id in observation.members)
//     has facts.cluster and observation.cluster == facts.cluster
//
// The language is total: no loops, no calls, nothing that can fail once it was checked. What is
// absent equals nothing, is in nothing and is less than nothing. docs/formats/formation.md.

#include <base/json.hpp>
#include <toml/reader.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::formation {

enum class Type { boolean, number, text, texts };
[[nodiscard]] std::string_view name_of(Type type) noexcept; // "a list of texts"

struct Symbol {
    Type type;
    enum class Presence { always, sometimes } presence = Presence::always;
};

// What another formation has made, named as `facts.mariadb.cluster` or `secrets.mariadb.root`.
// Whether it is there, only the lint that sees all formations can say.
struct Reference {
    enum class Kind { fact, secret, formation } kind;
    std::string formation, name; // no name of a whole formation
    toml::Position position;
};

// The names that an expression may say, by their whole path.
class Scope {
public:
    enum class Foreign { refused, allowed };

    void add(std::string path, Symbol symbol);
    void add(const Scope& other);
    // `root` is "facts" or "secrets": paths of three parts below it belong to another formation.
    void allow_foreign(std::string root, Reference::Kind kind);

    [[nodiscard]] const Symbol* find(std::string_view path) const;
    [[nodiscard]] std::optional<Reference> foreign(std::string_view path) const;
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] bool has_below(std::string_view path) const; // "observation" where it has observation.running

private:
    std::map<std::string, Symbol, std::less<>> symbols_;
    std::map<std::string, Reference::Kind, std::less<>> foreign_;
};

// Values by name, as nested objects: {"observation": {"running": true}}. Booleans, whole numbers, texts, lists of texts.
using Names = Json;
// The value at "observation.running"; null pointer when absent.
[[nodiscard]] const Json* value_at(const Names& names, std::string_view path);

namespace syntax {
struct Node;
}

// Checked when it was made; immutable and cheap to copy.
class Expression {
public:
    inline static constexpr std::size_t longest = 2000; // bytes
    inline static constexpr std::size_t most_levels = 32;

    // What is wrong goes to `problems`, with its place inside the text: syntax, names that `scope` has not, types.
    // Nothing then.
    [[nodiscard]] static std::optional<Expression> read(const toml::Text& text, const Scope& scope, Type wanted, toml::Problems& problems);
    // The same of a part of a text, for ${…}; of any type that `wanted` holds.
    [[nodiscard]] static std::optional<Expression> read_part(const toml::Text& text, std::size_t offset, std::size_t size, const Scope& scope,
                                                             std::span<const Type> wanted, toml::Problems& problems);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] Type type() const noexcept { return type_; }
    [[nodiscard]] const std::vector<Reference>& references() const noexcept { return references_; }
    // Every name in it, in the order written.
    [[nodiscard]] std::vector<std::string> names() const;

    // Null when it is a name that is absent.
    [[nodiscard]] Json evaluate(const Names& names) const;
    // Of a condition.
    [[nodiscard]] bool holds(const Names& names) const;

private:
    Expression() = default;
    std::string text_;
    Type type_ = Type::boolean;
    std::vector<Reference> references_;
    std::shared_ptr<const syntax::Node> root_;
};

} // namespace ashlar::formation
