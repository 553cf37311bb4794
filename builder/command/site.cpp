#include "duration.hpp"
#include "office.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <backup/backup.hpp>
#include <backup/fate.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <signing/message_key.hpp>
#include <site/review.hpp>
#include <site/site.hpp>
#include <site/ticket.hpp>
#include <sites/new_site.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;

namespace {

// As errors and answers show it.
std::string shown(const fs::path& path) { return fs::proximate(path).native(); }

struct NewSiteOptions {
    std::string name;
    fs::path directory;
    unsigned voters = 3;
};

int make_site(Context& context, const NewSiteOptions& options) {
    const fs::path directory = options.directory.empty() ? fs::path(options.name) : options.directory;
    const SiteId id = sites::write_new_site(directory, {.name = options.name, .voters = options.voters});
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"site", options.name}, {"id", id.text()}, {"directory", shown(directory)}}));
        return 0;
    }
    fmt::print("{}: edit site.toml and nodes.csv, then `ashlar site check {}`; keep site.key secret, and a copy of it somewhere else\n", shown(directory), shown(directory));
    return 0;
}

// site.toml of a directory, or the file itself.
fs::path site_file_of(const fs::path& place) { return fs::is_directory(place) ? place / sites::site_file : place; }

// What is wrong with a site.
struct Findings {
    std::optional<site::Site> content; // none: it could not be read
    std::vector<toml::Diagnostic> errors;
    std::vector<site::Warning> warnings;
};

// The key that lies beside the file: not there where the file alone was copied.
void look_at_key(const fs::path& directory, Findings& found) {
    if (!found.content->genesis) return;
    const fs::path file = directory / sites::key_file;
    if (!fs::exists(file)) return found.warnings.push_back({"there is no site.key beside it", "media need it or tickets; `ashlar site new` makes one with a site, and never again"});
    const auto refuse = [&](std::string message, std::string remedy) { found.errors.push_back({{toml::source_from_text(shown(file), ""), 0, 0, 1}, std::move(message), std::move(remedy), {}}); };
    try {
        if (site::SiteKey::load(file).site() != *found.content->id) refuse("it is the key of another site", "site.key and site.toml belong together: neither may be taken from elsewhere");
    } catch (const Error& error) {
        refuse(error.message(), error.hint());
    }
}

Findings look_at(const fs::path& file) {
    Findings found;
    try {
        found.content = site::load(file, shown(file));
    } catch (const toml::SourceError& error) {
        found.errors = error.diagnostics();
        return found;
    }
    found.warnings = site::review(*found.content, std::chrono::floor<std::chrono::days>(now()));
    look_at_key(file.parent_path(), found);
    return found;
}

Json as_json(const toml::Diagnostic& problem) {
    const toml::Position& place = problem.position;
    return {{"file", place.source ? place.source->name() : ""}, {"line", place.line}, {"column", place.column}, {"message", problem.message}, {"remedy", problem.remedy}};
}

Json as_json(const fs::path& file, const Findings& found) {
    Json json{{"file", shown(file)}, {"site", nullptr}, {"errors", Json::array()}, {"warnings", Json::array()}};
    for (const auto& error : found.errors) json["errors"].push_back(as_json(error));
    for (const auto& warning : found.warnings) json["warnings"].push_back({{"message", warning.message}, {"remedy", warning.remedy}});
    if (!found.content) return json;
    json["site"] = {{"name", found.content->name}, {"id", found.content->id ? Json(found.content->id->text()) : Json()}, {"nodes", Json::array()}};
    for (const site::Node& node : found.content->nodes) json["site"]["nodes"].push_back({{"name", node.name}, {"voter", node.voter}, {"roles", node.roles}});
    return json;
}

std::string counted(std::size_t number, std::string_view what) { return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s"); }

std::string summary(const Findings& found) {
    const std::string judgement = found.errors.empty() && found.warnings.empty() ? "nothing is wrong" : fmt::format("{}, {}", counted(found.errors.size(), "error"), counted(found.warnings.size(), "warning"));
    if (!found.content) return judgement;
    std::vector<std::string> parts{fmt::format("site '{}'", found.content->name)};
    if (!found.content->nodes.empty()) parts.push_back(counted(found.content->nodes.size(), "node"));
    if (found.content->genesis) parts.push_back(counted(found.content->genesis->voters, "voter"));
    return fmt::format("{}: {}", join(parts, ", "), judgement);
}

int check_site(Context& context, const fs::path& place) {
    const fs::path file = site_file_of(place);
    const Findings found = look_at(file);
    if (context.json()) {
        fmt::print("{}", pretty(as_json(file, found)));
    } else {
        for (const auto& error : found.errors) fmt::print("{}\n\n", toml::render(error));
        for (const auto& warning : found.warnings) fmt::print("warning: {}\n  {}\n", warning.message, warning.remedy);
        fmt::print("{}: {}\n", shown(file), summary(found));
    }
    return found.errors.empty() ? 0 : 1;
}

struct TicketOptions {
    fs::path site;
    std::string node, time = "30d";
    unsigned uses = 1;
    fs::path key, output;
};

// Whom a ticket is for; null: any.
const site::Node* ticket_node(const site::Site& site, const std::string& name) {
    if (name.empty()) return nullptr;
    const auto found = std::ranges::find(site.nodes, name, &site::Node::name);
    if (found != site.nodes.end()) return &*found;
    std::vector<std::string> known;
    for (const site::Node& node : site.nodes) known.push_back(node.name);
    const auto near = did_you_mean(name, known);
    throw Error(fmt::format("cannot make a ticket for '{}': site '{}' lists no such node", name, site.name), near ? fmt::format("did you mean '{}'?", *near) : "write it into site.toml, or leave out --node for a ticket that any node may use");
}

int make_a_ticket(Context& context, const TicketOptions& options) {
    const fs::path file = site_file_of(options.site);
    const site::Site site = site::load(file, shown(file));
    if (!site.id) throw Error(fmt::format("cannot make a ticket for site '{}': it has no id", site.name), "only a site that `ashlar site new` made has tickets");
    const site::Node* node = ticket_node(site, options.node);
    const auto time = parse_duration(options.time);
    if (!time) throw Error(fmt::format("cannot make a ticket for {}: that is not a time", toml::quote(options.time)), "write a whole number and m, h or d, such as 30d; at most 366d");
    const auto key = site::SiteKey::load(options.key.empty() ? file.parent_path() / sites::key_file : options.key);
    const site::TicketTerms terms{.site = *site.id, .id = site::TicketId::random(), .node = node ? std::optional(node->name) : std::nullopt, .expires = now() + *time, .uses = options.uses};
    site::save_new_ticket(site::make_ticket(key, terms, now()), options.output);
    if (node && node->voter)
        context.renderer().note(fmt::format("'{}' is a voter: before the site has begun its medium needs site.key, a ticket is for after that", node->name));
    if (context.json())
        fmt::print("{}", pretty(Json{{"ticket", terms.id.text()}, {"file", shown(options.output)}, {"node", terms.node ? Json(*terms.node) : Json()}, {"expires", terms.expires.time_since_epoch().count()}, {"uses", terms.uses}}));
    else
        fmt::print("{}: ticket {} for {}, {}; put it on the medium as ashlar/ticket\n", shown(options.output), terms.id.text(), terms.node ? fmt::format("'{}'", *terms.node) : "any node", counted(terms.uses, "use"));
    return 0;
}

// ---- After the loss of all -------------------------------------------------------------------------

constexpr const char* restore_file = "restore";
constexpr std::string_view plan = "/plan/"; // files of it, in the site's etcd

struct RestoreOptions {
    fs::path site, backup, key, passphrase_file, plan;
    std::vector<std::string> without; // beginnings of keys
};

// RSA with OAEP, which a token's key is not asked for here.
OpeningKey recovery_key(const RestoreOptions& options) {
    std::optional<Secret> passphrase;
    if (is_encrypted(options.key)) passphrase = secret_for("passphrase", options.key.native(), options.passphrase_file.empty() ? std::nullopt : std::optional(options.passphrase_file), "--passphrase-file");
    return OpeningKey::load(options.key, passphrase ? std::optional(passphrase->text()) : std::nullopt);
}

std::map<std::string, std::string> plan_in(const backup::Content& content) {
    std::map<std::string, std::string> files;
    for (const auto& [key, text] : content.pairs)
        if (key.starts_with(plan) && key.find('/', plan.size()) == std::string::npos) files.emplace(key.substr(plan.size()), text);
    return files;
}

// Which files of the plan that the site had are others than those of the directory.
std::vector<std::string> other_files(const std::map<std::string, std::string>& files, const fs::path& directory) {
    std::vector<std::string> others;
    for (const auto& [name, text] : files)
        if (!fs::exists(directory / name) || read_file(directory / name) != text) others.push_back(name);
    return others;
}

void write_plan(const std::map<std::string, std::string>& files, const fs::path& directory) {
    if (!fs::create_directories(directory)) throw Error(fmt::format("cannot write '{}': it is there already", shown(directory)), "name a directory that is not there yet");
    for (const auto& [name, text] : files) write_file(directory / name, text, 0644, Durability::synced);
}

void require_same_site(const site::Site& site, const backup::Header& header, const RestoreOptions& options) {
    if (!site.genesis || !site.id) throw Error(fmt::format("cannot restore site '{}': it has no id, and founds nothing", site.name), "only a site that `ashlar site new` made has a backup");
    if (*site.id != header.site)
        throw Error(fmt::format("cannot restore site '{}' from '{}': that is a backup of site '{}', {}, and site.toml is of {}", site.name, shown(options.backup), header.name, header.site.text(), site.id->text()), "take the directory from which the lost nodes were flashed");
}

int restore_site(Context& context, const RestoreOptions& options) {
    const fs::path file = site_file_of(options.site), directory = fs::absolute(file).parent_path(), output = directory / restore_file;
    const site::Site site = site::load(file, shown(file));
    const std::string text = read_file(options.backup), name = shown(options.backup);
    auto header = backup::read_backup_header(text, name).header;
    require_same_site(site, header, options);
    if (fs::exists(output)) throw Error(fmt::format("cannot write '{}': it is there already", shown(output)), "media of one restoration have one file: remove it when no node was started with it");
    const auto key = site::SiteKey::load(directory / sites::key_file);
    if (key.site() != *site.id) throw Error(fmt::format("cannot restore site '{}': site.key is of another one", site.name), "site.key and site.toml belong together: neither may be taken from elsewhere");

    auto content = backup::open_backup(text, name, recovery_key(options));
    const auto files = plan_in(content);
    const auto others = other_files(files, directory);
    std::erase_if(content.pairs, [&](const backup::Pair& pair) { return std::ranges::any_of(options.without, [&](const std::string& prefix) { return pair.key.starts_with(prefix); }); });
    const auto kept = backup::for_restore(std::move(content), header);
    const std::string restore = backup::write_restore(header, kept, key);
    if (!options.plan.empty()) write_plan(files, options.plan);
    write_file(output, restore, 0600, Durability::synced);

    if (!others.empty())
        context.renderer().note(fmt::format("the site's plan was another one when the backup was made: {}; the restored site has that of {}{}", join(others, ", "), shown(directory), options.plan.empty() ? " (--plan DIR writes out the other one)" : ""));
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"file", shown(output)}, {"site", header.name}, {"genesis", header.genesis.text()}, {"made", header.made.time_since_epoch().count()}, {"nodes", header.holds.nodes}, {"secrets", header.holds.secrets}, {"pairs", header.holds.pairs}, {"other_plan", others}}));
        return 0;
    }
    fmt::print("{}: site '{}' as of {:%Y-%m-%d %H:%M:%S} UTC: {} (as removed), {}, {} of etcd\n"
               "put it on the media of the voters as ashlar/restore, beside site.toml and site.key; power all of them on, and nothing that is left of the old ones\n",
               shown(output), header.name, header.made, counted(header.holds.nodes, "node"), counted(header.holds.secrets, "secret"), counted(header.holds.pairs, "key"));
    return 0;
}

} // namespace

void add_site(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("site", "A site: what its nodes are told, checked before anything is flashed");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar site new berlin-1\n  ashlar site check berlin-1\n  ashlar site ticket berlin-1 --node n07 -o n07.ticket\n  ashlar site restore berlin-1 berlin-1.backup --key berlin-1-recovery.key");

    auto* fresh = command->add_subcommand("new", "Make a site's directory: site.toml with comments, nodes.csv, and its key");
    fresh->footer("examples:\n  ashlar site new berlin-1\n  ashlar site new lab --voters 1 --directory sites/lab");
    auto site = std::make_shared<NewSiteOptions>();
    fresh->add_option("NAME", site->name, "Its name: lower-case letters, digits and '-'")->required();
    fresh->add_option("--voters", site->voters, "How many nodes agree for the site: 1, 3 or 5")->type_name("NUMBER")->capture_default_str();
    fresh->add_option("--directory", site->directory, "Where to write it; must not be there yet (default: ./NAME)")->type_name("DIR");
    fresh->callback([=] { choose({Place::plain, [site](Context& context) { return make_site(context, *site); }}); });

    auto* check = command->add_subcommand("check", "Say everything that is wrong with a site, and what will hurt");
    check->footer("examples:\n  ashlar site check berlin-1\n  ashlar site check berlin-1/site.toml --json | jq -r '.errors[].message'\n\n"
                  "exit codes: 0 no errors, 1 errors");
    auto place = std::make_shared<fs::path>(".");
    check->add_option("PLACE", *place, "A site's directory, or its site.toml (default: here)");
    check->callback([=] { choose({Place::plain, [place](Context& context) { return check_site(context, *place); }}); });

    auto* ticket = command->add_subcommand("ticket", "Make a ticket: a medium with it enrols a node without the site key");
    ticket->footer("examples:\n  ashlar site ticket berlin-1 --node n07 -o n07.ticket\n"
                   "  ashlar site ticket berlin-1 --expires 7d --uses 40 -o rack-3.ticket     any node, forty times, for a week");
    auto terms = std::make_shared<TicketOptions>();
    ticket->add_option("SITE", terms->site, "The site's directory, or its site.toml")->required();
    ticket->add_option("--node", terms->node, "Only the node of this name may use it (default: any)")->type_name("NAME");
    ticket->add_option("--expires", terms->time, "How long it is good: minutes, hours or days, such as 30d; at most 366d")->type_name("TIME")->capture_default_str();
    ticket->add_option("--uses", terms->uses, "How many nodes it may enrol")->type_name("NUMBER")->check(CLI::Range(1U, site::most_uses))->capture_default_str();
    ticket->add_option("--key", terms->key, "The site key (default: site.key beside site.toml)")->type_name("FILE");
    ticket->add_option("-o,--to", terms->output, "Where to write it; must not be there yet")->type_name("FILE")->required();
    ticket->callback([=] { choose({Place::plain, [terms](Context& context) { return make_a_ticket(context, *terms); }}); });

    auto* restore = command->add_subcommand("restore", "Make what media of new voters bring when all nodes were lost, from a backup");
    restore->footer("examples:\n  ashlar site restore berlin-1 berlin-1.backup --key berlin-1-recovery.key\n"
                    "  ashlar site restore berlin-1 berlin-1.backup --key berlin-1-recovery.key --plan berlin-1-then     also the plan that the site had\n\n"
                    "Offline: the recovery key is needed here, and on no node. `ashlarctl site backup` makes backups; what comes back: docs/guides/backup.md");
    auto lost = std::make_shared<RestoreOptions>();
    restore->add_option("SITE", lost->site, "The site's directory, or its site.toml")->required();
    restore->add_option("BACKUP", lost->backup, "What `ashlarctl site backup` wrote")->required()->check(CLI::ExistingFile);
    restore->add_option("--key", lost->key, "The private half of [install] recovery_key: PEM, in a file")->type_name("FILE")->required()->check(CLI::ExistingFile);
    restore->add_option("--passphrase-file", lost->passphrase_file, "Where its passphrase is (default: it is asked for)")->type_name("FILE");
    restore->add_option("--without", lost->without, "Leave out keys of the site's etcd that begin so: what somebody else has put there, and is too large")->type_name("PREFIX")->check([](const std::string& prefix) { return prefix.starts_with('/') ? std::string() : std::string("keys begin with '/'"); });
    restore->add_option("--plan", lost->plan, "Where to write the plan that the site had then; must not be there yet")->type_name("DIR");
    restore->callback([=] { choose({Place::plain, [lost](Context& context) { return restore_site(context, *lost); }}); });
}

} // namespace ashlar::command
