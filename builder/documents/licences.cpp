#include <documents/licences.hpp>

#include <base/text.hpp>

#include <map>
#include <set>

#include <fmt/format.h>

namespace ashlar::documents {

namespace {

constexpr std::string_view rule = "==============================================================================";

std::string words_of(const PackageLicences& one) {
    if (!one.absence.empty()) return fmt::format("unknown: {}", one.absence);
    if (one.licences.expressions.empty()) return "unknown, text included";
    return join(one.licences.expressions, "; ") + (one.licences.form == Licences::Form::references ? " (referred to)" : "");
}

std::string heading(std::string_view title) { return fmt::format("{}\n{}\n{}\n\n", rule, title, rule); }

std::string with_end(std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    return text + '\n';
}

} // namespace

std::vector<PackageLicences> licences_of(Library& library) {
    std::vector<PackageLicences> all;
    for (const auto& package : library.packages()) {
        PackageLicences one{package.name, package.version, package.source, {}, {}};
        const auto found = library.find(package, {"copyright"});
        if (const auto* document = std::get_if<Document>(&found))
            one.licences = parse_copyright(document->text);
        else
            one.absence = std::get<Absence>(found).reason;
        all.push_back(std::move(one));
    }
    return all;
}

Json to_json(const std::vector<PackageLicences>& licences) {
    Json list = Json::array();
    for (const auto& one : licences) {
        Json json{{"package", one.package}, {"version", one.version}, {"source", one.source}, {"licences", one.licences.expressions}};
        json["form"] = one.absence.empty() ? Json(name_of(one.licences.form)) : Json("unknown");
        if (!one.absence.empty()) json["reason"] = one.absence;
        list.push_back(std::move(json));
    }
    return list;
}

std::string to_text(const std::vector<PackageLicences>& licences) {
    std::string text;
    for (const auto& one : licences) text += fmt::format("{:<36} {:<28} {}\n", one.package, one.version, words_of(one));
    return text;
}

std::string licence_texts(Library& library) {
    std::map<std::string, std::vector<std::string>> owners; // text → packages
    std::vector<std::string> order, missing;
    std::set<std::string> common;
    for (const auto& package : library.packages()) {
        const std::string name = fmt::format("{} {}", package.name, package.version);
        auto found = library.find(package, {"copyright"});
        if (const auto* absence = std::get_if<Absence>(&found)) {
            missing.push_back(fmt::format("{}: {}\n", name, absence->reason));
            continue;
        }
        const std::string& text = std::get<Document>(found).text;
        if (owners[text].empty()) order.push_back(text);
        owners[text].push_back(name);
        for (auto& licence : common_licences_in(text)) common.insert(std::move(licence));
    }
    std::string whole;
    for (const auto& text : order) whole += heading(join(owners[text], "\n")) + with_end(text);
    for (const auto& name : common) {
        const auto text = library.common_licence(name);
        whole += text ? heading("/usr/share/common-licenses/" + name) + with_end(*text) : std::string();
        if (!text) missing.push_back(fmt::format("/usr/share/common-licenses/{}: no package of the image brings it\n", name));
    }
    if (missing.empty()) return whole;
    whole += heading("Without a text");
    for (const auto& line : missing) whole += line;
    return whole;
}

} // namespace ashlar::documents
