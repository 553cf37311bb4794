#include <root/sandbox.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memory>
#include <sched.h>
#include <set>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

// ---- The plan: system calls in order, made before the fork, carried out after it -----------------

enum class Verb { make_directory, make_file, make_link, bind, bind_read_only, tmpfs, proc, pts };

struct Step {
    Verb verb;
    std::string target; // below /newroot
    std::string source; // bind: below /oldroot; link: its text; tmpfs: mount options
};

constexpr std::string_view old_root = "/oldroot";
constexpr std::string_view new_root = "/newroot";

std::string outside(const fs::path& path) { return std::string(old_root) + path.native(); }
std::string inside(const fs::path& path) { return path == "/" ? std::string(new_root) : std::string(new_root) + path.native(); }

int make_read_only(const char* path) {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    return ::mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) == 0 ? 0 : errno;
}

int bind(const Step& step) {
    return ::mount(step.source.c_str(), step.target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0 ? 0 : errno;
}

int carry_out(const Step& step) {
    const char* target = step.target.c_str();
    switch (step.verb) {
    case Verb::make_directory: return ::mkdir(target, 0755) == 0 || errno == EEXIST ? 0 : errno;
    case Verb::make_file: {
        const int fd = ::open(target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        // One that exists may be on a read-only mount, and is a mount point all the same.
        if (fd < 0) return errno == EROFS || errno == EACCES ? 0 : errno;
        ::close(fd);
        return 0;
    }
    case Verb::make_link: return ::symlink(step.source.c_str(), target) == 0 || errno == EEXIST ? 0 : errno;
    case Verb::bind: return bind(step);
    case Verb::bind_read_only:
        if (const int failure = bind(step)) return failure;
        return make_read_only(target);
    case Verb::tmpfs: return ::mount("tmpfs", target, "tmpfs", MS_NOSUID, step.source.c_str()) == 0 ? 0 : errno;
    case Verb::proc:
        if (::mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0) return 0;
        // A container whose own /proc is partly covered: the kernel then refuses a fresh one.
        return bind(step);
    case Verb::pts:
        // Nobody needs it but programs that open a terminal.
        ::mount("devpts", target, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
        return 0;
    }
    return EINVAL;
}

std::string describe(const Step& step) {
    const std::string target = step.target.substr(std::min(new_root.size(), step.target.size()));
    const std::string source = step.source.starts_with(old_root) ? step.source.substr(old_root.size()) : step.source;
    switch (step.verb) {
    case Verb::make_directory: return fmt::format("making the directory '{}' of the sandbox", target);
    case Verb::make_file: return fmt::format("making the mount point '{}' of the sandbox", target);
    case Verb::make_link: return fmt::format("making the link '{}' of the sandbox", target);
    case Verb::bind: return fmt::format("binding '{}' to '{}' of the sandbox", source, target);
    case Verb::bind_read_only: return fmt::format("binding '{}' to '{}' of the sandbox, read-only", source, target);
    case Verb::tmpfs: return fmt::format("mounting a tmpfs on '{}' of the sandbox", target);
    case Verb::proc:
    case Verb::pts: return fmt::format("mounting '{}' of the sandbox", target);
    }
    return {};
}

// ---- System calls that answer without doing ------------------------------------------------------

#if defined(__x86_64__)
constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_AARCH64;
#else
#error "name this architecture's AUDIT_ARCH"
#endif

constexpr std::array sync_calls{SYS_sync, SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_msync, SYS_sync_file_range};

std::vector<sock_filter> sync_filter() {
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native_audit_arch, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const long call : sync_calls) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return program;
}

// ---- The child ----------------------------------------------------------------------------------

// Where the child is, readable by the parent although the child is another process.
class SharedPosition {
public:
    SharedPosition() {
        void* page = ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) throw system_error("map", "shared memory");
        value_ = static_cast<volatile int*>(page);
    }
    SharedPosition(const SharedPosition&) = delete;
    SharedPosition& operator=(const SharedPosition&) = delete;
    ~SharedPosition() { ::munmap(const_cast<int*>(value_), sizeof(int)); }
    void set(int value) noexcept { *value_ = value; }
    [[nodiscard]] int get() const noexcept { return *value_; }

private:
    volatile int* value_;
};

int pivot_root(const char* root, const char* old) { return static_cast<int>(::syscall(SYS_pivot_root, root, old)); }

class Entrance {
public:
    Entrance(std::string host_name, Sync sync) : host_name_(std::move(host_name)) {
        if (sync == Sync::ignored) filter_ = sync_filter();
    }

    void add(Verb verb, std::string target, std::string source = {}) {
        steps_.push_back({verb, std::move(target), std::move(source)});
    }

    // In the child, between fork and exec: only system calls. Returns in the process that becomes
    // the program; its ancestors up to the one that was called pass its exit code on.
    int enter() noexcept {
        if (const int failure = make_namespaces()) return failure;
        if (const int failure = go_down()) return failure;
        if (const int failure = build_root()) return failure;
        if (const int failure = go_down()) return failure;
        return become_program();
    }

    [[nodiscard]] std::string where() const {
        const int position = position_.get();
        if (position == done) return {};
        if (position < 0) return "making the namespaces of the sandbox";
        if (position == static_cast<int>(steps_.size())) return "changing into the sandbox";
        return describe(steps_[static_cast<std::size_t>(position)]);
    }

private:
    static constexpr int done = 1 << 20;

    int make_namespaces() noexcept {
        position_.set(-1);
        if (::unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET) != 0) return errno;
        if (::sethostname(host_name_.data(), host_name_.size()) != 0) return errno;
        if (::setdomainname("", 0) != 0) return errno;
        return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno;
    }

    // Forks; the child goes on. The parent waits, reaps, and ends as the child did. The first time
    // the child is pid 1 of the new namespace, the second time the parent is, and reaps orphans.
    static int go_down() noexcept {
        const pid_t child = ::_Fork();
        if (child < 0) return errno;
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            return 0;
        }
        ::close_range(3, ~0U, 0);
        for (int status = 0;;) {
            const pid_t ended = ::waitpid(-1, &status, 0);
            if (ended < 0 && errno != EINTR) ::_exit(125);
            if (ended == child) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }

    int build_root() noexcept {
        position_.set(static_cast<int>(steps_.size()));
        ::umask(022);
        // Any directory that is sure to exist will do: the tmpfs becomes the root and uncovers it.
        if (::mount("tmpfs", "/proc", "tmpfs", 0, "mode=755") != 0 || ::chdir("/proc") != 0) return errno;
        if (::mkdir("oldroot", 0755) != 0 || ::mkdir("newroot", 0755) != 0) return errno;
        if (pivot_root(".", "oldroot") != 0 || ::chdir("/") != 0) return errno;
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            position_.set(static_cast<int>(i));
            if (const int failure = carry_out(steps_[i])) return failure;
        }
        position_.set(static_cast<int>(steps_.size()));
        if (::umount2("/oldroot", MNT_DETACH) != 0) return errno;
        if (::chdir("/newroot") != 0 || pivot_root(".", ".") != 0) return errno;
        if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) return errno;
        return 0;
    }

    int become_program() noexcept {
        ::setsid();
        // The pipe that reports a failing exec is among them.
        ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        if (!filter_.empty()) {
            const sock_fprog program{static_cast<unsigned short>(filter_.size()), filter_.data()};
            if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return errno;
        }
        position_.set(done);
        return 0;
    }

    std::string host_name_;
    std::vector<sock_filter> filter_;
    std::vector<Step> steps_;
    SharedPosition position_;
};

// ---- Planning ------------------------------------------------------------------------------------

// Directories of the sandbox that are its own, whatever the root has there.
constexpr std::array<std::string_view, 5> own_directories{"/dev", "/proc", "/run", "/sys", "/tmp"};

bool is_below(const fs::path& path, const fs::path& directory) {
    const auto [end, ignored] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return end == directory.end();
}

bool is_on_tmpfs(const fs::path& target) {
    return is_below(target, "/dev") || is_below(target, "/run") || is_below(target, "/tmp");
}

class Planner {
public:
    Planner(const Sandbox& sandbox, Entrance& entrance) : sandbox_(sandbox), entrance_(entrance), binds_(sandbox.binds) {
        std::stable_sort(binds_.begin(), binds_.end(), [](const Bind& a, const Bind& b) { return a.target < b.target; });
    }

    void plan() {
        check();
        if (sandbox_.mode == RootMode::in_place) {
            entrance_.add(Verb::bind, inside("/"), outside(sandbox_.root));
        } else {
            assemble_root();
        }
        own_mounts();
        for (const auto& bind : binds_) add_bind(bind);
    }

private:
    [[nodiscard]] fs::path in_root(const fs::path& target) const { return sandbox_.root / target.relative_path(); }

    void check() const {
        for (const auto& bind : binds_) {
            if (!bind.source.is_absolute() || !bind.target.is_absolute())
                throw Error(fmt::format("cannot bind '{}' to '{}': both paths must be absolute", bind.source.native(), bind.target.native()));
            if (!fs::exists(bind.source)) throw system_error("bind", bind.source.native(), ENOENT);
        }
        if (sandbox_.mode != RootMode::in_place) return;
        for (const auto& bind : binds_)
            if (!is_on_tmpfs(bind.target)) require(bind.target);
        for (const auto directory : own_directories)
            if (directory != "/sys") require(directory);
    }

    void require(const fs::path& target) const {
        if (fs::exists(fs::symlink_status(in_root(target)))) return;
        throw Error(fmt::format("cannot enter '{}': it has no '{}' to mount on", sandbox_.root.native(), target.native()));
    }

    void assemble_root() {
        entrance_.add(Verb::tmpfs, inside("/"), "mode=755");
        for (const auto& bind : binds_)
            if (!is_on_tmpfs(bind.target) && !fs::exists(in_root(bind.target)))
                for (fs::path up = bind.target.parent_path(); up != "/"; up = up.parent_path()) opened_.insert(up);
        assemble("/");
    }

    // Makes on the tmpfs what the root has in `directory`; where a mount point has to be made in a
    // directory of the root, that is made too, entry by entry.
    void assemble(const fs::path& directory) {
        std::set<fs::path> entries;
        for (const auto& entry : fs::directory_iterator(in_root(directory))) entries.insert(entry.path().filename());
        for (const auto& name : entries) {
            const fs::path target = directory / name;
            if (std::find(own_directories.begin(), own_directories.end(), target.native()) != own_directories.end()) continue;
            const auto status = fs::symlink_status(in_root(target));
            if (fs::is_symlink(status)) {
                entrance_.add(Verb::make_link, inside(target), fs::read_symlink(in_root(target)));
            } else if (fs::is_directory(status) && opened_.contains(target)) {
                entrance_.add(Verb::make_directory, inside(target));
                assemble(target);
            } else {
                entrance_.add(fs::is_directory(status) ? Verb::make_directory : Verb::make_file, inside(target));
                entrance_.add(Verb::bind_read_only, inside(target), outside(in_root(target)));
            }
        }
    }

    void own_mounts() {
        if (sandbox_.mode == RootMode::assembled)
            for (const auto directory : own_directories) entrance_.add(Verb::make_directory, inside(directory));
        entrance_.add(Verb::proc, inside("/proc"), outside("/proc"));
        entrance_.add(Verb::tmpfs, inside("/run"), "mode=755");
        entrance_.add(Verb::make_directory, inside("/run/lock"));
        entrance_.add(Verb::tmpfs, inside("/run/lock"), "mode=1777");
        entrance_.add(Verb::tmpfs, inside("/tmp"), "mode=1777");
        devices();
    }

    void devices() {
        entrance_.add(Verb::tmpfs, inside("/dev"), "mode=755");
        for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
            const fs::path device = fs::path("/dev") / name;
            if (!fs::exists(device)) continue;
            entrance_.add(Verb::make_file, inside(device));
            entrance_.add(Verb::bind, inside(device), outside(device));
        }
        entrance_.add(Verb::make_directory, inside("/dev/pts"));
        entrance_.add(Verb::pts, inside("/dev/pts"));
        entrance_.add(Verb::make_directory, inside("/dev/shm"));
        entrance_.add(Verb::tmpfs, inside("/dev/shm"), "mode=1777");
        constexpr std::array<std::pair<const char*, const char*>, 5> links{{{"/dev/ptmx", "pts/ptmx"},
                                                                            {"/dev/fd", "/proc/self/fd"},
                                                                            {"/dev/stdin", "/proc/self/fd/0"},
                                                                            {"/dev/stdout", "/proc/self/fd/1"},
                                                                            {"/dev/stderr", "/proc/self/fd/2"}}};
        for (const auto& [link, text] : links) entrance_.add(Verb::make_link, inside(link), text);
    }

    void add_bind(const Bind& bind) {
        if (sandbox_.mode == RootMode::assembled || is_on_tmpfs(bind.target)) make_mount_point(bind);
        entrance_.add(bind.access == Access::read_only ? Verb::bind_read_only : Verb::bind, inside(bind.target), outside(bind.source));
    }

    void make_mount_point(const Bind& bind) {
        fs::path up = "/";
        for (const auto& part : bind.target.parent_path().relative_path())
            entrance_.add(Verb::make_directory, inside(up /= part));
        entrance_.add(fs::is_directory(bind.source) ? Verb::make_directory : Verb::make_file, inside(bind.target));
    }

    const Sandbox& sandbox_;
    Entrance& entrance_;
    std::vector<Bind> binds_;
    std::set<fs::path> opened_;
};

std::string overlay_path(const fs::path& path) {
    std::string escaped;
    for (const char c : path.native()) {
        if (c == ':' || c == ',' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

} // namespace

std::vector<std::pair<std::string, std::string>> sandbox_environment() {
    return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            {"HOME", "/root"},
            {"LC_ALL", "C.UTF-8"},
            {"TZ", "UTC0"}};
}

Command Sandbox::enter(std::vector<std::string> argv) const {
    if (!root.is_absolute() || !fs::is_directory(root)) throw system_error("enter", root.native(), ENOTDIR);
    const auto entrance = std::make_shared<Entrance>(host_name, sync);
    Planner(*this, *entrance).plan();
    return {.argv = std::move(argv),
            .environment = sandbox_environment(),
            .before_exec = [entrance] { return entrance->enter(); },
            .before_exec_step = [entrance] { return entrance->where(); }};
}

Command ToolsRoot::command(std::vector<std::string> argv, const std::vector<fs::path>& read_write,
                           const std::vector<fs::path>& read_only) const {
    Sandbox sandbox{.root = root_, .mode = RootMode::assembled};
    for (const auto& path : read_write) sandbox.binds.push_back({path, path, Access::read_write});
    for (const auto& path : read_only) sandbox.binds.push_back({path, path, Access::read_only});
    return sandbox.enter(std::move(argv));
}

OverlayMount::OverlayMount(const std::vector<fs::path>& lower, const fs::path& upper, const fs::path& work, fs::path at) {
    std::string options = "userxattr,lowerdir=";
    for (std::size_t i = 0; i < lower.size(); ++i) options += (i == 0 ? "" : ":") + overlay_path(lower[i]);
    options += ",upperdir=" + overlay_path(upper) + ",workdir=" + overlay_path(work);
    if (::mount("overlay", at.c_str(), "overlay", 0, options.c_str()) != 0) throw system_error("mount overlay on", at.native());
    at_ = std::move(at);
}

OverlayMount::~OverlayMount() {
    if (!at_.empty()) ::umount2(at_.c_str(), MNT_DETACH);
}

} // namespace ashlar::root
