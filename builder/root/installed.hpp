#pragma once

// What dpkg's database in a root says is installed. Read-only; the database is written by the unpack
// stage and from then on by dpkg itself.

#include <compare>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ashlar::root {

// The database's folder as the maintainer scripts see it, and where the normaliser puts it.
inline constexpr std::string_view database_folder = "var/lib/dpkg";
inline constexpr std::string_view sealed_database_folder = "usr/lib/sysimage/dpkg";

struct InstalledPackage {
    std::string name, version, architecture, status; // status: "install ok installed"
    std::string info_name; // "libc6:amd64" where several may be installed (Multi-Arch: same), else the name
    std::string pre_depends, depends, provides; // as in the control file
};

[[nodiscard]] bool has_database(const std::filesystem::path& root);

// By name. Error when the database is missing or not readable as such.
[[nodiscard]] std::vector<InstalledPackage> read_installed(const std::filesystem::path& root);

// base-passwd first, because it makes /etc/passwd, then each after what it depends on, a cycle being
// entered at its first name: the order in which `preinst` runs. A pure function of the argument.
[[nodiscard]] std::vector<const InstalledPackage*> script_order(const std::vector<InstalledPackage>& packages);

// Path in the root, without leading slash and with /bin, /lib … as the links they are → name of the package whose list has it (the first by name for what
// several share, as directories are). Diversions are followed.
[[nodiscard]] std::map<std::string, std::string> read_owners(const std::filesystem::path& root,
                                                             const std::vector<InstalledPackage>& packages);

} // namespace ashlar::root
