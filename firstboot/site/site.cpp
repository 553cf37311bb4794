#include <site/site.hpp>

#include <toml/reader.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 3> wipe_words{"if-blank", "if-ours", "always"};
constexpr std::array wipes{disks::Wipe::if_blank, disks::Wipe::if_ours, disks::Wipe::always};
constexpr std::array<std::string_view, 3> encryption_words{"off", "if-possible", "require"};
constexpr std::array encryptions{Encryption::off, Encryption::if_possible, Encryption::require};
constexpr std::array<std::string_view, 3> secure_boot_words{"as-it-is", "require", "enrol"};
constexpr std::array secure_boots{SecureBoot::as_it_is, SecureBoot::require, SecureBoot::enrol};
constexpr std::array<std::string_view, 7> ssh_key_types{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
                                                        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"};
constexpr unsigned least_recovery_bits = 2048;

bool is_site_name(std::string_view text) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' && std::ranges::all_of(text, allowed);
}

std::optional<std::uint64_t> size(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return std::nullopt;
    const auto bytes = parse_size(text->value);
    if (!bytes) table.problem(text->position, fmt::format("{} is not a size", toml::quote(text->value)), size_remedy);
    return bytes;
}

std::string pattern(toml::Table& table, std::string_view key) {
    const auto text = table.text(key);
    if (!text) return {};
    if (text->value.empty())
        table.problem(text->position, fmt::format("an empty '{}' would match every disk", key), "leave it out, or write what must match");
    return text->value;
}

void read_buses(toml::Table& table, disks::Rule& rule) {
    for (const auto& text : table.texts("bus")) {
        if (const auto bus = disks::bus_named(text.value)) {
            rule.buses.push_back(*bus);
            continue;
        }
        table.problem(text.position, fmt::format("{} is not a bus", toml::quote(text.value)),
                      "write one of nvme, sata, sas, scsi, virtio, usb, mmc, fibre-channel, iscsi");
    }
}

void read_disk(toml::Table& table, disks::Rule& rule) {
    read_buses(table, rule);
    rule.model = pattern(table, "model");
    rule.serial = pattern(table, "serial");
    rule.wwn = pattern(table, "wwn");
    rule.min_size = size(table, "min_size");
    rule.max_size = size(table, "max_size");
    if (rule.min_size && rule.max_size && *rule.min_size > *rule.max_size)
        table.problem(table.where("max_size"), "'max_size' is smaller than 'min_size'", "no disk can match both");
}

Requirements requirements(toml::Table& table) {
    Requirements wanted;
    wanted.memory = size(table, "memory").value_or(0);
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

void read_install(toml::Table& table, Site& site) {
    if (const auto wipe = table.choice("wipe", wipe_words)) site.disk.wipe = wipes[wipe->value];
    if (toml::Table* disk = table.table("disk")) read_disk(*disk, site.disk);
    if (toml::Table* require = table.table("require")) site.requirements = requirements(*require);
    read_place(table, site);
    if (const auto encryption = table.choice("encryption", encryption_words)) site.encryption = encryptions[encryption->value];
    if (const auto secure_boot = table.choice("secure_boot", secure_boot_words)) site.secure_boot = secure_boots[secure_boot->value];
    read_recovery_key(table, site);
}

// "ssh-ed25519 AAAA… comment". Options in front would be a second language for who may do what.
bool is_ssh_key(std::string_view line) {
    const auto words = split(line, ' ');
    const bool printable = std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 0x7f; });
    return printable && words.size() >= 2 && std::ranges::find(ssh_key_types, words[0]) != ssh_key_types.end() && from_base64(words[1]).has_value();
}

std::vector<std::string> ssh_keys(toml::Table& table, std::string_view key) {
    std::vector<std::string> lines;
    for (auto& line : table.texts(key)) {
        if (!is_ssh_key(line.value))
            table.problem(line.position, "this is not an SSH public key", "write the line of a .pub file, such as \"ssh-ed25519 AAAA… somebody\"");
        lines.push_back(std::move(line.value));
    }
    return lines;
}

Access access(toml::Table& table) {
    return {.ssh_keys = ssh_keys(table, "ssh_keys"), .ssh_ca = ssh_keys(table, "ssh_ca"), .break_glass = ssh_keys(table, "break_glass")};
}

} // namespace

Site read(const toml::SourcePtr& source) {
    return toml::read(source, [](toml::Table& root) {
        Site site;
        if (toml::Table* table = root.table("site")) {
            const auto name = table->required_text("name");
            if (name && !is_site_name(name->value))
                table->problem(name->position, fmt::format("{} is not a site name", toml::quote(name->value)),
                               "write lower-case letters, digits and '-', such as \"berlin-1\"");
            if (name) site.name = name->value;
        } else {
            root.problem(root.position(), "missing table [site]", "a site needs a name: name = \"berlin-1\"");
        }
        if (toml::Table* table = root.table("install")) read_install(*table, site);
        else root.problem(root.position(), "missing table [install]", "a node must know how it is installed: recovery_key, or encryption = \"off\"");
        if (toml::Table* table = root.table("access")) site.access = access(*table);
        return site;
    });
}

} // namespace ashlar::site
