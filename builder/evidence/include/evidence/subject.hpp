#pragma once

// What evidence is about: one image of one role, and the packages that went into it.

#include <lock/lock.hpp>
#include <signing/digest.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::evidence {

// Packages of a part of the image: "root", "initrd", "boot" (boot loader and stub).
struct Part {
    std::string name;
    std::vector<const lock::Package*> packages;
};

// Everything here comes from the lock and the build's results: the same inputs give the same text.
struct Subject {
    std::string role, release, train, architecture;
    std::int64_t epoch = 0; // lock::Lock::epoch: the only time that evidence knows
    std::string ashlar;     // version of the builder
    Digest lock;            // SHA-256 of lock::to_text()
    Digest disk;            // of the disk image
    Digest root_hash;
    std::vector<Part> parts;
};

// "ashlar_<role>_<release>_<architecture>": what the files of an image begin with, followed by
// ".raw", ".efi", ".manifest.json", ".spdx.json", ".cdx.json", ".packages".
[[nodiscard]] std::string base_name(const std::string& role, const std::string& release,
                                    const std::string& architecture);

// "2026-11-24T08:12:00Z"
[[nodiscard]] std::string utc(std::int64_t seconds);

} // namespace ashlar::evidence
