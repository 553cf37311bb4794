#pragma once

// What the store keeps although nobody builds with it at the moment: everything that a train's lock
// names as long as the lock is there, and the results behind each role's newest image.

#include <lock/lock.hpp>
#include <pipeline/build.hpp>
#include <pipeline/workshop.hpp>
#include <store/roots.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::pipeline {

// Every blob that the lock names: packages, signed releases, indices, what was compiled. Each once, sorted.
[[nodiscard]] std::vector<Digest> blobs_of(const lock::Lock& lock);

// How roots are called that are about something in a place: the same in another place is another reason. "release-R1.0" →
// "release-R1.0-0f3c5a7e9b1d"
[[nodiscard]] std::string roots_name(std::string_view what, const std::filesystem::path& place);

// For as long as the workshop's lock is where it is.
void keep_lock(Workshop& workshop, const lock::Lock& lock);

// In place of what the last image in this place was made from.
void keep_image(Workshop& workshop, const lock::Lock& lock, const std::string& role, const Product& product,
                std::span<const store::StageName> results);

} // namespace ashlar::pipeline
