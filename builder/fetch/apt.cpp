#include "apt.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <debian/control.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <system_error>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> found;
    for (line = trim(line); !line.empty(); line = trim(line)) {
        const std::size_t end = std::min(line.find_first_of(" \t\n"), line.size());
        found.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return found;
}

// `[ arch=amd64 signed-by=… ]` after the type; APT allows blanks in it.
std::string_view without_options(std::string_view rest) {
    rest = trim(rest);
    if (!rest.starts_with('[')) return rest;
    const std::size_t end = rest.find(']');
    return end == rest.npos ? std::string_view() : rest.substr(end + 1);
}

// APT's words for it, in whatever case.
bool is_no(std::string_view value) {
    std::string word(value);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    constexpr std::array<std::string_view, 6> words{"no", "false", "without", "off", "disable", "0"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<fs::path> source_files(const fs::path& directory) {
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory / "sources.list.d", error))
        if (entry.path().extension() == ".list" || entry.path().extension() == ".sources")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (fs::exists(directory / "sources.list", error)) files.insert(files.begin(), directory / "sources.list");
    return files;
}

} // namespace

std::vector<std::string> parse_one_line_sources(std::string_view text) {
    std::vector<std::string> uris;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line.substr(0, line.find('#')));
        if (!line.starts_with("deb") || line.size() < 4 || (line[3] != ' ' && line[3] != '\t')) continue;
        const auto rest = words(without_options(line.substr(3)));
        if (!rest.empty()) uris.emplace_back(rest.front());
    }
    return uris;
}

std::vector<std::string> parse_deb822_sources(std::string_view text, const std::string& name) {
    std::vector<std::string> uris;
    debian::ControlReader reader(text, name);
    debian::Paragraph paragraph;
    while (reader.next(paragraph)) {
        const auto types = words(paragraph.get("Types").value_or(""));
        if (std::find(types.begin(), types.end(), "deb") == types.end()) continue;
        if (is_no(paragraph.get("Enabled").value_or("yes"))) continue;
        const std::string folded = debian::fold_lines(paragraph.get("URIs").value_or(""));
        for (const auto uri : words(folded)) uris.emplace_back(uri);
    }
    return uris;
}

std::vector<std::string> read_apt_sources(const fs::path& directory) {
    std::vector<std::string> all;
    std::set<std::string> seen;
    for (const auto& file : source_files(directory)) {
        const std::string text = read_file(file);
        auto uris =
            file.extension() == ".sources" ? parse_deb822_sources(text, file.native()) : parse_one_line_sources(text);
        for (auto& uri : uris)
            if (seen.insert(uri).second) all.push_back(std::move(uri));
    }
    return all;
}

transfer::Proxies parse_apt_proxies(std::string_view dump) {
    constexpr std::string_view http = "Acquire::http::Proxy", https = "Acquire::https::Proxy";
    transfer::Proxies proxies;
    for (const std::string_view line : split(dump, '\n')) {
        const std::size_t quote = line.find(" \""), end = line.rfind("\";");
        if (quote == line.npos || end == line.npos || end < quote + 2) continue;
        const std::string_view key = line.substr(0, quote);
        const std::string value(line.substr(quote + 2, end - quote - 2));
        if (value.empty()) continue;
        if (key == http) proxies.http = value;
        if (key == https) proxies.https = value;
        for (const auto prefix : {http, https})
            if (key.size() > prefix.size() + 2 && key.starts_with(prefix) && key.substr(prefix.size(), 2) == "::")
                proxies.hosts.insert_or_assign(std::string(key.substr(prefix.size() + 2)), value);
    }
    if (!proxies.https) proxies.https = proxies.http;
    return proxies;
}

} // namespace ashlar::fetch
