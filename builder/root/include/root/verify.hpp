#pragma once

// dpkg's own judgement of a finished root.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::root {

// A path that is not as its package shipped it (dpkg --verify).
struct Deviation {
    std::string path; // "/etc/ssh/sshd_config"
    std::string how;  // "missing", or dpkg's nine letters: "??5??????" is another content
    bool conffile = false;
    bool operator==(const Deviation&) const = default;
};

// Lines of `dpkg --verify`.
[[nodiscard]] std::vector<Deviation> parse_verify(std::string_view output);

// Runs the root's own dpkg over a root that was normalised and to which no overlay was applied yet, so
// that what it finds afterwards is the recipe's doing. `dpkg --audit` must have nothing to say, and
// `dpkg --verify` nothing that the normaliser (all of /var, and its table) does not explain: otherwise
// one Error that names each path. Reads every file of every package.
void verify_packages(const std::filesystem::path& root);

} // namespace ashlar::root
