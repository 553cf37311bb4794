#include <command_line/completion.hpp>

#include <command_line/choice.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command_line {

namespace {

// ---- What there is to complete -------------------------------------------------------------------

enum class Values { none, directories, files, roles, trains, words };

// By the type of an option, or by the name of an argument.
Values values_of(const CLI::Option& option) {
    const std::string type = option.get_positional() ? option.get_name(true) : option.get_type_name();
    if (option.get_type_name().find('|') != std::string::npos) return Values::words;
    if (type == "DIR") return Values::directories;
    if (type == "FILE" || type == "IMAGE" || type == "SOURCE" || type == "REQUESTS") return Values::files;
    if (type == "ROLE") return Values::roles;
    if (type == "TRAIN") return Values::trains;
    return Values::none;
}

std::string words_of(const CLI::Option& option) {
    std::string words = option.get_type_name();
    for (char& c : words)
        if (c == '|') c = ' ';
    return words;
}

bool takes_value(const CLI::Option& option) { return !option.get_positional() && option.get_items_expected_max() > 0; }

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

// A command and the words that lead to it: "key new".
struct Path {
    std::string words;
    const CLI::App* command;
};

void append_paths(const CLI::App& app, const std::string& before, std::vector<Path>& paths) {
    for (const CLI::App* one : commands(app)) {
        paths.push_back({before + one->get_name(), one});
        append_paths(*one, paths.back().words + " ", paths);
    }
}

std::vector<Path> all_paths(const CLI::App& app) {
    std::vector<Path> paths;
    append_paths(app, "", paths);
    return paths;
}

// The options of all commands that take a value of this kind; an option means the same everywhere.
std::vector<std::string> options_for(const CLI::App& app, Values values) {
    std::vector<std::string> names;
    const auto add = [&](const CLI::App& command) {
        for (const CLI::Option* option : command.get_options())
            if (takes_value(*option) && values_of(*option) == values)
                for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    };
    add(app);
    for (const Path& path : all_paths(app)) add(*path.command);
    return names;
}

std::vector<const CLI::Option*> arguments_of(const CLI::App& app) {
    std::vector<const CLI::Option*> all;
    for (const CLI::Option* option : app.get_options())
        if (option->get_positional()) all.push_back(option);
    return all;
}

// Files of recipes are wanted somewhere.
bool names_recipes(const CLI::App& app) {
    const auto wants = [](const CLI::App& command) {
        const auto options = command.get_options();
        return std::ranges::any_of(options, [](const CLI::Option* option) { return values_of(*option) == Values::roles || values_of(*option) == Values::trains; });
    };
    return wants(app) || std::ranges::any_of(all_paths(app), [&](const Path& path) { return wants(*path.command); });
}

// The scripts say @PROGRAM@ where the program's name stands.
std::string named(std::string script, const std::string& program) {
    constexpr std::string_view place = "@PROGRAM@";
    for (auto at = script.find(place); at != std::string::npos; at = script.find(place, at + program.size())) script.replace(at, place.size(), program);
    return script;
}

// ---- bash, and zsh with its bashcompinit ----------------------------------------------------------

constexpr std::string_view bash_recipes = R"bash(_@PROGRAM@_named() {
    ls "$recipes/$1" 2>/dev/null | sed -n 's/\.toml$//p'
}
)bash";

constexpr std::string_view bash_roles = "$(_@PROGRAM@_named roles)", bash_trains = "$(_@PROGRAM@_named trains)";

// "        --store|--keys) …; return ;;" or nothing.
std::string bash_case(const std::vector<std::string>& patterns, std::string_view reply) {
    if (patterns.empty()) return {};
    return fmt::format("        {}) COMPREPLY=($(compgen {} -- \"$current\")); return ;;\n", join(patterns, "|"), reply);
}

std::string bash_values(const CLI::App& app) {
    std::string cases = bash_case(options_for(app, Values::directories), "-d") + bash_case(options_for(app, Values::files), "-f") +
                        bash_case(options_for(app, Values::roles), fmt::format("-W \"{}\"", bash_roles)) +
                        bash_case(options_for(app, Values::trains), fmt::format("-W \"{}\"", bash_trains));
    const auto add_choices = [&](const CLI::App& command) {
        for (const CLI::Option* option : command.get_options())
            if (takes_value(*option) && values_of(*option) == Values::words)
                cases += bash_case({option->get_name()}, fmt::format("-W '{}'", words_of(*option)));
    };
    add_choices(app);
    for (const Path& path : all_paths(app)) add_choices(*path.command);
    return cases;
}

// What may follow a command, beside the global options.
std::string bash_words(const CLI::App& command) {
    std::string words = fmt::format("{} {}", join(option_names(command), " "), join(names_of(commands(command)), " "));
    for (const CLI::Option* argument : arguments_of(command)) switch (values_of(*argument)) {
        case Values::words: words += words_of(*argument); break;
        case Values::roles: words += bash_roles; break;
        case Values::trains: words += bash_trains; break;
        case Values::none:
        case Values::directories:
        case Values::files: break;
        }
    return words;
}

std::string bash(const CLI::App& app) {
    std::vector<std::string> paths, with_value;
    std::string words;
    for (const Path& path : all_paths(app)) {
        paths.push_back(fmt::format("'{}'", path.words));
        const auto arguments = arguments_of(*path.command);
        const bool files = std::any_of(arguments.begin(), arguments.end(), [](const auto* one) { return values_of(*one) == Values::files; });
        words += fmt::format("        '{}') words=\"{}\"{} ;;\n", path.words, bash_words(*path.command), files ? " files=yes" : "");
    }
    for (const Values values : {Values::none, Values::directories, Values::files, Values::roles, Values::trains, Values::words})
        for (auto& name : options_for(app, values)) with_value.push_back(std::move(name));
    return fmt::format(R"bash({}_@PROGRAM@() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} recipes=recipes command='' option='' words='' files='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${{COMP_WORDS[i]}} == = ]] && continue
        if [[ -n $option ]]; then
            [[ $option == --recipes ]] && recipes=${{COMP_WORDS[i]}}
            option=''
            continue
        fi
        case ${{COMP_WORDS[i]}} in
            {}) option=${{COMP_WORDS[i]}} ;;
            -*) ;;
            *) case "${{command:+$command }}${{COMP_WORDS[i]}}" in
                {}) command="${{command:+$command }}${{COMP_WORDS[i]}}" ;;
            esac ;;
        esac
    done
    [[ $current == = ]] && current=''
    case $option in
{}    esac
    [[ -n $option ]] && return
    case $command in
        '') words="{}" ;;
{}    esac
    COMPREPLY=($(compgen -W "$words {}" -- "$current"))
    [[ ${{#COMPREPLY[@]}} -eq 0 || -n $files ]] && COMPREPLY+=($(compgen -f -- "$current"))
}}
complete -F _@PROGRAM@ @PROGRAM@
)bash",
                       names_recipes(app) ? bash_recipes : "", join(with_value, "|"), join(paths, "|"), bash_values(app), join(names_of(commands(app)), " "), words,
                       join(option_names(app), " "));
}

// ---- fish -----------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "'";
}

// The words of the path stand on the line.
std::string fish_condition(const Path& path) {
    std::string condition;
    for (const std::string_view word : split(path.words, ' '))
        condition += fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ", word);
    return condition;
}

// Files are off for the whole command and come back where one is wanted.
std::string fish_values(const CLI::Option& option) {
    switch (values_of(option)) {
    case Values::none: return "";
    case Values::directories: return " -a '(__fish_complete_directories)'";
    case Values::files: return " -F";
    case Values::roles: return " -a '(__@PROGRAM@_named roles)'";
    case Values::trains: return " -a '(__@PROGRAM@_named trains)'";
    case Values::words: return fmt::format(" -a {}", fish_quoted(words_of(option)));
    }
    return "";
}

// -x is -r without files.
std::string fish_requires(const CLI::Option& option) { return values_of(option) == Values::files ? " -r" : " -x"; }

std::string fish_options(const CLI::App& app, const std::string& condition) {
    std::string text;
    for (const CLI::Option* option : app.get_options()) {
        for (const auto& name : option->get_lnames())
            text += fmt::format("complete -c @PROGRAM@{} -l {}{} -d {}\n", condition, name,
                                takes_value(*option) ? fish_requires(*option) + fish_values(*option) : "", fish_quoted(option->get_description()));
        if (option->get_positional() && values_of(*option) != Values::none)
            text += fmt::format("complete -c @PROGRAM@{}{}\n", condition, fish_values(*option));
    }
    return text;
}

std::string fish_commands(const CLI::App& app, const std::string& condition) {
    std::string text;
    for (const CLI::App* one : commands(app))
        text += fmt::format("complete -c @PROGRAM@ -n '{}' -a {} -d {}\n", condition, one->get_name(), fish_quoted(one->get_description()));
    return text;
}

constexpr std::string_view fish_recipes = R"fish(function __@PROGRAM@_named
    set -l recipes recipes
    set -l words (commandline -opc)
    if set -l at (contains -i -- --recipes $words)
        set recipes $words[(math $at + 1)]
    end
    for file in $recipes/$argv[1]/*.toml
        basename $file .toml
    end
end
)fish";

std::string fish(const CLI::App& app) {
    std::string text = fmt::format("{}complete -c @PROGRAM@ -f\n", names_recipes(app) ? fish_recipes : "") + fish_commands(app, "__fish_use_subcommand") + fish_options(app, "");
    for (const Path& path : all_paths(app)) {
        const auto below = names_of(commands(*path.command));
        const std::string condition = fish_condition(path);
        if (!below.empty())
            text += fish_commands(*path.command, fmt::format("{}; and not __fish_seen_subcommand_from {}", condition, join(below, " ")));
        text += fish_options(*path.command, fmt::format(" -n '{}'", condition));
    }
    return text;
}

} // namespace

std::string completion_script(const CLI::App& app, Shell shell) {
    switch (shell) {
    case Shell::bash: return named(bash(app), app.get_name());
    case Shell::zsh: return "autoload -U +X bashcompinit && bashcompinit\n" + named(bash(app), app.get_name());
    case Shell::fish: return named(fish(app), app.get_name());
    }
    return {};
}

CLI::App* add_completion_command(CLI::App& app, Shell& shell) {
    CLI::App* command = app.add_subcommand("completion", "Print completion for a shell");
    command->footer(named("example:\n  @PROGRAM@ completion bash > /etc/bash_completion.d/@PROGRAM@", app.get_name()));
    add_choice(*command, "SHELL", shell, {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}}, "The shell")->required();
    return command;
}

} // namespace ashlar::command_line
