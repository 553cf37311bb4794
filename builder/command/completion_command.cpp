#include "completion.hpp"
#include "choice.hpp"
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

void add_completion(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("completion", "Print completion for a shell");
    command->footer("example:\n  ashlar completion bash > /etc/bash_completion.d/ashlar");
    auto shell = std::make_shared<Shell>(Shell::bash);
    add_choice(*command, "SHELL", *shell, {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}}, "The shell")->required();
    command->callback([=, &app] { choose({Place::plain, [shell, &app](Context&) {
        fmt::print("{}", completion_script(app, *shell));
        return 0;
    }}); });
}

} // namespace ashlar::command
