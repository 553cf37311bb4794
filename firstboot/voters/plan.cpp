#include <voters/plan.hpp>

#include "handlers.hpp"
#include "refusals.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <toml/source.hpp>

#include <algorithm>
#include <set>

namespace ashlar::voters {

namespace {

constexpr std::string_view prefix = key::plan;
constexpr const char* main_file = "site.toml";

std::string key_of(const std::string& name) { return std::string(prefix) + name; }

// `used`: the names of the files that were read.
site::Site read_files(const PlanFiles& files, std::set<std::string>& used) {
    const auto file = [&](const std::string& name) {
        const auto found = files.find(name);
        if (found == files.end()) throw Error(fmt::format("cannot read '{}': it is not among the plan's files", name));
        used.insert(name);
        return toml::source_from_text(name, found->second);
    };
    return site::read(file(main_file), file);
}

std::vector<std::string> lines_of(const Error& error) {
    std::vector<std::string> lines;
    const std::string text = error.render();
    for (const auto line : split(text, '\n')) lines.emplace_back(line);
    return lines;
}

} // namespace

std::optional<Plan> read_plan(etcd::Client& client) {
    Plan plan;
    for (const auto& pair : client.range(std::string(prefix)).pairs) {
        const std::string name = pair.key.substr(prefix.size());
        plan.files.emplace(name, pair.value);
        plan.revisions.emplace(name, pair.modified);
        plan.revision = std::max(plan.revision, pair.modified);
    }
    if (plan.files.empty()) return std::nullopt;
    std::set<std::string> used;
    plan.site = while_doing("reading the site's plan from its etcd", [&] { return read_files(plan.files, used); });
    return plan;
}

bool write_first_plan(etcd::Client& client, const PlanFiles& files) {
    const auto [conditions, changes] = change_of(std::nullopt, files);
    return client.commit(conditions, changes).done;
}

std::variant<site::Site, Refusal> check_plan(const PlanFiles& files, const SiteId& site) {
    try {
        std::set<std::string> used;
        site::Site plan = read_files(files, used);
        if (plan.id != site) return Refusal{Reason::malformed, fmt::format("it is the plan of another site, not of {}", site.text()), {}};
        const auto unused = std::ranges::find_if(files, [&](const auto& file) { return !used.contains(file.first); });
        if (unused != files.end()) return Refusal{Reason::malformed, fmt::format("'{}' is no file of the plan: site.toml does not name it", one_line(unused->first, 100)), {}};
        return plan;
    } catch (const Error& error) {
        return Refusal{Reason::malformed, "the plan is not in order", lines_of(error)};
    }
}

std::optional<Refusal> may_move_nobody(const site::Site& plan, const roster::Roster& roster) {
    for (const auto& [id, seat] : roster.seats) {
        const auto* const member = roster.member(id);
        const auto node = member == nullptr ? plan.nodes.end() : std::ranges::find(plan.nodes, member->bearer.name, &site::Node::name);
        if (node == plan.nodes.end()) continue;
        const auto addresses = node->addresses.find(site::Plane::management);
        if (addresses == node->addresses.end() || addresses->second.empty() || addresses->second.front().text() == seat.value.address) continue;
        return Refusal{Reason::not_now,
                       fmt::format("{} is a voter with its seat at {}, and the plan gives it {}: a seat does not move", node->name, seat.value.address, addresses->second.front().text()),
                       {fmt::format("leave its first address as it is; or take it out with `ashlarctl node remove {}`, order this plan, and flash it again: it comes to a seat at its new address", node->name)}};
    }
    return std::nullopt;
}

std::optional<Refusal> unknown_role(const site::Site& plan, const formation::RoleGraph& roles) {
    const auto refusal = [&](const std::string& what, const std::string& role) {
        const auto known = roles.names();
        const auto meant = did_you_mean(role, known);
        return Refusal{Reason::malformed, fmt::format("{} the role '{}', which this voter's release does not know", what, one_line(role, 100)), {meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("it knows: {}", join(known, ", "))}};
    };
    for (const auto& node : plan.nodes)
        for (const auto& role : node.roles)
            if (!roles.knows(role)) return refusal(fmt::format("it gives '{}'", node.name), role);
    for (const auto& [name, sets] : plan.data_disks)
        for (const auto& set : sets)
            for (const auto& role : set.roles)
                if (!roles.knows(role)) return refusal(fmt::format("data disks '{}' are for", name), role);
    return std::nullopt;
}

PlanChange change_of(const std::optional<Plan>& before, const PlanFiles& files) {
    const auto unchanged = before ? before->revisions : std::map<std::string, etcd::Revision>();
    PlanChange change;
    for (const auto& [name, revision] : unchanged) {
        change.conditions.push_back({etcd::Condition::Of::modified, key_of(name), revision});
        if (!files.contains(name)) change.changes.emplace_back(etcd::Delete{key_of(name)});
    }
    for (const auto& [name, text] : files) {
        if (!unchanged.contains(name)) change.conditions.push_back({etcd::Condition::Of::created, key_of(name), 0});
        change.changes.emplace_back(etcd::Put{key_of(name), text});
    }
    return change;
}

bool has_other_operators(const site::Site& before, const site::Site& after) { return before.access.operators != after.access.operators; }

} // namespace ashlar::voters
