#include <node/site_files.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <functional>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr const char *member = "site_files", *main_file = "site.toml", *key_file = "site.key";

using TextOf = std::function<std::optional<std::string>(const std::string& name)>;

SiteFiles gather(const TextOf& text_of) {
    SiteFiles files;
    const auto take = [&](const std::string& name) {
        auto text = text_of(name);
        if (!text) throw Error(fmt::format("cannot read '{}': the medium does not have it", name), "put it beside site.toml");
        files.texts[name] = *text;
        return toml::source_from_text(name, std::move(*text));
    };
    files.site = site::read(take(main_file), take);
    if (const auto key = text_of(key_file)) files.texts[key_file] = *key;
    if (const auto key = files.key(); key && files.site.id != key->site())
        throw Error(fmt::format("cannot use '{}': it is the key of site {}, and site.toml is of {}", key_file, key->site().text(), files.site.id ? files.site.id->text() : "none"), "both come from one `ashlar site new`");
    return files;
}

} // namespace

std::optional<site::SiteKey> SiteFiles::key() const {
    const auto found = texts.find(key_file);
    return found == texts.end() ? std::nullopt : std::optional(site::SiteKey::parse(found->second, key_file));
}

SiteFiles read_site_files(const fs::path& directory) {
    return gather([&](const std::string& name) { return fs::exists(directory / name) ? std::optional(read_file(directory / name)) : std::nullopt; });
}

Json to_json(const SiteFiles& files) { return Json(files.texts); }

std::optional<SiteFiles> site_files_in(const Json& state) {
    if (!state.contains(member)) return std::nullopt;
    const auto texts = state.at(member).get<std::map<std::string, std::string>>();
    return gather([&](const std::string& name) {
        const auto found = texts.find(name);
        return found == texts.end() ? std::nullopt : std::optional(found->second);
    });
}

} // namespace ashlar::node
