#pragma once

// Strict reading: a key that nobody asked for is an error, as is a wrong type or a missing key.
//
//     Site site = toml::read(source, [](toml::Table& table) {
//         Site site;
//         if (auto name = table.required_text("name")) site.name = name->value;
//         if (toml::Table* network = table.table("network")) site.mtu = network->integer("mtu");
//         return site;
//     });
//
// read() returns only when everything in the file was asked for and nothing was wrong; otherwise it
// throws one SourceError with all problems of the file. Until then a getter that met a problem
// answers as if the key were absent.

#include <toml/value.hpp>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::toml {

// A value and where it was written.
template <typename T> struct Located {
    T value{};
    Position position;
};
using Text = Located<std::string>;

class Reader;

// One table of the document. Lives as long as its Reader.
class Table {
public:
    Table(Reader& reader, const Value& value);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] std::optional<Text> text(std::string_view key);
    [[nodiscard]] std::optional<Text> required_text(std::string_view key); // empty only after a problem
    [[nodiscard]] std::optional<Located<std::int64_t>> integer(std::string_view key);
    [[nodiscard]] std::optional<Located<bool>> boolean(std::string_view key);
    // One of `words`, as its index.
    [[nodiscard]] std::optional<Located<std::size_t>> choice(std::string_view key,
                                                             std::span<const std::string_view> words);
    // A list of strings; empty when absent.
    [[nodiscard]] std::vector<Text> texts(std::string_view key);
    [[nodiscard]] std::vector<Text> required_texts(std::string_view key); // at least one
    // A string, or a list of at least one; empty when absent.
    [[nodiscard]] std::vector<Text> text_or_texts(std::string_view key);
    // A sub-table; null when absent.
    [[nodiscard]] Table* table(std::string_view key);
    // [[key]], or a list of inline tables; empty when absent.
    [[nodiscard]] std::vector<Table*> tables(std::string_view key);
    // A table whose keys are free and whose values are strings, in the order written.
    struct Pair {
        Text key, text;
    };
    [[nodiscard]] std::vector<Pair> pairs(std::string_view key);
    // Every key with its place, in the order written. For a table whose keys are names, such as [template.NAME]: whoever
    // lists them asks for each of them.
    [[nodiscard]] std::vector<Text> keys() const;
    [[nodiscard]] bool has(std::string_view key) const;
    // Where the key stands, or the table itself when it is absent.
    [[nodiscard]] Position where(std::string_view key) const;
    [[nodiscard]] const Position& position() const noexcept { return value_->position; }

    void problem(Position position, std::string message, std::string remedy = {});
    [[nodiscard]] Problems& problems() noexcept;

private:
    friend class Reader;
    [[nodiscard]] const Entry* find(std::string_view key) const;
    const Entry* ask(std::string_view key);
    template <typename T> const T* as(const Entry* entry, std::string_view wanted);
    std::optional<Text> element(std::string_view key, const Value& value);
    void missing(std::string_view key);
    void report_unknown();

    Reader* reader_;
    const Value* value_;
    std::vector<std::string> asked_;
};

// Reads one file. Most callers use read() below.
class Reader {
public:
    explicit Reader(SourcePtr source); // SourceError when it is not TOML

    [[nodiscard]] Table& root() noexcept { return tables_.front(); }
    [[nodiscard]] Problems& problems() noexcept { return problems_; }
    // Reports the keys that nobody asked for, and throws when there was any problem.
    void finish();

private:
    friend class Table;
    Table& open(const Value& value);

    SourcePtr source_;
    Value document_;
    std::deque<Table> tables_;
    Problems problems_;
};

template <typename Body> auto read(SourcePtr source, Body&& body) {
    Reader reader(std::move(source));
    auto result = std::forward<Body>(body)(reader.root());
    reader.finish();
    return result;
}

} // namespace ashlar::toml
