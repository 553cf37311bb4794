#pragma once

// ashlard as a daemon, and what units of the node tell it.

#include <string>

namespace ashlar {

// sd_notify(3), for what a daemon needs of it; silent where nobody listens.
void notify(const char* state);

// `ashlard serve`: until SIGTERM.
int serve();

// `ashlard healthy` and `ashlard unhealthy REASON`: the gates of a start.
int report_health(const std::string& method, const std::string& reason);

} // namespace ashlar
