#pragma once

// Running programs inside another root: maintainer scripts in the root that is being built, mkfs and
// systemctl in the tools root. Needs CAP_SYS_ADMIN, which enter_build_namespace() gives.

#include <base/process.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::root {

enum class Access { read_only, read_write };

// A file or directory of ours, seen inside. Both paths are absolute.
struct Bind {
    std::filesystem::path source; // must exist
    std::filesystem::path target; // inside
    Access access = Access::read_only;
};

enum class RootMode {
    // The directory itself: what programs change stays. A bind's target must exist in it.
    in_place,
    // A read-only view of the directory, put together on a tmpfs: targets are made as needed and
    // the directory is never touched, so many may use it at once.
    assembled,
};

// With `ignored`, sync, fsync, fdatasync, syncfs, msync and sync_file_range return success at once.
enum class Sync { real, ignored };

// What a program finds: its root; /dev with null, zero, full, random, urandom, tty, pts, shm and fd;
// /proc of a pid namespace of its own; /run and /tmp empty on tmpfs; nothing in /sys; no network,
// not even loopback; a fixed host name; umask 022; no descriptor but 0, 1 and 2; its own session.
// The binds come on top of that, in order of their targets.
struct Sandbox {
    std::filesystem::path root;
    RootMode mode = RootMode::in_place;
    std::vector<Bind> binds;
    Sync sync = Sync::ignored;
    std::string host_name = "localhost";

    // argv[0] is looked up in the PATH of `environment`, inside. Command::directory is a path inside.
    // The command may be changed before it is run, but for before_exec. All processes that the
    // program leaves behind are killed when it ends. Throws Error when a bind's source or, in
    // place, its target is missing.
    [[nodiscard]] Command enter(std::vector<std::string> argv) const;
};

// The environment that enter() gives: PATH, HOME=/root, LC_ALL=C.UTF-8, TZ=UTC0 and nothing of ours.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> sandbox_environment();

// A root whose packages are unpacked and not configured: programs to make images with.
class ToolsRoot {
public:
    explicit ToolsRoot(std::filesystem::path root) : root_(std::move(root)) {}

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return root_; }

    // Directories and files of ours that the program works on appear at the same absolute path.
    [[nodiscard]] Command command(std::vector<std::string> argv, const std::vector<std::filesystem::path>& read_write,
                                  const std::vector<std::filesystem::path>& read_only = {}) const;

private:
    std::filesystem::path root_;
};

// An overlay file system (Linux 5.11 and later in a user namespace), mounted for the life of the
// object at a directory that exists. `lower` is topmost first; `upper` and `work` are directories on
// one file system, `work` empty and not used by another.
class OverlayMount {
public:
    OverlayMount(const std::vector<std::filesystem::path>& lower, const std::filesystem::path& upper,
                 const std::filesystem::path& work, std::filesystem::path at);
    OverlayMount(OverlayMount&& other) noexcept : at_(std::exchange(other.at_, {})) {}
    OverlayMount& operator=(OverlayMount&&) = delete;
    OverlayMount(const OverlayMount&) = delete;
    OverlayMount& operator=(const OverlayMount&) = delete;
    ~OverlayMount();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return at_; }

private:
    std::filesystem::path at_;
};

} // namespace ashlar::root
