#include <documents/changelog.hpp>

#include <base/text.hpp>
#include <debian/package.hpp>

#include <algorithm>

namespace ashlar::documents {

namespace {

constexpr std::string_view digits = "0123456789";

// `source (version) distribution …; urgency=…`
bool read_heading(std::string_view line, ChangelogEntry& entry) {
    const std::size_t blank = line.find(' '), open = line.find(" ("), close = line.find(')');
    if (blank == 0 || open == line.npos || open != blank || close == line.npos || close < open) return false;
    if (line.find(';', close) == line.npos) return false;
    entry.source = line.substr(0, open);
    entry.version = line.substr(open + 2, close - open - 2);
    return debian::is_version(entry.version);
}

// Takes the line without its end from the front.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// The id at the front of `text`; empty when there is none.
std::string_view id_at(std::string_view text) {
    constexpr std::size_t year = 4, year_digits = 4, dash = year + year_digits;
    if (text.size() <= dash || text[dash] != '-' || text.substr(year, year_digits).find_first_not_of(digits) != text.npos) return {};
    const std::size_t end = std::min(text.find_first_not_of(digits, dash + 1), text.size());
    return end < dash + 5 ? std::string_view() : text.substr(0, end);
}

std::vector<std::string_view> ids_in(std::string_view line) {
    constexpr std::string_view start = "CVE-";
    std::vector<std::string_view> ids;
    for (std::size_t at = line.find(start); at != line.npos; at = line.find(start, at + 1))
        if (const std::string_view id = id_at(line.substr(at)); !id.empty()) ids.push_back(id);
    return ids;
}

} // namespace

std::vector<ChangelogEntry> parse_changelog(std::string_view text) {
    std::vector<ChangelogEntry> entries;
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = take_line(rest);
        ++number;
        const auto at = static_cast<std::size_t>(rest.data() - text.data());
        if (ChangelogEntry entry; read_heading(line, entry)) {
            entry.line = number;
            entry.text = text.substr(at, 0);
            entries.push_back(entry);
        } else if (!entries.empty()) {
            auto& body = entries.back().text;
            body = {body.data(), static_cast<std::size_t>(rest.data() - body.data())};
        }
    }
    return entries;
}

std::vector<Mention> vulnerabilities_in(const ChangelogEntry& entry) {
    std::vector<Mention> mentions;
    std::size_t number = entry.line;
    for (std::string_view rest = entry.text; !rest.empty();) {
        const std::string_view line = take_line(rest);
        ++number;
        for (const std::string_view id : ids_in(line))
            if (std::ranges::find(mentions, id, &Mention::id) == mentions.end()) mentions.push_back({std::string(id), number, std::string(trim(line))});
    }
    return mentions;
}

} // namespace ashlar::documents
