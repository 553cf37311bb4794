#pragma once

// Private to this module: what is asked, done.

#include <voters/desk.hpp>

namespace ashlar::voters {

// ---- about_site.cpp: what is there ----
[[nodiscard]] Outcome show_roster(const Occasion& occasion);
[[nodiscard]] Outcome show_plan(const Occasion& occasion);
[[nodiscard]] Outcome show_status(const Occasion& occasion);
[[nodiscard]] Outcome show_audit(const Occasion& occasion);
[[nodiscard]] Outcome show_applicants(const Occasion& occasion);

// ---- about_nodes.cpp: who belongs to the site ----
[[nodiscard]] Outcome approve_node(const Occasion& occasion);
[[nodiscard]] Outcome deny_node(const Occasion& occasion);
[[nodiscard]] Outcome remove_node(const Occasion& occasion);
[[nodiscard]] Outcome replace_node(const Occasion& occasion);
// Whether the site can do without that member of its etcd at all. Whether it can now, etcd knows.
[[nodiscard]] std::optional<Refusal> may_lose(const std::vector<etcd::ClusterMember>& members, const std::string& id);

// ---- wiping.cpp: who is to erase what it has ----
[[nodiscard]] Outcome wipe_node(const Occasion& occasion);
// To a node that was removed so: what it is told in the place of an answer. Nothing for all others.
[[nodiscard]] std::optional<Refusal> told_to_wipe(const Certified& asker, const roster::Roster& roster, etcd::Client& client);

// ---- about_formations.cpp ----
[[nodiscard]] Outcome free_lock(const Occasion& occasion);
[[nodiscard]] Outcome retry_formation(const Occasion& occasion);

// ---- about_proposals.cpp ----
[[nodiscard]] Outcome show_proposals(const Occasion& occasion);
[[nodiscard]] Outcome show_proposal(const Occasion& occasion);
[[nodiscard]] Outcome withdraw_proposal(const Occasion& occasion);

namespace key {
inline constexpr std::string_view locks = "/locks/", formations = "/formations/", replacements = "/replacements/", denials = "/denials/", approvals = "/approvals/", proposals = "/proposals/", plan = "/plan/";
[[nodiscard]] inline std::string below(std::string_view prefix, std::string_view name) { return std::string(prefix).append(name); }
} // namespace key

// {"format": 1, "who", "time"}: that somebody has said so.
[[nodiscard]] std::string word_of(const Occasion& occasion);
// A record of others, for people: an empty object for what is none.
[[nodiscard]] Json record_in(const std::string& value);

} // namespace ashlar::voters
