#pragma once

// The site's plan, as its etcd has it: site.toml and the table of nodes that it names, in /plan/. All of it changes at once.

#include <voters/request.hpp>

#include <etcd/client.hpp>
#include <roster/roster.hpp>
#include <formation/roles.hpp>
#include <site/site.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>

namespace ashlar::voters {

using PlanFiles = std::map<std::string, std::string>; // by name: "site.toml"

struct Plan {
    PlanFiles files;
    site::Site site;
    std::map<std::string, etcd::Revision> revisions; // of each file
    etcd::Revision revision = 0;                     // the newest of them: of the plan
};

// Nothing before the first. An Error when it is none that this release can read.
[[nodiscard]] std::optional<Plan> read_plan(etcd::Client& client);
// At genesis: whether it is this one that was written, and not another that was there.
bool write_first_plan(etcd::Client& client, const PlanFiles& files);

// As strictly as when media are made, of this site, and no file too many.
[[nodiscard]] std::variant<site::Site, Refusal> check_plan(const PlanFiles& files, const SiteId& site);

// What a plan must not change: the address at which a voter has its seat. The others' etcd knows it there.
[[nodiscard]] std::optional<Refusal> may_move_nobody(const site::Site& plan, const roster::Roster& roster);
// What is for a role that this release does not know would be nowhere.
[[nodiscard]] std::optional<Refusal> unknown_role(const site::Site& plan, const formation::RoleGraph& roles);

// In place of the one that was read, or of none.
struct PlanChange {
    std::vector<etcd::Condition> conditions;
    std::vector<etcd::Change> changes;
};
[[nodiscard]] PlanChange change_of(const std::optional<Plan>& before, const PlanFiles& files);

[[nodiscard]] bool has_other_operators(const site::Site& before, const site::Site& after);

} // namespace ashlar::voters
