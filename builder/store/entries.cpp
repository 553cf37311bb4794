#include "entries.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <random>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

std::optional<struct stat> status_of(const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return info;
    return std::nullopt;
}

Clock::time_point last_use(const struct stat& info) {
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(
        std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec)));
}

std::uint64_t allocated(const struct stat& info) { return static_cast<std::uint64_t>(info.st_blocks) * 512; }

std::uint64_t allocated_below(const fs::path& directory) {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
        if (const auto info = status_of(entry->path())) bytes += allocated(*info);
    return bytes;
}

std::vector<fs::path> entries(const fs::path& directory) {
    std::vector<fs::path> found;
    std::error_code error;
    for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
         entry.increment(error))
        found.push_back(entry->path());
    return found;
}

std::vector<fs::path> entries_two_deep(const fs::path& directory) {
    std::vector<fs::path> found;
    for (const auto& outer : entries(directory))
        for (auto& inner : entries(outer)) found.push_back(std::move(inner));
    return found;
}

std::string random_name() {
    std::random_device device;
    return fmt::format("{}-{:08x}{:08x}", ::getpid(), device(), device());
}

void move_file(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) throw system_error("rename", from.native());
}

void make_directory(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw system_error("create", path.native(), error.value());
}

bool is_stage_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

} // namespace ashlar::store
