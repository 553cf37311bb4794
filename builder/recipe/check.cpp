#include "check.hpp"

#include <map>

#include <fmt/format.h>

namespace ashlar::recipe {

toml::Text summary(toml::Table& table) {
    const auto text = table.required_text("summary");
    if (!text) return {};
    if (text->value.empty() || text->value.find('\n') != std::string::npos)
        table.problem(text->position, "the summary must be one line of text");
    return *text;
}

std::vector<toml::Text> only_valid(toml::Table& table, std::vector<toml::Text> texts, Predicate valid,
                                   std::string_view what, std::string_view remedy) {
    std::erase_if(texts, [&](const toml::Text& text) {
        if (valid(text.value)) return false;
        table.problem(text.position, fmt::format("{} is not {}", toml::quote(text.value), what), std::string(remedy));
        return true;
    });
    return texts;
}

void report_twice(toml::Problems& problems, std::string_view what, std::string_view text, const toml::Position& second,
                  const toml::Position& first) {
    toml::Diagnostic diagnostic{second, fmt::format("{} {} is given twice", what, toml::quote(text)), {}, {}};
    diagnostic.notes.push_back({first, "first given here"});
    problems.add(std::move(diagnostic));
}

void refuse_duplicates(toml::Problems& problems, std::string_view what, const std::vector<toml::Text>& texts,
                       const std::function<std::string_view(std::string_view)>& key) {
    std::map<std::string_view, const toml::Text*> seen;
    for (const auto& text : texts) {
        const std::string_view word = key ? key(text.value) : std::string_view(text.value);
        const auto [earlier, fresh] = seen.emplace(word, &text);
        if (!fresh) report_twice(problems, what, word, text.position, earlier->second->position);
    }
}

} // namespace ashlar::recipe
