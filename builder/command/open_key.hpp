#pragma once

// A key that a user names: a file, or a key in a token.

#include <requests/request.hpp>

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace ashlar::command {

struct KeySecrets {
    std::filesystem::path passphrase_file, pin_file;
};
// --passphrase-file and --pin-file
void add_secrets(CLI::App& command, KeySecrets& secrets);

// `name`: a file with a private key, or the PKCS #11 URI of one. What no file tells is asked for on the terminal.
[[nodiscard]] requests::Holder open_key(const std::string& name, const KeySecrets& secrets);

} // namespace ashlar::command
