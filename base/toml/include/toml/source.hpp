#pragma once

// Text that people write, places in it, and errors that show the place.
//
// An error about a file looks like this:
//
//     recipes/roles/compute.toml:3:1: unknown key 'pakages'
//       3 | pakages = ["a"]
//         | ^~~~~~~
//     did you mean 'packages'?
//
// A Position is a value that may outlive the reading: it holds the text, so a later stage that finds
// something wrong with what was written ("no such package") points at the very word.

#include <base/error.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::toml {

// A file's text under the name that errors show. Immutable.
class Source {
public:
    Source(std::string name, std::string text);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // The line without its end (LF or CRLF); lines count from 1. Empty when there is no such line.
    [[nodiscard]] std::string_view line(std::size_t number) const noexcept;

private:
    std::string name_;
    std::string text_;
    std::vector<std::size_t> starts_; // byte offset of each line
};

using SourcePtr = std::shared_ptr<const Source>;

[[nodiscard]] SourcePtr source_from_text(std::string name, std::string text);
// `name` is what errors show. Throws Error when the file cannot be read, or is larger than
// `most_bytes` (a mistake in the path, not a recipe).
inline constexpr std::size_t most_bytes = 1 << 20;
[[nodiscard]] SourcePtr source_from_file(const std::filesystem::path& path, std::string name);

// A run of characters in one line. Columns and lengths count code points, as editors do.
struct Position {
    SourcePtr source;
    std::size_t line = 0;   // from 1; 0 = the file as a whole
    std::size_t column = 0; // from 1
    std::size_t length = 1;

    // "recipes/roles/compute.toml:3:1", or the name alone for a whole file; "(unknown)" without source.
    [[nodiscard]] std::string text() const;
    // "recipes/roles/compute.toml:3"
    [[nodiscard]] std::string file_and_line() const;
};

// A second place that explains the first one.
struct Note {
    Position position;
    std::string message;
};

struct Diagnostic {
    Position position;
    std::string message;     // "unknown key 'pakages'"
    std::string remedy;      // "did you mean 'packages'?"; may be empty
    std::vector<Note> notes; // shown between the place and the remedy
};

// The text shown above, without a newline at its end. Characters that would steer a terminal are
// shown as '?', tabs keep their width, and of a very long line only the part around the place is shown.
[[nodiscard]] std::string render(const Diagnostic& diagnostic);

// One or more diagnostics, in the order of their places. message() is their rendered text, one blank
// line between two.
class SourceError : public Error {
public:
    explicit SourceError(std::vector<Diagnostic> diagnostics);
    SourceError(Position position, std::string message, std::string remedy = {});

    [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const noexcept { return diagnostics_; }

private:
    std::vector<Diagnostic> diagnostics_;
};

// Collects what is wrong, so that one run shows all of it.
class Problems {
public:
    void add(Diagnostic diagnostic);
    void add(Position position, std::string message, std::string remedy = {});
    void add(const Problems& others);
    [[nodiscard]] bool empty() const noexcept { return diagnostics_.empty(); }
    // SourceError when there is any.
    void raise() const;

private:
    std::vector<Diagnostic> diagnostics_;
};

// The text with control characters, marks that turn the direction of writing, and bytes that are no
// UTF-8 written as \xNN.
[[nodiscard]] std::string printable(std::string_view text);
// `'word'` as errors quote what a user wrote: printable, long words cut.
[[nodiscard]] std::string quote(std::string_view word);

} // namespace ashlar::toml
