#pragma once

// Shell completion made from the command line's own definition, so that it cannot fall behind.
//
// What an option takes is known from its type, what an argument takes from its name: DIR, FILE, IMAGE, SOURCE
// (a file or a directory), ROLE, TRAIN, and words ("plain|quiet"). ROLE and TRAIN are the files in
// directories of those names below what --recipes says.

#include <string>

namespace CLI {
class App;
}

namespace ashlar::command_line {

enum class Shell { bash, zsh, fish };

[[nodiscard]] std::string completion_script(const CLI::App& app, Shell shell);

// `<program> completion SHELL`. Whoever adds it prints the script when it was asked for.
CLI::App* add_completion_command(CLI::App& app, Shell& shell);

} // namespace ashlar::command_line
