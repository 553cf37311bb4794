#include <root/namespace.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <fmt/format.h>

namespace ashlar::root {

namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "name:start:count"
struct SubordinateLine {
    std::string_view name;
    std::uint32_t start, count;
};

std::vector<SubordinateLine> subordinate_lines(std::string_view text) {
    std::vector<SubordinateLine> lines;
    for (const auto line : split(text, '\n')) {
        const auto fields = split(trim(line), ':');
        if (fields.size() != 3) continue;
        const auto start = number(fields[1]), count = number(fields[2]);
        if (start && count) lines.push_back({fields[0], *start, *count});
    }
    return lines;
}

} // namespace

std::optional<IdRange> subordinate_range(std::string_view text, std::string_view user, uid_t uid) {
    const std::string by_number = std::to_string(uid);
    for (const auto& line : subordinate_lines(text))
        if ((line.name == user || line.name == by_number) && line.count >= mapped_ids - 1)
            return IdRange{1, line.start, mapped_ids - 1};
    return std::nullopt;
}

std::vector<IdRange> map_for_user(std::uint32_t own_id, const IdRange& subordinate) {
    return {{0, own_id, 1}, {1, subordinate.outside, mapped_ids - 1}};
}

std::optional<std::vector<IdRange>> identity_map(std::string_view around) {
    std::vector<IdRange> map;
    for (const auto line : split(around, '\n')) {
        std::vector<std::uint32_t> fields;
        for (const auto word : split(line, ' '))
            if (const auto value = number(word)) fields.push_back(*value);
        if (fields.size() != 3 || fields[0] >= mapped_ids) continue;
        map.push_back({fields[0], fields[0], std::min(fields[2], mapped_ids - fields[0])});
    }
    std::sort(map.begin(), map.end(), [](const IdRange& a, const IdRange& b) { return a.inside < b.inside; });
    std::uint32_t next = 0;
    for (const auto& range : map) {
        if (range.inside != next) return std::nullopt;
        next += range.count;
    }
    if (next != mapped_ids) return std::nullopt;
    return map;
}

std::uint32_t free_range_start(std::string_view text) {
    std::uint32_t start = 100000;
    for (const auto& line : subordinate_lines(text))
        while (start < line.start + line.count) start += mapped_ids;
    return start;
}

namespace {

std::string read_if_there(const char* path) {
    try {
        return read_file(path);
    } catch (const Error&) {
        return {};
    }
}

std::string user_name() {
    const auto* entry = ::getpwuid(::getuid());
    return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

std::string map_text(const std::vector<IdRange>& map) {
    std::string text;
    for (const auto& range : map) text += fmt::format("{} {} {}\n", range.inside, range.outside, range.count);
    return text;
}

// ---- Why there is no namespace ----------------------------------------------------------------

bool setting_is(const char* path, std::string_view value) { return trim(read_if_there(path)) == value; }

// A plain chroot has no mount at "/" of its own (chroot(2), proc_pid_mountinfo(5)).
bool in_plain_chroot() {
    const auto mounts = read_if_there("/proc/self/mountinfo");
    for (const auto line : split(mounts, '\n')) {
        const auto fields = split(line, ' ');
        if (fields.size() > 4 && fields[4] == "/") return false;
    }
    return true;
}

std::string reason_for(int error_number) {
    if (setting_is("/proc/sys/user/max_user_namespaces", "0"))
        return "this machine allows none: allow them with 'sysctl user.max_user_namespaces=10000'";
    if (error_number != EPERM) return "user, mount, pid, ipc and uts namespaces must be built into the kernel";
    if (::geteuid() != 0 && setting_is("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return "this machine keeps them for root: allow them with 'sysctl kernel.unprivileged_userns_clone=1'";
    if (in_plain_chroot())
        return "the kernel makes none inside a chroot: enter the root with pivot_root instead (as 'bwrap', "
               "'systemd-nspawn' and 'unshare --mount' with 'pivot_root' do)";
    return "a container runtime's seccomp or AppArmor profile forbids them: start the container with "
           "'--security-opt seccomp=unconfined --security-opt apparmor=unconfined'";
}

Error no_namespace(int error_number) {
    Error error = system_error("make", "user namespace", error_number);
    error.add_hint(reason_for(error_number));
    return error;
}

// AppArmor lets the namespace be made and takes its capabilities away (Ubuntu 23.10 and later).
std::string reason_for_powerless_namespace() {
    if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return "AppArmor leaves user namespaces powerless: allow them with "
               "'sysctl kernel.apparmor_restrict_unprivileged_userns=0' or give ashlar a profile with 'userns,'";
    return "the user namespace has no power over its mounts: a security module forbids it";
}

// ---- Id maps ----------------------------------------------------------------------------------

// `kind`: "uid_map" or "gid_map".
void write_identity(pid_t child, const char* kind) {
    const std::string around = read_file(fmt::format("/proc/self/{}", kind));
    const auto map = identity_map(around);
    if (!map)
        throw Error(fmt::format("cannot map the ids 0..{}: root has only some of them here", mapped_ids - 1),
                    fmt::format("give the container 65536 ids; '/proc/self/{}' says:\n{}", kind, trim(around)));
    const std::string text = map_text(*map);
    const std::string path = fmt::format("/proc/{}/{}", child, kind);
    const Fd fd = open_file(path, O_WRONLY);
    // The kernel takes a map in one write or not at all.
    if (::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return;
    Error error = system_error("write", path);
    error.add_hint("root needs CAP_SETUID, CAP_SETGID and CAP_SETFCAP for this: give them to the container");
    throw error;
}

IdRange own_range(const char* file, const char* other_file) {
    const std::string user = user_name();
    const std::string text = read_if_there(file);
    if (const auto range = subordinate_range(text, user, ::getuid())) return *range;
    const std::uint32_t start = free_range_start(text + "\n" + read_if_there(other_file));
    throw Error(fmt::format("cannot map ids for user '{}': '{}' gives no range of at least {} ids", user, file, mapped_ids - 1),
                fmt::format("as root, add the line '{}:{}:{}' to /etc/subuid and to /etc/subgid", user, start, mapped_ids));
}

void run_map_tool(const char* tool, pid_t child, const std::vector<IdRange>& map) {
    std::vector<std::string> argv{tool, std::to_string(child)};
    for (const auto& range : map)
        for (const auto id : {range.inside, range.outside, range.count}) argv.push_back(std::to_string(id));
    try {
        run_checked({.argv = argv});
    } catch (Error& error) {
        error.add_hint("install the package 'uidmap' (newuidmap and newgidmap, set-uid root)");
        throw;
    }
}

void map_ids(pid_t child) {
    if (::geteuid() == 0) {
        write_identity(child, "uid_map");
        write_identity(child, "gid_map");
        return;
    }
    const auto users = map_for_user(::getuid(), own_range("/etc/subuid", "/etc/subgid"));
    const auto groups = map_for_user(::getgid(), own_range("/etc/subgid", "/etc/subuid"));
    run_map_tool("newuidmap", child, users);
    run_map_tool("newgidmap", child, groups);
}

// ---- The three processes ----------------------------------------------------------------------

constexpr std::array passed_on{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

sigset_t watched_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    for (const int signal : passed_on) ::sigaddset(&set, signal);
    return set;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Waits for `child`, reaping whatever else ends, and passes signals on. Never returns.
[[noreturn]] void watch(pid_t child) {
    const sigset_t set = watched_signals();
    for (;;) {
        for (int status = 0; const pid_t ended = ::waitpid(-1, &status, WNOHANG);) {
            if (ended < 0) ::_exit(125);
            if (ended == child) ::_exit(exit_code(status));
        }
        siginfo_t info;
        const int signal = ::sigwaitinfo(&set, &info);
        if (signal > 0 && signal != SIGCHLD && info.si_code <= 0) ::kill(child, signal);
    }
}

// Written to the parent before it may rely on the namespace: 0, or an errno and the step it belongs to.
enum class Step : int { none, identity, propagation };
struct Report {
    Step step = Step::none;
    int error_number = 0;
};

struct Channel {
    Fd read, write;
    Channel() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("create", "pipe");
        read = Fd(ends[0]);
        write = Fd(ends[1]);
    }
};

bool supervisor_is_gone(const Fd& line) {
    pollfd poll{line.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) != 0;
}

Report become_root_of_namespace() {
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) return {Step::identity, errno};
    // An ordinary user's map may forbid it; then the groups that stay give no rights inside.
    ::setgroups(0, nullptr);
    ::prctl(PR_SET_DUMPABLE, 1);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return {Step::propagation, errno};
    // Where parts of /proc are covered (containers) the kernel refuses a fresh one; the old one does.
    ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    return {};
}

// Pid 1 of the namespace. Returns in the process that goes on as ashlar.
void be_init(Channel& go, Channel& reports, const sigset_t& old_mask) {
    // The parent's death before this line shows as end of file in the read below.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    go.write = Fd();
    std::byte token;
    if (read_some(go.read.get(), {&token, 1}, "start of the namespace") != 1) ::_exit(125);
    const Report report = become_root_of_namespace();
    // A change of identity clears it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (supervisor_is_gone(go.read)) ::_exit(125);
    [[maybe_unused]] const auto sent = ::write(reports.write.get(), &report, sizeof report);
    if (report.step != Step::none) ::_exit(125);

    // What is made in here is for an image, whatever the caller is used to.
    ::umask(022);
    std::array<char, 16> name{};
    ::prctl(PR_GET_NAME, name.data());
    ::prctl(PR_SET_NAME, "ashlar-init");
    const pid_t child = ::fork();
    if (child < 0) ::_exit(125);
    if (child > 0) watch(child);
    ::prctl(PR_SET_NAME, name.data());
    ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
}

} // namespace

namespace {

// `prepare` sees to the first process before it may be root of its namespaces; `refusal` explains why there are none.
void enter(unsigned long namespaces, const std::function<void(pid_t)>& prepare, const std::function<Error(int)>& refusal) {
    // Whoever started us may ignore it, and then the kernel reaps for us.
    ::signal(SIGCHLD, SIG_DFL);
    // Blocked from here on, so that none is lost between fork and sigwaitinfo.
    const sigset_t watched = watched_signals();
    sigset_t old_mask;
    ::sigprocmask(SIG_BLOCK, &watched, &old_mask);
    const auto restore = [&] { ::sigprocmask(SIG_SETMASK, &old_mask, nullptr); };

    Channel go, reports;
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, namespaces | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (child < 0) {
        const int reason = errno;
        restore();
        throw refusal(reason);
    }
    if (child == 0) return be_init(go, reports, old_mask);

    go.read = Fd();
    reports.write = Fd();
    try {
        prepare(child);
        write_all(go.write.get(), "g", "start of the namespace");
        Report report;
        if (read_some(reports.read.get(), std::as_writable_bytes(std::span(&report, 1)), "namespace") != sizeof report)
            throw Error("cannot enter 'namespace': its first process died");
        if (report.step != Step::none) {
            Error error = system_error("enter", "namespace", report.error_number);
            error.add_hint(reason_for_powerless_namespace());
            throw error;
        }
    } catch (...) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        restore();
        throw;
    }
    // go.write stays open: its end is how pid 1 notices that the supervisor died early.
    watch(child);
}

} // namespace

void enter_build_namespace() { enter(CLONE_NEWUSER, map_ids, no_namespace); }

void enter_site_namespace() {
    if (::geteuid() != 0) throw Error("cannot start a site on this machine: containers that boot need root", "run the command as root");
    enter(CLONE_NEWNET, [](pid_t) {}, [](int reason) { return system_error("make", "namespaces for a site", reason); });
}

} // namespace ashlar::root
