#pragma once

// The recipes of a checkout:
//
//     recipes/roles/<role>.toml     recipes/trains/<train>.toml     recipes/keys/*.asc
//     recipes/components.toml       recipes/policies/*.toml
//     recipes/formations/*.toml
//     overlays/<overlay>/…          beside recipes/
//
// Everything is checked when it is loaded. What is wrong in a file throws toml::SourceError with all
// problems that were found; a role or train that is not there throws Error with a hint.

#include <recipe/model.hpp>
#include <formation/reader.hpp>
#include <formation/roles.hpp>
#include <rules/components.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::recipe {

class RecipeDirectory {
public:
    // `recipes` is the directory that holds roles/ and trains/. Error when it does not.
    explicit RecipeDirectory(const std::filesystem::path& recipes);

    // The role with all it extends. The initrd it names is loaded too, and its kind checked.
    [[nodiscard]] Role load_role(std::string_view name) const;
    // The roles it names must exist; those of `tools` and `build` are loaded and their kind checked.
    [[nodiscard]] Train load_train(std::string_view name) const;

    // recipes/components.toml, which must be there.
    [[nodiscard]] rules::Components load_components() const;

    // recipes/formations/, each by itself: docs/formats/formation.md.
    [[nodiscard]] formation::Formations load_formations() const;
    // All of them together, and with the roles of all trains. SourceError when something does not fit.
    void check_formations() const;

    // The train's roles, this one, and all that they extend.
    [[nodiscard]] formation::RoleGraph role_graph(const Train& train, const std::string& role) const;

    // Names, sorted.
    [[nodiscard]] std::vector<std::string> roles() const;
    [[nodiscard]] std::vector<std::string> trains() const;
    [[nodiscard]] std::vector<std::string> overlays() const;

    // Absolute. `top` is what holds recipes/ and overlays/.
    [[nodiscard]] const std::filesystem::path& top() const noexcept { return top_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    std::filesystem::path top_;
};

// What can be said of one file without the others: syntax, keys, types, names, contradictions.
// SourceError when something is wrong.
void check_role_text(const toml::SourcePtr& source);
void check_train_text(const toml::SourcePtr& source);

} // namespace ashlar::recipe
