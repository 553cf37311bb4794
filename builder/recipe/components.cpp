#include <recipe/components.hpp>

#include "check.hpp"
#include "words.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

constexpr std::array<std::string_view, 5> kinds{"series", "minor", "major", "calendar", "forward"};
constexpr std::string_view name_remedy = "write lower-case letters, digits and '-', a letter first";

std::optional<Day> read_day(toml::Table& table, const toml::Text& text) {
    const auto day = parse_day(text.value);
    if (!day) table.problem(text.position, fmt::format("{} is not a day", toml::quote(text.value)), "write it as \"2028-06-30\"");
    return day;
}

class ComponentsReader {
public:
    explicit ComponentsReader(toml::Table& root) : root_(root) {}

    rules::Components read() {
        for (toml::Table* table : root_.tables("rule")) read_rule(*table);
        for (toml::Table* table : root_.tables("component")) read_component(*table);
        return std::move(read_);
    }

private:
    std::string name(toml::Table& table, std::string_view what, std::map<std::string, toml::Position>& names) {
        const auto text = table.required_text("name");
        if (!text) return {};
        if (!is_name(text->value)) table.problem(text->position, fmt::format("{} is not a {} name", toml::quote(text->value), what), std::string(name_remedy));
        if (const auto [at, fresh] = names.emplace(text->value, text->position); !fresh) report_twice(table.problems(), what, text->value, text->position, at->second);
        return text->value;
    }

    static std::string line_of_text(toml::Table& table, std::string_view key) {
        const auto text = table.required_text(key);
        if (!text) return {};
        if (text->value.empty() || text->value.find('\n') != std::string::npos) table.problem(text->position, fmt::format("'{}' must be one line of text", key));
        return text->value;
    }

    void read_rule(toml::Table& table) {
        rules::Rule rule;
        rule.name = name(table, "rule", rule_names_);
        if (!table.has("kind")) table.problem(table.position(), "missing key 'kind'");
        if (const auto kind = table.choice("kind", kinds)) rule.kind = static_cast<rules::Kind>(kind->value);
        rule.summary = line_of_text(table, "summary");
        rule.source = line_of_text(table, "source");
        rule.url = line_of_text(table, "url");
        read_at_most(table, rule);
        read_lines(table, rule);
        read_.rules.push_back(std::move(rule));
    }

    static void read_at_most(toml::Table& table, rules::Rule& rule) {
        const auto number = table.integer("at_most");
        if (!number) return;
        if (rule.kind == rules::Kind::calendar || rule.kind == rules::Kind::forward)
            table.problem(table.where("at_most"), fmt::format("a rule of kind '{}' has no 'at_most'", to_string(rule.kind)), "leave it out");
        else if (number->value < 0 || number->value > 100)
            table.problem(number->position, fmt::format("{} is not a number of lines", number->value), "write a number from 0 to 100");
        else
            rule.at_most = static_cast<unsigned>(number->value);
    }

    void read_lines(toml::Table& table, rules::Rule& rule) {
        std::map<std::string, toml::Position> seen;
        for (toml::Table* line : table.tables("line")) read_line(*line, rule, seen);
        if (rule.kind == rules::Kind::series && !table.has("line"))
            table.problem(table.position(), "a rule of kind 'series' needs at least one line", "list the lines in upstream's order");
    }

    static void read_line(toml::Table& table, rules::Rule& rule, std::map<std::string, toml::Position>& seen) {
        rules::Line line;
        if (const auto text = table.required_text("name")) {
            line.name = text->value;
            check_form(table, rule.kind, *text);
            check_length(table, rule, *text);
            if (const auto [at, fresh] = seen.emplace(text->value, text->position); !fresh) report_twice(table.problems(), "line", text->value, text->position, at->second);
        }
        if (const auto title = table.text("title")) line.title = title->value;
        if (const auto kept = table.boolean("kept_long")) line.kept_long = kept->value;
        if (line.kept_long && rule.kind != rules::Kind::series)
            table.problem(table.where("kept_long"), fmt::format("a rule of kind '{}' has no lines that are kept long", to_string(rule.kind)), "leave it out");
        if (const auto until = table.text("until")) line.until = read_day(table, *until);
        rule.lines.push_back(std::move(line));
    }

    static void check_form(toml::Table& table, rules::Kind kind, const toml::Text& line) {
        if (const auto wrong = wrong_form(kind, line.value)) table.problem(line.position, fmt::format("{} is not a line of this rule", toml::quote(line.value)), *wrong);
    }

    // A component's version is cut to as many numbers as its rule's lines have.
    static void check_length(toml::Table& table, const rules::Rule& rule, const toml::Text& line) {
        const auto dots = [](std::string_view text) { return std::ranges::count(text, '.'); };
        if (!rule.lines.empty() && dots(rule.lines.front().name) != dots(line.value))
            table.problem(line.position, fmt::format("{} has another form than {}", toml::quote(line.value), toml::quote(rule.lines.front().name)), "all lines of a rule have as many numbers");
    }

    void read_component(toml::Table& table) {
        rules::Component component;
        component.name = name(table, "component", component_names_);
        component.packages = packages(table, "packages", table.required_texts("packages"));
        const rules::Rule* rule = read_rule_name(table, component);
        component.maintainer = line_of_text(table, "maintainer");
        for (const auto& [prefix, line] : table.pairs("lines")) add_line(table, component, rule, prefix, line);
        for (const auto& [line, day] : table.pairs("until")) add_until(table, component, rule, line, day);
        component.in_turn = packages(table, "in_turn", table.texts("in_turn"));
        if (table.has("in_turn") && component.in_turn.size() < 2)
            table.problem(table.where("in_turn"), "'in_turn' needs two packages", "name those that must not change in one step of a node, first to last");
        read_.components.push_back(std::move(component));
    }

    static std::vector<std::string> packages(toml::Table& table, std::string_view, std::vector<toml::Text> texts) {
        const auto valid = only_valid(table, std::move(texts), is_package_name, "a package name", "write a Debian package name");
        refuse_duplicates(table.problems(), "package", valid);
        std::vector<std::string> names;
        for (const auto& text : valid) names.push_back(text.value);
        return names;
    }

    const rules::Rule* read_rule_name(toml::Table& table, rules::Component& component) {
        const auto text = table.required_text("rule");
        if (!text) return nullptr;
        component.rule = text->value;
        const auto found = std::ranges::find(read_.rules, text->value, &rules::Rule::name);
        if (found != read_.rules.end()) return &*found;
        std::vector<std::string> names;
        for (const auto& rule : read_.rules) names.push_back(rule.name);
        const auto near = did_you_mean(text->value, names);
        table.problem(text->position, fmt::format("there is no rule {}", toml::quote(text->value)),
                      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known: {}", join(names, ", ")));
        return nullptr;
    }

    static void add_line(toml::Table& table, rules::Component& component, const rules::Rule* rule, const toml::Text& prefix, const toml::Text& line) {
        if (wrong_form(rules::Kind::forward, prefix.value))
            table.problem(prefix.position, fmt::format("{} is not the beginning of a version", toml::quote(prefix.value)), "write its first numbers, such as \"31\" or \"25.3\"");
        check_known(table, rule, line);
        component.lines.emplace(prefix.value, line.value);
    }

    static void add_until(toml::Table& table, rules::Component& component, const rules::Rule* rule, const toml::Text& line, const toml::Text& text) {
        check_known(table, rule, line);
        if (const auto day = read_day(table, text)) component.until.emplace(line.value, *day);
    }

    static void check_known(toml::Table& table, const rules::Rule* rule, const toml::Text& line) {
        if (!rule) return;
        check_form(table, rule->kind, line);
        if (rule->kind == rules::Kind::series && !rule->line(line.value))
            table.problem(line.position, fmt::format("rule '{}' has no line {}", rule->name, toml::quote(line.value)), "add it to the rule, in upstream's order");
    }

    toml::Table& root_;
    rules::Components read_;
    std::map<std::string, toml::Position> rule_names_, component_names_;
};

} // namespace

rules::Components read_components(const toml::SourcePtr& source) {
    return toml::read(source, [](toml::Table& root) { return ComponentsReader(root).read(); });
}

} // namespace ashlar::recipe
