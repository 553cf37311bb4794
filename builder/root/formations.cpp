#include <root/overlay.hpp>

#include "attributes.hpp"
#include "inner_path.hpp"

#include <base/file.hpp>
#include <formation/lint.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

class AssembledRoot final : public formation::Root {
public:
    explicit AssembledRoot(const fs::path& root) : root_(root) {}

    [[nodiscard]] bool has_unit(std::string_view unit) const override { return root::has_unit(root_, unit); }
    [[nodiscard]] bool has_program(std::string_view path) const override {
        const fs::path inner = inner_path(root_, fs::path(path), LastLink::followed);
        return fs::is_regular_file(inner) && (fs::status(inner).permissions() & fs::perms::owner_exec) != fs::perms::none;
    }
    // Of an owner both halves must be there; the other half is one that every root has.
    [[nodiscard]] bool has_user(std::string_view name) const override { return find_owner(root_, fmt::format("{}:root", name)).has_value(); }
    [[nodiscard]] bool has_group(std::string_view name) const override { return find_owner(root_, fmt::format("root:{}", name)).has_value(); }
    [[nodiscard]] std::vector<std::string> units() const override { return units_of(root_); }

private:
    const fs::path& root_;
};

// Others are carried because they are required: the node knows of them, and has nothing of theirs.
bool runs_on(const formation::Formation& formation, const recipe::Role& role) {
    return std::ranges::any_of(formation.placement.roles, [&](const formation::Text& wanted) { return std::ranges::find(role.lineage, wanted.value) != role.lineage.end(); });
}

} // namespace

void place_formations(const fs::path& root, const recipe::Role& role, const fs::path& formations, const formation::RoleGraph& roles) {
    if (role.formations.empty()) return;
    const fs::path folder = root / "usr/lib/ashlar/formations";
    fs::create_directories(folder);
    toml::Problems problems;
    for (const auto& name : role.formations) {
        const fs::path file = formations / (name + ".toml");
        const auto source = toml::source_from_file(file, fs::proximate(file).native());
        const auto formation = formation::read_formation(source, name);
        if (runs_on(formation, role)) formation::check_root(formation, AssembledRoot(root), problems);
        write_file(folder / (name + ".toml"), source->text());
    }
    problems.raise();
    write_file(folder / "role.json", formation::text_of({role.name, roles}));
}

} // namespace ashlar::root
