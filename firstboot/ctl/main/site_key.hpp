#pragma once

// `ashlarctl site key`: another key for the site, in its directory and with its voters. docs/guides/keys.md.

#include "site_door.hpp"

namespace ashlar::ctl {

// Below `ashlarctl site`.
void add_site_key_commands(CLI::App& site, const Choose& choose);

} // namespace ashlar::ctl
