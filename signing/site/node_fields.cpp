#include "node_fields.hpp"

#include "csv.hpp"
#include "words.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::string_view ports_column = "ports.";

// What a cell of a column is for.
using Take = std::function<void(NodeFields&, toml::Text, toml::Problems&)>;

Take text(std::optional<toml::Text> NodeFields::*field) {
    return [field](NodeFields& node, toml::Text cell, toml::Problems&) { node.*field = std::move(cell); };
}

// Spreadsheets write TRUE.
void take_voter(NodeFields& node, toml::Text cell, toml::Problems& problems) {
    std::string word = cell.value;
    std::ranges::transform(word, word.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (word != "true" && word != "false") return problems.add(cell.position, fmt::format("'voter' is true or false, not {}", toml::quote(cell.value)));
    node.voter = {word == "true", cell.position};
}

const std::map<std::string, Take, std::less<>>& columns() {
    static const std::map<std::string, Take, std::less<>> known = [] {
        std::map<std::string, Take, std::less<>> all{
            {"name", text(&NodeFields::name)},
            {"serial", text(&NodeFields::serial)},
            {"mac", text(&NodeFields::mac)},
            {"tpm_ek", text(&NodeFields::tpm_ek)},
            {"template", text(&NodeFields::from_template)},
            {"roles", [](NodeFields& node, const toml::Text& cell, toml::Problems&) { node.roles = words_of(cell); }},
            {"voter", take_voter}};
        for (const Plane plane : planes)
            all.emplace(name_of(plane), [plane](NodeFields& node, const toml::Text& cell, toml::Problems&) { node.addresses[plane] = words_of(cell); });
        return all;
    }();
    return known;
}

Take ports_of(toml::Text link) {
    return [link = std::move(link)](NodeFields& node, const toml::Text& cell, toml::Problems&) { node.ports.push_back({link, words_of(cell)}); };
}

void refuse_column(const toml::Text& title, std::size_t count, toml::Problems& problems) {
    if (count == 1 && title.value.find_first_of(";\t") != title.value.npos)
        return problems.add(title.position, "the header is one cell", "divide cells by commas, not by ';' or tabs");
    std::vector<std::string> known{"ports.<link>"};
    for (const auto& [name, take] : columns()) known.push_back(name);
    const auto near = did_you_mean(title.value, known);
    std::ranges::sort(known);
    problems.add(title.position, fmt::format("unknown column {}", toml::quote(title.value)), near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known here: {}", join(known, ", ")));
}

std::vector<Take> header(const CsvTable& table, toml::Problems& problems) {
    std::vector<Take> takes;
    Once once;
    for (const toml::Text& title : table.header) {
        takes.emplace_back();
        if (!once.claim(problems, "column", title.value, title.position)) continue;
        if (const auto known = columns().find(title.value); known != columns().end()) takes.back() = known->second;
        else if (title.value.starts_with(ports_column)) takes.back() = ports_of({title.value.substr(ports_column.size()), title.position});
        else refuse_column(title, table.header.size(), problems);
    }
    return takes;
}

} // namespace

NodeFields node_fields(toml::Table& table) {
    NodeFields node{.position = table.position(),
                    .name = table.required_text("name"),
                    .serial = table.text("serial"),
                    .mac = table.text("mac"),
                    .tpm_ek = table.text("tpm_ek"),
                    .from_template = table.text("template"),
                    .roles = table.texts("roles"),
                    .voter = table.boolean("voter")};
    if (toml::Table* addresses = table.table("addresses"))
        for (const Plane plane : planes) node.addresses[plane] = addresses->texts(name_of(plane));
    if (toml::Table* ports = table.table("ports"))
        for (const toml::Text& link : ports->keys()) node.ports.push_back({link, ports->texts(link.value)});
    return node;
}

std::vector<NodeFields> node_fields(const toml::SourcePtr& csv, toml::Problems& problems) {
    const CsvTable table = parse_csv(csv, problems);
    const auto takes = header(table, problems);
    const bool named = std::ranges::any_of(table.header, [](const toml::Text& title) { return title.value == "name"; });
    if (!named) {
        problems.add({csv, 1, 1, 1}, "there is no column 'name'", "the first line names the columns: name,serial,mac,tpm_ek,template,roles,voter,management");
        return {};
    }
    std::vector<NodeFields> nodes;
    for (const auto& row : table.rows) {
        NodeFields& node = nodes.emplace_back();
        node.position = row.front().position;
        for (std::size_t i = 0; i < row.size(); ++i)
            if (takes[i] && !row[i].value.empty()) takes[i](node, row[i], problems);
        if (!node.name) problems.add(node.position, "this row has no name");
    }
    return nodes;
}

} // namespace ashlar::site
