#pragma once

// A table of text in which every cell knows its place: RFC 4180 with a header, and stricter. Cells are divided by commas; a
// cell in quotation marks may hold commas, and marks written twice, but no line end. Blanks around a cell are not part of
// it. Empty lines, and lines that begin with '#', are nothing.

#include <toml/reader.hpp>

#include <string>
#include <vector>

namespace ashlar::site {

struct CsvTable {
    std::vector<toml::Text> header;
    std::vector<std::vector<toml::Text>> rows; // each with as many cells as the header
};

// Rows that have another number of cells than the header, and cells that do not end, are problems and left out.
[[nodiscard]] CsvTable parse_csv(const toml::SourcePtr& source, toml::Problems& problems);

// The words of a cell, divided by blanks, each with its own place.
[[nodiscard]] std::vector<toml::Text> words_of(const toml::Text& cell);

} // namespace ashlar::site
