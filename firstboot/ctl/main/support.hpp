#pragma once

// `ashlarctl support-bundle`: docs/guides/support.md.

#include <filesystem>
#include <string>

namespace ashlar::ctl {

struct Support {
    std::string file;
    std::string socket;               // of ashlard
    std::filesystem::path root = "/"; // of the node's files
    bool is_quiet = false;
};
int support_bundle(const Support& support);

} // namespace ashlar::ctl
