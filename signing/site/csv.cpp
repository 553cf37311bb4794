#include "csv.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// One line from left to right.
class LineReader {
public:
    LineReader(const toml::SourcePtr& source, std::size_t number, toml::Problems& problems) : source_(source), number_(number), line_(source->line(number)), problems_(problems) {}

    // Nothing after a problem.
    std::vector<toml::Text> cells() {
        std::vector<toml::Text> cells;
        do {
            skip_blanks();
            auto cell = at_ < line_.size() && line_[at_] == '"' ? quoted() : plain();
            if (!cell) return {};
            cells.push_back(std::move(*cell));
        } while (comma());
        return cells;
    }

private:
    void skip_blanks() {
        while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
    }

    bool comma() {
        if (at_ == line_.size()) return false;
        ++at_;
        return true;
    }

    [[nodiscard]] toml::Position place(std::size_t begin, std::size_t end) const {
        return {source_, number_, code_points(line_.substr(0, begin)) + 1, std::max<std::size_t>(code_points(line_.substr(begin, end - begin)), 1)};
    }

    std::optional<toml::Text> plain() {
        const std::size_t begin = at_, end = std::min(line_.find(',', begin), line_.size());
        at_ = end;
        const std::string_view text = trim(line_.substr(begin, end - begin));
        if (const std::size_t mark = text.find('"'); mark != text.npos) return refuse(begin + mark, "a quotation mark inside a cell", "put the whole cell into marks, and write each of its own twice");
        return toml::Text{std::string(text), place(begin, begin + text.size())};
    }

    std::optional<toml::Text> quoted() {
        const std::size_t begin = at_++;
        std::string text;
        for (;; ++at_) {
            if (at_ >= line_.size()) return refuse(begin, "the cell has no end on this line", "write a quotation mark behind it");
            if (line_[at_] != '"') text += line_[at_];
            else if (at_ + 1 < line_.size() && line_[at_ + 1] == '"') text += line_[at_++];
            else break;
        }
        const std::size_t end = ++at_;
        skip_blanks();
        if (at_ < line_.size() && line_[at_] != ',') return refuse(at_, "text behind the end of a cell", "divide cells by commas, and write marks of the cell's own twice");
        return toml::Text{std::string(trim(text)), place(begin, end)};
    }

    std::nullopt_t refuse(std::size_t where, std::string message, std::string remedy) {
        problems_.add(place(where, where + 1), std::move(message), std::move(remedy));
        return std::nullopt;
    }

    const toml::SourcePtr& source_;
    std::size_t number_;
    std::string_view line_;
    toml::Problems& problems_;
    std::size_t at_ = 0;
};

} // namespace

CsvTable parse_csv(const toml::SourcePtr& source, toml::Problems& problems) {
    CsvTable table;
    const auto lines = static_cast<std::size_t>(std::ranges::count(source->text(), '\n')) + 1;
    for (std::size_t number = 1; number <= lines; ++number) {
        const std::string_view line = trim(source->line(number));
        if (line.empty() || line.starts_with('#')) continue;
        auto cells = LineReader(source, number, problems).cells();
        if (cells.empty()) continue;
        if (table.header.empty()) table.header = std::move(cells);
        else if (cells.size() == table.header.size()) table.rows.push_back(std::move(cells));
        else
            problems.add({source, number, 1, code_points(line)}, fmt::format("this row has {} cells, and the header has {}", cells.size(), table.header.size()),
                         "write a comma for each cell that stays empty");
    }
    return table;
}

std::vector<toml::Text> words_of(const toml::Text& cell) {
    std::vector<toml::Text> words;
    // Of a cell in quotation marks only the whole has a place that is sure.
    const bool plain = cell.position.length == std::max<std::size_t>(code_points(cell.value), 1);
    for (std::size_t begin = 0; begin < cell.value.size();) {
        if (is_blank(cell.value[begin])) {
            ++begin;
            continue;
        }
        const std::size_t end = std::min(cell.value.find_first_of(" \t", begin), cell.value.size());
        toml::Text word{cell.value.substr(begin, end - begin), cell.position};
        if (plain) {
            word.position.column += code_points(std::string_view(cell.value).substr(0, begin));
            word.position.length = code_points(word.value);
        }
        words.push_back(std::move(word));
        begin = end;
    }
    return words;
}

} // namespace ashlar::site
