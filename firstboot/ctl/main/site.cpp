#include "site.hpp"

#include <ctl/text.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <control/client.hpp>
#include <signing/base64.hpp>
#include <signing/bytes.hpp>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace fs = std::filesystem;

namespace {

Json ask_voters(const Door& door, const std::string& what, Json parameters) {
    Json request{{"format", 1}, {"ask", what}};
    request.update(parameters);
    const Json reply = control::call(door.socket, "org.ashlar.Site.Ask", {{"request", std::move(request)}});
    if (reply.contains("answer")) return reply.at("answer");
    const Json& refusal = reply.at("refused");
    Error error(fmt::format("the voters refuse '{}': {}", what, refusal.at("text").get<std::string>()));
    for (const Json& detail : refusal.value("details", Json::array())) error.add_hint(detail.get<std::string>());
    throw error;
}

// What an ask that changes something has to say.
using Say = std::function<std::string(const Json& answer)>;

int show(const Door& door, const Json& answer, const Say& say) {
    fmt::print("{}", door.json ? pretty(answer) : say(answer));
    return 0;
}

Json plan_files(const fs::path& directory) {
    Json files = Json::object();
    for (const auto& entry : fs::directory_iterator(directory)) {
        const auto name = entry.path().filename().native();
        if (name == "site.toml" || entry.path().extension() == ".csv") files[name] = base64(bytes_of(read_file(entry.path())));
    }
    if (!files.contains("site.toml")) throw Error(fmt::format("cannot apply '{}': it has no site.toml", directory.native()), "name the directory that `ashlar site new` made");
    return files;
}

// Nobody types it by a key too many.
bool agrees(const std::string& site, const std::vector<std::string>& lost) {
    fmt::print("{} goes on with this node alone. {} can never come back as they are: they must be installed again.\nType the site's name, {}, to go on: ", site, join(lost, " and "), site);
    std::fflush(stdout);
    std::string line;
    std::getline(std::cin, line);
    return line == site;
}

int recover(const Door& door, const std::string& yes, const std::vector<std::string>& lost) {
    const auto site = control::call(door.socket, "org.ashlar.Node.Status", Json::object()).value("site", Json::object()).value("site", std::string());
    if (yes.empty() && ::isatty(STDIN_FILENO) == 0) throw Error("cannot recover the site: nobody is there to type its name", "programs say --yes SITE");
    if (!yes.empty() && yes != site) throw Error(fmt::format("cannot recover '{}': this node belongs to the site '{}'", yes, site), "name the site that is meant");
    if (yes.empty() && !agrees(site, lost)) {
        fmt::print("nothing is done\n");
        return 1;
    }
    (void)control::call(door.socket, "org.ashlar.Site.Recover", {{"lost", lost}});
    fmt::print("the site goes on with this node; `ashlarctl status` shows when\n");
    return 0;
}

struct Words {
    std::string node, formation, directory, yes;
    std::vector<std::string> lost;
    unsigned newest = 50;
};

class Commands {
public:
    Commands(CLI::App& app, const std::function<void(SiteCommand)>& choose) : app_(app), choose_(choose) {}

    void add() {
        add_why();
        add_nodes();
        add_site();
        add_formations();
    }

private:
    void add_why() {
        auto* why = command(app_, "why", "Why a service is not (yet) what it should be on this node", "ashlarctl why etcd", [words = words_](const Door& door) {
            const Json answer = control::call(door.socket, "org.ashlar.Site.Why", {{"formation", words->formation}});
            return show(door, answer, [](const Json& said) { return said.at("text").get<std::string>(); });
        });
        why->add_option("SERVICE", words_->formation, "A formation")->required();
    }

    void add_nodes() {
        auto* node = app_.add_subcommand("node", "Who belongs to the site, and who may");
        node->require_subcommand(1);
        command(*node, "list", "The members, and who waits at the door", "ashlarctl node list", [](const Door& door) { return show(door, ask_voters(door, "status", Json::object()), nodes_text); });
        about(*node, "approve", "node.approve", "Let a machine in that waits: compare the code on both consoles first", "ashlarctl node approve n04", "may come in");
        about(*node, "deny", "node.deny", "Turn a machine away that waits", "ashlarctl node deny n04", "is turned away");
        about(*node, "replace", "node.replace", "The next machine that comes under this name takes its place", "ashlarctl node replace n02", "is replaced by the next machine that comes under its name");
        about(*node, "remove", "node.remove", "It belongs to the site no more; what it held passes to the others", "ashlarctl node remove n05", "is no member of the site any more");
    }

    void add_site() {
        auto* site = app_.add_subcommand("site", "The whole site");
        site->require_subcommand(1);
        auto* audit = command(*site, "audit", "What was decided, and by whom", "ashlarctl site audit --newest 20", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "audit", {{"newest", words->newest}}), audit_text);
        });
        audit->add_option("--newest", words_->newest, "How many entries")->capture_default_str();
        auto* apply = command(*site, "apply", "Another plan: site.toml and its table of nodes", "ashlarctl site apply berlin-1/", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "plan.apply", {{"files", plan_files(words->directory)}}), [](const Json&) { return std::string("the site has this plan from now on; its nodes take it over one by one\n"); });
        });
        auto* alone = command(*site, "recover", "Too many voters are lost for good: the site goes on with this node alone", "ashlarctl site recover --lost n02 --lost n03", [words = words_](const Door& door) { return recover(door, words->yes, words->lost); });
        alone->add_option("--lost", words_->lost, "A voter that will not come back; all others must be named")->required()->type_name("NODE");
        alone->add_option("--yes", words_->yes, "The site's name, where nobody is there to type it")->type_name("SITE");
        apply->add_option("DIRECTORY", words_->directory, "As `ashlar site new` makes it")->required()->check(CLI::ExistingDirectory);
    }

    void add_formations() {
        auto* formation = app_.add_subcommand("formation", "The services of the site");
        formation->require_subcommand(1);
        auto* free = command(*formation, "free", "Free the lock of a service whose holder will not come back to it", "ashlarctl formation free etcd", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "lock.free", {{"name", words->formation}}), [&](const Json&) { return fmt::format("the lock of '{}' is free\n", words->formation); });
        });
        free->add_option("SERVICE", words_->formation, "A formation")->required();
        auto* retry = command(*formation, "retry", "Try again what waits for a person", "ashlarctl formation retry etcd", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "formation.retry", {{"name", words->formation}}), [&](const Json&) { return fmt::format("'{}' is tried again\n", words->formation); });
        });
        retry->add_option("SERVICE", words_->formation, "A formation")->required();
    }

    void about(CLI::App& parent, const char* name, const char* ask, const char* help, const char* example, const char* outcome) {
        const std::string parameter = std::string_view(ask) == "node.approve" || std::string_view(ask) == "node.deny" ? "node" : "name";
        auto* added = command(parent, name, help, example, [words = words_, ask, parameter, outcome](const Door& door) {
            return show(door, ask_voters(door, ask, {{parameter, words->node}}), [&](const Json&) { return fmt::format("{} {}\n", words->node, outcome); });
        });
        added->add_option("NODE", words_->node, "Its name in site.toml, or its id")->required();
    }

    CLI::App* command(CLI::App& parent, const char* name, const char* help, const char* example, SiteCommand run) {
        CLI::App* added = parent.add_subcommand(name, help);
        added->footer(std::string("example:\n  ") + example);
        added->callback([choose = choose_, run = std::move(run)] { choose(run); });
        return added;
    }

    CLI::App& app_;
    const std::function<void(SiteCommand)> choose_;
    const std::shared_ptr<Words> words_ = std::make_shared<Words>();
};

} // namespace

void add_site_commands(CLI::App& app, const std::function<void(SiteCommand command)>& choose) { Commands(app, choose).add(); }

} // namespace ashlar::ctl
