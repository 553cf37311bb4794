#include <formation/template.hpp>

#include "place.hpp"

#include <array>

#include <fmt/format.h>

namespace ashlar::formation {

namespace {

constexpr std::array fillable{Type::text, Type::number, Type::boolean};

std::string as_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

} // namespace

std::optional<Template> Template::read(const toml::Text& text, const Scope& scope, toml::Problems& problems) {
    Template result;
    result.text_ = text.value;
    const std::string_view all = result.text_;
    std::string plain;
    bool whole = true;
    std::size_t at = 0;
    while (at < all.size()) {
        if (all.substr(at).starts_with("$${")) {
            plain += "${";
            at += 3;
        } else if (all.substr(at).starts_with("${")) {
            const std::size_t end = all.find('}', at);
            if (end == std::string_view::npos) {
                problems.add(place_in(text, at, 2), "'${' without its '}'", "write '$${' for the characters themselves");
                return std::nullopt;
            }
            auto part = Expression::read_part(text, at + 2, end - at - 2, scope, fillable, problems);
            if (part) {
                result.parts_.emplace_back(std::exchange(plain, {}));
                result.parts_.emplace_back(std::move(*part));
            }
            whole = whole && part;
            at = end + 1;
        } else {
            plain += all[at++];
        }
    }
    result.parts_.emplace_back(std::move(plain));
    return whole ? std::optional(std::move(result)) : std::nullopt;
}

std::variant<std::string, Absent> Template::fill(const Names& names) const {
    std::string filled;
    for (const auto& part : parts_) {
        if (const auto* plain = std::get_if<std::string>(&part)) {
            filled += *plain;
            continue;
        }
        const auto& expression = std::get<Expression>(part);
        const Json value = expression.evaluate(names);
        if (value.is_null()) return Absent{expression.names().front()};
        filled += as_text(value);
    }
    return filled;
}

namespace {

template <typename Parts, typename Gather> void each_expression(const Parts& parts, Gather gather) {
    for (const auto& part : parts)
        if (const auto* expression = std::get_if<Expression>(&part)) gather(*expression);
}

} // namespace

std::vector<Reference> Template::references() const {
    std::vector<Reference> all;
    each_expression(parts_, [&](const Expression& part) { all.insert(all.end(), part.references().begin(), part.references().end()); });
    return all;
}

std::vector<std::string> Template::names() const {
    std::vector<std::string> all;
    each_expression(parts_, [&](const Expression& part) {
        const auto names = part.names();
        all.insert(all.end(), names.begin(), names.end());
    });
    return all;
}

} // namespace ashlar::formation
