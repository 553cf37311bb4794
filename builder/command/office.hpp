#pragma once

// What commands about keys and releases have in common: the office, the keys at hand, and what came of a round at the desk.

#include "options.hpp"

#include <releases/office.hpp>

#include <filesystem>

namespace CLI {
class App;
}

namespace ashlar::command {

struct OfficeOptions {
    std::filesystem::path passphrase_file;
};
// --passphrase-file
void add_office(CLI::App& command, OfficeOptions& options);

[[nodiscard]] releases::Office open_office(const Context& context);
[[nodiscard]] Time now();
// "R1.0"; an Error for what is not the name of a release.
[[nodiscard]] ReleaseVersion version_of(const std::string& text);

// Signs with the private keys that lie beside trust.toml, takes answers, publishes what is complete; says what was
// published and whose signatures are wanted. The exit code: 1 while some are.
int go_on(const Context& context, const releases::Office& office, const OfficeOptions& options);

// The same for who has more to do: what is still wanted, and how it is told of.
[[nodiscard]] std::vector<authority::Wanted> sign_what_can_be(const releases::Office& office, const OfficeOptions& options);
int tell_wanted(const Context& context, const releases::Office& office, const std::vector<authority::Wanted>& wanted);

} // namespace ashlar::command
