#pragma once

// Private to this module: private keys in files, for whatever they sign.

#include "openssl.hpp"

#include <base/error.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

// Once a process, before the first secret is in it: <signing/secret.hpp>.
void prepare_for_secrets();

// The mode of a file that others than its owner may read or write.
[[nodiscard]] std::optional<unsigned> mode_for_others(int fd, const std::filesystem::path& path);

// `cannot load the private key '<path>': <cause>`
[[nodiscard]] Error load_error(const std::filesystem::path& path, std::string_view cause, std::string hint);

// PEM, PKCS #8 or older. Refuses a file that others may read or write, and an encrypted one without a passphrase. `remedy`:
// the hint where there is no key in it.
[[nodiscard]] openssl::Key load_private_key(const std::filesystem::path& path, std::optional<std::string_view> passphrase,
                                            std::string_view remedy);

// PKCS #8 in PEM, not encrypted. Null when there is none.
[[nodiscard]] openssl::Key private_key_in(const Secret& pem);
[[nodiscard]] Secret text_of_private_key(const openssl::Key& key);

// A new file with mode 0600; an existing one is an error. With a passphrase encrypted by PBES2: scrypt, AES-256-CBC.
void save_private_key(const std::filesystem::path& path, const openssl::Key& key, std::optional<std::string_view> passphrase);

} // namespace ashlar
