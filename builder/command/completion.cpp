#include "completion.hpp"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::vector<const CLI::App*> commands(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* one) { return !one->get_name().empty() && !one->get_group().empty(); });
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& apps) {
    std::vector<std::string> names;
    for (const auto* app : apps) names.push_back(app->get_name());
    return names;
}

// Words that may follow `command`: its options, its subcommands and, for a role, what lies in recipes/.
std::string bash(const CLI::App& app) {
    std::string cases;
    for (const CLI::App* one : commands(app))
        cases += fmt::format("        {}) words='{} {}' ;;\n", one->get_name(), fmt::join(option_names(*one), " "),
                             fmt::join(names_of(commands(*one)), " "));
    return fmt::format(R"bash(_ashlar() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command='' words='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${{COMP_WORDS[i]}} == -* ]] || {{ command=${{COMP_WORDS[i]}}; break; }}
    done
    case $command in
        '') words='{} {}' ;;
{}    esac
    case $command in
        plan|build|boot|verify|why) words+=" $(ls recipes/roles 2>/dev/null | sed -n 's/\.toml$//p')" ;;
        lock) words+=" $(ls recipes/trains 2>/dev/null | sed -n 's/\.toml$//p')" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ $command == inspect || ${{#COMPREPLY[@]}} -eq 0 ]] && COMPREPLY+=($(compgen -f -- "$current"))
}}
complete -F _ashlar ashlar
)bash",
                       fmt::join(option_names(app), " "), fmt::join(names_of(commands(app)), " "), cases);
}

std::string fish(const CLI::App& app) {
    std::string text;
    for (const CLI::App* one : commands(app)) {
        text += fmt::format("complete -c ashlar -n __fish_use_subcommand -a {} -d '{}'\n", one->get_name(), one->get_description());
        for (const CLI::Option* option : one->get_options())
            for (const auto& name : option->get_lnames())
                text += fmt::format("complete -c ashlar -n '__fish_seen_subcommand_from {}' -l {} -d '{}'\n", one->get_name(),
                                    name, option->get_description());
    }
    return text;
}

} // namespace

std::string completion_script(const CLI::App& app, Shell shell) {
    switch (shell) {
    case Shell::bash: return bash(app);
    case Shell::zsh: return "autoload -U +X bashcompinit && bashcompinit\n" + bash(app);
    case Shell::fish: return fish(app);
    }
    return {};
}

} // namespace ashlar::command
