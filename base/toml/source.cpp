#include <toml/source.hpp>

#include <base/file.hpp>

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace ashlar::toml {

namespace {

constexpr std::size_t window = 120;      // columns of a line that an error shows
constexpr std::size_t before_place = 40; // of which at most so many stand before the place
constexpr std::size_t most_shown = 10;   // problems in one error
constexpr std::size_t longest_word = 60;

struct CodePoint {
    std::string_view bytes;
    std::uint32_t value = 0xFFFD;
};

std::size_t sequence_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

// Takes one code point off the front; a byte that begins none is one by itself, value U+FFFD.
CodePoint take(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = sequence_length(first);
    std::uint32_t value = length <= 1 ? first : first & (0x7Fu >> length);
    bool valid = length > 0 && length <= text.size();
    for (std::size_t i = 1; valid && i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        valid = (next & 0xC0) == 0x80;
        value = (value << 6) | (next & 0x3F);
    }
    const CodePoint result{text.substr(0, valid ? length : 1), valid ? value : 0xFFFD};
    text.remove_prefix(result.bytes.size());
    return result;
}

std::vector<CodePoint> code_points(std::string_view text) {
    std::vector<CodePoint> points;
    while (!text.empty()) points.push_back(take(text));
    return points;
}

// Control characters, and the marks that turn the direction of writing.
bool steers_a_terminal(std::uint32_t value) {
    return value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0x200E && value <= 0x200F) ||
           (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
}

std::string shown(const CodePoint& point) {
    if (point.value == '\t') return "\t";
    if (point.value == 0xFFFD || steers_a_terminal(point.value)) return "?";
    return std::string(point.bytes);
}

// The part of a line that is shown: code points [first, last) of it.
struct Cut {
    std::size_t first, last;
};

Cut cut_around(std::size_t column, std::size_t length) {
    if (length <= window) return {0, length};
    const std::size_t place = std::min(column, length) - std::min<std::size_t>(column, 1);
    const std::size_t first = std::min(place > before_place ? place - before_place : 0, length - window);
    return {first, first + window};
}

std::string excerpt(const Position& position) {
    const auto points = code_points(position.source->line(position.line));
    const auto [first, last] = cut_around(position.column, points.size());
    const std::string number = fmt::format("{}", position.line);
    std::string text = fmt::format("  {} | {}", number, first > 0 ? "…" : "");
    std::string mark = fmt::format("  {:{}} | {}", "", number.size(), first > 0 ? " " : "");
    for (std::size_t i = first; i < last; ++i) {
        text += shown(points[i]);
        if (i + 1 < position.column) mark += points[i].value == '\t' ? '\t' : ' ';
    }
    if (last < points.size()) text += "…";
    const std::size_t room = last + 1 > position.column ? last + 1 - position.column : 1;
    mark += '^' + std::string(std::clamp<std::size_t>(position.length, 1, room) - 1, '~');
    return text + '\n' + mark;
}

void append_place(std::string& text, const Position& position, std::string_view message) {
    text += fmt::format("{}: {}", position.text(), message);
    if (position.source && position.line > 0) text += '\n' + excerpt(position);
}

bool stands_before(const Diagnostic& a, const Diagnostic& b) {
    const std::string_view left = a.position.source ? a.position.source->name() : std::string_view();
    const std::string_view right = b.position.source ? b.position.source->name() : std::string_view();
    return std::tie(left, a.position.line, a.position.column) < std::tie(right, b.position.line, b.position.column);
}

std::vector<Diagnostic> in_order(std::vector<Diagnostic> diagnostics) {
    std::stable_sort(diagnostics.begin(), diagnostics.end(), stands_before);
    return diagnostics;
}

std::string render_all(const std::vector<Diagnostic>& diagnostics) {
    std::string text;
    for (std::size_t i = 0; i < std::min(diagnostics.size(), most_shown); ++i)
        text += (i > 0 ? "\n\n" : "") + render(diagnostics[i]);
    if (diagnostics.size() > most_shown)
        text += fmt::format("\n\nand {} more problems", diagnostics.size() - most_shown);
    return text;
}

} // namespace

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
    starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i)
        if (text_[i] == '\n') starts_.push_back(i + 1);
}

std::string_view Source::line(std::size_t number) const noexcept {
    if (number == 0 || number > starts_.size()) return {};
    const std::size_t begin = starts_[number - 1];
    const std::size_t end = number < starts_.size() ? starts_[number] - 1 : text_.size();
    std::string_view line = std::string_view(text_).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

SourcePtr source_from_text(std::string name, std::string text) {
    return std::make_shared<const Source>(std::move(name), std::move(text));
}

SourcePtr source_from_file(const std::filesystem::path& path, std::string name) {
    std::error_code ignored; // read_file() says what is wrong
    if (const auto size = std::filesystem::file_size(path, ignored); !ignored && size > most_bytes)
        throw Error(fmt::format("cannot read '{}': it has {} bytes, more than the {} that such a file may have", name,
                                size, most_bytes));
    return source_from_text(std::move(name), read_file(path));
}

std::string Position::text() const {
    if (!source) return "(unknown)";
    if (line == 0) return source->name();
    return fmt::format("{}:{}:{}", source->name(), line, column);
}

std::string Position::file_and_line() const {
    if (!source) return "(unknown)";
    if (line == 0) return source->name();
    return fmt::format("{}:{}", source->name(), line);
}

std::string render(const Diagnostic& diagnostic) {
    std::string text;
    append_place(text, diagnostic.position, diagnostic.message);
    for (const auto& note : diagnostic.notes) {
        text += '\n';
        append_place(text, note.position, note.message);
    }
    if (!diagnostic.remedy.empty()) text += '\n' + diagnostic.remedy;
    return text;
}

SourceError::SourceError(std::vector<Diagnostic> diagnostics)
    : Error(render_all(in_order(diagnostics))), diagnostics_(in_order(std::move(diagnostics))) {}

SourceError::SourceError(Position position, std::string message, std::string remedy)
    : SourceError(std::vector{Diagnostic{std::move(position), std::move(message), std::move(remedy), {}}}) {}

void Problems::add(Diagnostic diagnostic) { diagnostics_.push_back(std::move(diagnostic)); }

void Problems::add(Position position, std::string message, std::string remedy) {
    add(Diagnostic{std::move(position), std::move(message), std::move(remedy), {}});
}

void Problems::add(const Problems& others) { diagnostics_.insert(diagnostics_.end(), others.diagnostics_.begin(), others.diagnostics_.end()); }

void Problems::raise() const {
    if (!diagnostics_.empty()) throw SourceError(diagnostics_);
}

std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const CodePoint point = take(text);
        if (point.value != 0xFFFD && !steers_a_terminal(point.value))
            result += point.bytes;
        else
            for (const char byte : point.bytes) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    return result;
}

std::string quote(std::string_view word) {
    std::string_view rest = word;
    for (std::size_t count = 0; !rest.empty() && count < longest_word; ++count) take(rest);
    const std::string_view kept = word.substr(0, word.size() - rest.size());
    return fmt::format("'{}{}'", printable(kept), rest.empty() ? "" : "…");
}

} // namespace ashlar::toml
