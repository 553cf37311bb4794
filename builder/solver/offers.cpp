#include "offers.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::solver {

namespace {

int priority_rank(std::string_view priority) {
    static constexpr std::array<std::string_view, 4> names{"required", "important", "standard", "optional"};
    return static_cast<int>(std::find(names.begin(), names.end(), priority) - names.begin());
}

// Smaller is better.
auto standing(const Package& package) {
    return std::tuple(!package.essential, !package.important, priority_rank(package.priority));
}

// A versioned relation is met only by a versioned Provides (Policy 7.5).
bool provided_version_satisfies(std::string_view provided, const Alternative& wanted) {
    if (wanted.relation == debian::Relation::any) return true;
    return !provided.empty() && debian::version_satisfies(provided, wanted);
}

void append_needs(std::vector<Need>& needs, NeedKind kind, std::string_view field) {
    for (Group& group : debian::parse_groups(field)) needs.push_back({kind, std::move(group)});
}

Relations parse_relations(const Package& package) {
    return while_doing(fmt::format("reading the relations of package '{}'", package.name), [&] {
        Relations relations;
        append_needs(relations.needs, NeedKind::pre_depends, package.pre_depends);
        append_needs(relations.needs, NeedKind::depends, package.depends);
        for (const Alternative& what : debian::parse_list(package.conflicts))
            relations.refuses.push_back({RefusalKind::conflicts, what});
        for (const Alternative& what : debian::parse_list(package.breaks))
            relations.refuses.push_back({RefusalKind::breaks, what});
        relations.provides = debian::parse_list(package.provides);
        return relations;
    });
}

} // namespace

std::string to_string(const Need& need) {
    return fmt::format("{}: {}", need.kind == NeedKind::pre_depends ? "Pre-Depends" : "Depends",
                       debian::to_string(need.group));
}

std::string quoted(const Package& package) { return fmt::format("'{}' {}", package.name, package.version); }

Offers::Offers(const debian::Universe& universe, const Request& request)
    : universe_(universe), request_(request), excludes_(request.excludes.begin(), request.excludes.end()) {
    for (const Wanted& wanted : request.packages)
        if (wanted.version) fixed_versions_.emplace(wanted.name, *wanted.version);
}

const Package* Offers::candidate(std::string_view name) const {
    const auto [known, added] = candidates_.try_emplace(name, nullptr);
    if (!added) return known->second;
    if (is_excluded(name)) return nullptr;
    const auto fixed = fixed_versions_.find(name);
    if (fixed == fixed_versions_.end()) return known->second = universe_.candidate(name, request_.components);
    for (const Package* package : universe_.versions(name))
        if (request_.components.allows(package->component) &&
            debian::compare_versions(package->version, fixed->second) == 0)
            return known->second = package;
    return nullptr;
}

std::vector<const Package*> Offers::foundation() const {
    std::vector<const Package*> found;
    universe_.for_each([&](const Package& package) {
        if ((package.essential || package.priority == "required") && candidate(package.name) == &package)
            found.push_back(&package);
    });
    std::sort(found.begin(), found.end(),
              [](const Package* one, const Package* other) { return one->name < other->name; });
    return found;
}

bool Offers::qualifier_fits(const Package& package, std::string_view qualifier) const {
    if (qualifier.empty() || qualifier == "native" || qualifier == universe_.architecture()) return true;
    return qualifier == "any" && package.multi_arch == debian::MultiArch::allowed;
}

bool Offers::bears(const Package& package, const Alternative& wanted) const {
    return package.name == wanted.name && debian::version_satisfies(package.version, wanted);
}

bool Offers::satisfies(const Package& package, const Alternative& wanted) const {
    if (!qualifier_fits(package, wanted.qualifier)) return false;
    if (bears(package, wanted)) return true;
    const auto& provides = relations(package).provides;
    return std::any_of(provides.begin(), provides.end(), [&](const Alternative& provided) {
        return provided.name == wanted.name && provided_version_satisfies(provided.version, wanted);
    });
}

bool Offers::is_tie(const Package& one, const Package& other) { return standing(one) == standing(other); }

bool Offers::is_better_provider(const Package& one, const Package& other) const {
    if (!is_tie(one, other)) return standing(one) < standing(other);
    return universe_.mention_rank(one.name) > universe_.mention_rank(other.name);
}

std::vector<const Package*> Offers::options(const Alternative& wanted) const {
    std::vector<const Package*> found;
    const Package* bearer = candidate(wanted.name);
    if (bearer != nullptr && satisfies(*bearer, wanted)) found.push_back(bearer);
    const std::size_t providers_begin = found.size();
    for (const debian::Provider& provider : universe_.providers(wanted.name)) {
        const Package& package = *provider.package;
        if (candidate(package.name) != &package || !qualifier_fits(package, wanted.qualifier)) continue;
        if (!provided_version_satisfies(provider.version, wanted)) continue;
        if (std::find(found.begin(), found.end(), &package) == found.end()) found.push_back(&package);
    }
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(providers_begin), found.end(),
              [this](const Package* one, const Package* other) { return is_better_provider(*one, *other); });
    return found;
}

const Relations& Offers::relations(const Package& package) const {
    const auto [known, added] = relations_.try_emplace(&package);
    if (added) known->second = parse_relations(package);
    return known->second;
}

} // namespace ashlar::solver
