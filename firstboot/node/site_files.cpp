#include <node/site_files.hpp>

#include <backup/backup.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <state/state.hpp>

#include <functional>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr const char *member = "site_files", *main_file = "site.toml", *key_file = "site.key", *ticket_file = "ticket", *restore_file = "restore", *forgetting = "forgetting";

using TextOf = std::function<std::optional<std::string>(const std::string& name)>;

void require_same_site(const site::Site& site, std::string_view file, const SiteId& of) {
    if (site.id == of) return;
    throw Error(fmt::format("cannot use '{}': it is of site {}, and site.toml is of {}", file, of.text(), site.id ? site.id->text() : "none"), "both come from one `ashlar site new`");
}

// Before the node is installed from it, and waits for others in vain.
void check_restore(const SiteFiles& files) {
    const auto text = files.restore();
    if (!text) return;
    const auto key = files.key();
    if (!key) throw Error(fmt::format("cannot use '{}': the medium has no {}", restore_file, key_file), "media of the voters of a site that is restored have both");
    require_same_site(files.site, restore_file, backup::read_restore_header(*text, restore_file).site);
    (void)backup::open_restore(*text, restore_file, *key);
}

SiteFiles gather(const TextOf& text_of) {
    SiteFiles files;
    const auto take = [&](const std::string& name) {
        auto text = text_of(name);
        if (!text) throw Error(fmt::format("cannot read '{}': the medium does not have it", name), "put it beside site.toml");
        files.texts[name] = *text;
        return toml::source_from_text(name, std::move(*text));
    };
    files.site = site::read(take(main_file), take);
    for (const char* secret : {key_file, ticket_file, restore_file})
        if (const auto text = text_of(secret)) files.texts[secret] = *text;
    if (const auto key = files.key()) require_same_site(files.site, key_file, key->site());
    if (const auto ticket = files.ticket()) require_same_site(files.site, ticket_file, ticket->claim.terms.site);
    check_restore(files);
    return files;
}

} // namespace

std::optional<site::SiteKey> SiteFiles::key() const {
    const auto found = texts.find(key_file);
    return found == texts.end() ? std::nullopt : std::optional(site::SiteKey::parse(found->second, key_file));
}

std::optional<site::Ticket> SiteFiles::ticket() const {
    const auto found = texts.find(ticket_file);
    return found == texts.end() ? std::nullopt : std::optional(site::parse_ticket(found->second));
}

std::optional<std::string> SiteFiles::restore() const {
    const auto found = texts.find(restore_file);
    return found == texts.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, std::string> SiteFiles::public_texts() const {
    auto all = texts;
    for (const char* secret : {key_file, ticket_file, restore_file}) all.erase(secret);
    return all;
}

SiteFiles read_site_files(const fs::path& directory) {
    return gather([&](const std::string& name) { return fs::exists(directory / name) ? std::optional(read_file(directory / name)) : std::nullopt; });
}

Json to_json(const SiteFiles& files) { return Json(files.texts); }

SiteFiles site_files_of(std::map<std::string, std::string> texts) {
    return gather([&](const std::string& name) {
        const auto found = texts.find(name);
        return found == texts.end() ? std::nullopt : std::optional(found->second);
    });
}

std::optional<SiteFiles> site_files_in(const Json& state) {
    if (!state.contains(member)) return std::nullopt;
    return site_files_of(state.at(member).get<std::map<std::string, std::string>>());
}

void keep_public_texts(const fs::path& state, const std::map<std::string, std::string>& texts) {
    state::change(state, [&](Json& content) {
        auto kept = texts;
        for (const char* secret : {key_file, ticket_file, restore_file})
            if (content.at(member).contains(secret)) kept[secret] = content.at(member).at(secret).get<std::string>();
        content[member] = kept;
    });
}

// Written twice: the second time takes the place of the copy that still has it. It may be cut off in between.
void forget_restore(const fs::path& state) {
    state::change(state, [](Json& content) {
        if (content.contains(member) && content.at(member).erase(restore_file) > 0) content[forgetting] = true;
    });
    state::change(state, [](Json& content) { content.erase(forgetting); });
}

} // namespace ashlar::node
