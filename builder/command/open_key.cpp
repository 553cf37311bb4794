#include "open_key.hpp"

#include "terminal.hpp"

#include <signing/key.hpp>
#include <signing/message_key.hpp>
#include <token/token.hpp>

#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;
using requests::Holder;

namespace {

Holder open_token_key(const std::string& text, const KeySecrets& secrets) {
    const auto uri = token::Uri::parse(text);
    const Secret pin = secret_for("PIN", text, secrets.pin_file.empty() ? uri.pin_file() : secrets.pin_file, "--pin-file");
    return token::open_key(uri, pin);
}

// RSA keys sign for firmware, all others sign messages.
Holder open_file_key(const std::string& path, const KeySecrets& secrets) {
    std::optional<Secret> passphrase;
    if (is_encrypted(path)) passphrase = secret_for("passphrase", path, secrets.passphrase_file, "--passphrase-file");
    const auto text = passphrase ? std::optional(passphrase->text()) : std::nullopt;
    auto key = std::make_shared<const SigningKey>(SigningKey::load(path, text));
    if (key->verifying_key().scheme() != SignatureScheme::rsa_pss) return key;
    return std::make_shared<const PrivateKey>(PrivateKey::load(path, text));
}

} // namespace

Holder open_key(const std::string& name, const KeySecrets& secrets) { return token::Uri::is_one(name) ? open_token_key(name, secrets) : open_file_key(name, secrets); }

void add_secrets(CLI::App& command, KeySecrets& secrets) {
    command.add_option("--passphrase-file", secrets.passphrase_file, "Where the passphrase of encrypted keys is (default: it is asked for)")->type_name("FILE");
    command.add_option("--pin-file", secrets.pin_file, "Where the PIN of the token is (default: what the URI says, or it is asked for)")->type_name("FILE");
}

} // namespace ashlar::command
