#pragma once

// Owner, mode and time of a file of a root; links themselves, never what they lead to.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace ashlar::root {

struct Owner {
    std::uint32_t uid = 0, gid = 0;
};

// "user:group" by the root's own /etc/passwd and /etc/group; empty when either is unknown.
[[nodiscard]] std::optional<Owner> find_owner(const std::filesystem::path& root, std::string_view names);

void set_owner(const std::filesystem::path& path, const Owner& owner);
void set_mode(const std::filesystem::path& path, unsigned mode); // not for links
void set_time(const std::filesystem::path& path, std::int64_t seconds);

} // namespace ashlar::root
