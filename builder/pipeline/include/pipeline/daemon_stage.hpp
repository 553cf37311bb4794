#pragma once

// ashlard on its way into the images: compiled in the build root of the lock, then offered to the
// resolver as a package of an archive that only exists here.

#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ashlar::pipeline {

inline constexpr std::string_view daemon_package = "ashlard";
inline constexpr std::string_view daemon_archive = "ashlar";

struct DaemonPackage {
    std::optional<Digest> digest; // of the .deb, which is in the store; absent: only announced
    std::string stanza; // as in a Packages file
};

// From the control file alone; size and digest are zero.
[[nodiscard]] DaemonPackage announce_daemon(Workshop& workshop);

// Fetches and unpacks the lock's build root, compiles, tests and packs.
[[nodiscard]] DaemonPackage compile_daemon(Workshop& workshop, const lock::Lock& lock);

// The .deb that the lock names is in the store afterwards. Error when compiling today's source gives
// another one: the lock was made for another source.
void require_daemon(Workshop& workshop, const lock::Lock& lock);

} // namespace ashlar::pipeline
