#include <toml/reader.hpp>

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::toml {

namespace {

std::string nearest_or_all(std::string_view word, std::vector<std::string> known, std::string_view what) {
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    // A very long word is no slip of the finger.
    if (const auto near = word.size() > 64 ? std::nullopt : did_you_mean(word, known))
        return fmt::format("did you mean '{}'?", *near);
    if (known.empty()) return {};
    return fmt::format("{}: {}", what, join(known, ", "));
}

} // namespace

Table::Table(Reader& reader, const Value& value) : reader_(&reader), value_(&value) {}

const Entry* Table::find(std::string_view key) const {
    const auto& entries = std::get<Entries>(value_->data);
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &*found;
}

const Entry* Table::ask(std::string_view key) {
    asked_.emplace_back(key);
    return find(key);
}

std::vector<Text> Table::keys() const {
    std::vector<Text> keys;
    for (const auto& entry : std::get<Entries>(value_->data)) keys.push_back({entry.key, entry.position});
    return keys;
}

bool Table::has(std::string_view key) const { return find(key) != nullptr; }

Position Table::where(std::string_view key) const {
    const Entry* entry = find(key);
    return entry ? entry->position : value_->position;
}

void Table::problem(Position position, std::string message, std::string remedy) {
    reader_->problems_.add(std::move(position), std::move(message), std::move(remedy));
}

Problems& Table::problems() noexcept { return reader_->problems_; }

template <typename T> const T* Table::as(const Entry* entry, std::string_view wanted) {
    if (!entry) return nullptr;
    const T* data = std::get_if<T>(&entry->value.data);
    if (!data)
        problem(entry->value.position,
                fmt::format("{} must be {}, not {}", quote(entry->key), wanted, entry->value.type()));
    return data;
}

void Table::missing(std::string_view key) { problem(value_->position, fmt::format("missing key '{}'", key)); }

std::optional<Text> Table::text(std::string_view key) {
    const Entry* entry = ask(key);
    const auto* data = as<std::string>(entry, "a string");
    if (!data) return std::nullopt;
    return Text{*data, entry->value.position};
}

std::optional<Text> Table::required_text(std::string_view key) {
    if (!has(key)) missing(key);
    return text(key);
}

std::optional<Located<std::int64_t>> Table::integer(std::string_view key) {
    const Entry* entry = ask(key);
    const auto* data = as<std::int64_t>(entry, "a whole number");
    if (!data) return std::nullopt;
    return Located<std::int64_t>{*data, entry->value.position};
}

std::optional<Located<bool>> Table::boolean(std::string_view key) {
    const Entry* entry = ask(key);
    const auto* data = as<bool>(entry, "true or false");
    if (!data) return std::nullopt;
    return Located<bool>{*data, entry->value.position};
}

std::optional<Located<std::size_t>> Table::choice(std::string_view key, std::span<const std::string_view> words) {
    const auto word = text(key);
    if (!word) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), word->value);
    if (found != words.end())
        return Located<std::size_t>{static_cast<std::size_t>(found - words.begin()), word->position};
    problem(word->position, fmt::format("unknown {} {}", key, quote(word->value)),
            nearest_or_all(word->value, {words.begin(), words.end()}, "known"));
    return std::nullopt;
}

std::optional<Text> Table::element(std::string_view key, const Value& value) {
    if (const auto* data = std::get_if<std::string>(&value.data)) return Text{*data, value.position};
    problem(value.position, fmt::format("'{}' must hold only strings, not {}", key, value.type()));
    return std::nullopt;
}

std::vector<Text> Table::texts(std::string_view key) {
    std::vector<Text> texts;
    if (const auto* list = as<List>(ask(key), "a list of strings"))
        for (const auto& value : *list)
            if (auto text = element(key, value)) texts.push_back(std::move(*text));
    return texts;
}

std::vector<Text> Table::required_texts(std::string_view key) {
    if (!has(key)) {
        missing(key);
        asked_.emplace_back(key);
        return {};
    }
    auto result = texts(key);
    const Entry* entry = find(key);
    if (const auto* list = std::get_if<List>(&entry->value.data); list && list->empty())
        problem(entry->value.position, fmt::format("'{}' must hold at least one string", key));
    return result;
}

std::vector<Text> Table::text_or_texts(std::string_view key) {
    const Entry* entry = find(key);
    if (entry != nullptr && std::holds_alternative<List>(entry->value.data)) return required_texts(key);
    const auto one = text(key);
    return one ? std::vector{*one} : std::vector<Text>{};
}

Table* Table::table(std::string_view key) {
    const Entry* entry = ask(key);
    if (!as<Entries>(entry, "a table")) return nullptr;
    return &reader_->open(entry->value);
}

std::vector<Table*> Table::tables(std::string_view key) {
    std::vector<Table*> tables;
    const auto* list = as<List>(ask(key), "a list of tables");
    if (!list) return tables;
    for (const auto& value : *list) {
        if (std::holds_alternative<Entries>(value.data))
            tables.push_back(&reader_->open(value));
        else
            problem(value.position, fmt::format("'{}' must hold only tables, not {}", key, value.type()));
    }
    return tables;
}

std::vector<Table::Pair> Table::pairs(std::string_view key) {
    std::vector<Pair> pairs;
    if (const auto* entries = as<Entries>(ask(key), "a table of strings"))
        for (const auto& entry : *entries)
            if (auto text = element(key, entry.value)) pairs.push_back({{entry.key, entry.position}, std::move(*text)});
    return pairs;
}

void Table::report_unknown() {
    for (const auto& entry : std::get<Entries>(value_->data))
        if (std::find(asked_.begin(), asked_.end(), entry.key) == asked_.end())
            problem(entry.position, fmt::format("unknown key {}", quote(entry.key)),
                    nearest_or_all(entry.key, asked_, "known here"));
}

Reader::Reader(SourcePtr source) : source_(std::move(source)), document_(parse(source_)) { open(document_); }

Table& Reader::open(const Value& value) { return tables_.emplace_back(*this, value); }

void Reader::finish() {
    for (auto& table : tables_) table.report_unknown();
    problems_.raise();
}

} // namespace ashlar::toml
