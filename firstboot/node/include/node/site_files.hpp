#pragma once

// What a medium brings of its site, and a node keeps in its state: site.toml, the table that it names, and the site's key or a
// ticket; while the site's key is rotated those of before; and of a site that was lost, until it is there again, the restore file.
// docs/formats/state.md, "site_files".

#include <base/json.hpp>
#include <site/key.hpp>
#include <site/site.hpp>
#include <site/ticket.hpp>
#include <tpm/sealer.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::node {

struct SiteFiles {
    site::Site site;
    std::map<std::string, std::string> texts; // by file name; secrets among them

    // Nothing where the medium has none. With neither the node founds and joins nothing.
    [[nodiscard]] std::optional<site::SiteKey> key() const;
    [[nodiscard]] std::optional<site::Ticket> ticket() const;
    // While the site's key is rotated: those of before, by which others are heard still.
    [[nodiscard]] std::optional<site::SiteKey> former_key() const;
    [[nodiscard]] std::optional<site::Ticket> former_ticket() const;
    // The text of the restore file. Where it is, the key is too.
    [[nodiscard]] std::optional<std::string> restore() const;
    // Those that may be read by the whole site.
    [[nodiscard]] std::map<std::string, std::string> public_texts() const;
};

// From a directory with site.toml. An Error with every problem of it.
[[nodiscard]] SiteFiles read_site_files(const std::filesystem::path& directory);

// The same of texts that are at hand.
[[nodiscard]] SiteFiles site_files_of(std::map<std::string, std::string> texts);

// Of such a directory on a medium that has become the node's own disk: key, ticket and restore file are overwritten where they lie, and removed.
void wipe_secrets_in(const std::filesystem::path& directory);

[[nodiscard]] Json to_json(const SiteFiles& files);
// Nothing when the state was written before nodes kept them. An Error where a secret is sealed to a TPM that is not this machine's (none: it
// has none), or was cleared.
[[nodiscard]] std::optional<SiteFiles> site_files_in(const Json& state, const tpm::Sealer* sealer = nullptr);
// The same without the secrets, sealed or not.
[[nodiscard]] std::optional<SiteFiles> public_site_files_in(const Json& state);
// Whether there is a key or a ticket, sealed or not.
[[nodiscard]] bool has_site_secret(const Json& state);

// Of the whole content of a state: a key or a ticket that lies in plain, as an earlier release or somebody since has put it there, is sealed, in the
// place of the one that was. Secrets of a state are sealed by <node/secrets.hpp>.
[[nodiscard]] bool site_secret_lies_in_plain(const Json& state);
void seal_site_secrets(Json& state, const tpm::Sealer& sealer);

// Another plan in the place of the one that the node has; its key or ticket stays.
void keep_public_texts(const std::filesystem::path& state, const std::map<std::string, std::string>& texts);
// Another key of the site, or ticket, in the place of what the node has, each by its file name; the plan stays. A restore file, which only the
// key of before opens, is not kept: whoever is given another key is a member of a site that works.
inline constexpr std::string_view key_file = "site.key", ticket_file = "ticket", former_key_file = "site.key.former", former_ticket_file = "ticket.former";
void keep_keys(const std::filesystem::path& state, const std::map<std::string, std::string>& texts);
// What was restored is not kept, in neither copy of the state; `state`: the partition. Nothing is written where nothing is kept.
void forget_restore(const std::filesystem::path& state);

} // namespace ashlar::node
