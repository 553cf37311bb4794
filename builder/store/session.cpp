#include <store/session.hpp>

#include "entries.hpp"

#include <algorithm>

namespace ashlar::store {

namespace fs = std::filesystem;

Session::Session(const fs::path& directory) : claim_(Claim::wait(directory / random_name())) {}

Session::Session(Session&& other) noexcept : claim_(std::exchange(other.claim_, std::nullopt)) {}

Session::~Session() {
    if (claim_) claim_->remove_file();
}

std::optional<Clock::time_point> Session::oldest(const fs::path& directory) {
    std::optional<Clock::time_point> oldest;
    for (const auto& path : entries(directory)) {
        if (auto dead = Claim::try_take(path)) {
            dead->remove_file();
        } else if (const auto info = status_of(path)) {
            oldest = std::min(oldest.value_or(last_use(*info)), last_use(*info));
        }
    }
    return oldest;
}

} // namespace ashlar::store
