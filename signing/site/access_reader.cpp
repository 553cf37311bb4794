#include "install_reader.hpp"
#include "words.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 7> ssh_key_types{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
                                                        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"};
constexpr std::array<std::string_view, 4> role_words{"viewer", "operator", "approver", "admin"};
constexpr std::array roles{OperatorRole::viewer, OperatorRole::operate, OperatorRole::approver, OperatorRole::admin};
constexpr std::array schemes{SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384, SignatureScheme::ed25519};

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

std::vector<OperatorRole> operator_roles(toml::Table& table) {
    std::vector<OperatorRole> found;
    Once once;
    for (const auto& text : table.required_texts("roles")) {
        const auto word = std::ranges::find(role_words, text.value);
        if (word == role_words.end()) refuse_unknown(table.problems(), text, "role of an operator", {role_words.begin(), role_words.end()});
        else if (once.claim(table.problems(), "role", text.value, text.position)) found.push_back(roles[static_cast<std::size_t>(word - role_words.begin())]);
    }
    return found;
}

std::optional<VerifyingKey> operator_key(toml::Table& table) {
    const auto pem = table.required_text("key");
    if (!pem) return std::nullopt;
    for (const SignatureScheme scheme : schemes) {
        try {
            return VerifyingKey::from_pem(pem->value, scheme, "key");
        } catch (const Error&) { // of another scheme, or of none
        }
    }
    table.problem(pem->position, "this is not the public key of an operator",
                  "write what `openssl pkey -pubout` prints for a key of P-256, P-384 or Ed25519");
    return std::nullopt;
}

std::vector<Operator> operators(toml::Table& table) {
    std::vector<Operator> found;
    Once once;
    for (toml::Table* entry : table.tables("operator")) {
        const auto name = entry->required_text("name");
        if (name && !is_label(name->value))
            entry->problem(name->position, fmt::format("{} is not the name of an operator", toml::quote(name->value)), "write lower-case letters, digits and '-'");
        else if (name) (void)once.claim(table.problems(), "operator", name->value, name->position);
        auto held = operator_roles(*entry);
        const auto key = operator_key(*entry);
        if (name && key) found.push_back({name->value, std::move(held), *key});
    }
    return found;
}

} // namespace

bool Operator::has(OperatorRole role) const { return std::ranges::find(roles, role) != roles.end(); }

Access read_access(toml::Table& table) {
    return {.ssh_keys = ssh_keys(table, "ssh_keys"), .ssh_ca = ssh_keys(table, "ssh_ca"), .break_glass = ssh_keys(table, "break_glass"), .operators = operators(table)};
}

} // namespace ashlar::site
