#pragma once

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace ashlar::store {

// As if it had been used last so long ago.
inline void age(const std::filesystem::path& path, std::chrono::hours by) {
    const auto then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - by);
    const std::array<timespec, 2> times{timespec{then, 0}, timespec{then, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
}

} // namespace ashlar::store
