#include <root/unpack.hpp>

#include "unpack_plan.hpp"
#include "unpack_staging.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <debian/control.hpp>

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;
using archive::DebEntry;
using archive::DebEntryType;

namespace {

// A directory below the root. The plan has no link among the parents of anything; the kernel is asked
// to see to it that the file system agrees.
Fd open_below(int root, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const long fd = ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how);
    if (fd < 0) throw system_error("open", path);
    return Fd(static_cast<int>(fd));
}

class Placer {
public:
    Placer(const fs::path& destination, const fs::path& staging, const Plan& plan,
           const std::vector<StagedPackage>& packages, std::int64_t epoch)
        : root_(open_file(destination, O_RDONLY | O_DIRECTORY)), staging_(open_file(staging, O_RDONLY | O_DIRECTORY)),
          plan_(plan), packages_(packages), epoch_(epoch), placed_(packages.size()) {}

    void place() {
        for (const PlannedDirectory& directory : plan_.directories) make_directory(directory.path);
        for (const PlannedObject& object : plan_.objects) place_object(object);
        for (const PlannedLink& link : plan_.links)
            make_link({.path = link.path, .mtime = epoch_, .target = link.target}, link.path);
    }

    // Last of all: whatever is put into a directory, or taken out, changes its time.
    void describe_directories() {
        for (const PlannedDirectory& directory : plan_.directories) describe(directory);
    }

private:
    const DebEntry& entry(Source source) const { return packages_[source.package].entries[source.entry]; }

    void make_directory(const std::string& path) {
        if (path.empty()) return;
        if (::mkdirat(parent(path), base(path), 0700) != 0) throw system_error("create directory", path);
    }

    void describe(const PlannedDirectory& directory) {
        DebEntry wanted{.mode = 0755, .mtime = epoch_};
        if (directory.source) wanted = entry(*directory.source);
        wanted.path = directory.path;
        set_attributes(open_below(root_.get(), directory.path).get(), wanted);
    }

    void place_object(const PlannedObject& object) {
        const DebEntry& wanted = entry(object.source);
        if (wanted.type == DebEntryType::symlink) return make_link(wanted, object.path);
        // The first name of the contents gets the staged file, further ones link to it.
        auto [known, first] = placed_[object.source.package].try_emplace(object.data, object.path);
        const std::string staged = fmt::format("{}/{}", object.source.package, object.data);
        const int result =
            first ? ::renameat(staging_.get(), staged.c_str(), parent(object.path), base(object.path))
                  : ::linkat(root_.get(), known->second.c_str(), parent(object.path), base(object.path), 0);
        if (result != 0) throw system_error("create", object.path);
    }

    void make_link(const DebEntry& link, const std::string& path) {
        const timespec times[2] = {{link.mtime, 0}, {link.mtime, 0}};
        if (::symlinkat(link.target.c_str(), parent(path), base(path)) != 0 ||
            ::fchownat(parent(path), base(path), link.uid, link.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
            ::utimensat(parent(path), base(path), times, AT_SYMLINK_NOFOLLOW) != 0)
            throw system_error("create", path);
    }

    // Objects come sorted, so that the same directory is asked for many times in a row.
    int parent(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? std::string() : path.substr(0, slash);
        if (!parent_ || directory != parent_path_) {
            parent_ = open_below(root_.get(), directory);
            parent_path_ = directory;
        }
        return parent_.get();
    }
    static const char* base(const std::string& path) { return path.c_str() + (path.rfind('/') + 1); }

    Fd root_, staging_;
    const Plan& plan_;
    const std::vector<StagedPackage>& packages_;
    std::int64_t epoch_;
    std::vector<std::map<std::uint32_t, std::string>> placed_; // by package: entry → its first path
    Fd parent_;
    std::string parent_path_;
};

// Views into the staged packages.
std::vector<Listing> listings_of(const std::vector<StagedPackage>& packages) {
    std::vector<Listing> listings;
    for (const StagedPackage& staged : packages) {
        const UnpackedPackage& package = staged.package;
        const auto control = debian::parse_control(package.control.at("control").text, package.name);
        listings.push_back(
            {package.name, package.version, debian::parse_list(control.get("Replaces").value_or("")), staged.entries});
    }
    return listings;
}

std::map<std::string, std::string> owners_of(const Plan& plan, const std::vector<StagedPackage>& packages) {
    std::map<std::string, std::string> owners;
    for (const PlannedDirectory& directory : plan.directories)
        if (directory.source) owners.emplace(directory.path, packages[directory.source->package].package.name);
    for (const PlannedObject& object : plan.objects)
        owners.emplace(object.path, packages[object.source.package].package.name);
    return owners;
}

std::vector<std::string> paths_of(const StagedPackage& staged, const std::vector<std::uint32_t>& replaced) {
    std::vector<std::string> paths, links;
    for (std::uint32_t i = 0; i < staged.entries.size(); ++i) {
        if (std::ranges::binary_search(replaced, i)) continue;
        (staged.entries[i].type == DebEntryType::symlink ? links : paths).push_back(staged.entries[i].path);
    }
    std::ranges::move(links, std::back_inserter(paths));
    return paths;
}

void require_empty(const fs::path& destination) {
    std::error_code error;
    const bool empty = fs::is_empty(destination, error);
    if (error) throw system_error("unpack into", destination.native(), error.value());
    if (!empty) throw Error(fmt::format("cannot unpack into '{}': it is not empty", destination.native()));
}

} // namespace

Unpacked unpack(std::span<const PackageFile> packages, const fs::path& destination, const UnpackOptions& options,
                Renderer& progress) {
    require_empty(destination);
    TemporaryDirectory staging(destination, ".unpack-");
    auto staged = stage_packages(packages, staging.path(), options.threads, progress);
    const Plan plan = plan_unpack(listings_of(staged), options.diversions);
    Placer placer(destination, staging.path(), plan, staged, options.epoch);
    placer.place();
    remove_tree(staging.keep());
    placer.describe_directories();

    Unpacked result{.diversions = options.diversions, .owners = owners_of(plan, staged)};
    for (std::size_t i = 0; i < staged.size(); ++i) {
        staged[i].package.paths = paths_of(staged[i], plan.replaced[i]);
        result.bytes += staged[i].bytes;
        result.packages.push_back(std::move(staged[i].package));
    }
    return result;
}

} // namespace ashlar::root
