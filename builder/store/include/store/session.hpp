#pragma once

// That a process uses the store, and since when. Whatever was used since the oldest session began is in
// use: no collection takes it. The kernel ends a session with its process.

#include <store/claim.hpp>

#include <chrono>
#include <filesystem>
#include <optional>

namespace ashlar::store {

class Session {
public:
    // Begins one, as a claimed file in `directory`.
    explicit Session(const std::filesystem::path& directory);
    Session(Session&& other) noexcept;
    Session& operator=(Session&&) = delete;
    ~Session();

    // When the oldest that is alive began, by the file system's clock. Forgets those of the dead.
    // Empty when there is none.
    [[nodiscard]] static std::optional<std::chrono::system_clock::time_point>
    oldest(const std::filesystem::path& directory);

private:
    std::optional<Claim> claim_;
};

} // namespace ashlar::store
