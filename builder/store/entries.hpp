#pragma once

// Looking at the store's files. What goes meanwhile is as if it had never been there.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace ashlar::store {

using Clock = std::chrono::system_clock;

[[nodiscard]] std::optional<struct stat> status_of(const std::filesystem::path& path);
// Exact: what a session used and what it found on beginning may be milliseconds apart.
[[nodiscard]] Clock::time_point last_use(const struct stat& info);
[[nodiscard]] std::uint64_t allocated(const struct stat& info); // bytes on disk
[[nodiscard]] std::uint64_t allocated_below(const std::filesystem::path& directory);

[[nodiscard]] std::vector<std::filesystem::path> entries(const std::filesystem::path& directory);
[[nodiscard]] std::vector<std::filesystem::path> entries_two_deep(const std::filesystem::path& directory);

[[nodiscard]] std::string random_name();
void move_file(const std::filesystem::path& from, const std::filesystem::path& to);
void make_directory(const std::filesystem::path& path);
[[nodiscard]] bool is_stage_name(std::string_view name);

} // namespace ashlar::store
