#pragma once

// A small lock and what evidence is made of it.

#include <evidence/subject.hpp>

#include "error_of.hpp"

#include <base/error.hpp>

#include <functional>
#include <string>

namespace samples {

using namespace ashlar;

inline lock::Lock lock() {
    const auto package = [](std::string name, std::string version, std::string maintainer, std::string archive,
                            std::string component) {
        const auto digest = sha256(name + version);
        return lock::Package{.name = name,
                             .version = version,
                             .architecture = "amd64",
                             .archive = std::move(archive),
                             .component = std::move(component),
                             .path = "pool/" + name + ".deb",
                             .size = 1000,
                             .sha256 = digest,
                             .source = name,
                             .source_version = version,
                             .maintainer = std::move(maintainer),
                             .homepage = name == "bash" ? "https://example.org/bash" : ""};
    };
    lock::Lock lock{.train = "R0", .architecture = "amd64", .epoch = 1'700'000'000};
    lock.packages = {
        package("bash", "5.2.37-2+b3", "Example Maintainer <bash@example.org>", "debian", "main"),
        package("intel-microcode", "3.20250812.1~deb13u1", "Example Maintainer <ucode@example.org>", "debian",
                "non-free-firmware"),
        package("libstdc++6", "14.2.0-19", "Compiler Team <gcc@example.org>", "debian", "main"),
        package("openssh-server", "1:10.0p1-7", "Maintainer without address", "debian-security", "main"),
    };
    lock.roles = {{"base", {0, 1, 2, 3}}, {"initrd", {2}}};
    return lock;
}

inline evidence::Subject subject(const lock::Lock& lock) {
    return {.role = "base",
            .release = "R0.1",
            .train = "R0",
            .architecture = "amd64",
            .epoch = lock.epoch,
            .ashlar = "0.1.0",
            .lock = sha256("lock"),
            .disk = sha256("disk"),
            .root_hash = sha256("root"),
            .parts = {{"root", lock.packages_of("base")}, {"initrd", lock.packages_of("initrd")}}};
}

using ashlar::error_of;

} // namespace samples
