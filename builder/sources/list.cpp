#include <sources/list.hpp>

#include <base/error.hpp>
#include <base/json.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace ashlar::sources {

namespace {

constexpr int format_number = 1;

Json json_of(const File& file) { return {{"file", file.file}, {"size", file.size}, {"sha256", file.sha256.hex()}}; }
Json json_of(const LeftOut& one) { return {{"package", one.package}, {"version", one.version}, {"reason", one.reason}}; }
Json json_of(const Source& source);

template <typename One> Json list_of(const std::vector<One>& all) {
    Json list = Json::array();
    for (const auto& one : all) list.push_back(json_of(one));
    return list;
}

Json json_of(const Source& source) {
    return {{"source", source.name}, {"version", source.version}, {"archive", source.archive}, {"component", source.component}, {"roles", source.roles},
            {"packages", source.packages}, {"built_into", source.built_into}, {"files", list_of(source.files)}};
}

File file_of(const Json& json) {
    const auto digest = Digest::from_hex(json.at("sha256").get<std::string>());
    if (!digest) throw Error(fmt::format("cannot use the source file '{}': its SHA-256 is none", json.at("file").get<std::string>()));
    return {json.at("file").get<std::string>(), json.at("size").get<std::uint64_t>(), *digest};
}

std::vector<std::string> texts_of(const Json& json) { return json.get<std::vector<std::string>>(); }

Source source_of(const Json& json) {
    Source source{.name = json.at("source").get<std::string>(),
                  .version = json.at("version").get<std::string>(),
                  .archive = json.at("archive").get<std::string>(),
                  .component = json.at("component").get<std::string>(),
                  .roles = texts_of(json.at("roles")),
                  .packages = texts_of(json.at("packages")),
                  .built_into = texts_of(json.at("built_into")),
                  .files = {}};
    for (const Json& file : json.at("files")) source.files.push_back(file_of(file));
    return source;
}

List read(const Json& json) {
    if (const int have = json.at("format").get<int>(); have != format_number) throw Error(fmt::format("cannot use the list of sources: its format is {}, this program reads {}", have, format_number));
    List list{.release = json.at("release").get<std::string>(), .sources = {}, .left_out = {}};
    for (const Json& source : json.at("sources")) list.sources.push_back(source_of(source));
    for (const Json& one : json.at("left_out"))
        list.left_out.push_back({one.at("package").get<std::string>(), one.at("version").get<std::string>(), one.at("reason").get<std::string>()});
    return list;
}

} // namespace

std::vector<File> List::files(const std::set<std::string>& roles) const {
    std::map<Digest, File> all;
    for (const auto& source : sources)
        if (roles.empty() || std::ranges::any_of(source.roles, [&](const std::string& role) { return roles.contains(role); }))
            for (const auto& file : source.files) all.emplace(file.sha256, file);
    std::vector<File> files;
    for (auto& [digest, file] : all) files.push_back(std::move(file));
    std::ranges::sort(files, {}, [](const File& file) { return std::tie(file.file, file.sha256); });
    return files;
}

List list_of(std::string release, const Needs& needs, const std::vector<fetch::SourcePackage>& found) {
    List list{.release = std::move(release), .sources = {}, .left_out = needs.left_out};
    for (std::size_t i = 0; i < needs.needs.size(); ++i) {
        const Need& need = needs.needs[i];
        const fetch::SourcePackage& package = found.at(i);
        Source source{.name = package.name,
                      .version = package.version,
                      .archive = package.archive,
                      .component = package.component,
                      .roles = {need.roles.begin(), need.roles.end()},
                      .packages = {need.packages.begin(), need.packages.end()},
                      .built_into = {need.built_into.begin(), need.built_into.end()},
                      .files = {}};
        for (const auto& file : package.files) source.files.push_back({file.file, file.size, file.sha256});
        list.sources.push_back(std::move(source));
    }
    return list;
}

std::string to_text(const List& list) { return pretty({{"format", format_number}, {"release", list.release}, {"sources", list_of(list.sources)}, {"left_out", list_of(list.left_out)}}); }

List parse(std::string_view text, std::string_view name) {
    return while_doing(fmt::format("reading the sources '{}'", name), [&] {
        try {
            List list = read(parse_json(text, name));
            if (to_text(list) != text) throw Error(fmt::format("cannot read '{}': it is not written as a list of sources is", name), "take it from the release again");
            return list;
        } catch (const Json::exception& error) {
            throw Error(fmt::format("cannot read '{}': it does not say what a list of sources says ({})", name, error.what()));
        }
    });
}

} // namespace ashlar::sources
