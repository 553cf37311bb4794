#pragma once

// What every stage stands on: the recipes, the train, the store, and somebody to tell.
// Made once per command; not for several threads at once, but for store, renderer and profile.

#include <base/progress.hpp>
#include <pipeline/profile.hpp>
#include <recipe/directory.hpp>
#include <recipe/model.hpp>
#include <store/store.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::pipeline {

struct WorkshopOptions {
    std::filesystem::path recipes; // the directory with roles/ and trains/
    std::filesystem::path store;
    std::filesystem::path source; // Ashlar's own source, for ashlard; empty: beside the recipes
    std::string train; // empty: the only one there is
    std::string release; // empty: the train's own
    std::vector<std::string> mirrors; // as given with --mirror
    enum class Network { allowed, forbidden } network = Network::allowed;
    enum class Expired { refused, accepted } expired = Expired::refused;
};

class Workshop {
public:
    Workshop(WorkshopOptions options, Renderer& renderer);

    [[nodiscard]] const WorkshopOptions& options() const noexcept { return options_; }
    [[nodiscard]] const recipe::RecipeDirectory& recipes() const noexcept { return recipes_; }
    [[nodiscard]] const recipe::Train& train() const noexcept { return train_; }
    [[nodiscard]] store::Store& store() noexcept { return store_; }
    [[nodiscard]] Renderer& renderer() noexcept { return renderer_; }
    [[nodiscard]] Profile& profile() noexcept { return profile_; }

    // Where the train's lock is, whether it exists or not.
    [[nodiscard]] std::filesystem::path lock_path() const;
    // The source tree that ashlard is compiled from.
    [[nodiscard]] std::filesystem::path source() const;

private:
    WorkshopOptions options_;
    recipe::RecipeDirectory recipes_;
    recipe::Train train_;
    store::Store store_;
    Renderer& renderer_;
    Profile profile_;
};

} // namespace ashlar::pipeline
