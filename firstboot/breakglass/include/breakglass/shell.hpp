#pragma once

// A shell that ends with the right to it.

#include <chrono>
#include <string>
#include <vector>

namespace ashlar::breakglass {

// Runs a program on our standard input and output, in a scope of its own that systemd ends after `time`, with all that
// was started in it. Returns its exit code when it is left or was ended; the terminal is as it was before. An Error when
// it cannot be started.
int run_for(std::chrono::seconds time, const std::vector<std::string>& argv);

} // namespace ashlar::breakglass
