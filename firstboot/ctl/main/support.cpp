#include "support.hpp"

#include "rescue.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/progress.hpp>
#include <base/text.hpp>
#include <control/client.hpp>
#include <formation/reader.hpp>
#include <rescue/bundle.hpp>
#include <rescue/redaction.hpp>

#include <algorithm>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace fs = std::filesystem;

namespace {

using rescue::Page;

constexpr const char* definitions = "usr/lib/ashlar/formations";
constexpr const char* most_lines = "--lines=20000";
constexpr std::size_t most_of_file = std::size_t{4} << 20U, most_secret = 65536;

// What the voters say where this node is one of them; elsewhere why not.
std::string asked(const std::string& socket, Json request) {
    request["format"] = 1;
    return pretty(control::call(socket, "org.ashlar.Site.Ask", {{"request", std::move(request)}}));
}

// On a node where something hangs, one that asks it hangs as well.
Page program(std::string name, std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"timeout", "20"});
    return {std::move(name), [argv = std::move(argv)] { return said(argv); }};
}
Page ashlarctl(std::string name, std::vector<std::string> words) {
    words.insert(words.begin(), "/proc/self/exe");
    return {std::move(name), [words = std::move(words)] { return said(words); }};
}
Page file(std::string name, fs::path path) {
    return {std::move(name), [path = std::move(path)] {
                if (fs::file_size(path) > most_of_file) throw Error(fmt::format("cannot take '{}': it has {}", path.native(), human_bytes(fs::file_size(path))));
                return read_file(path);
            }};
}
Page journal(std::string name, const char* boot) { return program(std::move(name), {"journalctl", "--no-pager", boot, "--unit=ashlar*", "--identifier=ashlar", most_lines, "--output=short-iso-precise"}); }

// Files of a directory, and no link out of it.
void add_directory(std::vector<Page>& pages, const std::string& name, const fs::path& directory) {
    std::error_code none;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory, none))
        if (entry.is_regular_file(none) && !entry.is_symlink(none)) found.push_back(entry.path());
    std::ranges::sort(found);
    for (const auto& path : found) pages.push_back(file(fmt::format("{}/{}", name, path.filename().native()), path));
}

// All that is collected: chosen, not found.
std::vector<Page> pages_of(const Support& support, const std::string& status) {
    std::vector<Page> pages{
        {"status.json", [&status] { return status; }},
        {"site.json", [&support] { return asked(support.socket, {{"ask", "status"}}); }},
        {"audit.json", [&support] { return asked(support.socket, {{"ask", "audit"}, {"newest", 200}}); }},
        journal("journal-this-start.txt", "--boot=0"),
        journal("journal-last-start.txt", "--boot=-1"),
        program("starts.txt", {"journalctl", "--no-pager", "--list-boots"}),
        program("units.txt", {"systemctl", "--no-pager", "--all", "--full", "list-units"}),
        program("units-failed.txt", {"systemctl", "--no-pager", "--failed", "--full", "list-units"}),
        program("timers.txt", {"systemctl", "--no-pager", "--all", "--full", "list-timers"}),
        program("links.txt", {"networkctl", "--no-pager", "--full", "list"}),
        program("addresses.txt", {"ip", "address"}),
        program("routes.txt", {"ip", "route", "show", "table", "all"}),
        program("neighbours.txt", {"ip", "neighbour"}),
        program("sockets.txt", {"ss", "--tcp", "--udp", "--listening", "--numeric"}),
        ashlarctl("disks.json", {"disks", "--json"}),
        program("file-systems.txt", {"df", "--human-readable", "--print-type"}),
        program("memory.txt", {"free", "--human"}),
        program("time.txt", {"timedatectl", "--no-pager", "show"}),
        program("kernel.txt", {"uname", "--all"}),
        ashlarctl("version.txt", {"--version"}),
        program("etcd-version.txt", {"etcd", "--version"}),
        file("os-release", support.root / "etc/os-release"),
        file("role.json", support.root / definitions / "role.json"),
    };
    add_directory(pages, "formations", support.root / "var/lib/ashlar/formations");
    return pages;
}

// ---- What must not be in it ------------------------------------------------------------------------

std::string secret_file(const fs::path& path) {
    std::error_code none;
    if (!fs::is_regular_file(path, none) || fs::file_size(path, none) > most_secret || ::access(path.c_str(), R_OK) != 0) return {};
    return read_file(path);
}

// Secrets that this node has in files are known to it: in whatever they stand, they are taken out.
void hide_rendered(rescue::Redaction& redaction, const Support& support, const std::string& status) {
    const fs::path folder = support.root / definitions;
    if (!fs::exists(folder)) return;
    for (const auto& [name, formation] : formation::read_folder(folder, "formations"))
        for (const auto& render : formation.renders)
            if (render.has_secrets) redaction.hide_what_looks_secret_in(secret_file(support.root / fs::path(render.path.value).relative_path()), status);
}

rescue::Redaction redaction_of(const Support& support, const std::string& status) {
    rescue::Redaction redaction;
    const std::string etcd_key = secret_file(support.root / "run/ashlar/etcd/key.pem");
    for (const auto line : split(etcd_key, '\n'))
        if (!line.starts_with("-----")) redaction.hide(line);
    hide_rendered(redaction, support, status);
    return redaction;
}

} // namespace

int support_bundle(const Support& support) {
    const std::string host = host_name(), status = pretty(current_status(support.socket));
    const auto pages = pages_of(support, status);
    {
        const auto renderer = make_renderer(support.is_quiet ? ProgressStyle::quiet : ProgressStyle::automatic, STDERR_FILENO);
        Activity activity(*renderer, "collecting what helps");
        rescue::write_bundle(support.file, "support-" + host, pages, redaction_of(support, status), [&](std::size_t done) { activity.count(done, pages.size()); });
    }
    const auto size = fs::file_size(support.file);
    if (support.is_quiet) fmt::print("{}", pretty({{"format", 1}, {"file", support.file}, {"size", size}}));
    else fmt::print("written: '{}', {}; it names nodes, addresses and people: give it to whom you trust\n", support.file, human_bytes(size));
    return 0;
}

} // namespace ashlar::ctl
