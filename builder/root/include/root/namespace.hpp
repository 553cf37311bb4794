#pragma once

// Ashlar's own namespaces: docs/decisions/0003-user-namespace.md.
//
// Everything Ashlar does with a root (chown, mount, pivot_root, set file capabilities) it does as
// id 0 of a user namespace of its own, whoever started it, so that root and an ordinary user run
// the same code and get the same bytes; and in a pid and a mount namespace of its own, so that
// however it ends no process and no mount stays.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace ashlar::root {

// Call it first thing in main, while there is one thread. It returns in a descendant:
//
//   supervisor   the calling process; stays outside, passes SIGINT, SIGTERM, SIGHUP and SIGQUIT on
//                when they were sent to it alone (a terminal sends them to all by itself), and ends
//                with the exit code of what it supervises, 128 + signal when that was killed
//   pid 1        reaps orphans; when the next one ends the kernel kills what is left
//   the caller   returns from here: ids 0..65535 mapped, all capabilities over its own namespaces,
//                mounts private, /proc of the new pid namespace, umask 022, the network as it was
//
// SIGKILL of any of the three ends them all. Process ids inside are small and the same in every
// run: they name nothing on the disk.
//
// Throws Error (in the calling process) when the namespaces cannot be made.
void enter_build_namespace();

// The same for who starts nodes on this machine, which only root can: no user namespace, but a network of its own as well,
// empty at first. Interfaces made in here end with it.
void enter_site_namespace();

// ---- The parts that are decisions, for tests --------------------------------------------------

// A line of /proc/<pid>/uid_map: ids inside from `inside` are ids outside from `outside`.
struct IdRange {
    std::uint32_t inside = 0, outside = 0, count = 0;
    bool operator==(const IdRange&) const = default;
};
inline constexpr std::uint32_t mapped_ids = 65536;

// The first range of at least 65535 ids that /etc/subuid or /etc/subgid (its text) gives to the
// user, by name or by number. Malformed lines are someone else's and skipped.
[[nodiscard]] std::optional<IdRange> subordinate_range(std::string_view text, std::string_view user, uid_t uid);

// 0 is the user, so that the store and the results belong to who built them; the rest is subordinate.
[[nodiscard]] std::vector<IdRange> map_for_user(std::uint32_t own_id, const IdRange& subordinate);

// The identity for root: 0..65535, in the pieces in which the map of the namespace around us (text of
// /proc/self/uid_map) has them, since the kernel takes no piece that spans two of those. Empty when
// an id is missing there.
[[nodiscard]] std::optional<std::vector<IdRange>> identity_map(std::string_view around);

// The first id from 100000 on, on a multiple of 65536 beyond it, above every range of the text:
// what the hint suggests.
[[nodiscard]] std::uint32_t free_range_start(std::string_view text);

} // namespace ashlar::root
