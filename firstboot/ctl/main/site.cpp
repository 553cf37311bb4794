#include "site.hpp"

#include "site_key.hpp"

#include <ctl/text.hpp>

#include <backup/backup.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <control/client.hpp>
#include <certificates/certificate.hpp>
#include <signing/base64.hpp>
#include <signing/bytes.hpp>
#include <voters/order.hpp>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::ctl {

namespace fs = std::filesystem;

namespace {

// One; two while one takes the place of the other, the one that issues first.
std::string authority_pem(const Json& answer) {
    std::string pem;
    for (const auto& certificate : answer.value("certificates", Json::array({answer.at("certificate")}))) {
        const auto der = from_base64(certificate.get<std::string>());
        if (!der) throw Error("cannot read the certificate of the site's authority: ashlard answers with none", "do ashlarctl and ashlard have the same release?");
        pem += certificates::SiteCertificate::from_der(*der, "authority").pem();
    }
    return pem;
}

// Nobody types a name by a key too many.
bool types(const std::string& name, std::string_view what_happens) {
    fmt::print("{}\nType {}, to go on: ", what_happens, name);
    std::fflush(stdout);
    std::string line;
    std::getline(std::cin, line);
    return line == name;
}

bool agrees(const std::string& site, const std::vector<std::string>& lost) {
    return types(site, fmt::format("{} goes on with this node alone. {} can never come back as they are: they must be installed again.", site, join(lost, " and ")));
}

// Names of those whom an order gives up: for whoever carries it out.
std::vector<std::string> lost_in(const std::string& order, const std::string& file) {
    const auto read = voters::order_from(order, file);
    const auto* const recovery = std::get_if<voters::Recovery>(&read.order.what);
    if (recovery == nullptr) throw Error(fmt::format("cannot recover the site by '{}': that order is not about it", file), "`ashlarctl order show` says what it is about");
    std::vector<std::string> lost;
    for (const auto& one : recovery->lost) lost.push_back(one.name);
    return lost;
}

int recover(const Door& door, const std::string& yes, std::vector<std::string> lost, const std::string& file) {
    const std::string order = file.empty() ? std::string() : read_file(file);
    if (!file.empty()) lost = lost_in(order, file);
    if (lost.empty()) throw Error("cannot recover the site: nobody is named who is lost", "say --lost NODE for each other voter, or --order FILE");
    const auto site = control::call(door.socket, "org.ashlar.Node.Status", Json::object()).value("site", Json::object()).value("site", std::string());
    if (yes.empty() && ::isatty(STDIN_FILENO) == 0) throw Error("cannot recover the site: nobody is there to type its name", "programs say --yes SITE");
    if (!yes.empty() && yes != site) throw Error(fmt::format("cannot recover '{}': this node belongs to the site '{}'", yes, site), "name the site that is meant");
    if (yes.empty() && !agrees(site, lost)) {
        fmt::print("nothing is done\n");
        return 1;
    }
    (void)control::call(door.socket, "org.ashlar.Site.Recover", file.empty() ? Json{{"lost", lost}} : Json{{"order", order}});
    fmt::print("the site goes on with this node; `ashlarctl status` shows when\n");
    return 0;
}

// ---- Wiping ------------------------------------------------------------------------------------------------

// From afar it is proposed: the plan knows two persons there, or nobody may. Root orders it where it does not.
int wipe(const Door& door, const std::string& node, const std::string& yes) {
    const Json parameters{{"name", node}};
    if (door.is_afar()) return show(door, ask_voters(door, "proposal.make", {{"what", "node.wipe"}, {"parameters", parameters}}), proposed_text);
    if (yes.empty() && ::isatty(STDIN_FILENO) == 0) throw Error("cannot wipe the node: nobody is there to type its name", "programs say --yes NODE");
    if (!yes.empty() && yes != node) throw Error(fmt::format("cannot wipe '{}': --yes names '{}'", node, yes), "name the node that is meant");
    if (yes.empty() && !types(node, fmt::format("{} belongs to the site no more, and erases what it has: nobody can take that back.", node))) {
        fmt::print("nothing is done\n");
        return 1;
    }
    return show(door, ask_voters(door, "node.wipe", parameters), [&](const Json&) { return fmt::format("{} is no member of the site any more; it erases what it has as soon as it hears of it\n", node); });
}

// ---- The backup --------------------------------------------------------------------------------------------

constexpr unsigned for_its_owner = 0600;

std::string counted(std::uint64_t number, std::string_view what) { return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s"); }

Json json_of(const std::string& file, const backup::BackupHeader& backup) {
    const auto& [site, name, genesis, made, holds] = backup.header;
    return {{"file", file},
            {"site", site.text()},
            {"name", name},
            {"genesis", genesis.text()},
            {"made", made.time_since_epoch().count()},
            {"recovery_key", backup.recovery_key.hex()},
            {"holds", {{"nodes", holds.nodes}, {"secrets", holds.secrets}, {"pairs", holds.pairs}, {"audit", holds.audit}, {"audit_left_out", holds.audit_left_out}}}};
}

std::string text_of(const std::string& file, const backup::BackupHeader& backup) {
    const auto& [site, name, genesis, made, holds] = backup.header;
    const std::string left_out = holds.audit_left_out == 0 ? "" : fmt::format(" (the newest; {} are not in it)", holds.audit_left_out);
    return fmt::format("{}: site '{}' as of {:%Y-%m-%d %H:%M:%S} UTC, genesis {}\n"
                       "  its authorities and its key, {}, {}, {} of etcd, {} of the audit log{}\n"
                       "  it opens with the recovery key {} only: keep both, and not in one place\n",
                       file, name, made, genesis.text().substr(0, 8), counted(holds.nodes, "node"), counted(holds.secrets, "secret"), counted(holds.pairs, "key"), counted(holds.audit, "line"), left_out, backup.recovery_key.hex());
}

constexpr const char* standard_output = "-";

void require_place(const std::string& file) {
    if (fs::exists(file)) throw Error(fmt::format("cannot write '{}': it is there already", file), "name another file: an older backup is not replaced");
    const fs::path directory = fs::absolute(file).parent_path();
    if (!fs::is_directory(directory)) throw Error(fmt::format("cannot write '{}': there is no directory '{}'", file, directory.native()));
}

// Not before it is known that there is a place for it: each backup is in the audit log.
int back_up(const Door& door, const std::string& file) {
    const bool passes_on = file == standard_output;
    if (!passes_on) require_place(file);
    const Json answer = ask_voters(door, "backup", Json::object());
    const std::string text = answer.at("header").get<std::string>() + '\n' + answer.at("body").get<std::string>() + '\n';
    const auto header = backup::read_backup_header(text, file);
    if (passes_on) fmt::print("{}", text);
    else write_file(file, text, for_its_owner, Durability::synced);
    const bool fits = answer.at("fits").get<bool>();
    Json json = json_of(file, header);
    json["fits"] = fits;
    fmt::print(passes_on ? stderr : stdout, "{}", door.json ? pretty(json) : text_of(file, header));
    if (!fits) fmt::print(stderr, "warning: media have no room for all that is in it: `ashlar site restore --without PREFIX` will have to leave something out\n  `etcdctl get --prefix / --keys-only` on a voter shows what else was put into the site's etcd\n");
    return 0;
}

// Base64, as requests have bytes.
std::string given_in(const std::string& file) {
    const Secret given = file == "-" ? Secret::all_from(STDIN_FILENO, "standard input") : Secret::of_file(file);
    if (given.empty()) throw Error(fmt::format("cannot give '{}': there is nothing in it", file));
    return base64(bytes_of(given.text()));
}

std::string given_text(const Json& given) {
    const std::string name = fmt::format("the secret '{}' of '{}'", given.at("secret").get<std::string>(), given.at("formation").get<std::string>());
    if (!given.contains("names")) return name + " is what you gave; its nodes take it over one by one\n";
    const std::chrono::sys_seconds expires{std::chrono::seconds(given.at("expires").get<std::int64_t>())};
    return fmt::format("{} is the certificate for {}, until {:%Y-%m-%d}; its nodes take it over one by one\n", name, join(given.at("names").get<std::vector<std::string>>(), ", "), expires);
}

struct Words {
    std::string node, formation, secret, directory, file, yes, order;
    std::vector<std::string> lost, without;
    bool compromised = false;
    unsigned newest = 50;
};

class Commands : CommandGroup<Words> {
public:
    Commands(CLI::App& app, const Choose& choose) : CommandGroup(app, choose) {}

    void add() {
        add_why();
        add_nodes();
        add_site();
        add_formations();
    }

private:
    void add_why() {
        auto* why = command(app_, "why", "Why a service of this node, or a node of the site, is not (yet) what it should be", "ashlarctl why etcd\n  ashlarctl why n02", [words = words_](const Door& door) {
            const Json answer = ask_node(door, "Why", {{"name", words->node}});
            return show(door, answer, [](const Json& said) { return said.at("text").get<std::string>(); });
        });
        why->add_option("NAME", words_->node, "A formation, or a node as site.toml calls it")->required();
    }

    void add_nodes() {
        auto* node = app_.add_subcommand("node", "Who belongs to the site, and who may");
        node->require_subcommand(1);
        command(*node, "list", "The members, and who waits at the door", "ashlarctl node list", [](const Door& door) { return show(door, ask_voters(door, "status"), nodes_text); });
        about(*node, "approve", "node.approve", "Let a machine in that waits: compare the code on both consoles first", "ashlarctl node approve n04", "may come in");
        about(*node, "deny", "node.deny", "Turn a machine away that waits", "ashlarctl node deny n04", "is turned away");
        about(*node, "replace", "node.replace", "The next machine that comes under this name takes its place", "ashlarctl node replace n02", "is replaced by the next machine that comes under its name");
        about(*node, "remove", "node.remove", "It belongs to the site no more; what it held passes to the others", "ashlarctl node remove n05", "is no member of the site any more");
        auto* gone = command(*node, "wipe", "The same, and it erases what it has; takes two persons: this proposes it, or orders it where the plan has no two", "ashlarctl node wipe n05 --voter 10.0.0.11 …       anna proposes it\n  ashlarctl proposal agree 3f0c… --voter 10.0.0.11 …  ben agrees",
                             [words = words_](const Door& door) { return wipe(door, words->node, words->yes); });
        gone->add_option("NODE", words_->node, "Its name in site.toml")->required();
        gone->add_option("--yes", words_->yes, "Its name again, where nobody is there to type it")->type_name("NODE");
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
        auto* alone = command(*site, "recover", "Too many voters are lost for good: the site goes on with this node alone", "ashlarctl site recover --lost n02 --lost n03\n  ashlarctl site recover --order order.json       where the plan names two who order it", [words = words_](const Door& door) { return recover(door, words->yes, words->lost, words->order); });
        auto* lost = alone->add_option("--lost", words_->lost, "A voter that will not come back; all others must be named")->type_name("NODE");
        alone->add_option("--order", words_->order, "What two operators have signed: `ashlarctl order make recover`")->type_name("FILE")->check(CLI::ExistingFile)->excludes(lost);
        alone->add_option("--yes", words_->yes, "The site's name, where nobody is there to type it")->type_name("SITE");
        auto* found = command(*site, "found", "By an admin's order: without some of its voters", "ashlarctl site found --order order.json", [words = words_](const Door& door) {
            return show(door, ask_node(door, "Found", {{"order", read_file(words->order)}}), [](const Json&) { return std::string("this node goes by that order from now on, and shows it to the others; `ashlarctl status` shows what comes of it\n"); });
        });
        found->add_option("--order", words_->order, "What an admin has signed: `ashlarctl order make found`")->type_name("FILE")->required()->check(CLI::ExistingFile);
        const SiteCommand print = [words = words_](const Door& door) {
            const Json answer = ask_node(door, "Authority");
            return keep_pem(door, words->file, answer, authority_pem(answer));
        };
        auto* authority = command(*site, "authority", "The certificate of the site's authority: what operators trust when they ask from afar", "ssh root@10.0.0.11 ashlarctl site authority > berlin-1.pem", print);
        // A command of its own, and one with commands below it.
        authority->callback([authority, choose = choose_, print] {
            if (authority->get_subcommands().empty()) choose(print);
        });
        authority->add_option("-o,--output", words_->file, "Write it there")->type_name("FILE");
        add_rotation(*authority);
        apply->add_option("DIRECTORY", words_->directory, "As `ashlar site new` makes it")->required()->check(CLI::ExistingDirectory);
        auto* backup = command(*site, "backup", "All that the site cannot be without, in one file that only its recovery key opens", "ashlarctl site backup /var/tmp/berlin-1.backup\n  ssh root@n01 ashlarctl site backup - > berlin-1.backup", [words = words_](const Door& door) { return back_up(door, words->file); });
        add_site_key_commands(*site, choose_);
        backup->add_option("FILE", words_->file, "A new file; it is whole, or not there. -: standard output")->required();
    }

    void add_rotation(CLI::App& authority) {
        authority.require_subcommand(0, 1);
        auto* rotate = command(authority, "rotate", "Others take the place of the site's authorities, of nodes and of etcd, while the site runs", "ashlarctl site authority rotate\n  ashlarctl site authority rotate --compromised", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "authority.rotate", {{"former", words->compromised ? "compromised" : "trusted"}}), [](const Json&) {
                return std::string("the site comes to other authorities, step by step; `ashlarctl site authority progress` says for whom it waits\n");
            });
        });
        rotate->add_flag("--compromised", words_->compromised, "Its word for the next one is worth nothing: a node that is away all the time must be installed again");
        command(authority, "progress", "How far a rotation is, and for whom it waits", "ashlarctl site authority progress", [](const Door& door) { return show(door, ask_voters(door, "authority", {{"step", 0}}), rotation_text); });
        auto* finish = command(authority, "finish", "Go on without nodes that are away: all that are waited for must be named", "ashlarctl site authority finish --without n07 --without n08", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "authority.finish", {{"without", join(words->without, ",")}}), [&](const Json&) { return fmt::format("the rotation goes on without {}\n", join(words->without, " and ")); });
        });
        finish->add_option("--without", words_->without, "A node that is left behind; it comes back by the key of its medium")->required()->type_name("NODE");
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
        auto* rotate = command(*formation, "rotate", "Another value for a secret of a service; its files and units follow on every node", "ashlarctl formation rotate keystone admin", [words = words_](const Door& door) {
            return show(door, ask_voters(door, "secret.rotate", {{"formation", words->formation}, {"secret", words->secret}}),
                        [&](const Json&) { return fmt::format("the secret '{}' of '{}' has another value; its nodes take it over one by one\n", words->secret, words->formation); });
        });
        auto* give = command(*formation, "give", "A secret that a service wants from you: a certificate with its key, or another text", "ashlarctl formation give haproxy public cloud.pem\n  cat cloud.key cloud.crt chain.crt | ashlarctl formation give haproxy public -",
                             [words = words_](const Door& door) { return show(door, ask_voters(door, "secret.give", {{"formation", words->formation}, {"secret", words->secret}, {"value", given_in(words->file)}}), given_text); });
        give->add_option("SERVICE", words_->formation, "A formation")->required();
        give->add_option("SECRET", words_->secret, "Its name in the formation")->required();
        give->add_option("FILE", words_->file, "For its owner alone (mode 0600). -: standard input")->required();
        rotate->add_option("SERVICE", words_->formation, "A formation")->required();
        rotate->add_option("SECRET", words_->secret, "Its name in the formation")->required();
    }

    void about(CLI::App& parent, const char* name, const char* ask, const char* help, const char* example, const char* outcome) {
        const std::string parameter = std::string_view(ask) == "node.approve" || std::string_view(ask) == "node.deny" ? "node" : "name";
        auto* added = command(parent, name, help, example, [words = words_, ask, parameter, outcome](const Door& door) {
            return show(door, ask_voters(door, ask, {{parameter, words->node}}), [&](const Json&) { return fmt::format("{} {}\n", words->node, outcome); });
        });
        added->add_option("NODE", words_->node, "Its name in site.toml, or its id")->required();
    }
};

} // namespace

Json plan_files(const std::string& directory) {
    Json files = Json::object();
    for (const auto& entry : fs::directory_iterator(directory)) {
        const auto name = entry.path().filename().native();
        if (name == "site.toml" || entry.path().extension() == ".csv") files[name] = base64(bytes_of(read_file(entry.path())));
    }
    if (!files.contains("site.toml")) throw Error(fmt::format("cannot apply '{}': it has no site.toml", directory), "name the directory that `ashlar site new` made");
    return files;
}

void add_site_commands(CLI::App& app, const Choose& choose) {
    Commands(app, choose).add();
    add_operator_commands(app, choose);
    add_order_commands(app, choose);
    add_verify_command(app, choose);
    add_timeline_command(app, choose);
}

} // namespace ashlar::ctl
