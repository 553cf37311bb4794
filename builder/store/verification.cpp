#include <store/verification.hpp>

#include "entries.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

// Nothing when all is well.
std::optional<std::string> fault_of_blob(const fs::path& path, const struct stat& info) {
    if (!S_ISREG(info.st_mode)) return "not a regular file";
    const auto named = Digest::from_hex(path.filename().native());
    if (!named || path.parent_path().filename() != path.filename().native().substr(0, 2)) return "not the name of a blob";
    try {
        const Digest is = sha256_of_file(path);
        if (is != *named) return fmt::format("SHA-256 is {}", is.hex());
    } catch (const Error& error) {
        if (status_of(path)) return error.message();
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_stage(const fs::path& path) {
    if (!Digest::from_hex(path.filename().native()) || !is_stage_name(path.parent_path().filename().native()))
        return "not the name of a result";
    const auto output = status_of(path / "output");
    if ((!output || !S_ISDIR(output->st_mode)) && status_of(path)) return "has no directory 'output'";
    return std::nullopt;
}

class Verification {
public:
    Verification(Store& store, Renderer& renderer)
        : store_(store), blobs_(entries_two_deep(store.root() / "blobs")), activity_(renderer, "verifying the store") {
        for (const auto& path : blobs_)
            if (const auto info = status_of(path)) total_ += static_cast<std::uint64_t>(info->st_size);
    }

    Verified run() {
        std::vector<std::jthread> readers;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            readers.emplace_back([this] { read(); });
        readers.clear();
        for (const auto& path : entries_two_deep(store_.root() / "stages")) judge(path, 0, fault_of_stage(path));
        std::sort(verified_.damaged.begin(), verified_.damaged.end(),
                  [](const auto& a, const auto& b) { return a.path < b.path; });
        return std::move(verified_);
    }

private:
    void read() {
        for (std::size_t i = next_++; i < blobs_.size(); i = next_++)
            if (const auto info = status_of(blobs_[i]))
                judge(blobs_[i], static_cast<std::uint64_t>(info->st_size), fault_of_blob(blobs_[i], *info));
    }

    void judge(const fs::path& path, std::uint64_t size, std::optional<std::string> fault) {
        const std::lock_guard guard(mutex_);
        ++verified_.objects;
        verified_.bytes += size;
        activity_.bytes(verified_.bytes, total_);
        if (fault) verified_.damaged.push_back({path.lexically_relative(store_.root()), std::move(*fault)});
    }

    Store& store_;
    std::vector<fs::path> blobs_;
    std::uint64_t total_ = 0;
    Activity activity_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    Verified verified_;
};

} // namespace

Verified verify(Store& store, Repair repair, Renderer& renderer) {
    Verified verified = Verification(store, renderer).run();
    if (repair == Repair::aside)
        for (const auto& damaged : verified.damaged) store.put_aside(store.root() / damaged.path);
    return verified;
}

} // namespace ashlar::store
