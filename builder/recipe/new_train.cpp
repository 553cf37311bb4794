#include <recipe/new_train.hpp>

#include "train_file.hpp"

#include <base/error.hpp>
#include <base/release_version.hpp>
#include <base/text.hpp>
#include <toml/value.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const toml::Source& source) {
    Lines lines;
    for (const std::string_view line : split(source.text(), '\n')) lines.emplace_back(line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0)));
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

bool says_nothing(std::string_view line) { return trim(line).empty() || trim(line).starts_with('#'); }

const toml::Value* member(const toml::Value& table, std::string_view key) {
    for (const toml::Entry& entry : std::get<toml::Entries>(table.data))
        if (entry.key == key) return &entry.value;
    return nullptr;
}

// A key of the top level, or one of its tables: the lines from its own to that of the next one. Numbers of lines from 0.
struct Block {
    std::string key;
    const toml::Value* value = nullptr;
    std::size_t first = 0, end = 0;
};

bool is_list_of_tables(const toml::Value& value, const Lines& lines) {
    const auto* list = std::get_if<toml::List>(&value.data);
    return list && !list->empty() && std::holds_alternative<toml::Entries>(list->front().data) && trim(lines.at(list->front().position.line - 1)).starts_with("[[");
}

std::vector<Block> blocks_of(const toml::Value& document, const Lines& lines) {
    std::vector<Block> blocks;
    for (const toml::Entry& entry : std::get<toml::Entries>(document.data))
        if (is_list_of_tables(entry.value, lines))
            for (const toml::Value& table : std::get<toml::List>(entry.value.data)) blocks.push_back({entry.key, &table, table.position.line - 1});
        else
            blocks.push_back({entry.key, &entry.value, entry.position.line - 1});
    std::ranges::sort(blocks, {}, &Block::first);
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].end = i + 1 < blocks.size() ? blocks[i + 1].first : lines.size();
    return blocks;
}

// Where the `column`th character, from 1, of a line is: columns count code points.
std::size_t offset_of(std::string_view line, std::size_t column) {
    std::size_t offset = 0;
    for (std::size_t left = column - 1; offset < line.size(); ++offset)
        if ((static_cast<unsigned char>(line[offset]) & 0xC0) != 0x80 && left-- == 0) break;
    return offset;
}

class Rewriter {
public:
    Rewriter(const toml::Source& source, const toml::Value& document) : lines_(lines_of(source)), blocks_(blocks_of(document, lines_)) {}

    void name(std::string_view from, std::string_view name) {
        const std::string start = fmt::format("# {}:", from);
        for (std::string& line : lines_)
            if (line.starts_with(start)) line = fmt::format("# {}:{}", name, line.substr(start.size()));
        const toml::Position& place = find("release")->value->position;
        std::string& line = lines_.at(place.line - 1);
        const std::size_t begin = offset_of(line, place.column);
        line.replace(begin, offset_of(line, place.column + place.length) - begin, fmt::format("\"{}.0\"", name));
    }

    void previous(std::string_view train) {
        const Block* there = find("previous");
        const std::string line = fmt::format("previous = [\"{}\"]", train);
        added_[there ? there->first : find("release")->first] = line;
        for (std::size_t i = there ? there->first : 0; there && i < end_of(*there); ++i) dropped_.insert(i);
    }

    void drop(std::string_view key) {
        for (const Block& block : blocks_)
            if (block.key == key)
                for (std::size_t i = start_of(block); i < end_of(block); ++i) dropped_.insert(i);
    }

    void add_suites(const toml::Value& archive, const std::vector<std::string>& suites) {
        std::string more;
        for (const std::string& suite : suites) more += fmt::format(", \"{}\"", suite);
        const toml::Position& last = std::get<toml::List>(member(archive, "suites")->data).back().position;
        std::string& line = lines_.at(last.line - 1);
        line.insert(offset_of(line, last.column + last.length), more);
    }

    // Where something was dropped, one empty line is left of two.
    [[nodiscard]] std::string text() const {
        std::string text;
        bool after_gap = false;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const bool dropped = dropped_.contains(i), empty = trim(lines_[i]).empty();
            if (!dropped && !(empty && after_gap && (text.empty() || text.ends_with("\n\n")))) text += lines_[i] + '\n';
            if (const auto added = added_.find(i); added != added_.end()) text += added->second + '\n';
            after_gap = dropped || (after_gap && empty);
        }
        while (text.ends_with("\n\n")) text.pop_back();
        return text;
    }

private:
    [[nodiscard]] const Block* find(std::string_view key) const {
        const auto found = std::ranges::find(blocks_, key, &Block::key);
        return found == blocks_.end() ? nullptr : &*found;
    }
    // With the comment above it.
    [[nodiscard]] std::size_t start_of(const Block& block) const {
        std::size_t first = block.first;
        while (first > 0 && trim(lines_[first - 1]).starts_with('#')) --first;
        return first;
    }
    // Without what is written above the next one.
    [[nodiscard]] std::size_t end_of(const Block& block) const {
        std::size_t end = block.end;
        while (end > block.first + 1 && says_nothing(lines_[end - 1])) --end;
        return end;
    }

    Lines lines_;
    std::vector<Block> blocks_;
    std::set<std::size_t> dropped_;
    std::map<std::size_t, std::string> added_; // behind a line
};

// trixie-backports extends trixie.
bool extends(std::string_view suite, std::string_view other) {
    return suite.size() > other.size() && suite.starts_with(other) && (suite[other.size()] == '-' || suite[other.size()] == '/');
}

// What a suite is added to: its archive in the file and in the model.
std::size_t archive_for(const Train& train, std::string_view suite) {
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < train.archives.size(); ++i) {
        const auto& suites = train.archives[i].suites;
        if (std::ranges::any_of(suites, [&](const std::string& other) { return extends(suite, other); })) return i;
        if (!first && !suites.empty()) first = i;
    }
    if (!first) throw Error(fmt::format("cannot add suite '{}': train '{}' has no archive of a network", suite, train.name), "add an [[archive]] with suites, components and keys by hand");
    return *first;
}

void refuse_known(const Train& train, std::string_view suite) {
    for (const Archive& archive : train.archives)
        if (std::ranges::find(archive.suites, suite) != archive.suites.end())
            throw Error(fmt::format("cannot add suite '{}': archive '{}' of train '{}' has it already", suite, archive.name, train.name), "leave out --suite");
}

void refuse_name(std::string_view from, std::string_view name) {
    const auto old_train = parse_train_name(from), new_train = parse_train_name(name);
    if (!new_train) throw Error(fmt::format("cannot make train {}: that is no train's name", toml::quote(name)), "write an upper-case letter and a number, such as R1");
    if (!old_train || *new_train <= *old_train)
        throw Error(fmt::format("cannot make train '{}': it is not newer than '{}'", name, from), "nodes go from an older train to a newer one: give it a higher number");
}

} // namespace

std::string new_train_text(const toml::SourcePtr& source, std::string_view from, std::string_view name, const std::vector<std::string>& suites) {
    refuse_name(from, name);
    const Train train = read_train_file(source, std::string(from));
    const toml::Value document = toml::parse(source);
    Rewriter rewriter(*source, document);
    rewriter.name(from, name);
    rewriter.previous(from);
    for (const char* key : {"support", "accept"}) rewriter.drop(key);
    std::map<std::size_t, std::vector<std::string>> of_archives;
    for (const std::string& suite : suites) {
        refuse_known(train, suite);
        of_archives[archive_for(train, suite)].push_back(suite);
    }
    const auto& archives = std::get<toml::List>(member(document, "archive")->data);
    for (const auto& [archive, added] : of_archives) rewriter.add_suites(archives.at(archive), added);
    std::string text = rewriter.text();
    (void)read_train_file(toml::source_from_text(fmt::format("recipes/trains/{}.toml", name), text), std::string(name));
    return text;
}

} // namespace ashlar::recipe
