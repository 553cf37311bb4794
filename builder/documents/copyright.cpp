#include <documents/copyright.hpp>

#include <base/text.hpp>
#include <debian/control.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace ashlar::documents {

namespace {

constexpr std::string_view common_directory = "/usr/share/common-licenses/";

// The value where the line is this field; fields' names compare without regard to case.
const char* begins_field(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' && debian::same_name(line.substr(0, name.size()), name) ? line.data() + name.size() + 1 : nullptr;
}

std::string_view value_of(std::string_view line, const char* from) { return trim({from, static_cast<std::size_t>(line.data() + line.size() - from)}); }

bool is_machine_readable(std::string_view text) {
    for (const std::string_view line : split(text, '\n')) {
        if (trim(line).empty() || line.starts_with('#')) continue;
        const char* value = begins_field(line, "Format");
        if (value == nullptr) value = begins_field(line, "Format-Specification");
        return value != nullptr;
    }
    return false;
}

// "BSD-3-Clause  AND MIT" with single blanks: what was folded or aligned is one licence.
std::string single_blanks(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
        if (blank && (out.empty() || out.back() == ' ')) continue;
        out += blank ? ' ' : c;
    }
    return std::string(trim(out));
}

std::set<std::string> license_fields(std::string_view text) {
    std::set<std::string> found;
    for (const std::string_view line : split(text, '\n'))
        if (const char* value = begins_field(line, "License"); value != nullptr)
            if (std::string expression = single_blanks(value_of(line, value)); !expression.empty()) found.insert(std::move(expression));
    return found;
}

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-.+_").find(c) != std::string_view::npos; }

// "GPL-2." at the end of a sentence is GPL-2.
std::string_view name_at(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && is_name_character(text[end])) ++end;
    while (end > 0 && text[end - 1] == '.') --end;
    return text.substr(0, end);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

// The parts between `word`, which stands in any case; "A or B" by " or ".
std::vector<std::string_view> parts(std::string_view expression, std::string_view word) {
    const std::string searched = lower(expression);
    std::vector<std::string_view> found;
    std::size_t from = 0;
    for (std::size_t at = searched.find(word); at != searched.npos; at = searched.find(word, from)) {
        found.push_back(trim(expression.substr(from, at - from)));
        from = at + word.size();
    }
    found.push_back(trim(expression.substr(from)));
    std::erase_if(found, [](std::string_view part) { return part.empty(); });
    return found;
}

// From the loosest to the tightest.
struct Join {
    std::string_view word;
    enum class Kind { all, any } kind;
};
constexpr std::array<Join, 5> joins{{{", and ", Join::Kind::all}, {", or ", Join::Kind::any}, {" or ", Join::Kind::any}, {" and ", Join::Kind::all}, {",", Join::Kind::all}}};

// `name` is asked about each licence. What has no name in it, such as a comma too many, asks for nothing.
bool walk(std::string_view expression, std::size_t level, const std::function<bool(const std::string&)>& name) {
    if (level == joins.size()) return name(std::string(expression));
    const auto below = [&](std::string_view part) { return walk(part, level + 1, name); };
    auto all = parts(expression, joins[level].word);
    std::erase_if(all, [](std::string_view part) { return names_in(part).empty(); });
    return joins[level].kind == Join::Kind::all ? std::ranges::all_of(all, below) : std::ranges::any_of(all, below);
}

} // namespace

std::string_view name_of(Licences::Form form) noexcept {
    constexpr std::array<std::string_view, 3> names{"machine-readable", "references", "text only"};
    return names[static_cast<std::size_t>(form)];
}

Licences parse_copyright(std::string_view text) {
    const auto listed = [](Licences::Form form, const auto& names) { return Licences{form, {names.begin(), names.end()}}; };
    if (is_machine_readable(text))
        if (const auto fields = license_fields(text); !fields.empty()) return listed(Licences::Form::machine_readable, fields);
    if (const auto names = common_licences_in(text); !names.empty()) return listed(Licences::Form::references, names);
    return {};
}

std::vector<std::string> names_in(std::string_view expression) {
    std::vector<std::string_view> left{expression};
    for (const Join& join : joins) {
        std::vector<std::string_view> next;
        for (const std::string_view part : left)
            for (const std::string_view piece : parts(part, join.word)) next.push_back(piece);
        left = std::move(next);
    }
    return {left.begin(), left.end()};
}

bool satisfied(std::string_view expression, const std::function<bool(const std::string& name)>& accepted) { return walk(expression, 0, accepted); }

std::vector<std::string> common_licences_in(std::string_view text) {
    std::set<std::string> found;
    for (std::size_t at = text.find(common_directory); at != text.npos; at = text.find(common_directory, at + 1))
        if (const std::string_view name = name_at(text.substr(at + common_directory.size())); !name.empty()) found.emplace(name);
    return {found.begin(), found.end()};
}

} // namespace ashlar::documents
