#pragma once

// What ashlarctl shows, from what ashlard says. Pure: JSON in, text out.

#include <base/json.hpp>

#include <string>
#include <vector>

namespace ashlar::ctl {

// `ashlarctl status`: a screen, each line ended.
[[nodiscard]] std::string status_text(const Json& status);

// What of it is about the site: its tree of nodes and services, and what is waited for. Empty for a node of none.
[[nodiscard]] std::string site_text(const Json& status);

// Answers of voters, docs/formats/voters-interface.md: to `status` and to `audit`.
[[nodiscard]] std::string nodes_text(const Json& answer);
[[nodiscard]] std::string audit_text(const Json& answer);
// To `site.key.status`.
[[nodiscard]] std::string site_key_text(const Json& answer);
// To `authority`: how far a rotation is.
[[nodiscard]] std::string rotation_text(const Json& answer);
// To `proposal.list`, `proposal.show` with all that would be done, and `proposal.make`.
[[nodiscard]] std::string proposals_text(const Json& answer);
[[nodiscard]] std::string proposal_text(const Json& answer);
[[nodiscard]] std::string proposed_text(const Json& answer);

// The screen of a console: identity and addresses first, then as status_text.
[[nodiscard]] std::string console_text(const Json& status, const std::vector<std::string>& addresses);

// One line while blocks arrive: "writing the new root: 120.0 of 310.0 MB, 12.0 MB/s, 0:16 left". Empty when
// nothing is transferred.
[[nodiscard]] std::string transfer_text(const Json& status);

// Seconds as people read them: "0:16", "1:02:03".
[[nodiscard]] std::string duration_text(double seconds);

} // namespace ashlar::ctl
