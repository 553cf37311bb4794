#include "options.hpp"

#include <command_line/completion.hpp>

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

void add_completion(CLI::App& app, const Choose& choose) {
    auto shell = std::make_shared<command_line::Shell>(command_line::Shell::bash);
    command_line::add_completion_command(app, *shell)->callback([=, &app] { choose({Place::plain, [shell, &app](Context&) {
        fmt::print("{}", command_line::completion_script(app, *shell));
        return 0;
    }}); });
}

} // namespace ashlar::command
