// ashlarctl: what a node is, and what it shall do. It asks ashlard; what only looks it looks at itself.

#include <ctl/text.hpp>

#include "break_glass.hpp"
#include "keyboard.hpp"
#include "rescue.hpp"
#include "site.hpp"
#include "support.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <base/progress.hpp>
#include <base/text.hpp>
#include <breakglass/use.hpp>
#include <command_line/completion.hpp>
#include <control/client.hpp>
#include <control/server.hpp>
#include <disks/inventory.hpp>
#include <node/drift.hpp>
#include <node/recovery.hpp>
#include <node/trial.hpp>

#include <algorithm>
#include <array>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <ifaddrs.h>
#include <iostream>
#include <memory>
#include <net/if.h>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace ashlar;

struct Options {
    enum class Format { text, json } format = Format::text;
    std::string socket = control::socket_path;
    std::string source, release, proxy, certificates;
    enum class Follow { once, on } follow = Follow::once;
    enum class Restart { no, yes } restart = Restart::no;
    std::string lines = "50";
    std::string node; // that is to be reset
    std::string token;
    ctl::Afar afar;
    ctl::Support support;
};

int finish(const Options& options, const Json& json, const std::function<std::string()>& text) {
    fmt::print("{}", options.format == Options::Format::json ? pretty(json) : text());
    return 0;
}

Json ask(const Options& options, const std::string& method, const Json& parameters = Json::object()) {
    return control::call(options.socket, "org.ashlar.Node." + method, parameters);
}

// ---- status ----

void show(const Options& options, const Json& status) {
    if (options.format == Options::Format::json) {
        fmt::print("{}\n", status.dump());
    } else {
        // Over the screen of before, where there is a screen.
        fmt::print("{}{}", ::isatty(STDOUT_FILENO) != 0 ? "\x1b[H\x1b[2J" : "", ctl::status_text(status));
    }
    std::fflush(stdout);
}

int status(const Options& options) {
    const bool is_quiet = ctl::is_locked() || ctl::is_rescue();
    if (options.follow == Options::Follow::once || is_quiet) {
        const Json answer = is_quiet ? ctl::status_without_daemon() : ask(options, "Status");
        return finish(options, answer, [&] { return ctl::status_text(answer); });
    }
    control::watch(options.socket, "org.ashlar.Node.Status", [&](const Json& answer) {
        show(options, answer);
        return true;
    });
    return 0;
}

// ---- console ----

// "ens3 10.0.2.15", of links that are up; not what each link has for itself.
std::vector<std::string> addresses() {
    std::vector<std::string> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) throw system_error("list", "addresses");
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_LOOPBACK) != 0) continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
            ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
            if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
            ::inet_ntop(AF_INET6, &address->sin6_addr, text.data(), text.size());
        } else {
            continue;
        }
        found.push_back(fmt::format("{} {}", one->ifa_name, text.data()));
    }
    return found;
}

// A console that has nothing to show is still the way in.
std::string screen_text(const Options& options) {
    if (ctl::is_rescue()) return ctl::status_text(ctl::status_without_daemon()) + "\n" + ctl::rescue_menu();
    try {
        if (ctl::is_locked()) return ctl::console_text(ctl::status_without_daemon(), addresses()) + node::recovery_advice() + "\n";
        return ctl::console_text(ask(options, "Status"), addresses());
    } catch (const Error& error) {
        return error.render() + "\n";
    }
}

// For ever: a screen on a terminal that has one, and on a line only what changed.
int console(const Options& options) {
    const bool screen = std::string_view(std::getenv("TERM") == nullptr ? "" : std::getenv("TERM")) == "linux";
    std::string shown;
    for (;;) {
        const std::string text = screen_text(options) + "\nPress b to become root by a break-glass token.\n";
        if (text != shown) fmt::print("{}{}", screen ? "\x1b[H\x1b[2J" : "\n", text);
        std::fflush(stdout);
        shown = text;
        const auto key = ctl::key_within(std::chrono::seconds(5));
        if (!key) continue;
        if (*key == 'b') ctl::break_glass_at_console();
        else if (ctl::is_rescue()) ctl::rescue_key(*key);
        shown.clear();
    }
}

int break_glass(const Options& options) {
    return ctl::break_glass(options.token.empty() ? ctl::token_from_media() : ctl::token_from(options.token));
}

int support_bundle(const Options& options) {
    ctl::Support support = options.support;
    support.socket = options.socket;
    support.is_quiet = options.format == Options::Format::json;
    return ctl::support_bundle(support);
}

int export_logs(const Options&) { return ctl::export_logs(); }

// Only of a release that is kept: of one that is being tried the boot loader knows no such name (docs/formats/uki.md).
int rescue(const Options& options) {
    const Json status = ask(options, "Status");
    const auto release = status.at("release").get<std::string>();
    const Json menu = status.value("slots", Json::object()).value("menu", Json::array());
    const bool kept = std::ranges::any_of(menu, [&](const Json& entry) { return entry.at("release") == release && entry.at("blessed") == true; });
    if (!kept) throw Error(fmt::format("cannot start the rescue entry of '{}' by itself: the release is not kept so far", release), "restart, and choose it in the boot menu");
    node::start_once(fmt::format("ashlar_{}.efi@rescue", release));
    run_checked({.argv = {"systemctl", "reboot"}});
    return 0;
}

int break_glass_login(const Options&) { return ctl::break_glass_login(); }

// ---- upgrade, rollback ----

// Follows what was asked for, until somebody must do something again.
int follow(const Options& options) {
    const auto renderer = make_renderer(options.format == Options::Format::json ? ProgressStyle::quiet : ProgressStyle::automatic, STDERR_FILENO);
    std::optional<Activity> activity;
    std::string phase;
    Json last;
    control::watch(options.socket, "org.ashlar.Node.Status", [&](const Json& answer) {
        last = answer;
        if (answer.contains("fault")) return false;
        const auto now = answer.at("phase").get<std::string>();
        if (now == "resting" || now == "armed" || now == "leaving" || now == "resetting") return false;
        if (now != phase) activity.emplace(*renderer, answer.at("sentence").get<std::string>());
        phase = now;
        if (answer.contains("transfer")) activity->bytes(answer.at("transfer").at("written").get<std::uint64_t>(), answer.at("transfer").at("size").get<std::uint64_t>());
        return true;
    });
    activity.reset();
    finish(options, last, [&] { return ctl::status_text(last); });
    return last.contains("fault") || (last.at("phase") == "resting" && last.contains("ending") && last.at("ending").at("text").get<std::string>().starts_with("cannot ")) ? 1 : 0;
}

int upgrade(const Options& options) {
    (void)ask(options, "Upgrade", {{"source", options.source}, {"release", options.release}, {"proxy", options.proxy}, {"certificates", options.certificates}, {"restart", options.restart == Options::Restart::yes}});
    return follow(options);
}

int rollback(const Options& options) {
    (void)ask(options, "Rollback");
    return follow(options);
}

int bless(const Options& options) {
    if (!ask(options, "Healthy").at("wanted").get<bool>()) throw Error("cannot bless: no release is being tried", "look at `ashlarctl status`");
    return follow(options);
}

int recover(const Options& options) {
    (void)ask(options, "Recover");
    return status(options);
}

// ---- factory reset ----

std::string typed(const std::string& node) {
    fmt::print("This erases /var of the node, with all keys and data on it; it then begins as another node of the same site and release.\n"
               "Type its name, {}, to go on: ",
               node);
    std::fflush(stdout);
    std::string line;
    std::getline(std::cin, line);
    return line;
}

int factory_reset(const Options& options) {
    const bool asks = options.node.empty();
    if (asks && ::isatty(STDIN_FILENO) == 0) throw Error("cannot reset the node: nobody is there to type its name", "programs say --yes NODE");
    const auto here = ask(options, "Status").at("hostname").get<std::string>();
    const std::string node = asks ? typed(here) : options.node;
    if (asks && node != here) {
        fmt::print("nothing is done\n");
        return 1;
    }
    const Json next = ask(options, "FactoryReset", {{"node", node}});
    return finish(options, next, [&] { return fmt::format("the node restarts, erases /var and comes back as {}\n", next.at("hostname").get<std::string>()); });
}

// ---- drift ----

int drift(const Options& options) {
    const auto changes = node::drift();
    Json json = Json::array();
    for (const auto& change : changes) json.push_back({{"path", change.path}, {"kind", change.kind}});
    finish(options, {{"format", 1}, {"drift", json}}, [&] {
        std::string text = changes.empty() ? "no drift: the node is image + site + declared state\n" : "";
        for (const auto& change : changes) text += fmt::format("{:<8} {}\n", change.kind, change.path);
        return text;
    });
    return changes.empty() ? 0 : 1;
}

// ---- disks ----

std::string disk_text(const disks::Disk& disk) {
    std::string text = fmt::format("{} ({}, {}){}\n", disk.name, disks::name_of(disk.bus), human_bytes(disk.size), disk.started_from ? ", the node was started from it" : "");
    for (const auto& [name, value] : {std::pair{"model", disk.model}, {"serial", disk.serial}, {"wwn", disk.wwn}, {"carries", disk.carries}})
        if (!value.empty()) text += fmt::format("  {:<8} {}\n", name, value);
    return text;
}

int show_disks(const Options& options) {
    auto all = disks::inventory();
    Json json = Json::array();
    std::string text;
    for (auto& disk : all) {
        disks::look_inside(disk);
        json.push_back({{"name", disk.name}, {"bus", disks::name_of(disk.bus)}, {"size", disk.size}, {"model", disk.model}, {"serial", disk.serial},
                        {"wwn", disk.wwn},   {"carries", disk.carries},        {"started_from", disk.started_from}});
        text += disk_text(disk);
    }
    return finish(options, {{"format", 1}, {"disks", json}}, [&] { return text; });
}

int log(const Options& options) {
    const std::string output = options.format == Options::Format::json ? "--output=json" : "--output=short-iso";
    ::execlp("journalctl", "journalctl", "--no-pager", output.c_str(), ("--lines=" + options.lines).c_str(), "--unit=ashlar*", nullptr);
    throw system_error("start", "journalctl");
}

// ---- the command line ----

using Command = std::function<int(const Options&)>;

CLI::App* add(CLI::App& app, const char* name, const char* help, const char* example, int (*run)(const Options&), Command& chosen) {
    CLI::App* command = app.add_subcommand(name, help);
    command->footer(std::string("example:\n  ") + example);
    command->callback([run, &chosen] { chosen = run; });
    return command;
}

int run(int argc, char** argv) {
    Options options;
    Command chosen;
    CLI::App app{"Shows what this node is, and moves it from release to release", "ashlarctl"};
    app.set_version_flag("--version", "ashlarctl " ASHLAR_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_flag_callback("--json", [&] { options.format = Options::Format::json; }, "Answers as JSON");
    app.add_option("--socket", options.socket, "Where ashlard listens")->type_name("FILE")->capture_default_str();
    app.footer("example:\n  ashlarctl upgrade https://mirror.example/ashlar/R0.1 && systemctl reboot\n\nexit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 failed");

    auto* shown = add(app, "status", "What runs, what is under way, and what it waits for", "ashlarctl status --watch", status, chosen);
    shown->add_flag_callback("--watch", [&] { options.follow = Options::Follow::on; }, "Again whenever it changes");
    auto* to = add(app, "upgrade", "Install another release beside this one; the next restart tries it", "ashlarctl upgrade /dev/sdb1 --restart", upgrade, chosen);
    to->add_option("SOURCE", options.source, "Directory, URL, or device of a medium with a repository, or with one published release")->required();
    to->add_option("RELEASE", options.release, "Of a repository: this one (default: the newest stable one of the train that runs)");
    to->add_flag_callback("--restart", [&] { options.restart = Options::Restart::yes; }, "Restart when it is ready");
    to->add_option("--proxy", options.proxy, "Proxy for the URL")->type_name("URL");
    to->add_option("--certificates", options.certificates, "Certificates to trust beside the system's")->type_name("FILE")->check(CLI::ExistingFile);
    add(app, "rollback", "Give up the running release and restart into the other one", "ashlarctl rollback", rollback, chosen);
    add(app, "bless", "Keep the release that is being tried, without its gates", "ashlarctl bless", bless, chosen);
    auto* anew = add(app, "factory-reset", "Erase /var and begin as another node of the same site and release", "ashlarctl factory-reset", factory_reset, chosen);
    anew->add_option("--yes", options.node, "The node's name, where nobody is there to type it")->type_name("NODE");
    add(app, "drift", "Files of /etc that are neither the image's nor declared", "ashlarctl drift --json", drift, chosen);
    add(app, "disks", "The disks, as site.toml's rule sees them", "ashlarctl disks", show_disks, chosen);
    add(app, "recover", "Forget an upgrade that cannot go on; what runs stays", "ashlarctl recover", recover, chosen);
    add(app, "console", "Who this node is, where, and what it waits for: for the screen in front of it", "ashlarctl console", console, chosen);
    auto* token = add(app, "break-glass", "A root shell for as long as a token of the site's break-glass key says",
                      "ashlarctl break-glass - < token\n  ashlarctl break-glass                 reads ashlar/break-glass from a stick", break_glass, chosen);
    token->add_option("FILE", options.token, "The token; '-' for standard input (default: ashlar/break-glass on a FAT stick)");
    // What sshd starts for a certificate of that key.
    add(app, "break-glass-login", "", "", break_glass_login, chosen)->group("");
    add(app, "export", "Write logs and status onto a FAT stick", "ashlarctl export", export_logs, chosen);
    auto* bundle = add(app, "support-bundle", "What somebody else needs to see of this node to help, without its secrets, in one file", "ashlarctl support-bundle /root/n01.tar.zst", support_bundle, chosen);
    bundle->add_option("FILE", options.support.file, "A new file, ….tar.gz or ….tar.zst")->required();
    bundle->add_option("--root", options.support.root, "Where the node's files are")->group(""); // of tests
    add(app, "rescue", "Restart into the rescue entry of the boot menu: look at the node from its console, write nothing", "ashlarctl rescue", rescue, chosen);
    auto* said = add(app, "log", "What Ashlar's units said", "ashlarctl log --lines 200", log, chosen);
    said->add_option("--lines", options.lines, "How many lines")->capture_default_str();
    ctl::add_afar_options(app, options.afar);
    bool is_about_the_site = false;
    ctl::add_site_commands(app, [&](ctl::SiteCommand run) {
        is_about_the_site = true;
        chosen = [run = std::move(run)](const Options& asked) { return run({.socket = asked.socket, .json = asked.format == Options::Format::json, .afar = asked.afar}); };
    });
    command_line::Shell shell{};
    const auto* completion = command_line::add_completion_command(app, shell);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return error.get_exit_code() == 0 ? app.exit(error) : (app.exit(error), 2);
    }
    if (completion->parsed()) {
        fmt::print("{}", command_line::completion_script(app, shell));
        return 0;
    }
    if (!is_about_the_site && !options.afar.voters.empty()) throw Error("cannot do that from afar: it is about the node on which it is said", "leave out --voter, and say it there");
    return chosen(options);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const Error& error) {
        fmt::print(stderr, "ashlarctl: {}\n", error.render());
    } catch (const std::exception& failure) {
        fmt::print(stderr, "ashlarctl: {}\n", failure.what());
    }
    return 3;
}
