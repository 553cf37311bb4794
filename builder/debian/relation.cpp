#include <debian/package.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

constexpr std::string_view blanks = " \t\r\n";

// Longest first. A single '<' or '>' is an old spelling and means "or equal", as dpkg reads it.
constexpr std::array<std::pair<std::string_view, Relation>, 7> operators{{{"<<", Relation::less},
                                                                          {"<=", Relation::less_equal},
                                                                          {">=", Relation::greater_equal},
                                                                          {">>", Relation::greater},
                                                                          {"=", Relation::equal},
                                                                          {"<", Relation::less_equal},
                                                                          {">", Relation::greater_equal}}};

std::string_view spelling(Relation relation) {
    for (const auto& [text, meaning] : operators)
        if (meaning == relation) return text;
    return "";
}

[[noreturn]] void refuse(std::string_view text, std::string_view cause, std::string hint = {}) {
    throw Error(fmt::format("cannot parse dependency '{}': {}", trim(text), cause), std::move(hint));
}

constexpr bool is_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
           c == '.' || c == '_';
}

// Reads one alternative; `text_` is all of it, for messages, and `rest_` what is still to be read.
class AlternativeParser {
public:
    explicit AlternativeParser(std::string_view text) : text_(text), rest_(text) {}

    Alternative parse() {
        Alternative found;
        found.name = take_word("the name of a package");
        if (accept(':')) found.qualifier = take_word("an architecture after ':'");
        skip_blanks();
        if (accept('(')) parse_version(found);
        skip_blanks();
        if (!rest_.empty() && (rest_.front() == '[' || rest_.front() == '<')) refuse_restriction();
        if (!rest_.empty()) refuse(text_, fmt::format("unexpected '{}'", rest_));
        return found;
    }

private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size())); }

    bool accept(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view take_word(std::string_view what) {
        skip_blanks();
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name_character);
        const std::string_view word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        if (word.empty()) refuse(text_, fmt::format("expected {}", what));
        rest_.remove_prefix(word.size());
        return word;
    }

    void parse_version(Alternative& found) {
        skip_blanks();
        const auto op =
            std::find_if(operators.begin(), operators.end(), [&](const auto& o) { return rest_.starts_with(o.first); });
        if (op == operators.end()) refuse(text_, "expected one of << <= = >= >> after '('");
        rest_.remove_prefix(op->first.size());
        const std::size_t end = rest_.find(')');
        if (end == std::string_view::npos) refuse(text_, "missing ')'");
        found.relation = op->second;
        found.version = trim(rest_.substr(0, end));
        if (!is_version(found.version)) refuse(text_, fmt::format("'{}' is not a version", found.version));
        rest_.remove_prefix(end + 1);
    }

    [[noreturn]] void refuse_restriction() const {
        refuse(text_, rest_.front() == '[' ? "an architecture restriction" : "a build profile",
               "only source packages have these; a binary package's fields are written without them");
    }

    std::string_view text_, rest_;
};

Alternative parse_alternative(std::string_view text) { return AlternativeParser(text).parse(); }

template <typename Take> void for_each_entry(std::string_view field, Take take) {
    for (const std::string_view entry : split(field, ','))
        if (!trim(entry).empty()) take(entry);
}

} // namespace

std::vector<Group> parse_groups(std::string_view field) {
    std::vector<Group> groups;
    for_each_entry(field, [&](std::string_view entry) {
        Group& group = groups.emplace_back();
        for (const std::string_view alternative : split(entry, '|')) group.push_back(parse_alternative(alternative));
    });
    return groups;
}

std::vector<Alternative> parse_list(std::string_view field) {
    std::vector<Alternative> list;
    for_each_entry(field, [&](std::string_view entry) {
        if (entry.find('|') != std::string_view::npos) refuse(entry, "alternatives have no meaning in this field");
        list.push_back(parse_alternative(entry));
    });
    return list;
}

std::string to_string(const Alternative& alternative) {
    std::string text(alternative.name);
    if (!alternative.qualifier.empty()) text += fmt::format(":{}", alternative.qualifier);
    if (alternative.relation != Relation::any)
        text += fmt::format(" ({} {})", spelling(alternative.relation), alternative.version);
    return text;
}

std::string to_string(const Group& group) {
    std::string text;
    for (const Alternative& alternative : group) text += (text.empty() ? "" : " | ") + to_string(alternative);
    return text;
}

bool version_satisfies(std::string_view version, const Alternative& alternative) {
    if (alternative.relation == Relation::any) return true;
    const auto order = compare_versions(version, alternative.version);
    switch (alternative.relation) {
    case Relation::less: return order < 0;
    case Relation::less_equal: return order <= 0;
    case Relation::equal: return order == 0;
    case Relation::greater_equal: return order >= 0;
    case Relation::greater: return order > 0;
    case Relation::any: break;
    }
    return true;
}

} // namespace ashlar::debian
