// ashlard, the daemon in every image: it puts the node on its disk, and keeps its releases.

#include "serve.hpp"

#include <cstdio>
#include <getopt.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include <base/error.hpp>
#include <base/process.hpp>
#include <firstboot/firmware_tables.hpp>
#include <node/container.hpp>
#include <node/early.hpp>
#include <node/install.hpp>
#include <node/recovery.hpp>
#include <node/reset.hpp>
#include <node/root.hpp>
#include <service/service.hpp>
#include <steps/node_steps.hpp>

#include <fmt/format.h>

namespace {

using namespace ashlar;

constexpr std::string_view usage = R"(usage: ashlard guard
       ashlard root
       ashlard early --root=DIR
       ashlard container
       ashlard install
       ashlard recover [--key=FILE | --show]
       ashlard reset
       ashlard forbid
       ashlard serve
       ashlard healthy | unhealthy REASON
       ashlard --version | --help

  guard      in the initrd, before the root is opened: fails when the firmware's tables
             added to the kernel's command line
  root       in the initrd: opens /dev/mapper/root, on the disk that the firmware started from
  early      in the initrd: mounts /var and the writable layer of /etc below DIR, where the
             root is mounted
  container  as the first process of a container: the same from what it was given in /run/ashlar/node,
             then the init
  install    on a medium: puts this system on a disk, as the medium's site.toml says
  recover    opens /var by the node's recovery key and lets this machine's TPM open it from now on;
             without --key it says what is needed, and waits for a medium with ashlar/recovery-key;
             with --show it prints the key as it is sealed to the site's
  reset      at the start after a factory reset was ordered: erases /var and makes it anew
  forbid     hands the revocations that this node keeps to its firmware, also where /var is sealed to
             the dbx of now: then the next start asks for the recovery key. Have it at hand
  serve      keeps the node's releases and answers ashlarctl
  healthy, unhealthy
             says what came of the gates of this start

example: ashlard early --root=/sysroot
)";

int early(const std::string& root) {
    (void)node::early(root);
    return 0;
}

int container() {
    node::start_in_container();
    ::execl("/sbin/init", "init", static_cast<char*>(nullptr));
    throw system_error("start", "/sbin/init");
}

// The unit counts as started when there is something to say: it waits, or has begun to write.
void say(std::string_view text) {
    write_file(service::installation_file, text);
    fmt::print("ashlard: {}\n", text);
    std::fflush(stdout);
    notify("READY=1");
}

// Disks come and go: it looks again until there is one to install on.
int install() {
    std::string said;
    auto outcome = node::install(say);
    while (const auto* waiting = std::get_if<node::Waiting>(&outcome)) {
        if (waiting->reason != said) say(waiting->reason);
        said = waiting->reason;
        std::this_thread::sleep_for(std::chrono::seconds(10));
        outcome = node::install(say);
    }
    say(std::get<node::Done>(outcome) == node::Done::installed ? "installed; starting again from the disk" : "starting again, under Secure Boot");
    run_checked({.argv = {"systemctl", "reboot"}});
    return 0;
}

int guard() {
    const auto strings = firstboot::command_line_strings("/sys");
    if (strings.empty()) return 0;
    throw Error(fmt::format("cannot trust the command line: the firmware's tables added to it ('{}')", strings.front()),
                "remove the string from the machine's SMBIOS table of type 11; parameters come as signed add-ons");
}

int show_recovery_key() {
    fmt::print("{}\n", node::sealed_recovery_key());
    return 0;
}

// The unit restarts the machine when it is done.
int recover(const std::string& key_file) {
    if (!key_file.empty()) {
        node::recover(key_file);
        say("this machine's TPM opens /var from now on; restart the node");
        return 0;
    }
    say(node::recovery_advice());
    std::string said;
    const auto say_once = [&](std::string_view text) {
        if (text != said) say(text);
        said = text;
    };
    while (!node::recover_from_media(say_once)) std::this_thread::sleep_for(std::chrono::seconds(3));
    say("this machine's TPM opens /var from now on; starting again");
    run_checked({.argv = {"systemctl", "reboot"}});
    return 0;
}

int reset() {
    node::reset_node(say);
    say("this is a new node; starting again");
    run_checked({.argv = {"systemctl", "reboot"}});
    return 0;
}

int forbid() {
    const auto node = steps::this_node();
    if (!node) throw Error("cannot do that here: the node runs from a medium", "install it first: docs/guides/install.md");
    bool obeyed = true;
    for (const auto& one : steps::hand_over_revocations(*node)) {
        fmt::print("train {}, {} images: {}{}{}\n", one.train, one.images, steps::name_of(one.state), one.text.empty() ? "" : ": ", one.text);
        obeyed = obeyed && one.state == steps::FirmwareRevocation::State::obeyed;
    }
    return obeyed ? 0 : 1;
}

int root_device() {
    node::open_root();
    return 0;
}

int refuse(std::string_view what) {
    fmt::print(stderr, "ashlard: {}\n{}", what, usage);
    return 2;
}

int run(int argc, char** argv) {
    static const option options[] = {{"key", required_argument, nullptr, 'k'},
                                     {"show", no_argument, nullptr, 's'},
                                     {"root", required_argument, nullptr, 'r'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {"version", no_argument, nullptr, 'V'},
                                     {nullptr, 0, nullptr, 0}};
    std::string root, key;
    bool show = false;
    for (int option = 0; (option = ::getopt_long(argc, argv, "h", options, nullptr)) != -1;) {
        switch (option) {
        case 'k': key = optarg; break;
        case 's': show = true; break;
        case 'r': root = optarg; break;
        case 'h': fmt::print("{}", usage); return 0;
        case 'V': fmt::print("ashlard {}\n", ASHLAR_VERSION); return 0;
        default: return refuse("unknown option");
        }
    }
    if (optind == argc) return refuse("a command is needed");
    const std::string_view command = argv[optind];
    if (command == "unhealthy") return optind + 2 == argc ? report_health("Unhealthy", argv[optind + 1]) : refuse("unhealthy needs a reason");
    if (optind + 1 != argc) return refuse(fmt::format("'{}' takes nothing more", command));
    if (command == "early") return root.empty() ? refuse("early needs --root=DIR") : early(root);
    if (command == "container") return container();
    if (command == "guard") return guard();
    if (command == "serve") return serve();
    if (command == "healthy") return report_health("Healthy", {});
    if (command == "root") return root_device();
    if (command == "install") return install();
    if (command == "reset") return reset();
    if (command == "forbid") return forbid();
    if (command == "recover") return show ? show_recovery_key() : recover(key);
    return refuse(fmt::format("unknown command '{}'", command));
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const Error& error) {
        fmt::print(stderr, "ashlard: {}\n", error.render());
        return 1;
    }
}
