#pragma once

// From the files of a lineage to one role: lists are joined, ancestors first; single values of a
// descendant replace those of its ancestors; contradictions are problems, also of roles of which
// neither extends the other.

#include "role_file.hpp"

namespace ashlar::recipe {

// `lineage`: the role last, each behind all that it extends; not empty. `overlays` holds their bare names:
// the caller knows the directories. Problems are added, never thrown.
[[nodiscard]] Role compose(const std::vector<RoleFile>& lineage, toml::Problems& problems);

// The contradictions within one file. What it lacks, an ancestor may have.
void check_alone(const RoleFile& file, toml::Problems& problems);

} // namespace ashlar::recipe
