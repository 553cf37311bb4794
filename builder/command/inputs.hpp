#pragma once

// Where a command takes its inputs from: the train's lock or the archives.

#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>

#include <optional>
#include <string_view>

namespace CLI {
class App;
}

namespace ashlar::command {

enum class Inputs {
    automatic, // the lock when there is one
    locked,    // the lock, which must be there
    live       // the archives as they are now
};

// Gives the command --locked and --live.
void add_inputs(CLI::App& command, Inputs& inputs);

// The train's lock where it is what counts, said to the user; empty: resolve. Error, `cannot <verb>
// from '<lock>': …`, when it must be there and is not.
[[nodiscard]] std::optional<lock::Lock> chosen_lock(pipeline::Workshop& workshop, Inputs inputs, std::string_view verb);

} // namespace ashlar::command
