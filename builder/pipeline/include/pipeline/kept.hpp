#pragma once

// What the store keeps although nobody builds with it at the moment: everything that a train's lock
// names as long as the lock is there, and the results behind each role's newest image.

#include <lock/lock.hpp>
#include <pipeline/build.hpp>
#include <pipeline/workshop.hpp>
#include <store/roots.hpp>

#include <span>
#include <string>
#include <vector>

namespace ashlar::pipeline {

// Every blob that the lock names: packages, signed releases, indices, what was compiled. Each once, sorted.
[[nodiscard]] std::vector<Digest> blobs_of(const lock::Lock& lock);

// For as long as the workshop's lock is where it is.
void keep_lock(Workshop& workshop, const lock::Lock& lock);

// In place of what the last image in this place was made from.
void keep_image(Workshop& workshop, const lock::Lock& lock, const std::string& role, const Product& product,
                std::span<const store::StageName> results);

} // namespace ashlar::pipeline
