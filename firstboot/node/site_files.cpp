#include <node/site_files.hpp>

#include <backup/backup.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <functional>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr const char *member = "site_files", *main_file = "site.toml", *restore_file = "restore";
constexpr const char *secrets_member = "site_secrets", *holder_tpm = "tpm";

// By file name, and under which name they are sealed. A restore file is encrypted under the site key.
constexpr std::array sealed_files{std::pair{key_file.data(), "ashlar-site-key"}, std::pair{ticket_file.data(), "ashlar-ticket"}, std::pair{former_key_file.data(), "ashlar-former-site-key"},
                                  std::pair{former_ticket_file.data(), "ashlar-former-ticket"}};
constexpr std::array secret_files{key_file.data(), ticket_file.data(), former_key_file.data(), former_ticket_file.data(), restore_file};

std::optional<site::SiteKey> key_in(const SiteFiles& files, std::string_view name) {
    const auto found = files.texts.find(std::string(name));
    return found == files.texts.end() ? std::nullopt : std::optional(site::SiteKey::parse(found->second, name));
}
std::optional<site::Ticket> ticket_in(const SiteFiles& files, std::string_view name) {
    const auto found = files.texts.find(std::string(name));
    return found == files.texts.end() ? std::nullopt : std::optional(site::parse_ticket(found->second));
}

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
    for (const char* secret : secret_files)
        if (const auto text = text_of(secret)) files.texts[secret] = *text;
    for (const auto name : {key_file, former_key_file})
        if (const auto key = key_in(files, name)) require_same_site(files.site, name, key->site());
    for (const auto name : {ticket_file, former_ticket_file})
        if (const auto ticket = ticket_in(files, name)) require_same_site(files.site, name, ticket->claim.terms.site);
    check_restore(files);
    return files;
}

std::map<std::string, std::string> plain_texts_in(const Json& state) { return state.at(member).get<std::map<std::string, std::string>>(); }

Error cannot_open(std::string_view name, std::string_view cause) {
    return Error(fmt::format("cannot use the node's {}: {}", name, cause),
                 "its board was changed, or its TPM cleared: put the disk back on its own board, or install the node again; it then takes its old place as another one (docs/guides/recovery.md)");
}

Error not_understood(std::string_view what) {
    return Error(fmt::format("cannot use the site's secrets: they are {}", what), "start the release that wrote them, or install the node again");
}

std::string opened(std::string_view file, std::string_view name, const Json& sealed, const tpm::Sealer* sealer) {
    if (!sealed.is_string()) throw not_understood("not in their form");
    if (sealer == nullptr) throw cannot_open(file, "it is sealed to a TPM, and this machine has none");
    try {
        return sealer->open(name, sealed.get<std::string>());
    } catch (const Error& error) {
        throw cannot_open(file, fmt::format("this machine's TPM does not give it out ({})", error.message()));
    }
}

const Json& sealed_texts_in(const Json& state) {
    static const Json nothing = Json::object();
    if (!state.contains(secrets_member)) return nothing;
    const Json& secrets = state.at(secrets_member);
    if (!secrets.is_object() || !secrets.contains("holder") || !secrets.contains("sealed") || !secrets.at("sealed").is_object()) throw not_understood("not in their form");
    if (secrets.at("holder") != holder_tpm) throw not_understood(fmt::format("held by {}, which this release does not know", secrets.at("holder").dump()));
    return secrets.at("sealed");
}

} // namespace

std::optional<site::SiteKey> SiteFiles::key() const { return key_in(*this, key_file); }
std::optional<site::SiteKey> SiteFiles::former_key() const { return key_in(*this, former_key_file); }
std::optional<site::Ticket> SiteFiles::ticket() const { return ticket_in(*this, ticket_file); }
std::optional<site::Ticket> SiteFiles::former_ticket() const { return ticket_in(*this, former_ticket_file); }

std::optional<std::string> SiteFiles::restore() const {
    const auto found = texts.find(restore_file);
    return found == texts.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, std::string> SiteFiles::public_texts() const {
    auto all = texts;
    for (const char* secret : secret_files) all.erase(secret);
    return all;
}

SiteFiles read_site_files(const fs::path& directory) {
    // What a key takes the place of is said by voters, and by no medium.
    const auto is_former = [](const std::string& name) { return name == former_key_file || name == former_ticket_file; };
    return gather([&](const std::string& name) { return !is_former(name) && fs::exists(directory / name) ? std::optional(read_file(directory / name)) : std::nullopt; });
}

// A file system that writes in place, as FAT does, has nothing of them then; flash memory may.
void wipe_secrets_in(const fs::path& directory) {
    for (const char* secret : secret_files) {
        const fs::path file = directory / secret;
        if (!fs::exists(file)) continue;
        const Fd open = open_file(file, O_WRONLY);
        write_all(open.get(), std::string(fs::file_size(file), '\0'), file.native());
        if (::fsync(open.get()) != 0) throw system_error("sync", file.native());
        fs::remove(file);
    }
}

Json to_json(const SiteFiles& files) { return Json(files.texts); }

SiteFiles site_files_of(std::map<std::string, std::string> texts) {
    return gather([&](const std::string& name) {
        const auto found = texts.find(name);
        return found == texts.end() ? std::nullopt : std::optional(found->second);
    });
}

std::optional<SiteFiles> site_files_in(const Json& state, const tpm::Sealer* sealer) {
    if (!state.contains(member)) return std::nullopt;
    auto texts = plain_texts_in(state);
    const Json& sealed = sealed_texts_in(state);
    for (const auto& [file, name] : sealed_files)
        // What lies in plain came later.
        if (sealed.contains(file) && !texts.contains(file)) texts[file] = opened(file, name, sealed.at(file), sealer);
    return site_files_of(std::move(texts));
}

std::optional<SiteFiles> public_site_files_in(const Json& state) {
    if (!state.contains(member)) return std::nullopt;
    auto texts = plain_texts_in(state);
    for (const char* secret : secret_files) texts.erase(secret);
    return site_files_of(std::move(texts));
}

bool has_site_secret(const Json& state) {
    return site_secret_lies_in_plain(state) || state.contains(secrets_member);
}

bool site_secret_lies_in_plain(const Json& state) {
    return state.contains(member) && std::ranges::any_of(sealed_files, [&](const auto& one) { return state.at(member).contains(one.first); });
}

void seal_site_secrets(Json& state, const tpm::Sealer& sealer) {
    if (!site_secret_lies_in_plain(state)) return;
    Json sealed = sealed_texts_in(state);
    for (const auto& [file, name] : sealed_files) {
        if (!state.at(member).contains(file)) continue;
        sealed[file] = tpm::seal_surely(sealer, name, state.at(member).at(file).get<std::string>());
        state.at(member).erase(file);
    }
    state[secrets_member] = {{"holder", holder_tpm}, {"sealed", std::move(sealed)}};
}

void keep_public_texts(const fs::path& state, const std::map<std::string, std::string>& texts) {
    state::change(state, [&](Json& content) {
        auto kept = texts;
        for (const char* secret : secret_files)
            if (content.at(member).contains(secret)) kept[secret] = content.at(member).at(secret).get<std::string>();
        content[member] = kept;
    });
}

// Whatever lay sealed is of before; what lies in plain now is sealed by the next start.
void keep_keys(const fs::path& state, const std::map<std::string, std::string>& texts) {
    state::change(state, [&](Json& content) {
        content.erase(secrets_member);
        Json& kept = content.at(member);
        for (const char* secret : secret_files) kept.erase(secret);
        for (const auto& [name, seal] : sealed_files)
            if (const auto text = texts.find(name); text != texts.end()) kept[name] = text->second;
    });
}

void forget_restore(const fs::path& state) {
    const auto has_it = [](const Json& content) { return content.contains(member) && content.at(member).contains(restore_file); };
    state::change(state, [&](Json& content) {
        if (has_it(content)) content.at(member).erase(restore_file);
    });
    state::purge(state, has_it);
}

} // namespace ashlar::node
