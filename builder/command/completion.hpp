#pragma once

// Shell completion made from the command line's own definition, so that it cannot fall behind.

#include <string>

namespace CLI {
class App;
}

namespace ashlar::command {

enum class Shell { bash, zsh, fish };

[[nodiscard]] std::string completion_script(const CLI::App& app, Shell shell);

} // namespace ashlar::command
