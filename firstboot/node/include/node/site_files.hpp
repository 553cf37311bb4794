#pragma once

// What a medium brings of its site, and a node keeps in its state: site.toml, the table that it names, and the site's key or a
// ticket; and of a site that was lost, until it is there again, the restore file.
// docs/formats/state.md, "site_files".

#include <base/json.hpp>
#include <site/key.hpp>
#include <site/site.hpp>
#include <site/ticket.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace ashlar::node {

struct SiteFiles {
    site::Site site;
    std::map<std::string, std::string> texts; // by file name; secrets among them

    // Nothing where the medium has none. With neither the node founds and joins nothing.
    [[nodiscard]] std::optional<site::SiteKey> key() const;
    [[nodiscard]] std::optional<site::Ticket> ticket() const;
    // The text of the restore file. Where it is, the key is too.
    [[nodiscard]] std::optional<std::string> restore() const;
    // Those that may be read by the whole site.
    [[nodiscard]] std::map<std::string, std::string> public_texts() const;
};

// From a directory with site.toml. An Error with every problem of it.
[[nodiscard]] SiteFiles read_site_files(const std::filesystem::path& directory);

// The same of texts that are at hand.
[[nodiscard]] SiteFiles site_files_of(std::map<std::string, std::string> texts);

[[nodiscard]] Json to_json(const SiteFiles& files);
// Nothing when the state was written before nodes kept them.
[[nodiscard]] std::optional<SiteFiles> site_files_in(const Json& state);

// Another plan in the place of the one that the node has; its key or ticket stays.
void keep_public_texts(const std::filesystem::path& state, const std::map<std::string, std::string>& texts);
// What was restored is not kept, in neither copy of the state; `state`: the partition. Nothing is written where nothing is kept.
void forget_restore(const std::filesystem::path& state);

} // namespace ashlar::node
