#include <virtual_site/node.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/random.hpp>
#include <base/text.hpp>
#include <gpt/table.hpp>
#include <image/architecture.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <linux/major.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t state_size = std::uint64_t{64} << 20U; // docs/formats/state.md
constexpr std::chrono::milliseconds longest_shutdown = 60s, longest_start = 30s, look_again = 20ms;

void ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    run_checked({.argv = std::move(arguments)});
}

template <class Condition> bool wait_until(std::chrono::milliseconds longest, const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(look_again);
    }
    return true;
}

// Where a process of the container is accounted. Only the tree that systemd keeps its names in, and the unified one, are ours
// to give away: the others may be missing.
std::vector<fs::path> control_groups(const std::string& group) {
    std::vector<fs::path> groups;
    for (const char* tree : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"})
        if (fs::is_directory(tree)) groups.push_back(fs::path(tree) / group);
    if (groups.empty()) groups.push_back(fs::path("/sys/fs/cgroup") / group);
    return groups;
}

// Called in the child: open and write only.
int enter(const std::vector<std::string>& groups) {
    for (const auto& procs : groups) {
        const int fd = ::open(procs.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0) return errno;
        const bool entered = ::write(fd, "0", 1) == 1;
        const int failure = errno;
        ::close(fd);
        if (!entered) return failure;
    }
    return 0;
}

std::optional<pid_t> only_child_of(pid_t process) {
    std::string children;
    try {
        children = read_file(fmt::format("/proc/{0}/task/{0}/children", process));
    } catch (const Error&) { // it has ended
    }
    const auto words = split(trim(children), ' ');
    return words.size() == 1 && !words[0].empty() ? std::optional(static_cast<pid_t>(std::stol(std::string(words[0])))) : std::nullopt;
}

// Control groups are the machine's: another site on it may have a node of the same name.
std::string new_group(const std::string& name) {
    std::array<std::byte, 4> random{};
    fill_with_random(random);
    return fmt::format("ashlar-{}-{}", name, to_hex(random));
}

// The name of a running process says that it is past what nspawn does before.
bool is_program(pid_t process, std::string_view name) {
    std::error_code gone;
    return fs::read_symlink(fmt::format("/proc/{}/exe", process), gone).filename().native() == name;
}

} // namespace

// ---- What nodes share ---------------------------------------------------------------------------

Switch::Switch(std::string interface) : interface_(std::move(interface)) {
    ip({"link", "set", "lo", "up"});
    // No spanning tree, and no waiting for one: a port forwards as soon as there is a carrier.
    ip({"link", "add", interface_, "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0"});
    ip({"link", "set", interface_, "up"});
}

Switch::~Switch() { (void)ashlar::run({.argv = {"ip", "link", "delete", interface_}}); }

namespace {

constexpr const char* server_address = "10.77.255.254/16";

Command dnsmasq(const std::string& interface, const fs::path& directory) {
    fs::create_directories(directory);
    return {.argv = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root", "--pid-file=", "--port=0", "--interface=" + interface, "--bind-interfaces", "--except-interface=lo", "--no-ping",
                     "--dhcp-authoritative", "--dhcp-range=10.77.0.10,10.77.254.254,1h", "--dhcp-option=3", "--dhcp-option=6", "--dhcp-leasefile=" + (directory / "leases").native(), "--log-facility=-"},
            .environment = {{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}},
            .log = directory / "log"};
}

// Before it is started: it wants to have the address.
Command with_address(const std::string& interface, Command command) {
    if (!fs::exists("/usr/sbin/dnsmasq")) throw Error("cannot give nodes their addresses: there is no dnsmasq on this machine", "install the package dnsmasq-base");
    ip({"address", "add", server_address, "dev", interface});
    return command;
}

} // namespace

AddressServer::AddressServer(const Switch& at, const fs::path& directory) : interface_(at.interface()), program_(with_address(interface_, dnsmasq(interface_, directory))) {}

AddressServer::~AddressServer() { (void)ashlar::run({.argv = {"ip", "address", "delete", server_address, "dev", interface_}}); }

RootMount::RootMount(const fs::path& image, fs::path at) : at_(std::move(at)) {
    const auto table = gpt::read(image);
    const auto* root = table.find(image::architecture("amd64").root_type);
    if (root == nullptr) throw Error(fmt::format("cannot start nodes from '{}': it has no root partition", image.native()), "name an image as `ashlar build` writes it");
    fs::create_directories(at_);
    run_checked({.argv = {"mount", "--read-only", "--types", "erofs", "--options", fmt::format("loop,offset={},sizelimit={}", root->offset, root->size), image.native(), at_.native()}});
}

RootMount::~RootMount() { ::umount2(at_.c_str(), MNT_DETACH); }

// ---- The node ---------------------------------------------------------------------------------------

Node::Node(std::string name, fs::path directory, const RootMount& root, const fs::path& medium, std::string_view serial) : name_(std::move(name)), group_(new_group(name_)), directory_(std::move(directory)), root_(root) {
    fs::create_directories(directory_);
    if (!fs::exists(directory_ / "medium")) fs::copy(medium, directory_ / "medium", fs::copy_options::recursive);
    write_file(directory_ / "serial", fmt::format("{}\n", serial.empty() ? name_ : serial));
    if (!fs::exists(directory_ / "state")) make_disk();
}

Node::~Node() { cut_power(); }

void Node::make_disk() const {
    fs::create_directories(directory_ / "var");
    const fs::path part = directory_ / "state.part";
    write_file(part, "", 0600);
    fs::resize_file(part, state_size);
    fs::rename(part, directory_ / "state");
}

void Node::reflash() {
    if (is_on()) throw Error(fmt::format("cannot reflash '{}': it is on", name_));
    fs::remove(directory_ / "state");
    fs::remove_all(directory_ / "var");
    make_disk();
}

void Node::give_disk(const fs::path& device) {
    struct stat found{};
    if (::stat(device.c_str(), &found) != 0) throw system_error("look at", device.native());
    if (!S_ISBLK(found.st_mode) || ::major(found.st_rdev) != LOOP_MAJOR)
        throw Error(fmt::format("cannot give '{}' to node '{}': it is no loop device", device.native(), name_), "put a file behind one: `losetup --find --show FILE`");
    disks_.push_back(device);
}

void Node::lose_var() {
    if (is_on()) throw Error(fmt::format("cannot take /var away from '{}': it is on", name_));
    fs::remove_all(directory_ / "var");
    fs::create_directories(directory_ / "var");
}

void Node::move_to_board(std::string_view serial) {
    if (is_on()) throw Error(fmt::format("cannot move '{}' to another board: it is on", name_));
    write_file(directory_ / "serial", fmt::format("{}\n", serial));
}

void Node::wire(const Switch& to, unsigned ports) {
    switch_ = to.interface();
    ports_ = ports;
}

bool Node::is_on() { return container_ && !container_->ended(); }

void Node::power_on() {
    if (is_on()) return;
    const auto groups = control_groups(group_);
    std::vector<std::string> entries;
    for (const auto& group : groups) {
        fs::create_directories(group);
        entries.push_back((group / "cgroup.procs").native());
    }
    Command command{.argv = {"systemd-nspawn", "--quiet", "--directory=" + root_.path().native(), "--read-only", "--machine=" + name_, "--register=no", "--keep-unit",
                             "--kill-signal=SIGRTMIN+3", "--network-bridge=" + switch_, "--bind=" + directory_.native() + ":/run/ashlar/node",
                             // The clock and the devices are the machine's.
                             "--capability=all", "--drop-capability=CAP_SYS_TIME,CAP_MKNOD", "--system-call-filter=@known",
                             "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"},
                    .environment = {{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1"}, {"SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network"}, {"SYSTEMD_NSPAWN_LOCK", "0"}}},
                    .log = console()};
    for (const auto& disk : disks_) command.argv.push_back("--bind=" + disk.native());
    for (unsigned port = 1; port < ports_; ++port) command.argv.push_back(fmt::format("--network-veth-extra={}:host{}", interface(port), port));
    command.argv.insert(command.argv.end(), {"/usr/lib/ashlar/ashlard", "container"});
    // A terminal's Ctrl-C is for who started the site: it cuts the power, and cleans up.
    command.before_exec = [entries] { return ::setpgid(0, 0) != 0 ? errno : enter(entries); };
    container_ = std::make_unique<RunningChild>(command);
    const bool runs = wait_until(longest_start, [&] {
        const auto process = is_on() ? first_process() : std::nullopt;
        return !is_on() || (process && is_program(*process, "systemd"));
    });
    for (unsigned port = 1; runs && port < ports_; ++port) ip({"link", "set", interface(port), "master", switch_, "up"});
    if (runs && is_on()) return;
    cut_power();
    throw Error(fmt::format("cannot start node '{}': {}", name_, trim(read_file(console()))), "systemd-nspawn of the package systemd-container starts it");
}

std::optional<pid_t> Node::first_process() const { return container_ ? only_child_of(container_->pid()) : std::nullopt; }

// Its processes end with their first. systemd-nspawn cleans up after it, and would not if it were killed itself.
void Node::cut_power() {
    if (is_on()) {
        if (const auto process = first_process()) ::kill(*process, SIGKILL);
        (void)wait_until(longest_shutdown, [&] { return !is_on(); });
    }
    container_.reset();
    for (const auto& group : control_groups(group_)) {
        std::error_code ignored;
        if (!fs::is_directory(group, ignored)) continue;
        std::vector<fs::path> all{group};
        for (const auto& entry : fs::recursive_directory_iterator(group, ignored))
            if (entry.is_directory()) all.push_back(entry.path());
        for (auto one = all.rbegin(); one != all.rend(); ++one) ::rmdir(one->c_str());
    }
}

void Node::shut_down() {
    constexpr int power_off = 4; // systemd(1), SIGRTMIN+4
    if (!is_on()) return;
    if (const auto process = first_process()) ::kill(*process, SIGRTMIN + power_off);
    if (!wait_until(longest_shutdown, [&] { return !is_on(); })) throw Error(fmt::format("cannot shut '{}' down: it is still on after a minute", name_), fmt::format("'{}' has what it said", console().native()));
    cut_power();
}

void Node::unplug() const { ip({"link", "set", interface(), "down"}); }
void Node::plug_in() const { ip({"link", "set", interface(), "up"}); }

Outcome Node::run(std::vector<std::string> argv) const {
    std::vector<std::string> command{"nsenter", "--target", std::to_string(*first_process()), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wdns=/", "--"};
    command.insert(command.end(), std::make_move_iterator(argv.begin()), std::make_move_iterator(argv.end()));
    return ashlar::run({.argv = std::move(command)});
}

} // namespace ashlar::virtual_site
