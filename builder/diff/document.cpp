#include "document.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::diff {

namespace {

constexpr std::size_t most_lines = 400; // of a table: a page that is still read

// Names come from packages: nothing in them may become markup.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\`*_[]<>|").find(c) != std::string_view::npos) out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
}

std::string as_code(std::string_view text) {
    if (text.empty()) return {};
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\'; // in a table it would end the cell, in code or not
        out += c == '`' ? '\'' : static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return fmt::format("`{}`", out);
}

std::string cell(const Section& section, const Row& row, std::size_t column) {
    const bool code = column < section.code.size() && section.code[column];
    return code ? as_code(row[column]) : escaped(row[column]);
}

std::string markdown_row(const std::vector<std::string>& cells) { return fmt::format("| {} |\n", join(cells, " | ")); }

std::string markdown_table(const Section& section) {
    std::string text = markdown_row(section.head) + markdown_row(std::vector<std::string>(section.head.size(), "---"));
    const std::size_t shown = std::min(section.rows.size(), most_lines);
    for (std::size_t row = 0; row < shown; ++row) {
        std::vector<std::string> cells;
        for (std::size_t i = 0; i < section.head.size(); ++i) cells.push_back(cell(section, section.rows[row], i));
        text += markdown_row(cells);
    }
    if (shown < section.rows.size()) text += fmt::format("\n… and {} more, which the JSON has\n", section.rows.size() - shown);
    return text;
}

std::string markdown_body(const Section& section) {
    const std::string lead = section.lead.empty() ? "" : escaped(section.lead) + "\n\n";
    if (section.rows.empty()) return lead;
    return lead + markdown_table(section) + "\n";
}

std::string plain_row(const Row& row, const std::vector<std::size_t>& widths) {
    std::string text = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) text += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    return std::string(text.substr(0, text.find_last_not_of(' ') + 1)) + "\n";
}

std::string plain_table(const Section& section) {
    std::vector<std::size_t> widths(section.rows.front().size());
    for (const Row& row : section.rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    for (const Row& row : section.rows) text += plain_row(row, widths);
    return text;
}

std::string plain_section(const Section& section) {
    if (section.kind == Section::Kind::folded) return fmt::format("\n{}: {} lines, with --markdown or --json\n", section.title, section.rows.size());
    std::string text = fmt::format("\n{}\n", section.title);
    if (!section.lead.empty()) text += fmt::format("  {}\n", section.lead);
    return section.rows.empty() ? text : text + plain_table(section);
}

} // namespace

std::string to_markdown(const Document& document) {
    std::string text = fmt::format("# {}\n\n", escaped(document.title));
    for (const auto& sentence : document.summary) text += fmt::format("- {}\n", escaped(sentence));
    if (!document.summary.empty()) text += "\n";
    for (const auto& section : document.sections)
        text += section.kind == Section::Kind::shown ? fmt::format("## {}\n\n{}", escaped(section.title), markdown_body(section))
                                                     : fmt::format("<details>\n<summary>{}</summary>\n\n{}</details>\n\n", section.title, markdown_body(section));
    return text.substr(0, text.find_last_not_of('\n') + 1) + "\n";
}

std::string to_plain(const Document& document) {
    std::string text = document.title + "\n";
    for (const auto& sentence : document.summary) text += fmt::format("  {}\n", sentence);
    for (const auto& section : document.sections) text += plain_section(section);
    return text;
}

} // namespace ashlar::diff
