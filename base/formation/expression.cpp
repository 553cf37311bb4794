#include <formation/expression.hpp>

#include "place.hpp"
#include "syntax.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::formation {

using syntax::Node;
using Kind = Node::Kind;

std::string_view name_of(Type type) noexcept {
    switch (type) {
    case Type::boolean: return "true or false";
    case Type::number: return "a number";
    case Type::text: return "a text";
    case Type::texts: return "a list of texts";
    }
    return "";
}

void Scope::add(std::string path, Symbol symbol) { symbols_.insert_or_assign(std::move(path), symbol); }

void Scope::add(const Scope& other) {
    for (const auto& [path, symbol] : other.symbols_) add(path, symbol);
    foreign_.insert(other.foreign_.begin(), other.foreign_.end());
}

void Scope::allow_foreign(std::string root, Reference::Kind kind) { foreign_.insert_or_assign(std::move(root), kind); }

const Symbol* Scope::find(std::string_view path) const {
    const auto found = symbols_.find(path);
    return found == symbols_.end() ? nullptr : &found->second;
}

std::optional<Reference> Scope::foreign(std::string_view path) const {
    const auto parts = split(path, '.');
    if (parts.size() != 3) return std::nullopt;
    const auto root = foreign_.find(parts[0]);
    if (root == foreign_.end()) return std::nullopt;
    return Reference{root->second, std::string(parts[1]), std::string(parts[2]), {}};
}

std::vector<std::string> Scope::names() const {
    std::vector<std::string> names;
    for (const auto& [path, symbol] : symbols_) names.push_back(path);
    return names;
}

bool Scope::has_below(std::string_view path) const {
    const auto next = symbols_.lower_bound(fmt::format("{}.", path));
    return next != symbols_.end() && next->first.starts_with(fmt::format("{}.", path));
}

const Json* value_at(const Names& names, std::string_view path) {
    const Json* value = &names;
    for (const auto part : split(path, '.')) {
        if (!value->is_object()) return nullptr;
        const auto found = value->find(part);
        if (found == value->end()) return nullptr;
        value = &*found;
    }
    return value->is_null() ? nullptr : value;
}

namespace {

// Finds the type of a tree, and what is wrong in it. Nothing where it was told already.
class Checker {
public:
    Checker(const toml::Text& text, const Scope& scope, toml::Problems& problems) : text_(text), scope_(scope), problems_(problems) {}

    std::optional<Type> type(const Node& node) {
        switch (node.kind) {
        case Kind::literal: return type_of(node.literal);
        case Kind::name: return name(node);
        case Kind::has: return has(node);
        case Kind::negation:
        case Kind::conjunction:
        case Kind::disjunction:
            for (const auto& operand : node.operands) require(operand, Type::boolean);
            return Type::boolean;
        case Kind::equal:
        case Kind::unequal: return equality(node);
        case Kind::less:
            for (const auto& operand : node.operands) require(operand, Type::number);
            return Type::boolean;
        case Kind::in:
            require(node.operands[0], Type::text);
            require(node.operands[1], Type::texts);
            return Type::boolean;
        }
        return std::nullopt;
    }

    void problem(const Node& node, std::string message, std::string remedy = {}) { problems_.add(place_in(text_, node.offset, node.size), std::move(message), std::move(remedy)); }

    std::vector<Reference> references;

private:
    static Type type_of(const Json& literal) {
        if (literal.is_boolean()) return Type::boolean;
        if (literal.is_number()) return Type::number;
        return literal.is_string() ? Type::text : Type::texts;
    }

    const Symbol* symbol(const Node& node) {
        static constexpr Symbol made_elsewhere{Type::text, Symbol::Presence::sometimes};
        if (const Symbol* known = scope_.find(node.name)) return known;
        if (auto reference = scope_.foreign(node.name)) {
            reference->position = place_in(text_, node.offset, node.size);
            references.push_back(std::move(*reference));
            return &made_elsewhere;
        }
        if (scope_.has_below(node.name)) problem(node, fmt::format("{} is not a value", toml::quote(node.name)), below(node.name));
        else problem(node, fmt::format("unknown name {}", toml::quote(node.name)), nearest(node.name, scope_.names(), "known here"));
        return nullptr;
    }

    [[nodiscard]] std::string below(const std::string& path) const {
        std::vector<std::string> names = scope_.names();
        std::erase_if(names, [&](const std::string& name) { return !name.starts_with(path + "."); });
        return fmt::format("it has: {}", join(names, ", "));
    }

    std::optional<Type> name(const Node& node) {
        const Symbol* found = symbol(node);
        return found ? std::optional(found->type) : std::nullopt;
    }

    std::optional<Type> has(const Node& node) {
        if (const Symbol* found = symbol(node); found && found->presence == Symbol::Presence::always)
            problem(node, fmt::format("{} is always there", toml::quote(node.name)), "leave 'has' out, or compare it with something");
        return Type::boolean;
    }

    void require(const Node& node, Type wanted) {
        if (const auto found = type(node); found && *found != wanted) problem(node, fmt::format("this is {}, where {} should be", name_of(*found), name_of(wanted)));
    }

    std::optional<Type> equality(const Node& node) {
        const auto left = type(node.operands[0]), right = type(node.operands[1]);
        if (left && right && *left != *right) problem(node, fmt::format("{} and {} are never the same", name_of(*left), name_of(*right)));
        return Type::boolean;
    }

    const toml::Text& text_;
    const Scope& scope_;
    toml::Problems& problems_;
};

// What is absent is null here.
Json evaluate(const Node& node, const Names& names);

bool holds(const Node& node, const Names& names) { return evaluate(node, names) == true; }

bool equal(const Node& node, const Names& names) {
    const Json left = evaluate(node.operands[0], names), right = evaluate(node.operands[1], names);
    return !left.is_null() && !right.is_null() && left == right;
}

bool less(const Node& node, const Names& names) {
    const Json left = evaluate(node.operands[0], names), right = evaluate(node.operands[1], names);
    return left.is_number() && right.is_number() && left < right;
}

bool in(const Node& node, const Names& names) {
    const Json element = evaluate(node.operands[0], names), list = evaluate(node.operands[1], names);
    return !element.is_null() && list.is_array() && std::ranges::find(list, element) != list.end();
}

Json evaluate(const Node& node, const Names& names) {
    const auto operand_holds = [&](const Node& operand) { return holds(operand, names); };
    switch (node.kind) {
    case Kind::literal: return node.literal;
    case Kind::name: {
        const Json* value = value_at(names, node.name);
        return value ? *value : Json();
    }
    case Kind::has: return value_at(names, node.name) != nullptr;
    case Kind::negation: return !holds(node.operands[0], names);
    case Kind::conjunction: return std::ranges::all_of(node.operands, operand_holds);
    case Kind::disjunction: return std::ranges::any_of(node.operands, operand_holds);
    case Kind::equal: return equal(node, names);
    case Kind::unequal: return !equal(node, names);
    case Kind::less: return less(node, names);
    case Kind::in: return in(node, names);
    }
    return {};
}

void gather_names(const Node& node, std::vector<std::string>& names) {
    if (!node.name.empty()) names.push_back(node.name);
    for (const auto& operand : node.operands) gather_names(operand, names);
}

std::string wanted_text(std::span<const Type> wanted) {
    std::vector<std::string> names;
    for (const Type type : wanted) names.emplace_back(name_of(type));
    return join(names, " or ");
}

} // namespace

std::optional<Expression> Expression::read_part(const toml::Text& text, std::size_t offset, std::size_t size, const Scope& scope, std::span<const Type> wanted, toml::Problems& problems) {
    auto root = syntax::parse(text, offset, size, problems);
    if (!root) return std::nullopt;
    toml::Problems found;
    Checker checker(text, scope, found);
    const auto type = checker.type(*root);
    if (type && std::ranges::find(wanted, *type) == wanted.end()) checker.problem(*root, fmt::format("this is {}, where {} should be", name_of(*type), wanted_text(wanted)));
    if (!found.empty() || !type) {
        problems.add(found);
        return std::nullopt;
    }
    Expression expression;
    expression.text_ = text.value.substr(offset, size);
    expression.type_ = *type;
    expression.references_ = std::move(checker.references);
    expression.root_ = std::make_shared<const Node>(std::move(*root));
    return expression;
}

std::optional<Expression> Expression::read(const toml::Text& text, const Scope& scope, Type wanted, toml::Problems& problems) {
    return read_part(text, 0, text.value.size(), scope, std::span(&wanted, 1), problems);
}

std::vector<std::string> Expression::names() const {
    std::vector<std::string> names;
    gather_names(*root_, names);
    return names;
}

Json Expression::evaluate(const Names& names) const { return formation::evaluate(*root_, names); }
bool Expression::holds(const Names& names) const { return formation::holds(*root_, names); }

} // namespace ashlar::formation
