#include "disk_rule_reader.hpp"
#include "install_reader.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 3> encryption_words{"off", "if-possible", "require"};
constexpr std::array encryptions{Encryption::off, Encryption::if_possible, Encryption::require};
constexpr std::array<std::string_view, 3> secure_boot_words{"as-it-is", "require", "enrol"};
constexpr std::array secure_boots{SecureBoot::as_it_is, SecureBoot::require, SecureBoot::enrol};
constexpr unsigned least_recovery_bits = 2048;

Requirements requirements(toml::Table& table) {
    Requirements wanted;
    wanted.memory = read_size(table, "memory").value_or(0);
    if (const auto count = table.integer("processors")) {
        if (count->value < 1 || count->value > 4096)
            table.problem(count->position, "'processors' is a number from 1 to 4096");
        else
            wanted.processors = static_cast<unsigned>(count->value);
    }
    if (const auto tpm = table.boolean("tpm")) wanted.tpm = tpm->value;
    return wanted;
}

// A node that is where it was flashed has no disk to choose, and wipes none.
void read_place(toml::Table& table, Site& site) {
    const auto in_place = table.boolean("in_place");
    if (!in_place || !in_place->value) return;
    site.place = Place::in_place;
    for (const char* key : {"disk", "wipe"})
        if (table.has(key))
            table.problem(table.where(key), fmt::format("'{}' is about another disk, and 'in_place' means the one that was started from", key),
                          "leave one of them out");
}

void read_recovery_key(toml::Table& table, Site& site) {
    const auto pem = table.text("recovery_key");
    if (!pem) {
        if (site.encryption != Encryption::off)
            table.problem(table.where("encryption"), "missing key 'recovery_key': without it a lost TPM takes the data of its node with it",
                          "write the site's public key (PEM), or encryption = \"off\"");
        return;
    }
    try {
        site.recovery_key = PublicKey::from_pem(pem->value, "recovery_key");
        if (site.recovery_key->bits() < least_recovery_bits)
            table.problem(pem->position, fmt::format("the recovery key has {} bits, at least {} are needed", site.recovery_key->bits(), least_recovery_bits));
    } catch (const Error& error) {
        table.problem(pem->position, error.message(), "write what `openssl pkey -pubout` prints for an RSA key");
    }
}

} // namespace

void read_install(toml::Table& table, Site& site) {
    read_wipe(table, site.disk);
    if (toml::Table* disk = table.table("disk")) read_disk_match(*disk, site.disk);
    if (toml::Table* require = table.table("require")) site.requirements = requirements(*require);
    read_place(table, site);
    if (const auto encryption = table.choice("encryption", encryption_words)) site.encryption = encryptions[encryption->value];
    if (const auto secure_boot = table.choice("secure_boot", secure_boot_words)) site.secure_boot = secure_boots[secure_boot->value];
    read_recovery_key(table, site);
}

} // namespace ashlar::site
