#include <recipe/directory.hpp>

#include <recipe/components.hpp>

#include "composition.hpp"
#include "role_file.hpp"
#include "train_file.hpp"
#include "words.hpp"

#include <base/text.hpp>
#include <formation/lint.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::recipe {

namespace {

namespace fs = std::filesystem;

enum class EntryType { file, directory };

// The names in a directory that carry `suffix`, without it, sorted. Empty when there is no such directory.
std::vector<std::string> names_in(const fs::path& directory, std::string_view suffix, EntryType type) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        std::string name = entry.path().filename().string();
        const bool fits = type == EntryType::file ? entry.is_regular_file() : entry.is_directory();
        if (!fits || !name.ends_with(suffix)) continue;
        names.push_back(name.substr(0, name.size() - suffix.size()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string nearest_or_all(std::string_view word, const std::vector<std::string>& known, std::string_view what) {
    if (const auto near = did_you_mean(word, known)) return fmt::format("did you mean '{}'?", *near);
    return known.empty() ? std::string() : fmt::format("{}: {}", what, join(known, ", "));
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Below the working directory relative to it, as compilers show paths; otherwise in full.
std::string shown(const fs::path& path) {
    const fs::path relative = path.lexically_proximate(fs::current_path());
    return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

// The files of a role and of all it extends, from the root ancestor on.
class LineageReader {
public:
    explicit LineageReader(const RecipeDirectory& directory) : directory_(directory) {}

    std::vector<RoleFile> read(const std::string& name) {
        follow(read_one(name));
        return std::move(files_);
    }

private:
    // A role that is being followed, and to which of its parents.
    struct Step {
        RoleFile file;
        std::size_t at = 0;
        [[nodiscard]] const toml::Text& parent() const { return file.extends[at]; }
    };

    void follow(RoleFile file) {
        const std::size_t parents = file.extends.size(), depth = path_.size();
        path_.push_back({std::move(file)});
        for (std::size_t at = 0; at < parents; ++at) {
            path_[depth].at = at;
            const toml::Text parent = path_[depth].parent();
            refuse_unknown(parent);
            refuse_cycle(parent);
            if (std::ranges::find(files_, parent.value, &RoleFile::name) != files_.end()) continue;
            follow(while_doing(fmt::format("following 'extends' at {}", parent.position.file_and_line()), [&] { return read_one(parent.value); }));
        }
        files_.push_back(std::move(path_.back().file));
        path_.pop_back();
    }

    RoleFile read_one(const std::string& name) const {
        const fs::path path = directory_.path() / "roles" / (name + ".toml");
        return read_role_file(toml::source_from_file(path, shown(path)), name);
    }

    void refuse_unknown(const toml::Text& parent) const {
        const auto roles = directory_.roles();
        if (!contains(roles, parent.value))
            throw toml::SourceError(parent.position, fmt::format("there is no role '{}'", parent.value),
                                    nearest_or_all(parent.value, roles, "roles"));
    }

    void refuse_cycle(const toml::Text& parent) const {
        const auto first = std::ranges::find(path_, parent.value, [](const Step& step) -> const std::string& { return step.file.name; });
        if (first == path_.end()) return;
        toml::Diagnostic cycle{
            first->parent().position,
            first + 1 == path_.end()
                ? fmt::format("role '{}' extends itself", first->file.name)
                : fmt::format("role '{}' extends itself by way of '{}'", first->file.name, first->parent().value),
            "take one 'extends' out of the cycle",
            {}};
        for (auto step = first + 1; step < path_.end(); ++step)
            cycle.notes.push_back(
                {step->parent().position, fmt::format("role '{}' extends '{}'", step->file.name, step->parent().value)});
        throw toml::SourceError({cycle});
    }

    const RecipeDirectory& directory_;
    std::vector<Step> path_;      // from the role to the one that is read
    std::vector<RoleFile> files_; // whose parents are all read
};

// Turns overlay names into directories, and holds [[file]] against them.
void resolve_overlays(Role& role, const RecipeDirectory& directory, toml::Problems& problems) {
    const auto known = directory.overlays();
    for (auto& overlay : role.overlays) {
        const std::string name = overlay.string();
        if (!contains(known, name))
            problems.add(role.where(Element::overlay, name), fmt::format("there is no overlay '{}'", name),
                         nearest_or_all(name, known, "overlays"));
        overlay = directory.top() / "overlays" / name;
    }
}

bool holds(const fs::path& overlay, const std::string& path) {
    std::error_code ignored; // what cannot be seen is not there
    return fs::exists(fs::symlink_status(overlay / path.substr(1), ignored));
}

void refuse_files_of_no_overlay(const Role& role, toml::Problems& problems) {
    for (const auto& file : role.files)
        if (std::none_of(role.overlays.begin(), role.overlays.end(),
                         [&](const fs::path& overlay) { return holds(overlay, file.path); }))
            problems.add(role.where(Element::file, file.path),
                         fmt::format("'{}' is in no overlay of this role", file.path),
                         "owner and mode of a package's file are the package's matter");
}

void refuse_unknown_formations(const Role& role, const std::vector<std::string>& known, toml::Problems& problems) {
    for (const auto& name : role.formations)
        if (!contains(known, name)) problems.add(role.where(Element::formation, name), fmt::format("there is no formation '{}'", name), nearest_or_all(name, known, "formations"));
}

std::optional<Kind> declared_kind(const std::vector<RoleFile>& lineage) {
    for (const auto& file : lineage)
        if (file.kind) return file.kind->value;
    return std::nullopt;
}

// The role that `position` names is there and is of `kind`.
void require_role(const RecipeDirectory& directory, const std::string& name, Kind kind, const toml::Position& position,
                  toml::Problems& problems) {
    const auto roles = directory.roles();
    if (!contains(roles, name)) {
        problems.add(position, fmt::format("there is no role '{}'", name), nearest_or_all(name, roles, "roles"));
        return;
    }
    const auto found = while_doing(fmt::format("looking at role '{}', named at {}", name, position.file_and_line()),
                                   [&] { return declared_kind(LineageReader(directory).read(name)); });
    if (found && *found != kind)
        problems.add(position,
                     fmt::format("role '{}' is of kind {}, not {}", name, to_string(*found), to_string(kind)));
}

void resolve_files(Train& train, const RecipeDirectory& directory, toml::Problems& problems) {
    const auto known = names_in(directory.path() / "keys", "", EntryType::file);
    for (auto& archive : train.archives) {
        for (auto& key : archive.keys) {
            const std::string name = key.string();
            if (!contains(known, name))
                problems.add(train.where(Element::key, fmt::format("{}/{}", archive.name, name)),
                             fmt::format("there is no key '{}' in recipes/keys", name),
                             nearest_or_all(name, known, "keys"));
            key = directory.path() / "keys" / name;
        }
        if (!archive.folder) continue;
        const fs::path folder = (directory.top() / *archive.folder).lexically_normal();
        if (!fs::is_directory(folder))
            problems.add(train.where(Element::folder, archive.name),
                         fmt::format("there is no folder '{}'", shown(folder)),
                         "write it relative to the directory that holds recipes/");
        archive.folder = folder;
    }
}

void resolve_policy(Train& train, const RecipeDirectory& directory, toml::Problems& problems) {
    if (!train.policy) return;
    const fs::path path = directory.path() / "policies" / *train.policy;
    if (!fs::is_regular_file(path))
        problems.add(train.where(Element::policy, train.policy->native()), fmt::format("there is no policy '{}'", shown(path)), "write the name of a .toml file in recipes/policies");
    train.policy = path;
}

Error no_such(std::string_view what, std::string_view name, const fs::path& directory,
              const std::vector<std::string>& known) {
    return Error(
        fmt::format("cannot load {} {}: there is no such file in {}", what, toml::quote(name), shown(directory)),
        nearest_or_all(name, known, fmt::format("{}s", what)));
}

} // namespace

RecipeDirectory::RecipeDirectory(const fs::path& recipes)
    : path_((fs::absolute(recipes) / "").lexically_normal().parent_path()), top_(path_.parent_path()) {
    if (!fs::is_directory(path_ / "roles"))
        throw Error(fmt::format("cannot find recipes in '{}': it has no directory 'roles'", shown(path_)),
                    "run ashlar in a directory that has recipes/, or name one with --recipes");
}

std::vector<std::string> RecipeDirectory::roles() const { return names_in(path_ / "roles", ".toml", EntryType::file); }
std::vector<std::string> RecipeDirectory::trains() const {
    return names_in(path_ / "trains", ".toml", EntryType::file);
}
std::vector<std::string> RecipeDirectory::overlays() const {
    return names_in(top_ / "overlays", "", EntryType::directory);
}

Role RecipeDirectory::load_role(std::string_view name) const {
    if (!is_name(name) || !contains(roles(), name)) throw no_such("role", name, path_ / "roles", roles());
    const auto lineage = LineageReader(*this).read(std::string(name));
    toml::Problems problems;
    Role role = compose(lineage, problems);
    resolve_overlays(role, *this, problems);
    refuse_files_of_no_overlay(role, problems);
    refuse_unknown_formations(role, names_in(path_ / "formations", ".toml", EntryType::file), problems);
    if (role.kind == Kind::node && !role.initrd.empty())
        require_role(*this, role.initrd, Kind::initrd, role.where(Element::initrd, role.initrd), problems);
    problems.raise();
    return role;
}

Train RecipeDirectory::load_train(std::string_view name) const {
    if (!is_train_name(name) || !contains(trains(), name)) throw no_such("train", name, path_ / "trains", trains());
    const fs::path file = path_ / "trains" / (std::string(name) + ".toml");
    Train train = read_train_file(toml::source_from_file(file, shown(file)), std::string(name));
    toml::Problems problems;
    for (const auto& role : train.roles)
        require_role(*this, role, Kind::node, train.where(Element::role, role), problems);
    require_role(*this, train.tools, Kind::tools, train.where(Element::tools, train.tools), problems);
    require_role(*this, train.build, Kind::build, train.where(Element::build, train.build), problems);
    resolve_files(train, *this, problems);
    resolve_policy(train, *this, problems);
    problems.raise();
    return train;
}

formation::Formations RecipeDirectory::load_formations() const {
    const fs::path folder = path_ / "formations";
    return formation::read_folder(folder, shown(folder));
}

void RecipeDirectory::check_formations() const {
    const auto all = load_formations();
    if (all.empty()) return;
    std::set<std::string> names;
    for (const auto& train : trains())
        for (const auto& role : load_train(train).roles) names.insert(role);
    std::vector<formation::CarryingRole> carrying;
    for (const auto& name : names) {
        Role role = load_role(name);
        carrying.push_back({name, std::move(role.lineage), std::move(role.formations), role.where(Element::role, name)});
    }
    toml::Problems problems;
    formation::check_together(all, problems);
    formation::check_roles(all, carrying, roles(), problems);
    problems.raise();
}

formation::RoleGraph RecipeDirectory::role_graph(const Train& train, const std::string& role) const {
    formation::RoleGraph::Parents parents;
    auto names = train.roles;
    names.push_back(role);
    for (const auto& name : names)
        for (const auto& file : LineageReader(*this).read(name)) {
            auto& extended = parents[file.name];
            extended.clear();
            for (const auto& parent : file.extends) extended.push_back(parent.value);
        }
    return formation::RoleGraph(std::move(parents));
}

rules::Components RecipeDirectory::load_components() const {
    const fs::path file = path_ / "components.toml";
    return read_components(toml::source_from_file(file, shown(file)));
}

void check_role_text(const toml::SourcePtr& source) {
    toml::Problems problems;
    check_alone(read_role_file(source, "role"), problems);
    problems.raise();
}

void check_train_text(const toml::SourcePtr& source) { (void)read_train_file(source, "R0"); }

} // namespace ashlar::recipe
