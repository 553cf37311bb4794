#include <debian/source_package.hpp>

#include <debian/package.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

constexpr std::string_view begin_signed = "-----BEGIN PGP SIGNED MESSAGE-----", begin_signature = "-----BEGIN PGP SIGNATURE-----", dash_escape = "- ";

std::string_view required(const Paragraph& paragraph, const ControlReader& where, std::string_view name) {
    const auto value = paragraph.get(name);
    if (!value || value->empty()) throw where.error(paragraph.line(), fmt::format("a package without the field {}", name));
    return *value;
}

bool is_part(std::string_view part) { return !part.empty() && part != "." && part != ".."; }

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words = split(line, ' ');
    std::erase(words, std::string_view());
    return words;
}

// "<SHA-256> <size> <name>"
SourceFile read_file_line(std::string_view line, std::string_view source, std::size_t number, const ControlReader& where) {
    const auto words = words_of(line);
    const auto refused = [&] { return where.error(number, fmt::format("'{}' is not a SHA-256, a size and the name of a file of this package", line)); };
    // dpkg-source(1): "<source>_<version>.dsc" and so on.
    if (words.size() != 3 || !words[2].starts_with(std::string(source) + "_") || words[2].find('/') != words[2].npos) throw refused();
    const auto digest = Digest::from_hex(words[0]);
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), size);
    if (!digest || error != std::errc() || end != words[1].data() + words[1].size()) throw refused();
    return {std::string(words[2]), size, *digest};
}

std::string read_directory(const Paragraph& paragraph, const ControlReader& where) {
    const Field* const field = paragraph.find("Directory");
    if (field == nullptr || field->value == "." || field->value.empty()) return {};
    const auto parts = split(field->value, '/');
    if (!std::ranges::all_of(parts, is_part)) throw where.error(field->line, fmt::format("the directory '{}' leaves the archive", field->value));
    return std::string(field->value);
}

} // namespace

SourceName source_name(std::string_view field, std::string_view package, std::string_view version) {
    SourceName source{field.empty() ? package : trim(field.substr(0, field.find('('))), version};
    const std::size_t open = field.find('('), close = field.find(')');
    if (open != field.npos && close != field.npos && open < close) source.version = trim(field.substr(open + 1, close - open - 1));
    return source;
}

SourcePackage read_source_package(const Paragraph& paragraph, const ControlReader& where) {
    SourcePackage package{.name = std::string(required(paragraph, where, paragraph.find("Package") != nullptr ? "Package" : "Source")),
                          .version = std::string(required(paragraph, where, "Version")),
                          .directory = read_directory(paragraph, where),
                          .files = {}};
    (void)required(paragraph, where, "Checksums-Sha256");
    const Field& sums = *paragraph.find("Checksums-Sha256");
    for (const auto line : field_lines(sums.value)) package.files.push_back(read_file_line(line, package.name, sums.line, where));
    return package;
}

std::string signed_part(std::string_view dsc) {
    if (!dsc.starts_with(begin_signed)) return std::string(dsc);
    std::string text;
    bool in_head = true;
    for (std::string_view line : split(dsc, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line == begin_signature) break;
        if (!in_head) {
            text += line.starts_with(dash_escape) ? line.substr(dash_escape.size()) : line;
            text += '\n';
        }
        if (trim(line).empty()) in_head = false;
    }
    return text;
}

Origins origins_of(const Paragraph& binary, const ControlReader& where) {
    const SourceName own = source_name(binary.get("Source").value_or(""), required(binary, where, "Package"), required(binary, where, "Version"));
    Origins origins{.own = {std::string(own.name), std::string(own.version)}, .others = {}};
    std::set<BuiltFrom> others;
    for (const char* name : {"Built-Using", "Static-Built-Using"}) {
        const Field* const field = binary.find(name);
        if (field == nullptr) continue;
        const std::string line = fold_lines(field->value);
        for (const Alternative& one : parse_list(line)) {
            if (one.relation != Relation::equal) throw where.error(field->line, fmt::format("field {} names '{}' without its version", name, one.name));
            others.insert({std::string(one.name), std::string(one.version)});
        }
    }
    origins.others.assign(others.begin(), others.end());
    return origins;
}

} // namespace ashlar::debian
