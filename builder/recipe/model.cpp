#include <recipe/model.hpp>

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::recipe {

void Places::set(Element element, std::string_view name, toml::Position position) {
    places_[element].insert_or_assign(std::string(name), std::move(position));
}

const toml::Position* Places::find(Element element, std::string_view name) const {
    const auto names = places_.find(element);
    if (names == places_.end()) return nullptr;
    const auto found = names->second.find(name);
    return found == names->second.end() ? nullptr : &found->second;
}

const toml::Position& Places::where(Element element, std::string_view name) const {
    const toml::Position* place = find(element, name);
    return place ? *place : whole_;
}

std::string_view to_string(Kind kind) noexcept {
    switch (kind) {
    case Kind::node: return "node";
    case Kind::initrd: return "initrd";
    case Kind::tools: return "tools";
    case Kind::build: return "build";
    }
    return "";
}

PackageWish parse_wish(std::string_view text) noexcept {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return {text, {}};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<std::string> Role::wanted() const {
    std::vector<std::string> all;
    if (kernel) {
        all.push_back(kernel->package);
        all.insert(all.end(), kernel->microcode.begin(), kernel->microcode.end());
    }
    for (const auto& package : packages)
        if (std::find(all.begin(), all.end(), package) == all.end()) all.push_back(package);
    return all;
}

const toml::Position& Role::where_wanted(std::string_view name_of_it) const {
    for (const Element element : {Element::package, Element::kernel})
        if (const auto* place = places.find(element, name_of_it)) return *place;
    return places.where(Element::microcode, name_of_it);
}

void require_compatible(const Role& role, const Train& train) {
    std::vector<std::string> offered;
    for (const auto& archive : train.archives)
        offered.insert(offered.end(), archive.components.begin(), archive.components.end());
    toml::Problems problems;
    for (const auto& component : role.components) {
        if (std::find(offered.begin(), offered.end(), component) != offered.end()) continue;
        const auto near = did_you_mean(component, offered);
        problems.add(role.where(Element::component, component),
                     fmt::format("no archive of train '{}' offers component '{}'", train.name, component),
                     near ? fmt::format("did you mean '{}'?", *near) : fmt::format("offered: {}", join(offered, ", ")));
    }
    problems.raise();
}

} // namespace ashlar::recipe
