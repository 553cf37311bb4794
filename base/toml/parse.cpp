#include <toml/value.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wundef"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace ashlar::toml {

namespace {

namespace tpp = ::toml;

// toml++ bounds the nesting of brackets but not of dotted keys, and takes a tree apart by recursion:
// a line of a million dots would exhaust the stack. So depth is measured before it reads. Only what
// stands outside strings and comments counts.
class DepthGauge {
public:
    explicit DepthGauge(std::string_view text) : rest_(text) {}

    // The offset of the dot that goes one level too deep.
    std::optional<std::size_t> too_deep() {
        const std::size_t size = rest_.size();
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '"' || c == '\'') {
                skip_string(c);
                continue;
            }
            if (c == '#') {
                skip_past("\n");
                dots_ = 0;
                continue;
            }
            if (c == '.' && ++dots_ >= most_levels) return size - rest_.size();
            if (c != '.' && std::string_view("=,{}[]\n").find(c) != std::string_view::npos) dots_ = 0;
            rest_.remove_prefix(1);
        }
        return std::nullopt;
    }

private:
    void skip_past(std::string_view end) {
        const std::size_t found = rest_.find(end);
        rest_.remove_prefix(found == std::string_view::npos ? rest_.size() : found + end.size());
    }

    void skip_string(char quote) {
        const std::string three(3, quote);
        const std::string end = rest_.starts_with(three) ? three : std::string(1, quote);
        rest_.remove_prefix(end.size());
        while (!rest_.empty() && !rest_.starts_with(end)) {
            const bool escape = quote == '"' && rest_.front() == '\\' && rest_.size() > 1;
            // One-line strings end with the line at the latest: that is an error for toml++ to tell.
            if (end.size() == 1 && rest_.front() == '\n') return;
            rest_.remove_prefix(escape ? 2 : 1);
        }
        rest_.remove_prefix(std::min(end.size(), rest_.size()));
    }

    std::string_view rest_;
    std::size_t dots_ = 0;
};

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Position at_offset(const SourcePtr& source, std::size_t offset) {
    const std::string_view before = std::string_view(source->text()).substr(0, offset);
    const std::size_t line_start = before.rfind('\n') + 1; // npos + 1 == 0
    const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    return {source, line, columns(before.substr(line_start)) + 1, 1};
}

Position position_of(const SourcePtr& source, const tpp::source_region& region) {
    Position position{source, region.begin.line, region.begin.column, 1};
    const std::size_t end = region.end.line == region.begin.line ? region.end.column
                                                                 : columns(source->line(region.begin.line)) + 1;
    if (end > position.column) position.length = end - position.column;
    return position;
}

Value convert(const SourcePtr& source, const tpp::node& node);

List convert_list(const SourcePtr& source, const tpp::array& array) {
    List list;
    list.reserve(array.size());
    for (const auto& element : array) list.push_back(convert(source, element));
    return list;
}

// toml++ sorts keys by name; people expect the order in which they wrote them.
Entries convert_table(const SourcePtr& source, const tpp::table& table) {
    Entries entries;
    entries.reserve(table.size());
    for (auto&& [key, node] : table)
        entries.push_back({std::string(key.str()), position_of(source, key.source()), convert(source, node)});
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.position.line, a.position.column, a.key) < std::tie(b.position.line, b.position.column, b.key);
    });
    return entries;
}

Value convert(const SourcePtr& source, const tpp::node& node) {
    Value value{position_of(source, node.source()), Date{}};
    if (const auto* text = node.as_string()) value.data = text->get();
    else if (const auto* number = node.as_integer()) value.data = number->get();
    else if (const auto* real = node.as_floating_point()) value.data = real->get();
    else if (const auto* boolean = node.as_boolean()) value.data = boolean->get();
    else if (const auto* array = node.as_array()) value.data = convert_list(source, *array);
    else if (const auto* table = node.as_table()) value.data = convert_table(source, *table);
    return value;
}

// toml++ says where it stopped; people want to know what to look at.
Diagnostic explain(const SourcePtr& source, const tpp::parse_error& error) {
    std::string_view cause = error.description();
    constexpr std::string_view preamble = "Error while parsing ";
    if (cause.starts_with(preamble))
        if (const std::size_t colon = cause.find(": "); colon != std::string_view::npos) cause.remove_prefix(colon + 2);
    Diagnostic diagnostic{position_of(source, error.source()), fmt::format("not TOML: {}", cause), {}, {}};
    Position& place = diagnostic.position;
    const std::string_view line = source->line(place.line);
    place.column = std::min(place.column, columns(line) + 1); // the end of the file counts as one more character
    if (cause.starts_with("cannot redefine")) {
        // It stopped behind the value; the key is what was written twice.
        const std::size_t start = std::min(line.find_first_not_of(" \t["), line.size());
        const std::string_view key = line.substr(start, line.find_first_of("=]", start) - start);
        place.column = columns(line.substr(0, start)) + 1;
        place.length = columns(key.substr(0, key.find_last_not_of(" \t") + 1));
    } else if (cause.starts_with("unescaped control characters") && place.column > columns(line)) {
        diagnostic.message = "not TOML: the string has no end on this line";
    }
    return diagnostic;
}

} // namespace

std::string_view Value::type() const noexcept {
    static constexpr std::array<std::string_view, 7> names{
        "a string", "a whole number", "a number with a fraction", "a boolean", "a date", "a list", "a table"};
    return names[data.index()];
}

Value parse(const SourcePtr& source) {
    if (const auto offset = DepthGauge(source->text()).too_deep())
        throw SourceError(at_offset(source, *offset), fmt::format("a key has more than {} parts", most_levels));
    try {
        const tpp::table table = tpp::parse(std::string_view(source->text()), std::string_view());
        Value root{Position{source, 0, 0, 1}, convert_table(source, table)};
        return root;
    } catch (const tpp::parse_error& error) {
        throw SourceError({explain(source, error)});
    }
}

} // namespace ashlar::toml
