#include <store/store.hpp>

#include "entries.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

constexpr auto forgotten_partial = std::chrono::hours(24 * 14);

// Last use is kept as modification time of a blob, and of the directory around a stage's output:
// access times depend on mount options and move when somebody only looks.
void mark_used(const fs::path& path) noexcept {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{0, UTIME_NOW}};
    ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

void copy_while_hashing(const fs::path& from, const fs::path& to, Hasher& hasher) {
    const Fd in = open_file(from, O_RDONLY);
    Fd out = open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0644);
    std::array<std::byte, 1 << 16> buffer;
    while (const std::size_t got = read_some(in.get(), buffer, from.native())) {
        hasher.update(std::span(buffer).first(got));
        write_all(out.get(), std::span(buffer).first(got), to.native());
    }
    out.close();
}

// A workspace is `<name>` and `<name>.lock`. The lock is made first and removed last, so a
// directory without a lock belongs to nobody.
void sweep_workspace(const fs::path& directory) {
    auto claim = Claim::try_take(directory.native() + ".lock");
    if (!claim) return;
    try {
        remove_tree(directory);
        claim->remove_file();
    } catch (const Error&) {
        // Another user's, or beyond our mapping: the next run with the right to do it will.
    }
}

void sweep(const fs::path& tmp) {
    for (const auto& entry : entries(tmp)) {
        const fs::path directory = entry.extension() == ".lock" ? fs::path(entry).replace_extension() : entry;
        sweep_workspace(directory);
    }
}

void remove_old_partial(const fs::path& path, Clock::time_point before) {
    const auto info = status_of(path);
    if (!info || (info->st_size > 0 && last_use(*info) >= before)) return;
    if (auto claim = Claim::try_take(path)) claim->remove_file();
}

// Waits until nobody else makes the stage; leaves no file behind.
class StageLock {
public:
    explicit StageLock(const fs::path& path) : claim_(Claim::wait(path)) {}
    StageLock(const StageLock&) = delete;
    StageLock& operator=(const StageLock&) = delete;
    ~StageLock() { claim_.remove_file(); }

private:
    Claim claim_;
};

// Ashlar runs its stages in a user namespace in which everybody is root; only who is mapped to
// root outside may use the machine's cache.
bool is_root_outside() {
    std::istringstream map(read_file("/proc/self/uid_map"));
    std::uint64_t inside = 0, outside = 0;
    map >> inside >> outside;
    return ::geteuid() == 0 && inside == 0 && outside == 0;
}

} // namespace

Workspace::Workspace(fs::path path, Claim claim) : path_(std::move(path)), claim_(std::move(claim)) {}

Workspace::Workspace(Workspace&& other) noexcept
    : path_(std::move(other.path_)), claim_(std::exchange(other.claim_, std::nullopt)) {}

Workspace::~Workspace() {
    if (!claim_) return;
    try {
        remove_tree(path_);
        claim_->remove_file();
    } catch (const Error&) {
        // Unlocked from now on: the next Store sweeps it.
    }
}

Store::Store(fs::path root) : root_(fs::absolute(std::move(root))) {
    while_doing(fmt::format("opening the store '{}'", root_.native()), [&] {
        explaining_full_disk(root_, [&] {
            for (const char* name : {"blobs", "stages", "partial", "tmp", "locks", "sessions", "roots", "quarantine"})
                make_directory(root_ / name);
            session_.emplace(root_ / "sessions");
        });
    });
    sweep(root_ / "tmp");
    (void)Session::oldest(root_ / "sessions"); // forgets those of the dead
    for (const auto& partial : entries(root_ / "partial"))
        remove_old_partial(partial, Clock::now() - forgotten_partial);
}

fs::path Store::blob_path(const Digest& digest) const {
    const std::string hex = digest.hex();
    return root_ / "blobs" / hex.substr(0, 2) / hex;
}

Gate Store::pass(Gate::Passage passage) const { return {root_ / "blobs", passage}; }

std::optional<fs::path> Store::find(const Digest& digest) const {
    fs::path path = blob_path(digest);
    const Gate gate = pass(Gate::Passage::shared);
    const auto info = status_of(path);
    if (!info || !S_ISREG(info->st_mode)) return std::nullopt;
    mark_used(path);
    return path;
}

fs::path Store::adopt(const fs::path& file, const Digest& digest) {
    const fs::path path = blob_path(digest);
    explaining_full_disk(root_, [&] {
        make_directory(path.parent_path());
        if (::chmod(file.c_str(), 0444) != 0) throw system_error("protect", file.native());
        mark_used(file); // before it can be seen: a collection may be looking
        const Gate gate = pass(Gate::Passage::shared);
        move_file(file, path);
    });
    return path;
}

Digest Store::insert(const fs::path& file) {
    std::optional<Digest> digest;
    explaining_full_disk(root_, [&] {
        const Workspace workspace = temporary();
        Hasher hasher;
        copy_while_hashing(file, workspace.path() / "blob", hasher);
        digest = hasher.finish();
        if (!find(*digest)) adopt(workspace.path() / "blob", *digest);
    });
    return *digest;
}

Digest Store::insert_text(std::string_view text) {
    const Digest digest = sha256(text);
    if (find(digest)) return digest;
    explaining_full_disk(root_, [&] {
        const Workspace workspace = temporary();
        write_file(workspace.path() / "blob", text);
        adopt(workspace.path() / "blob", digest);
    });
    return digest;
}

std::optional<Partial> Store::claim_partial(const Digest& digest) const {
    fs::path path = root_ / "partial" / digest.hex();
    auto claim = Claim::try_take(path);
    if (!claim) return std::nullopt;
    return Partial{std::move(path), std::move(*claim)};
}

Workspace Store::temporary() const {
    std::optional<Workspace> workspace;
    explaining_full_disk(root_, [&] {
        const fs::path directory = root_ / "tmp" / random_name();
        Claim claim = Claim::wait(directory.native() + ".lock");
        make_directory(directory);
        workspace.emplace(Workspace(directory, std::move(claim)));
    });
    return std::move(*workspace);
}

fs::path Store::stage_path(std::string_view stage, const Digest& key) const {
    if (!is_stage_name(stage)) throw Error(fmt::format("cannot use '{}': not a name of a stage", stage));
    return root_ / "stages" / stage / key.hex();
}

bool Store::has_stage(std::string_view stage, const Digest& key) const {
    const fs::path path = stage_path(stage, key);
    const Gate gate = pass(Gate::Passage::shared);
    const auto info = status_of(path);
    if (!info || !S_ISDIR(info->st_mode)) return false;
    mark_used(path);
    return true;
}

fs::path Store::stage(std::string_view stage, const Digest& key,
                      const std::function<void(const fs::path& output)>& make) {
    const fs::path result = stage_path(stage, key);
    explaining_full_disk(root_, [&] {
        if (has_stage(stage, key)) return;
        const StageLock lock(root_ / "locks" / fmt::format("{}-{}", stage, key.hex()));
        if (has_stage(stage, key)) return;
        const Workspace workspace = temporary();
        make_directory(workspace.path() / "made/output");
        make(workspace.path() / "made/output");
        make_directory(result.parent_path());
        mark_used(workspace.path() / "made");
        move_file(workspace.path() / "made", result);
    });
    return result / "output";
}

std::chrono::system_clock::time_point Store::in_use_since() const {
    return Session::oldest(root_ / "sessions").value_or(Clock::time_point::min()); // ours is one of them
}

bool Store::remove(const fs::path& path, Clock::time_point as_of) {
    const Workspace workspace = temporary(); // a tree takes a while to go: out of sight first
    const Gate gate = pass(Gate::Passage::alone);
    const auto info = status_of(path);
    if (!info || last_use(*info) != as_of) return false;
    move_file(path, workspace.path() / "removed");
    return true;
}

void Store::put_aside(const fs::path& path) {
    const fs::path aside = root_ / "quarantine" / fmt::format("{}.{}", path.filename().native(), random_name());
    const Gate gate = pass(Gate::Passage::alone);
    if (!status_of(path)) return;
    move_file(path, aside);
    mark_used(aside);
}

fs::path default_root() {
    const auto variable = [](const char* name) -> std::optional<fs::path> {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
    if (auto chosen = variable("ASHLAR_STORE")) return *chosen;
    if (is_root_outside()) return "/var/cache/ashlar";
    if (auto cache = variable("XDG_CACHE_HOME")) return *cache / "ashlar";
    if (auto home = variable("HOME")) return *home / ".cache/ashlar";
    throw Error("cannot choose a place for the store: HOME is not set", "set ASHLAR_STORE to a directory");
}

} // namespace ashlar::store
