#pragma once

// dpkg's own judgement of a finished root.

#include <recipe/model.hpp>

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

// A line of `dpkg --verify`.
[[nodiscard]] std::vector<Deviation> parse_verify(std::string_view output);

// Runs the root's own dpkg over a root that was normalised. `dpkg --audit` must have nothing to say:
// what it says is an Error. Returns what neither the normaliser (all of /var, and its table) nor an
// overlay of the role explains; empty is the answer that one wants. Reads every file of every package.
[[nodiscard]] std::vector<Deviation> verify_packages(const std::filesystem::path& root, const recipe::Role& role);

} // namespace ashlar::root
