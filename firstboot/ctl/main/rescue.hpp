#pragma once

// The console of the rescue entry, and what of a node is known where ashlard does not run. docs/guides/rescue.md.

#include <base/json.hpp>

#include <string>
#include <vector>

namespace ashlar::ctl {

// Where nothing may run that could find /var empty (it is locked), or nothing may write (rescue): then ashlard does not.
[[nodiscard]] bool is_locked();
[[nodiscard]] bool is_rescue();
// The status there: docs/formats/node-status.md.
[[nodiscard]] Json status_without_daemon();

// What the keys of the console do in rescue.
[[nodiscard]] std::string rescue_menu();
// Does what the key says, and shows it. Nothing for a key of no meaning.
void rescue_key(char key);

// Writes logs and status onto the first stick that takes them, and says where. Also on a node that runs. Returns 0; 1 when
// there is none, and says why.
int export_logs();

// ashlard's, or without it.
[[nodiscard]] Json current_status(const std::string& socket);
// Whatever a program says, its complaints too: a log of what is broken.
[[nodiscard]] std::string said(std::vector<std::string> argv);
[[nodiscard]] std::string host_name();

} // namespace ashlar::ctl
