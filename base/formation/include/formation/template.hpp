#pragma once

// Text with ${expressions}: "ETCD_NAME=${node.name}". `$${` stands for `${` itself; every other `$` for itself.

#include <formation/expression.hpp>

#include <string>
#include <variant>
#include <vector>

namespace ashlar::formation {

// Why a text cannot be filled in yet: the first name in it that is absent.
struct Absent {
    std::string name;
    bool operator==(const Absent&) const = default;
};

class Template {
public:
    [[nodiscard]] static std::optional<Template> read(const toml::Text& text, const Scope& scope, toml::Problems& problems);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::variant<std::string, Absent> fill(const Names& names) const;
    [[nodiscard]] std::vector<Reference> references() const;
    [[nodiscard]] std::vector<std::string> names() const;

private:
    Template() = default;
    std::string text_;
    std::vector<std::variant<std::string, Expression>> parts_;
};

} // namespace ashlar::formation
