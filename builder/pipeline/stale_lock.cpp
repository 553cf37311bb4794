#include <pipeline/stale_lock.hpp>

#include <archive/deb.hpp>
#include <debian/control.hpp>
#include <debian/package.hpp>
#include <toml/source.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace {

using Packages = std::vector<const lock::Package*>;

const lock::Package* find(const Packages& packages, std::string_view name) {
    const auto found = std::ranges::find(packages, name, &lock::Package::name);
    return found == packages.end() ? nullptr : *found;
}

// Empty when not all of the packages are in the store.
std::optional<std::set<std::string, std::less<>>> provided_names(const Packages& packages, const store::Store& store) {
    std::set<std::string, std::less<>> names;
    for (const lock::Package* package : packages) {
        const auto blob = store.find(package->sha256);
        if (!blob) return std::nullopt;
        const archive::Deb deb(*blob);
        const auto control = debian::parse_control(deb.control().at("control").text, package->name);
        const std::string provides = debian::fold_lines(control.get("Provides").value_or(""));
        for (const auto& provided : debian::parse_list(provides)) names.emplace(provided.name);
    }
    return names;
}

} // namespace

void refuse_stale_lock(const recipe::Role& role, const lock::Lock& lock, const store::Store& store) {
    const Packages packages = lock.packages_of(role.name);
    std::optional<std::set<std::string, std::less<>>> provided; // read at the first name that asks for it
    const auto may_be_provided = [&](std::string_view name) {
        if (!provided) provided = provided_names(packages, store);
        return !provided || provided->contains(name);
    };
    toml::Problems problems;
    const std::string remedy = fmt::format("lock again with `ashlar lock {}`, or take --live", lock.train);
    for (const std::string& text : role.wanted()) {
        const recipe::PackageWish wish = recipe::parse_wish(text);
        const lock::Package* locked = find(packages, wish.name);
        if (locked == nullptr && !may_be_provided(wish.name))
            problems.add(role.where_wanted(wish.name), fmt::format("'{}' is not in the lock of train '{}'", wish.name, lock.train), remedy);
        if (locked != nullptr && !wish.version.empty() && debian::compare_versions(locked->version, wish.version) != 0)
            problems.add(role.where_wanted(wish.name),
                         fmt::format("the lock of train '{}' has '{}' {}", lock.train, wish.name, locked->version), remedy);
    }
    for (const std::string& name : role.exclude)
        if (find(packages, name) != nullptr)
            problems.add(role.where(recipe::Element::exclude, name),
                         fmt::format("'{}' is in the lock of train '{}'", name, lock.train), remedy);
    problems.raise();
}

} // namespace ashlar::pipeline
