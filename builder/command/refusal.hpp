#pragma once

// What is wrong with a command line, as an Error like all others: `cannot use '--progress': it is given
// 2 times`, and a hint.

#include <base/error.hpp>

namespace CLI {
class App;
class ParseError;
}

namespace ashlar::command {

// `app` has refused its arguments with `error`.
[[nodiscard]] Error refusal(const CLI::App& app, const CLI::ParseError& error);

// What no command took: a command that does not exist, or an argument too many. `app` has extras.
[[nodiscard]] Error unknown_word(const CLI::App& app);

} // namespace ashlar::command
