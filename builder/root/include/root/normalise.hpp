#pragma once

// What tells two builds or two machines apart is taken out of a configured root, and what may not be
// in a read-only one is moved. docs/formats/root.md says what becomes of which path.

#include <root/tree.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::root {

// In order:
//   - files of the build and of the building machine are removed: logs, caches, lists, backups, locks,
//     host keys, cookies, databases, random seeds, names of hosts; /etc/machine-id is left empty, so that
//     each boot gets an id and none is a "first" one; /etc/resolv.conf is systemd-resolved's link or
//     nothing; the days in /etc/shadow are emptied;
//   - /run, /tmp, /dev, /proc and /sys are emptied;
//   - dpkg's database goes to /usr/lib/sysimage/dpkg, /var/lib/dpkg becomes a link to it;
//   - /var is emptied; what was in it becomes lines of tmpfiles.d(5), contents go to
//     /usr/share/factory/var;
//   - /etc/.updated and /var/.updated say that nothing needs an update (ConditionNeedsUpdate=).
// Repeating it changes nothing; after files were added it treats those. The root may be an overlay.
void normalise(const std::filesystem::path& root, std::int64_t epoch);

inline constexpr const char* var_lines_file = "usr/lib/tmpfiles.d/00-ashlar-var.conf";

// What every node of an image would share and must not: private keys, host keys, cookies, password
// hashes, machine ids, databases. Throws one Error that names each path, what it is and its package.
//
// A key that a package brings outside /etc and /var is known to everyone who has the package: an
// example or a test, no secret, and not looked at.
void refuse_secrets(const Tree& tree);

} // namespace ashlar::root
