#include <sources/needs.hpp>

#include <archive/deb.hpp>
#include <base/error.hpp>
#include <debian/source_package.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::sources {

namespace {

using Name = std::pair<std::string, std::string>; // and version

debian::Origins origins_of(const lock::Package& package, const store::Store& store) {
    const auto file = store.find(package.sha256);
    if (!file) throw Error(fmt::format("cannot read '{} {}': the store '{}' does not have it", package.name, package.version, store.root().native()));
    const archive::Deb deb(*file);
    const std::string& control = deb.control().at("control").text;
    const std::string name = fmt::format("{} {}: control", package.name, package.version);
    return debian::origins_of(debian::parse_control(control, name), debian::ControlReader(control, name));
}

class Gathering {
public:
    Gathering(const store::Store& store, std::string_view own) : store_(store), own_(own) {}

    void add(const std::string& role, const lock::Package& package) {
        if (package.archive == own_) {
            left_out_.emplace(Name{package.name, package.version}, "compiled from Ashlar's own tree, whose source it is");
            return;
        }
        const auto& origins = read(package);
        Need& need = this->need({origins.own.name, origins.own.version}, role);
        need.packages.insert(package.name);
        // Where its own packages come from is where it is most likely found.
        if (need.source.archive.empty() || need.packages.size() == 1) need.source.archive = package.archive;
        for (const auto& other : origins.others) {
            Need& part = this->need({other.name, other.version}, role);
            part.built_into.insert(package.name);
            if (part.source.archive.empty()) part.source.archive = package.archive;
        }
    }

    Needs take() && {
        Needs all;
        for (auto& [name, need] : needs_) all.needs.push_back(std::move(need));
        for (auto& [name, reason] : left_out_) all.left_out.push_back({name.first, name.second, reason});
        return all;
    }

private:
    Need& need(const Name& name, const std::string& role) {
        Need& need = needs_[name];
        need.source.name = name.first;
        need.source.version = name.second;
        need.roles.insert(role);
        return need;
    }
    // Most packages are in several roles.
    const debian::Origins& read(const lock::Package& package) {
        const auto known = read_.find(package.sha256);
        return known != read_.end() ? known->second : read_.emplace(package.sha256, origins_of(package, store_)).first->second;
    }

    const store::Store& store_;
    std::string_view own_;
    std::map<Digest, debian::Origins> read_;
    std::map<Name, Need> needs_;
    std::map<Name, std::string> left_out_;
};

} // namespace

std::vector<fetch::WantedSource> Needs::wanted() const {
    std::vector<fetch::WantedSource> all;
    for (const auto& need : needs) all.push_back(need.source);
    return all;
}

Needs needs_of(const std::map<std::string, std::vector<const lock::Package*>>& images, const store::Store& store, std::string_view own) {
    Gathering gathering(store, own);
    for (const auto& [role, packages] : images)
        for (const auto* package : packages) gathering.add(role, *package);
    return std::move(gathering).take();
}

} // namespace ashlar::sources
