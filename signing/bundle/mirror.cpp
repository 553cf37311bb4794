#include "mirror.hpp"

#include <base/error.hpp>
#include <base/parallel.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t digest_digits = 2 * Digest::size;
// The kernel is told to begin writing so often: then the sync at the end has little left to wait for.
constexpr std::uint64_t write_behind = std::uint64_t{8} << 20U;

Fd locked(const fs::path& file) {
    Fd fd = open_file(file, O_RDWR | O_CREAT, 0644);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK) throw system_error("lock", file.native());
    throw Error(fmt::format("cannot import into '{}': another import is at work there", file.parent_path().native()), "wait for it to end");
}

bool has_size(const fs::path& file, std::uint64_t size) {
    struct stat information {};
    return ::stat(file.c_str(), &information) == 0 && S_ISREG(information.st_mode) && static_cast<std::uint64_t>(information.st_size) == size;
}

bool is(const fs::path& file, const Item& item) { return has_size(file, item.length) && sha256_of_file(file) == item.sha256; }

} // namespace

// A target on its way. What is not finished is removed.
class IncomingFile final : public Sink {
public:
    IncomingFile(Mirror& mirror, const Item& item) : mirror_(mirror), item_(item), path_(mirror.next_incoming()), file_(mirror.disk().create(path_)) {}
    IncomingFile(const IncomingFile&) = delete;
    IncomingFile& operator=(const IncomingFile&) = delete;
    ~IncomingFile() override {
        std::error_code ignored; // the next import removes what stays
        if (!path_.empty()) fs::remove(path_, ignored);
    }

    void put(ByteView bytes) override {
        mirror_.disk().write(file_, bytes, path_);
        written_ += bytes.size();
        if (written_ - announced_ < write_behind) return;
        ::sync_file_range(file_.get(), static_cast<off_t>(announced_), static_cast<off_t>(written_ - announced_), SYNC_FILE_RANGE_WRITE);
        announced_ = written_;
    }

    void finish() override {
        mirror_.disk().sync(file_, path_);
        file_.close();
        mirror_.move_in(path_, item_);
        path_.clear();
    }

private:
    Mirror& mirror_;
    const Item& item_;
    fs::path path_; // empty: it has moved in
    Fd file_;
    std::uint64_t written_ = 0, announced_ = 0;
};

Mirror::Mirror(fs::path directory, Disk disk) : directory_(std::move(directory)), disk_(std::move(disk)) {
    disk_.make_directory(directory_);
    lock_ = locked(directory_ / "import.lock");
    disk_.make_directory(trusted());
}

std::map<std::string, fs::path, std::less<>> Mirror::by_digest() const {
    std::map<std::string, fs::path, std::less<>> files;
    const fs::path targets = directory_ / "targets";
    if (!fs::is_directory(targets)) return files;
    for (const auto& entry : fs::recursive_directory_iterator(targets)) {
        const std::string name = entry.path().filename().native();
        if (name.size() > digest_digits && name[digest_digits] == '.' && entry.is_regular_file()) files.emplace(name.substr(0, digest_digits), entry.path());
    }
    return files;
}

std::vector<Found> Mirror::survey(std::span<const Item> items) const {
    const auto others = by_digest();
    std::vector<Found> found(items.size());
    in_parallel(items.size(), [&](std::size_t i) {
        const Item& item = items[i];
        const fs::path path = path_of(item.place);
        if (is(path, item)) {
            found[i].presence = Presence::here;
            return;
        }
        const auto other = others.find(item.sha256.hex());
        if (other != others.end() && other->second != path && is(other->second, item)) {
            found[i] = {Presence::elsewhere, other->second};
        } else if (fs::exists(path)) {
            found[i].presence = Presence::damaged;
        }
    });
    return found;
}

std::uint64_t Mirror::room() const {
    struct statvfs information {};
    if (::statvfs(directory_.c_str(), &information) != 0) throw system_error("look at", directory_.native());
    return std::uint64_t{information.f_bavail} * information.f_frsize;
}

fs::path Mirror::next_incoming() { return directory_ / "incoming" / fmt::format("{}.part", ++incoming_); }

void Mirror::make_incoming() {
    remove_incoming();
    disk_.make_directory(directory_ / "incoming");
}

void Mirror::remove_incoming() { disk_.remove(directory_ / "incoming"); }

std::unique_ptr<Sink> Mirror::begin(const Item& item) { return std::make_unique<IncomingFile>(*this, item); }

void Mirror::move_in(const fs::path& from, const Item& item) {
    const fs::path to = path_of(item.place);
    disk_.make_directory(to.parent_path());
    disk_.rename(from, to);
}

void Mirror::share(const fs::path& source, const Item& item) {
    const fs::path name = next_incoming();
    disk_.link(source, name);
    move_in(name, item);
}

void Mirror::sync_targets(std::span<const Item> items) const {
    // All the way up: a run that was killed may have made some of them, and not come to sync them.
    std::set<fs::path> directories;
    for (const Item& item : items)
        for (fs::path part = fs::path(item.place).parent_path(); !part.empty(); part = part.parent_path()) directories.insert(directory_ / part);
    if (!directories.empty()) directories.insert(directory_);
    for (const fs::path& directory : directories) disk_.sync_directory(directory);
}

void Mirror::put_metadata(const MetadataFile& file) {
    const fs::path to = path_of(file.place);
    if (has_size(to, file.text.size()) && read_file(to) == file.text) return;
    disk_.make_directory(to.parent_path());
    const fs::path name = next_incoming();
    Fd fd = disk_.create(name);
    disk_.write(fd, bytes_of(file.text), name);
    disk_.sync(fd, name);
    fd.close();
    disk_.rename(name, to);
}

void Mirror::sync_metadata() const { disk_.sync_directory(directory_ / "metadata"); }

void Mirror::log(std::string_view line) {
    const fs::path path = directory_ / "import.log";
    disk_.tell("log", path);
    const Fd file = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    write_all(file.get(), line, path.native());
    disk_.sync(file, path);
    disk_.sync_directory(directory_);
}

} // namespace ashlar::bundle
