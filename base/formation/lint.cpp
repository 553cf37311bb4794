#include <formation/lint.hpp>

#include "place.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::formation {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }
bool is_built_in(std::string_view name) { return std::ranges::find(built_in_requirements, name) != built_in_requirements.end(); }

std::vector<std::string> names_of(const Formations& all) {
    std::vector<std::string> names;
    for (const auto& [name, formation] : all) names.push_back(name);
    return names;
}

bool requires_formation(const Formation& formation, std::string_view name) { return std::ranges::find(formation.requires_, name, &Text::value) != formation.requires_.end(); }

// ---- Formations among themselves ----

class Together {
public:
    Together(const Formations& all, toml::Problems& problems) : all_(all), problems_(problems) {}

    void check() {
        for (const auto& [name, formation] : all_) {
            for (const auto& required : formation.requires_) check_requirement(required);
            for (const auto& reference : formation.references) check_reference(formation, reference);
            for (const auto& secret : formation.secrets)
                for (const auto& reader : secret.also) check_known(reader.value, reader.position);
        }
        for (const auto& [name, formation] : all_) find_circle(formation);
    }

private:
    bool check_known(const std::string& name, const toml::Position& position) {
        if (all_.contains(name)) return true;
        problems_.add(position, fmt::format("there is no formation '{}'", name), nearest(name, names_of(all_), "formations"));
        return false;
    }

    void check_requirement(const Text& required) {
        if (is_built_in(required.value) || all_.contains(required.value)) return;
        auto known = names_of(all_);
        known.insert(known.end(), built_in_requirements.begin(), built_in_requirements.end());
        problems_.add(required.position, fmt::format("there is no formation '{}'", required.value), nearest(required.value, known, "known"));
    }

    void check_reference(const Formation& formation, const Reference& reference) {
        if (!check_known(reference.formation, reference.position)) return;
        const Formation& other = all_.find(reference.formation)->second;
        if (reference.kind == Reference::Kind::formation) return;
        if (reference.kind == Reference::Kind::fact ? !other.fact(reference.name) : !other.secret(reference.name))
            return problems_.add(reference.position, fmt::format("formation '{}' has no {} '{}'", other.name, reference.kind == Reference::Kind::fact ? "fact" : "secret", reference.name), nearest(reference.name, made_by(other, reference.kind), "it has"));
        if (!requires_formation(formation, other.name)) problems_.add(reference.position, fmt::format("'{}' is named, and not required", other.name), fmt::format("add \"{}\" to 'requires': before it is formed, there is nothing to read", other.name));
        if (reference.kind == Reference::Kind::secret && !is_entitled(formation, *other.secret(reference.name)))
            problems_.add(reference.position, fmt::format("secret '{}' of '{}' is not for '{}'", reference.name, other.name, formation.name), fmt::format("its formation says who may read it: also = [\"{}\"]", formation.name));
    }

    static bool is_entitled(const Formation& formation, const Secret& secret) { return std::ranges::find(secret.also, formation.name, &Text::value) != secret.also.end(); }

    static std::vector<std::string> made_by(const Formation& formation, Reference::Kind kind) {
        std::vector<std::string> names;
        if (kind == Reference::Kind::fact)
            for (const auto& fact : formation.facts) names.push_back(fact.name.value);
        else
            for (const auto& secret : formation.secrets) names.push_back(secret.name.value);
        return names;
    }

    // Told once, at the first name of the circle.
    void find_circle(const Formation& start) {
        std::vector<const Text*> path;
        std::set<std::string> seen;
        if (!leads_back(start, start, path, seen) || std::ranges::any_of(path, [&](const Text* text) { return text->value < start.name; })) return;
        toml::Diagnostic circle{path.front()->position, path.size() == 1 ? fmt::format("formation '{}' requires itself", start.name) : fmt::format("formation '{}' requires itself by way of '{}'", start.name, path.front()->value), "take one 'requires' out of the circle", {}};
        for (std::size_t i = 1; i < path.size(); ++i) circle.notes.push_back({path[i]->position, fmt::format("formation '{}' requires '{}'", path[i - 1]->value, path[i]->value)});
        problems_.add(std::move(circle));
    }

    bool leads_back(const Formation& from, const Formation& start, std::vector<const Text*>& path, std::set<std::string>& seen) {
        for (const auto& required : from.requires_) {
            const auto next = all_.find(required.value);
            if (next == all_.end()) continue;
            path.push_back(&required);
            if (next->first == start.name || (seen.insert(next->first).second && leads_back(next->second, start, path, seen))) return true;
            path.pop_back();
        }
        return false;
    }

    const Formations& all_;
    toml::Problems& problems_;
};

// ---- Formations and roles ----

class Roles {
public:
    Roles(const Formations& all, const std::vector<CarryingRole>& roles, const std::vector<std::string>& known, toml::Problems& problems) : all_(all), roles_(roles), known_(known), problems_(problems) {}

    void check() {
        for (const auto& [name, formation] : all_)
            for (const auto& role : formation.placement.roles) check_placement(formation, role);
        for (const auto& role : roles_) {
            for (const auto& name : role.carried)
                if (const auto found = all_.find(name); found != all_.end()) check_carried(role, found->second);
            check_ports(role);
        }
    }

private:
    void check_placement(const Formation& formation, const Text& place) {
        if (!contains(known_, place.value)) return problems_.add(place.position, fmt::format("there is no role '{}'", place.value), nearest(place.value, known_, "roles"));
        bool is_anywhere = false;
        for (const auto& role : roles_) {
            if (!contains(role.lineage, place.value)) continue;
            is_anywhere = true;
            if (!contains(role.carried, formation.name))
                problems_.add(place.position, fmt::format("role '{}' runs '{}' and does not carry it", role.name, formation.name), fmt::format("add \"{}\" to 'formations' of the role '{}'", formation.name, place.value));
        }
        if (!is_anywhere) problems_.add(place.position, fmt::format("no train has the role '{}'", place.value), "name a role that a train builds, or one that such a role extends");
    }

    void check_carried(const CarryingRole& role, const Formation& formation) {
        for (const auto& required : formation.requires_)
            if (!is_built_in(required.value) && all_.contains(required.value) && !contains(role.carried, required.value))
                problems_.add(required.position, fmt::format("role '{}' carries '{}', and not '{}', which that requires", role.name, formation.name, required.value), fmt::format("add \"{}\" to 'formations' of the role", required.value));
        if (!runs(role, formation) && !is_required(role, formation.name))
            problems_.add(role.position, fmt::format("role '{}' carries '{}', which does not run there", role.name, formation.name), fmt::format("take it out of 'formations', or add \"{}\" to 'roles' of the formation", role.name));
    }

    static bool runs(const CarryingRole& role, const Formation& formation) {
        return std::ranges::any_of(formation.placement.roles, [&](const Text& place) { return contains(role.lineage, place.value); });
    }

    [[nodiscard]] bool is_required(const CarryingRole& role, std::string_view name) const {
        return std::ranges::any_of(role.carried, [&](const std::string& other) {
            const auto found = all_.find(other);
            return found != all_.end() && (requires_formation(found->second, name) || std::ranges::any_of(found->second.references, [&](const Reference& reference) { return reference.formation == name; }));
        });
    }

    void check_ports(const CarryingRole& role) {
        std::vector<const Port*> taken;
        for (const auto& name : role.carried) {
            const auto found = all_.find(name);
            if (found == all_.end() || !runs(role, found->second)) continue;
            for (const auto& port : found->second.ports) {
                const auto other = std::ranges::find_if(taken, [&](const Port* before) { return before->protocol == port.protocol && before->plane == port.plane && before->number <= port.last && port.number <= before->last; });
                if (other != taken.end()) problems_.add(toml::Diagnostic{port.position, fmt::format("role '{}' listens twice on {} {} of the plane '{}'", role.name, port.protocol, port.numbers(), port.plane), {}, {{(*other)->position, "taken here"}}});
                taken.push_back(&port);
            }
        }
    }

    const Formations& all_;
    const std::vector<CarryingRole>& roles_;
    const std::vector<std::string>& known_;
    toml::Problems& problems_;
};

// ---- A formation and the root it runs in ----

class InRoot {
public:
    InRoot(const Formation& formation, const Root& root, toml::Problems& problems) : formation_(formation), root_(root), problems_(problems) {}

    void check() {
        for (const auto& unit : formation_.units)
            if (!root_.has_unit(unit.value)) problems_.add(unit.position, fmt::format("no package or overlay of the role has the unit '{}'", unit.value), nearest(unit.value, root_.units(), ""));
        check_program(formation_.observation.argv, formation_.position);
        for (const auto& step : formation_.steps) check_program(step.deed.run, step.deed.position);
        for (const auto& check : formation_.checks) check_program(check.run, check.id.position);
        for (const auto* deed : {&formation_.replace, &formation_.remove})
            if (*deed) check_program((*deed)->run, (*deed)->position);
        for (const auto& render : formation_.renders) check_owner(render);
    }

private:
    void check_program(const std::vector<Template>& argv, const toml::Position& position) {
        if (argv.empty() || root_.has_program(argv.front().text())) return;
        problems_.add(position, fmt::format("no package or overlay of the role has the program '{}'", argv.front().text()), "an overlay's file must be executable");
    }

    void check_owner(const Render& render) {
        if (!root_.has_user(render.owner)) problems_.add(render.path.position, fmt::format("the root has no user '{}'", render.owner), "its package, or recipes/accounts.toml, brings accounts");
        if (!root_.has_group(render.group)) problems_.add(render.path.position, fmt::format("the root has no group '{}'", render.group), "its package, or recipes/accounts.toml, brings accounts");
    }

    const Formation& formation_;
    const Root& root_;
    toml::Problems& problems_;
};

} // namespace

void check_together(const Formations& all, toml::Problems& problems) { Together(all, problems).check(); }

void check_roles(const Formations& all, const std::vector<CarryingRole>& roles, const std::vector<std::string>& known, toml::Problems& problems) { Roles(all, roles, known, problems).check(); }

void check_root(const Formation& formation, const Root& root, toml::Problems& problems) { InRoot(formation, root, problems).check(); }

} // namespace ashlar::formation
