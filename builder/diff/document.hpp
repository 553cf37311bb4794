#pragma once

// A report for people: a headline and sections of tables, which Markdown and a terminal show each in
// their way. Private to the module.

#include <string>
#include <vector>

namespace ashlar::diff {

using Row = std::vector<std::string>;

struct Section {
    // `folded`: long lists; Markdown folds them, a terminal shows their number of lines.
    enum class Kind { shown, folded } kind = Kind::shown;
    std::string title;
    std::string lead;              // a sentence below the title; may be empty
    std::vector<std::string> head; // of the columns; each row has as many cells
    std::vector<Row> rows;
    // Columns that are names from files or packages: Markdown sets them as code.
    std::vector<bool> code;
};

struct Document {
    std::string title;
    std::vector<std::string> summary; // sentences
    std::vector<Section> sections;
};

[[nodiscard]] std::string to_markdown(const Document& document);
[[nodiscard]] std::string to_plain(const Document& document);

} // namespace ashlar::diff
