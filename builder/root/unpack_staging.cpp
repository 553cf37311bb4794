#include "unpack_staging.hpp"

#include "dpkg_database_md5.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <debian/control.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;
using archive::DebEntry;
using archive::DebEntryType;

void set_attributes(int fd, const DebEntry& entry) {
    const auto check = [&](int result) {
        if (result != 0) throw system_error("set the owner and mode of", entry.path);
    };
    // In this order: a change of owner clears set-uid bits and capabilities.
    check(::fchown(fd, entry.uid, entry.gid));
    check(::fchmod(fd, static_cast<mode_t>(entry.mode)));
    for (const auto& [name, value] : entry.xattrs) check(::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0));
    const timespec times[2] = {{entry.mtime, 0}, {entry.mtime, 0}};
    check(::futimens(fd, times));
}

namespace {

// The paths of a conffiles member, without leading slash. A line may begin with flags.
std::set<std::string, std::less<>> conffiles_of(const archive::Deb& deb) {
    std::set<std::string, std::less<>> paths;
    const auto member = deb.control().find("conffiles");
    if (member == deb.control().end()) return paths;
    for (const std::string_view line : split(member->second.text, '\n'))
        if (const std::string_view path = trim(line); path.starts_with('/')) paths.emplace(path.substr(1));
    return paths;
}

class Stager : public archive::DataVisitor {
public:
    Stager(const archive::Deb& deb, const fs::path& directory, StagedPackage& result)
        : conffiles_(conffiles_of(deb)), hash_all_(!deb.control().contains("md5sums")), result_(result) {
        if (::mkdir(directory.c_str(), 0700) != 0) throw system_error("create directory", directory.native());
        directory_ = open_file(directory, O_RDONLY | O_DIRECTORY);
    }

    void entry(const DebEntry& entry) override {
        finish();
        result_.entries.push_back(entry);
        if (entry.type == DebEntryType::hard_link && hash_all_) hash_like(entry.path, entry.target);
        if (entry.type != DebEntryType::file) return;
        file_ = Fd(::openat(directory_.get(), fmt::to_string(result_.entries.size() - 1).c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file_) throw system_error("create", entry.path);
        if (hash_all_ || conffiles_.contains(entry.path)) md5_.emplace();
        result_.bytes += entry.size;
    }

    void contents(std::span<const std::byte> bytes) override {
        write_all(file_.get(), bytes, result_.entries.back().path);
        if (md5_) md5_->update(bytes);
    }

    // The last file's attributes, once its contents are complete.
    void finish() {
        if (!file_) return;
        const DebEntry& entry = result_.entries.back();
        set_attributes(file_.get(), entry);
        file_.close();
        if (md5_) result_.package.md5.emplace_back(entry.path, md5_->finish());
        md5_.reset();
    }

private:
    void hash_like(const std::string& path, const std::string& other) {
        auto& sums = result_.package.md5;
        const auto known = std::ranges::find(sums, other, [](const auto& sum) { return sum.first; });
        if (known != sums.end()) sums.emplace_back(path, std::string(known->second));
    }

    std::set<std::string, std::less<>> conffiles_;
    bool hash_all_;
    StagedPackage& result_;
    Fd directory_, file_;
    std::optional<Md5> md5_;
};

void require_identity(const PackageFile& wanted, const debian::Paragraph& control) {
    const auto require = [&](std::string_view field, const std::string& value) {
        const std::string_view said = control.get(field).value_or("");
        if (said != value)
            throw Error(fmt::format("cannot unpack '{}': it says {} '{}' instead of '{}'", wanted.path.native(), field,
                                    said, value),
                        "the index and the package disagree; the archive is broken, or the local folder has changed");
    };
    require("Package", wanted.name);
    require("Version", wanted.version);
    require("Architecture", wanted.architecture);
}

StagedPackage stage_package(const PackageFile& file, const fs::path& directory) {
    const archive::Deb deb(file.path);
    require_identity(file, debian::parse_control(deb.control().at("control").text, file.path.native()));
    StagedPackage staged{.package = {file.name, file.version, file.architecture, deb.control(), {}, {}}};
    Stager stager(deb, directory, staged);
    deb.read_data(stager);
    stager.finish();
    return staged;
}

std::vector<std::uint64_t> sizes_of(std::span<const PackageFile> packages) {
    std::vector<std::uint64_t> sizes;
    for (const PackageFile& package : packages) {
        std::error_code error;
        sizes.push_back(fs::file_size(package.path, error));
        if (error) throw system_error("read", package.path.native(), error.value());
    }
    return sizes;
}

// Work for several threads: indices in a fixed order. The failure with the smallest index is kept.
class Queue {
public:
    explicit Queue(std::vector<std::size_t> order) : order_(std::move(order)) {}

    std::optional<std::size_t> next() {
        const std::size_t at = next_++;
        if (at >= order_.size() || failed_) return std::nullopt;
        return order_[at];
    }
    void fail(std::size_t index, std::exception_ptr why) {
        const std::scoped_lock lock(mutex_);
        if (!failed_ || index < failed_index_) failure_ = std::move(why), failed_index_ = index;
        failed_ = true;
    }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::vector<std::size_t> order_;
    std::atomic<std::size_t> next_ = 0;
    std::atomic<bool> failed_ = false;
    std::mutex mutex_;
    std::exception_ptr failure_;
    std::size_t failed_index_ = 0;
};

// So that the last package to finish is a small one.
std::vector<std::size_t> largest_first(const std::vector<std::uint64_t>& sizes) {
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return sizes[i]; });
    return order;
}

} // namespace

std::vector<StagedPackage> stage_packages(std::span<const PackageFile> packages, const fs::path& staging,
                                          unsigned threads, Renderer& progress) {
    const auto sizes = sizes_of(packages);
    const std::uint64_t total = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    Activity activity(progress, fmt::format("unpacking {} packages", packages.size()));
    activity.outcome(fmt::format("{} packages, {}", packages.size(), human_bytes(total)));
    std::vector<StagedPackage> staged(packages.size());
    std::atomic<std::uint64_t> done = 0;
    Queue queue(largest_first(sizes));
    const auto work = [&] {
        while (const auto i = queue.next()) {
            try {
                while_doing(fmt::format("unpacking '{} {}'", packages[*i].name, packages[*i].version),
                            [&] { staged[*i] = stage_package(packages[*i], staging / fmt::to_string(*i)); });
                activity.bytes(done += sizes[*i], total);
            } catch (...) {
                queue.fail(*i, std::current_exception());
            }
        }
    };
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    {
        std::vector<std::jthread> helpers;
        for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(work);
        work();
    }
    queue.rethrow();
    return staged;
}

} // namespace ashlar::root
