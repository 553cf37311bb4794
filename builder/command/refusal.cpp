#include "refusal.hpp"

#include <base/text.hpp>

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

// The commands on the line: "ashlar key new" is app, key, new.
std::vector<const CLI::App*> taken(const CLI::App& app) {
    std::vector<const CLI::App*> all{&app};
    while (!all.back()->get_subcommands().empty()) all.push_back(all.back()->get_subcommands().front());
    return all;
}

std::string line_of(const std::vector<const CLI::App*>& commands) {
    std::vector<std::string> words;
    for (const CLI::App* command : commands) words.push_back(command->get_name());
    return join(words, " ");
}

std::vector<std::string> subcommands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* one : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(one->get_name());
    return names;
}

// An option that takes one value and has more.
const CLI::Option* given_too_often(const std::vector<const CLI::App*>& commands) {
    for (const CLI::App* command : commands)
        for (const CLI::Option* option : command->get_options())
            if (static_cast<int>(option->count()) > std::max(1, option->get_items_expected_max())) return option;
    return nullptr;
}

Error missing(const std::vector<const CLI::App*>& commands, const std::string& what, const std::string& help) {
    const auto choices = subcommands_of(*commands.back());
    return Error(fmt::format("cannot run '{}': {} is missing", line_of(commands),
                             choices.empty() ? what : fmt::format("one of {}", join(choices, ", "))),
                 help);
}

} // namespace

Error refusal(const CLI::App& app, const CLI::ParseError& error) {
    const auto commands = taken(app);
    const std::string help = fmt::format("see `{} --help`", line_of(commands)), text = error.what();
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        if (app.remaining_size(true) > 0) return unknown_word(app);
        return missing(commands, text.substr(0, text.find(" is required")), help);
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        if (const CLI::Option* option = given_too_often(commands))
            return Error(fmt::format("cannot use '{}': it is given {} times", option->get_name(), option->count()), "give it once");
        return Error(fmt::format("cannot use '{}': its value is missing", text.substr(0, text.find(':'))), help);
    }
    if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
        constexpr std::string_view between = " excludes ";
        const std::size_t at = text.find(between);
        if (at != text.npos)
            return Error(fmt::format("cannot use '{}' together with '{}'", text.substr(0, at), text.substr(at + between.size())),
                         "take one of them");
    }
    if (dynamic_cast<const CLI::RequiresError*>(&error) != nullptr) {
        constexpr std::string_view between = " requires ";
        if (const std::size_t at = text.find(between); at != text.npos)
            return Error(fmt::format("cannot use '{}' without '{}'", text.substr(0, at), text.substr(at + between.size())), help);
    }
    constexpr std::string_view converting = "Could not convert: ";
    if (const std::size_t equals = text.find(" = "); text.starts_with(converting) && equals != text.npos)
        return Error(fmt::format("cannot use '{}': '{}' is not what it takes", text.substr(converting.size(), equals - converting.size()),
                                 text.substr(equals + 3)),
                     help);
    if (const std::size_t colon = text.find(": "); text.starts_with("--") && colon != text.npos)
        return Error(fmt::format("cannot use '{}': {}", text.substr(0, colon), text.substr(colon + 2)), help);
    return Error(fmt::format("cannot read the command line: {}", text), help);
}

Error unknown_word(const CLI::App& app) {
    const auto commands = taken(app);
    const std::string word = app.remaining(true).front(), help = fmt::format("see `{} --help`", line_of(commands));
    const auto choices = subcommands_of(*commands.back());
    if (word.starts_with('-')) {
        std::vector<std::string> options;
        for (const CLI::App* command : commands)
            for (const CLI::Option* option : command->get_options())
                for (const auto& name : option->get_lnames()) options.push_back("--" + name);
        const auto meant = did_you_mean(word, options);
        return Error(fmt::format("cannot run '{}': it has no option '{}'", line_of(commands), word),
                     meant ? fmt::format("did you mean '{}'?", *meant) : help);
    }
    if (choices.empty()) return Error(fmt::format("cannot run '{}': '{}' is one argument too many", line_of(commands), word), help);
    const auto meant = did_you_mean(word, choices);
    return Error(fmt::format("cannot run '{} {}': there is no such command", line_of(commands), word),
                 meant ? fmt::format("did you mean '{}'?", *meant) : help);
}

} // namespace ashlar::command
