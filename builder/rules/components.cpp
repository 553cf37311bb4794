#include <rules/components.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::rules {

namespace {

constexpr std::array<std::string_view, 5> kinds{"series", "minor", "major", "calendar", "forward"};

using Numbers = std::vector<std::uint64_t>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The parts of "25.03.1~rc1" that are whole numbers, as they stand: "25", "03", "1".
std::vector<std::string_view> leading_parts(std::string_view version) {
    std::vector<std::string_view> parts;
    while (!version.empty() && is_digit(version.front())) {
        const auto end = std::min(version.find_first_not_of("0123456789"), version.size());
        parts.push_back(version.substr(0, end));
        version.remove_prefix(end);
        if (version.empty() || version.front() != '.') break;
        version.remove_prefix(1);
    }
    return parts;
}

std::string first_parts(const std::vector<std::string_view>& parts, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}{}", i == 0 ? "" : ".", parts[i]);
    return text;
}

// "25.03" as 25, 3; nothing for any other text.
std::optional<Numbers> numbers_of(std::string_view line) {
    Numbers numbers;
    for (const std::string_view part : split(line, '.')) {
        if (part.empty() || part.size() > 9 || !std::all_of(part.begin(), part.end(), is_digit)) return std::nullopt;
        std::uint64_t number = 0;
        for (const char digit : part) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
        numbers.push_back(number);
    }
    return numbers;
}

std::size_t parts_of(Kind kind) {
    switch (kind) {
    case Kind::major: return 1;
    case Kind::minor:
    case Kind::calendar: return 2;
    case Kind::series:
    case Kind::forward: return 0; // as many as the rule's lines have
    }
    return 0;
}

std::size_t parts_of(const Rule& rule) {
    if (const std::size_t fixed = parts_of(rule.kind)) return fixed;
    return rule.lines.empty() ? 1 : split(rule.lines.front().name, '.').size();
}

// ---- Steps ----------------------------------------------------------------------------------------

class Judge {
public:
    Judge(const Rule& rule, std::string_view from, std::string_view to) : rule_(rule), from_(from), to_(to) {}

    std::optional<Forbidden> judge() {
        if (from_ == to_) return std::nullopt;
        if (auto unknown = first_unknown()) return unknown;
        if (is_back()) return Forbidden{fmt::format("it goes back from {} to {}", titled(from_), titled(to_)), "databases and files on disk do not go back: take a version of the line before, or a newer one"};
        if (is_allowed()) return std::nullopt;
        return Forbidden{fmt::format("{} to {} is too far: rule '{}' allows {}", titled(from_), titled(to_), rule_.name, rule_.summary), remedy()};
    }

private:
    [[nodiscard]] std::string titled(std::string_view line) const { return rule_.titled(line); }

    [[nodiscard]] std::optional<Forbidden> first_unknown() const {
        for (const std::string_view line : {from_, to_}) {
            const bool unlisted = rule_.kind == Kind::series && !rule_.line(line);
            if (unlisted || wrong_form(rule_.kind, line))
                return Forbidden{fmt::format("rule '{}' knows no line '{}'", rule_.name, line), "add it to recipes/components.toml, as upstream's document has it"};
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t place_of(std::string_view line) const { return static_cast<std::size_t>(rule_.line(line) - rule_.lines.data()); }

    [[nodiscard]] bool is_back() const {
        if (rule_.kind == Kind::series) return place_of(to_) < place_of(from_);
        return numbers_of(to_) < numbers_of(from_);
    }

    [[nodiscard]] bool is_allowed() const {
        switch (rule_.kind) {
        case Kind::forward: return true;
        case Kind::series: return place_of(to_) - place_of(from_) <= rule_.at_most || to_ == next_kept_long();
        case Kind::major: return number(to_, 0) - number(from_, 0) <= rule_.at_most;
        case Kind::minor: return number(to_, 0) == number(from_, 0) && number(to_, 1) - number(from_, 1) <= rule_.at_most;
        case Kind::calendar: return to_ == next_in_calendar() || to_ == next_first_of_a_year();
        }
        return false;
    }

    [[nodiscard]] static std::uint64_t number(std::string_view line, std::size_t part) { return numbers_of(line)->at(part); }

    [[nodiscard]] std::string next_kept_long() const {
        if (!rule_.line(from_)->kept_long) return {};
        const auto next = std::find_if(rule_.lines.begin() + static_cast<std::ptrdiff_t>(place_of(from_)) + 1, rule_.lines.end(), [](const Line& line) { return line.kept_long; });
        return next == rule_.lines.end() ? std::string() : next->name;
    }
    [[nodiscard]] std::string next_in_calendar() const {
        return number(from_, 1) == 1 ? fmt::format("{}.2", number(from_, 0)) : fmt::format("{}.1", number(from_, 0) + 1);
    }
    [[nodiscard]] std::string next_first_of_a_year() const { return number(from_, 1) == 1 ? fmt::format("{}.1", number(from_, 0) + 1) : std::string(); }

    // The furthest line that one may go to first, of those that are known.
    [[nodiscard]] std::string furthest() const {
        switch (rule_.kind) {
        case Kind::forward: return {};
        case Kind::series: {
            const std::string kept = next_kept_long();
            const std::size_t place = std::min(place_of(from_) + rule_.at_most, rule_.lines.size() - 1);
            return !kept.empty() && place_of(kept) > place ? kept : rule_.lines[place].name;
        }
        case Kind::major: return fmt::format("{}", number(from_, 0) + rule_.at_most);
        case Kind::minor: return fmt::format("{}.{}", number(from_, 0), number(from_, 1) + rule_.at_most);
        case Kind::calendar: return number(from_, 1) == 1 ? next_first_of_a_year() : next_in_calendar();
        }
        return {};
    }

    [[nodiscard]] std::string remedy() const {
        const std::string first = furthest();
        if (first == from_) return "that line is for good: keep it";
        if (rule_.kind == Kind::minor && number(from_, 0) != number(to_, 0)) return "a new major number is another software: read upstream's document, and give it a rule of its own";
        return fmt::format("cut a release with {} before, and make it a floor", titled(first));
    }

    const Rule& rule_;
    std::string_view from_, to_;
};

} // namespace

std::string_view to_string(Kind kind) noexcept { return kinds.at(static_cast<std::size_t>(kind)); }

const Line* Rule::line(std::string_view name_of_it) const noexcept {
    const auto found = std::ranges::find(lines, name_of_it, &Line::name);
    return found == lines.end() ? nullptr : &*found;
}

std::string Rule::titled(std::string_view line_name) const {
    const Line* known = line(line_name);
    return known && !known->title.empty() ? fmt::format("{} {}", line_name, known->title) : std::string(line_name);
}

const Component* Components::component(std::string_view name) const noexcept {
    const auto found = std::ranges::find(components, name, &Component::name);
    return found == components.end() ? nullptr : &*found;
}

const Rule& Components::rule_of(const Component& component) const {
    const auto found = std::ranges::find(rules, component.rule, &Rule::name);
    if (found == rules.end()) throw Error(fmt::format("cannot judge '{}': there is no rule '{}'", component.name, component.rule));
    return *found;
}

std::string upstream_version(std::string_view package_version) {
    if (const auto colon = package_version.find(':'); colon != std::string_view::npos) package_version.remove_prefix(colon + 1);
    if (const auto dash = package_version.rfind('-'); dash != std::string_view::npos) package_version = package_version.substr(0, dash);
    return std::string(package_version.substr(0, package_version.find('+')));
}

std::optional<std::string> line_of(const Component& component, const Rule& rule, std::string_view upstream) {
    const auto parts = leading_parts(upstream);
    if (component.lines.empty()) {
        const std::size_t count = parts_of(rule);
        if (parts.size() < count) return std::nullopt;
        return first_parts(parts, count);
    }
    for (std::size_t count = parts.size(); count > 0; --count)
        if (const auto found = component.lines.find(first_parts(parts, count)); found != component.lines.end()) return found->second;
    return std::nullopt;
}

std::optional<Day> maintained_until(const Component& component, const Rule& rule, std::string_view line) {
    if (const auto own = component.until.find(line); own != component.until.end()) return own->second;
    const Line* known = rule.line(line);
    return known ? known->until : std::nullopt;
}

std::optional<Forbidden> forbidden_step(const Rule& rule, std::string_view from, std::string_view to) { return Judge(rule, from, to).judge(); }

std::optional<std::string> wrong_form(Kind kind, std::string_view line) {
    const auto numbers = numbers_of(line);
    if (!numbers) return "a line is numbers with dots between them";
    const std::size_t wanted = parts_of(kind);
    if (wanted != 0 && numbers->size() != wanted) return fmt::format("a line of kind '{}' has {} number{}", to_string(kind), wanted, wanted == 1 ? "" : "s");
    if (kind == Kind::calendar && (numbers->at(1) < 1 || numbers->at(1) > 2)) return "a line of kind 'calendar' is a year, and .1 or .2";
    return std::nullopt;
}

} // namespace ashlar::rules
