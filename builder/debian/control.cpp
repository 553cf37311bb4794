#include <debian/control.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && (is_blank(text.back()) || text.back() == '\n')) text.remove_suffix(1);
    return text;
}

bool is_all_blank(std::string_view line) noexcept { return std::all_of(line.begin(), line.end(), is_blank); }

// Policy 5.1: printable ASCII without colon and space, beginning with neither '#' nor '-'.
bool is_field_name(std::string_view name) noexcept {
    return !name.empty() && name.front() != '-' &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
}

std::uint64_t name_bit(std::string_view name) noexcept {
    unsigned sum = static_cast<unsigned>(name.size());
    sum = sum * 31 + static_cast<unsigned char>(lower(name.front()));
    sum = sum * 31 + static_cast<unsigned char>(lower(name.back()));
    return std::uint64_t{1} << (sum * 2654435761u >> 26);
}

// A line of a file that is hostile or no text at all must not fill the screen.
std::string excerpt(std::string_view line) {
    constexpr std::size_t most = 40;
    std::string shown(line.substr(0, most));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
    return line.size() > most ? shown + "…" : shown;
}

} // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

const Field* Paragraph::find(std::string_view name) const noexcept {
    const auto found =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return same_name(f.name, name); });
    return found == fields_.end() ? nullptr : &*found;
}

std::optional<std::string_view> Paragraph::get(std::string_view name) const noexcept {
    const Field* field = find(name);
    return field == nullptr ? std::nullopt : std::optional(field->value);
}

ControlReader::ControlReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

Error ControlReader::error(std::size_t line, std::string_view cause) const {
    return Error(fmt::format("cannot parse '{}:{}': {}", name_, line, cause));
}

std::string_view ControlReader::take_line() {
    const std::string_view rest = text_.substr(at_);
    const void* end = std::memchr(rest.data(), '\n', rest.size());
    const std::size_t size =
        end == nullptr ? rest.size() : static_cast<std::size_t>(static_cast<const char*>(end) - rest.data());
    at_ += end == nullptr ? size : size + 1;
    ++line_;
    return rest.substr(0, size);
}

void ControlReader::add_field(Paragraph& paragraph, std::string_view line, std::size_t number) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
        throw error(number, fmt::format("expected 'Name: value', found '{}'", excerpt(line)));
    const std::string_view name = line.substr(0, colon);
    if (!is_field_name(name)) throw error(number, fmt::format("'{}' is not the name of a field", excerpt(name)));
    const std::uint64_t bit = name_bit(name);
    if ((paragraph.seen_ & bit) != 0)
        if (const Field* first = paragraph.find(name))
            throw error(number, fmt::format("field '{}' is here twice, first in line {}", name, first->line));
    paragraph.seen_ |= bit;
    paragraph.fields_.push_back({name, trim_blanks(line.substr(colon + 1)), number});
}

bool ControlReader::next(Paragraph& paragraph) {
    paragraph.fields_.clear();
    paragraph.seen_ = 0;
    std::size_t begin = at_, end = at_;
    while (at_ < text_.size()) {
        const std::size_t line_begin = at_;
        const std::string_view line = take_line();
        if (line.empty() || is_all_blank(line)) {
            if (!paragraph.fields_.empty()) break;
            begin = at_;
            continue;
        }
        end = line_begin + line.size();
        if (line.front() == '#') continue;
        if (!is_blank(line.front())) {
            add_field(paragraph, line, line_);
            continue;
        }
        if (paragraph.fields_.empty())
            throw error(line_, fmt::format("the line '{}' continues no field", excerpt(trim_blanks(line))));
        // The value now reaches to the end of this line.
        std::string_view& value = paragraph.fields_.back().value;
        value = trim_blanks({value.data(), static_cast<std::size_t>(line.data() + line.size() - value.data())});
    }
    if (paragraph.fields_.empty()) return false;
    paragraph.text_ = text_.substr(begin, end - begin);
    if (std::memchr(paragraph.text_.data(), '\0', paragraph.text_.size()) != nullptr)
        throw error(paragraph.line(), "there is a NUL byte in this paragraph");
    return true;
}

Paragraph parse_control(std::string_view text, std::string_view name) {
    ControlReader reader(text, std::string(name));
    Paragraph only, another;
    if (!reader.next(only)) throw Error(fmt::format("cannot parse '{}': there is no field in it", name));
    if (reader.next(another)) throw reader.error(another.line(), "expected one paragraph, here begins another");
    return only;
}

std::vector<std::string_view> field_lines(std::string_view value) {
    std::vector<std::string_view> lines;
    for (const std::string_view line : split(value, '\n')) {
        if (!line.empty() && line.front() == '#') continue;
        if (const std::string_view content = trim(line); !content.empty()) lines.push_back(content);
    }
    return lines;
}

std::string fold_lines(std::string_view value) { return fmt::format("{}", fmt::join(field_lines(value), " ")); }

} // namespace ashlar::debian
