#pragma once

// An option that takes one word of a few. Help and completion find the words in its type: "plain|quiet".

#include <base/text.hpp>

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command_line {

template <typename Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& target, const std::map<std::string, Value>& words,
                        const std::string& description) {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) names.push_back(word);
    return app
        .add_option_function<std::string>(
            name,
            [&target, words, names, name](const std::string& given) {
                const auto found = words.find(given);
                if (found == words.end()) throw CLI::ValidationError(name, fmt::format("'{}' is not one of {}", given, join(names, ", ")));
                target = found->second;
            },
            description)
        ->type_name(join(names, "|"));
}

} // namespace ashlar::command_line
