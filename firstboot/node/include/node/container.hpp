#pragma once

// A node in a container, for sites on one machine and for tests: what initrd and installer do for a node on a disk, done by
// its first process. docs/formats/node-container.md.

#include <filesystem>
#include <string>
#include <string_view>

namespace ashlar::node {

// From outside: `state`, a file that stands for the state partition; `var`, a directory; `medium`, one with site.toml.
inline constexpr const char* container_directory = "/run/ashlar/node";
[[nodiscard]] inline std::filesystem::path container_state() { return std::filesystem::path(container_directory) / "state"; }
[[nodiscard]] bool is_in_container();

// Lays /etc and /var over the read-only root; a state that was never written is written as the medium's site.toml says.
// An Error ends the container.
void start_in_container();

// A factory reset, as far as there is one: at the next start everything below `var` is removed, and the state is that of another node,
// of no site. What the medium brings is not read again.
void order_reset_in_container(const std::string& release, unsigned by);

} // namespace ashlar::node
