#include "package_reader.hpp"

#include <debian/source_package.hpp>

#include <charconv>

#include <fmt/format.h>

namespace ashlar::debian {

namespace {

std::uint64_t read_number(const Field& field, const ControlReader& where) {
    std::uint64_t value = 0;
    const char* end = field.value.data() + field.value.size();
    const auto [stop, error] = std::from_chars(field.value.data(), end, value);
    if (error == std::errc() && stop == end) return value;
    throw where.error(field.line, fmt::format("'{}' in field {} is not a number", field.value, field.name));
}

bool read_flag(const Field& field, const ControlReader& where) {
    if (field.value == "yes") return true;
    if (field.value == "no") return false;
    throw where.error(field.line, fmt::format("field {} must be 'yes' or 'no', not '{}'", field.name, field.value));
}

MultiArch read_multi_arch(const Field& field, const ControlReader& where) {
    if (field.value == "no") return MultiArch::no;
    if (field.value == "same") return MultiArch::same;
    if (field.value == "foreign") return MultiArch::foreign;
    if (field.value == "allowed") return MultiArch::allowed;
    throw where.error(field.line, fmt::format("field Multi-Arch has the unknown value '{}'", field.value));
}

std::string_view read_version(const Field& field, const ControlReader& where) {
    if (is_version(field.value)) return field.value;
    throw where.error(field.line, fmt::format("'{}' is not a version", field.value));
}

Digest read_digest(const Field& field, const ControlReader& where) {
    if (const auto digest = Digest::from_hex(field.value)) return *digest;
    throw where.error(field.line, fmt::format("'{}' is not a SHA-256 digest", field.value));
}

// What the fields of one paragraph amount to while they are read.
struct Draft {
    Package package{.sha256 = Digest({})};
    std::string_view source;
    bool has_size = false, has_digest = false;
};

using Reader = void (*)(Draft&, const Field&, const ControlReader&);

template <auto member> void take(Draft& draft, const Field& field, const ControlReader&) {
    draft.package.*member = field.value;
}

struct FieldReader {
    std::string_view name;
    Reader read;
};

// Of the thirty fields that a paragraph may have, those that matter here.
constexpr FieldReader readers[] = {
    {"Package", take<&Package::name>},
    {"Version", [](Draft& d, const Field& f, const ControlReader& w) { d.package.version = read_version(f, w); }},
    {"Architecture", take<&Package::architecture>},
    {"Source", [](Draft& d, const Field& f, const ControlReader&) { d.source = f.value; }},
    {"Section", take<&Package::section>},
    {"Priority", take<&Package::priority>},
    {"Maintainer", take<&Package::maintainer>},
    {"Homepage", take<&Package::homepage>},
    {"Filename", take<&Package::filename>},
    {"Pre-Depends", take<&Package::pre_depends>},
    {"Depends", take<&Package::depends>},
    {"Conflicts", take<&Package::conflicts>},
    {"Breaks", take<&Package::breaks>},
    {"Provides", take<&Package::provides>},
    {"Replaces", take<&Package::replaces>},
    {"Essential", [](Draft& d, const Field& f, const ControlReader& w) { d.package.essential = read_flag(f, w); }},
    {"Protected", [](Draft& d, const Field& f, const ControlReader& w) { d.package.important |= read_flag(f, w); }},
    {"Important", [](Draft& d, const Field& f, const ControlReader& w) { d.package.important |= read_flag(f, w); }},
    {"Multi-Arch",
     [](Draft& d, const Field& f, const ControlReader& w) { d.package.multi_arch = read_multi_arch(f, w); }},
    {"Installed-Size",
     [](Draft& d, const Field& f, const ControlReader& w) { d.package.installed_size = read_number(f, w); }},
    {"Size",
     [](Draft& d, const Field& f, const ControlReader& w) {
         d.package.size = read_number(f, w);
         d.has_size = true;
     }},
    {"SHA256",
     [](Draft& d, const Field& f, const ControlReader& w) {
         d.package.sha256 = read_digest(f, w);
         d.has_digest = true;
     }},
};

void check_complete(const Draft& draft, const Paragraph& paragraph, const ControlReader& where) {
    const auto require = [&](bool there, std::string_view field) {
        if (!there) throw where.error(paragraph.line(), fmt::format("a package without the field {}", field));
    };
    require(!draft.package.name.empty(), "Package");
    require(!draft.package.version.empty(), "Version");
    require(!draft.package.architecture.empty(), "Architecture");
    require(!draft.package.filename.empty(), "Filename");
    require(draft.has_size, "Size");
    require(draft.has_digest, "SHA256");
}

} // namespace

Package read_package(const Paragraph& paragraph, const ControlReader& where) {
    Draft draft;
    for (const Field& field : paragraph.fields())
        for (const FieldReader& reader : readers)
            if (reader.name.size() == field.name.size() && same_name(reader.name, field.name)) {
                reader.read(draft, field, where);
                break;
            }
    check_complete(draft, paragraph, where);
    const SourceName source = source_name(draft.source, draft.package.name, draft.package.version);
    draft.package.source = source.name;
    draft.package.source_version = source.version;
    return draft.package;
}

} // namespace ashlar::debian
