#include "completion.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

// ---- What there is to complete -------------------------------------------------------------------

enum class Values { none, directories, files, roles, trains, words };

// By the type of an option, or by the name of an argument.
Values values_of(const CLI::Option& option) {
    const std::string type = option.get_positional() ? option.get_name(true) : option.get_type_name();
    if (option.get_type_name().find('|') != std::string::npos) return Values::words;
    if (type == "DIR") return Values::directories;
    if (type == "FILE" || type == "IMAGE") return Values::files;
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

// ---- bash, and zsh with its bashcompinit ----------------------------------------------------------

constexpr std::string_view bash_roles = "$(_ashlar_named roles)", bash_trains = "$(_ashlar_named trains)";

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
    return fmt::format(R"bash(_ashlar_named() {{
    ls "$recipes/$1" 2>/dev/null | sed -n 's/\.toml$//p'
}}
_ashlar() {{
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
complete -F _ashlar ashlar
)bash",
                       join(with_value, "|"), join(paths, "|"), bash_values(app), join(names_of(commands(app)), " "), words,
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
    case Values::roles: return " -a '(__ashlar_named roles)'";
    case Values::trains: return " -a '(__ashlar_named trains)'";
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
            text += fmt::format("complete -c ashlar{} -l {}{} -d {}\n", condition, name,
                                takes_value(*option) ? fish_requires(*option) + fish_values(*option) : "", fish_quoted(option->get_description()));
        if (option->get_positional() && values_of(*option) != Values::none)
            text += fmt::format("complete -c ashlar{}{}\n", condition, fish_values(*option));
    }
    return text;
}

std::string fish_commands(const CLI::App& app, const std::string& condition) {
    std::string text;
    for (const CLI::App* one : commands(app))
        text += fmt::format("complete -c ashlar -n '{}' -a {} -d {}\n", condition, one->get_name(), fish_quoted(one->get_description()));
    return text;
}

std::string fish(const CLI::App& app) {
    std::string text = "function __ashlar_named\n"
                       "    set -l recipes recipes\n"
                       "    set -l words (commandline -opc)\n"
                       "    if set -l at (contains -i -- --recipes $words)\n"
                       "        set recipes $words[(math $at + 1)]\n"
                       "    end\n"
                       "    for file in $recipes/$argv[1]/*.toml\n"
                       "        basename $file .toml\n"
                       "    end\n"
                       "end\n"
                       "complete -c ashlar -f\n" +
                       fish_commands(app, "__fish_use_subcommand") + fish_options(app, "");
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
    case Shell::bash: return bash(app);
    case Shell::zsh: return "autoload -U +X bashcompinit && bashcompinit\n" + bash(app);
    case Shell::fish: return fish(app);
    }
    return {};
}

} // namespace ashlar::command
