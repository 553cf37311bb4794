#pragma once

// Control data (deb822: Debian Policy 5.1): paragraphs of `Name: value` fields, as in Packages,
// Release, a .deb's control file and dpkg's status.
//
// Everything read is a view into the text, which must outlive it. Nothing is copied and nothing is
// decoded: what a field means is the reader's business.

#include <base/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::debian {

struct Field {
    std::string_view name; // as written; names compare without regard to case
    // Without the blanks around it. A folded field's value has its line ends in it, and also the
    // comment lines between: fold_lines() takes both away.
    std::string_view value;
    std::size_t line = 0; // of the name, counted from 1
};

class Paragraph {
public:
    [[nodiscard]] std::span<const Field> fields() const noexcept { return fields_; }
    [[nodiscard]] const Field* find(std::string_view name) const noexcept;
    // The field's value; absent is not the same as empty.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t line() const noexcept { return fields_.empty() ? 0 : fields_.front().line; }
    // What stands in the file, from the first field to the last, comments included, without the
    // final line end.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    friend class ControlReader;
    std::vector<Field> fields_;
    std::uint64_t seen_ = 0; // a bit per hash of a name: makes the search for doubles cheap
    std::string_view text_;
};

// Reads one paragraph after the other. Errors are `cannot parse '<name>:<line>': …`: a line that is
// neither a field, a continuation nor a comment; a continuation without a field; a field that is
// there twice; a name with characters that no name has; a NUL byte.
class ControlReader {
public:
    ControlReader(std::string_view text, std::string name);

    // False at the end. Reuses the paragraph's memory.
    [[nodiscard]] bool next(Paragraph& paragraph);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] Error error(std::size_t line, std::string_view cause) const;

private:
    std::string_view take_line();
    void add_field(Paragraph& paragraph, std::string_view line, std::size_t number);

    std::string_view text_;
    std::string name_;
    std::size_t at_ = 0;
    std::size_t line_ = 0; // number of the last line taken
};

// The only paragraph of a text; none or a second one is an error.
[[nodiscard]] Paragraph parse_control(std::string_view text, std::string_view name);

// The lines of a field's value, blanks around each removed, comments and empty lines left out: the
// entries of `SHA256:` or `Conffiles:`.
[[nodiscard]] std::vector<std::string_view> field_lines(std::string_view value);

// A folded field as one line: lines joined by single spaces, comments left out.
[[nodiscard]] std::string fold_lines(std::string_view value);

// Names of fields compare without regard to case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

} // namespace ashlar::debian
