#pragma once

// Which disks of this node a service may have: the rules [[disks.NAME]] of the site's plan, held against the disks that are there. Pure.
// docs/formats/disks.md.

#include <disks/disk.hpp>
#include <site/site.hpp>

#include <base/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ashlar::disks {

// What lies on it, as far as services are concerned.
enum class Holds {
    nothing, // it is blank
    ours,    // it bears the mark of this site: a service of it has written there
    foreign, // anything else
};
[[nodiscard]] std::string_view name_of(Holds holds);

// Text that a service leaves somewhere in the first MiB of a disk when it takes it: "ashlar-site:<site id>".
[[nodiscard]] std::string site_mark(const std::string& site);
inline constexpr std::size_t mark_reach = std::size_t{1} << 20U;

// A disk of a node that runs.
struct DataDisk {
    Disk disk; // its `content` is not looked at here
    std::filesystem::path link; // a name that stays, such as /dev/disk/by-id/…; empty: it has none
    Holds holds = Holds::foreign;
    bool is_node = false;       // the node itself lies on it
    bool is_mounted = false;    // it, or a partition of it
    bool is_rotational = false;
    std::string trouble;        // it cannot be looked at, and why; nobody has it then
    bool is_of_any_bus = false; // stands for whatever bus a rule names: a loop device that was handed to a container
};

struct Entry {
    DataDisk disk;
    bool is_usable = false;   // the service may have it
    bool may_be_wiped = false; // and may erase what it holds
    std::string why;          // it is not usable; for people
};
// All rules of one name together.
struct DiskSet {
    unsigned min = 0;
    std::optional<unsigned> max; // none where a rule of it has none
    std::vector<Entry> disks;    // that a rule means, whether they can be used or not
};
using DiskSets = std::map<std::string, DiskSet>;

// `roles`: of this node, with all that they extend. A set for which the node has none of the roles is not there. Two sets that mean one disk: the first by
// name has it.
[[nodiscard]] DiskSets sets_of(const std::map<std::string, std::vector<site::DataDisks>>& rules, const std::set<std::string>& roles, const std::vector<DataDisk>& disks);

// As services read it.
[[nodiscard]] Json to_json(const DiskSets& sets, const std::string& site);

} // namespace ashlar::disks
