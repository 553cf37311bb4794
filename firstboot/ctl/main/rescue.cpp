#include "rescue.hpp"

#include "keyboard.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <breakglass/use.hpp>
#include <control/client.hpp>
#include <control/server.hpp>
#include <firstboot/identity.hpp>
#include <node/early.hpp>
#include <node/media.hpp>
#include <rescue/export.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <sys/utsname.h>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

namespace fs = std::filesystem;

constexpr const char* run_directory = "/run/ashlar";
// systemd's messages for units that failed (systemd.journal-fields(7), sd-messages.h).
constexpr const char* unit_failed = "MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d";
constexpr const char* unit_result = "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c";

fs::path var() { return is_rescue() ? node::rescue_var : "/var"; }

// Of the node's last start: in rescue that is the last one in the node's own journal.
std::vector<std::string> journal(std::vector<std::string> more) {
    std::vector<std::string> argv{"journalctl", "--no-pager", "--directory=" + (var() / "log/journal").native()};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

// What kernels that stopped have left: in the firmware, and where it was kept at a later start.
std::vector<std::string> last_words() {
    std::vector<std::string> argv{"tail", "--lines=40", "--verbose"};
    for (const fs::path& place : {fs::path("/sys/fs/pstore"), var() / "lib/systemd/pstore"}) {
        if (!fs::exists(place)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(place))
            if (entry.is_regular_file()) argv.push_back(entry.path().native());
    }
    if (argv.size() == 3) return {"echo", "no kernel has left anything"};
    return argv;
}

struct Key {
    char key;
    const char* does;
    std::vector<std::string> (*command)();
};
const std::array<Key, 8> keys{{
    {'s', "status", [] { return std::vector<std::string>{"ashlarctl", "status"}; }},
    {'d', "disks", [] { return std::vector<std::string>{"ashlarctl", "disks"}; }},
    {'l', "the node's last starts", [] { return journal({"--list-boots"}); }},
    {'u', "units that failed at the last one", [] { return journal({"--boot=0", "--lines=40", unit_failed, unit_result}); }},
    {'j', "warnings of the last one", [] { return journal({"--boot=0", "--priority=warning", "--lines=40", "--output=short-iso"}); }},
    {'k', "last words of kernels that stopped", last_words},
    {'r', "restart", [] { return std::vector<std::string>{"systemctl", "reboot"}; }},
    {'o', "power off", [] { return std::vector<std::string>{"systemctl", "poweroff"}; }},
}};

void show(const Key& key) {
    const Outcome outcome = run({.argv = key.command()});
    fmt::print("\n{}{}", outcome.output, outcome.errors);
}

std::vector<rescue::Source> sources(const fs::path& scratch) {
    write_file(scratch / "status.json", pretty(current_status(control::socket_path)));
    write_file(scratch / "disks.json", said({"ashlarctl", "disks", "--json"}));
    write_file(scratch / "dmesg.txt", said({"dmesg"}));
    write_file(scratch / "units.txt", said({"systemctl", "--no-pager", "--all", "list-units"}));
    std::vector<rescue::Source> all{{var() / "log/journal", "journal"}, {"/run/log/journal", "journal-in-memory"}, {"/sys/fs/pstore", "pstore"}, {var() / "lib/systemd/pstore", "pstore-kept"}};
    if (is_rescue()) all.push_back({"/var/log/journal", "journal-of-rescue"}); // that /var is memory
    for (const char* name : {"status.json", "disks.json", "dmesg.txt", "units.txt"}) all.push_back({scratch / name, name});
    return all;
}

} // namespace

std::string host_name() {
    utsname names{};
    ::uname(&names);
    return names.nodename;
}

Json current_status(const std::string& socket) {
    if (is_locked() || is_rescue()) return status_without_daemon();
    try {
        return control::call(socket, "org.ashlar.Node.Status");
    } catch (const Error& error) {
        return {{"format", 1}, {"fault", error.message()}};
    }
}

std::string said(std::vector<std::string> argv) {
    try {
        const Outcome outcome = run({.argv = std::move(argv)});
        return outcome.output + outcome.errors;
    } catch (const Error& error) {
        return error.render() + "\n";
    }
}

bool is_locked() { return fs::exists(node::locked_mark); }

bool is_rescue() { return fs::exists(node::rescue_mark); }

Json status_without_daemon() {
    const firstboot::Identity identity = firstboot::read_identity("/");
    Json json{{"format", 1}, {"hostname", host_name()}, {"role", identity.role}, {"release", identity.release}, {"architecture", identity.architecture},
              {"boot_id", identity.boot_id}, {"place", is_rescue() ? "rescue" : "disk"}};
    if (is_locked()) json["locked"] = trim(read_file(node::locked_mark));
    if (is_rescue()) json["missing"] = trim(read_file(node::rescue_mark));
    if (const auto uses = breakglass::uses(); !uses.empty()) json["break_glass"] = breakglass::to_json(uses);
    return json;
}

std::string rescue_menu() {
    std::string text;
    for (const Key& key : keys) text += fmt::format("  {}  {}\n", key.key, key.does);
    return text + "  e  write logs and status onto a FAT stick\n";
}

void rescue_key(char pressed) {
    const auto key = std::ranges::find(keys, pressed, &Key::key);
    if (key == keys.end() && pressed != 'e') return;
    try {
        if (pressed == 'e') (void)export_logs();
        else show(*key);
    } catch (const Error& error) {
        fmt::print("{}\n", error.render());
    }
    fmt::print("\nPress a key to go back.\n");
    std::fflush(stdout);
    (void)key_within(std::chrono::minutes(5));
}

int export_logs() {
    const TemporaryDirectory scratch(run_directory, "export-");
    const std::string name = rescue::archive_name(host_name(), std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    const auto all = sources(scratch.path());
    std::string where;
    const auto write = [&](const disks::Partition& stick, const fs::path& place) {
        fmt::print("writing the logs to '{}'\n", stick.device.native());
        std::fflush(stdout);
        where = fmt::format("ashlar/{} on '{}', {}", name, stick.device.native(), human_bytes(fs::file_size(rescue::write_archive(place, name, all, scratch.path()))));
        return true;
    };
    bool tried = false;
    const auto failed = [&](const disks::Partition& stick, const Error& error) {
        tried = true;
        fmt::print("not on '{}': {}\n", stick.device.native(), error.render());
    };
    if (node::on_media(node::MediumAccess::read_write, write, failed)) {
        fmt::print("written: {}; the stick may be taken out\n", where);
        return 0;
    }
    if (!tried) fmt::print("there is no stick: plug in one with a FAT file system in a partition, and try again\n");
    return 1;
}

} // namespace ashlar::ctl
