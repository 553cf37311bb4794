// ashlard, the daemon in every image: it says who the node is, and puts it on its disk.

#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <firstboot/firmware_tables.hpp>
#include <firstboot/identity.hpp>
#include <node/early.hpp>
#include <node/install.hpp>

#include <fmt/format.h>

namespace {

using namespace ashlar;

constexpr std::string_view usage = R"(usage: ashlard early --root=DIR
       ashlard guard
       ashlard identity
       ashlard install
       ashlard --version | --help

  guard      in the initrd, before the root is opened: fails when the firmware's tables
             added to the kernel's command line
  early      in the initrd: mounts /var and the writable layer of /etc below DIR, where the
             root is mounted
  identity   writes /run/ashlar/identity.json and reports "ready"
  install    on a medium: puts this system on a disk, as the medium's site.toml says

example: ashlard early --root=/sysroot
)";

// Conditions of units ask for it.
constexpr const char* medium_mark = "/run/ashlar/started-from-medium";

// sd_notify(3) in the few lines that a oneshot needs; silent where nobody listens.
void notify(const char* state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, std::strlen(path));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    [[maybe_unused]] const auto sent = ::sendto(fd, state, std::strlen(state), MSG_NOSIGNAL,
                                                reinterpret_cast<const sockaddr*>(&address), length);
    ::close(fd);
}

std::string host_name() {
    utsname names{};
    ::uname(&names);
    return names.nodename;
}

int early(const std::string& root) {
    if (node::early(root) == node::Place::medium) write_file(medium_mark, "");
    return 0;
}

int identity() {
    const firstboot::Identity identity = firstboot::read_identity("/");
    firstboot::write_identity("/", identity);
    fmt::print("ashlard: {}: {} {} ready\n", host_name(), identity.role, identity.release);
    std::fflush(stdout);
    notify("READY=1");
    return 0;
}

// The unit counts as started when there is something to say: it waits, or has begun to write.
void say(std::string_view text) {
    fmt::print("ashlard: {}\n", text);
    std::fflush(stdout);
    notify("READY=1");
}

// Disks come and go: it looks again until there is one to install on.
int install() {
    std::string said;
    while (const auto waiting = node::install(say)) {
        if (waiting->reason != said) say(waiting->reason);
        said = waiting->reason;
        std::this_thread::sleep_for(std::chrono::seconds(10));
    }
    say("installed; starting again from the disk");
    run_checked({.argv = {"systemctl", "reboot"}});
    return 0;
}

int guard() {
    const auto strings = firstboot::command_line_strings("/sys");
    if (strings.empty()) return 0;
    throw Error(fmt::format("cannot trust the command line: the firmware's tables added to it ('{}')", strings.front()),
                "remove the string from the machine's SMBIOS table of type 11; parameters come as signed add-ons");
}

int refuse(std::string_view what) {
    fmt::print(stderr, "ashlard: {}\n{}", what, usage);
    return 2;
}

int run(int argc, char** argv) {
    static const option options[] = {{"root", required_argument, nullptr, 'r'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {"version", no_argument, nullptr, 'V'},
                                     {nullptr, 0, nullptr, 0}};
    std::string root;
    for (int option = 0; (option = ::getopt_long(argc, argv, "h", options, nullptr)) != -1;) {
        switch (option) {
        case 'r': root = optarg; break;
        case 'h': fmt::print("{}", usage); return 0;
        case 'V': fmt::print("ashlard {}\n", ASHLAR_VERSION); return 0;
        default: return refuse("unknown option");
        }
    }
    if (optind + 1 != argc) return refuse("exactly one command is needed");
    const std::string_view command = argv[optind];
    if (command == "early") return root.empty() ? refuse("early needs --root=DIR") : early(root);
    if (command == "guard") return guard();
    if (command == "identity") return identity();
    if (command == "install") return install();
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
