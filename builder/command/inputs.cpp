#include "inputs.hpp"

#include <base/error.hpp>
#include <pipeline/inputs.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

void add_inputs(CLI::App& command, Inputs& inputs) {
    auto* locked = command.add_flag_callback("--locked", [&inputs] { inputs = Inputs::locked; },
                                             "Take nothing that the train's lock does not name (default when there is a lock)");
    command.add_flag_callback("--live", [&inputs] { inputs = Inputs::live; },
                              "Resolve against the archives as they are now, also when there is a lock")
        ->excludes(locked);
}

std::optional<lock::Lock> chosen_lock(pipeline::Workshop& workshop, Inputs inputs, std::string_view verb) {
    if (inputs == Inputs::live) return std::nullopt;
    auto lock = pipeline::existing_lock(workshop);
    if (!lock && inputs == Inputs::locked)
        throw Error(fmt::format("cannot {} from '{}': it is not there", verb, workshop.lock_path().native()),
                    fmt::format("make it with `ashlar lock {}`", workshop.train().name));
    if (lock) workshop.renderer().note(fmt::format("inputs from {}", workshop.lock_path().native()));
    return lock;
}

} // namespace ashlar::command
