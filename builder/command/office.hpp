#pragma once

// What commands about keys and releases have in common: the office, the keys at hand, and what came of a round at the desk.

#include "options.hpp"

#include <base/json.hpp>
#include <releases/office.hpp>
#include <requests/image_desk.hpp>

#include <filesystem>
#include <string>
#include <vector>

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

// What is wanted besides metadata.
struct AlsoWanted {
    std::vector<authority::Wanted> firmware;      // updates of dbx
    std::vector<requests::WaitingImages> images;  // of cuts
};
// Signs with the private keys that lie beside trust.toml, takes answers, publishes what is complete; says what was
// published and whose signatures are wanted, with what `also` is. The exit code: 1 while something is.
int go_on(const Context& context, const releases::Office& office, const OfficeOptions& options, const AlsoWanted& also = {});

// The same for who has more to do: what is still wanted, and how it is told of.
[[nodiscard]] std::vector<authority::Wanted> sign_what_can_be(const releases::Office& office, const OfficeOptions& options);
int tell_wanted(const Context& context, const releases::Office& office, const std::vector<authority::Wanted>& wanted);

// Signatures of images: what is wanted, for people a line for each subject, and what to do. `requests`: their directory; `next`: the
// command that takes the answers.
[[nodiscard]] Json json_of(const std::vector<requests::WantedSignature>& wanted);
void print_wanted(const std::vector<requests::WantedSignature>& wanted, const std::filesystem::path& requests, const std::string& next);

} // namespace ashlar::command
