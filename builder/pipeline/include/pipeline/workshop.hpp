#pragma once

// What every stage stands on: the recipes, the train, the store, and somebody to tell.
// Made once per command; not for several threads at once, but for store, renderer and profile.

#include <base/progress.hpp>
#include <pipeline/profile.hpp>
#include <recipe/directory.hpp>
#include <recipe/model.hpp>
#include <shared/shared_store.hpp>
#include <store/roots.hpp>
#include <store/store.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::pipeline {

struct WorkshopOptions {
    std::filesystem::path recipes; // the directory with roles/ and trains/
    std::filesystem::path store;
    std::filesystem::path source; // Ashlar's own source, for ashlard; empty: beside the recipes
    std::filesystem::path trusted_root; // root of release metadata that images of nodes bring; empty: none
    std::string train; // empty: the only one there is
    std::string release; // empty: the train's own
    std::vector<std::string> mirrors; // as given with --mirror
    std::string shared_store; // as given with --shared-store; empty: the configuration's
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
    // The store that a team shares; null when there is none, or no network.
    [[nodiscard]] shared::SharedStore* shared();
    [[nodiscard]] Renderer& renderer() noexcept { return renderer_; }
    [[nodiscard]] Profile& profile() noexcept { return profile_; }

    // Where the train's lock is, whether it exists or not.
    [[nodiscard]] std::filesystem::path lock_path() const;
    // The source tree that ashlard is compiled from.
    [[nodiscard]] std::filesystem::path source() const;

    // Every result that was found or made so far, in the order of its use.
    [[nodiscard]] const std::vector<store::StageName>& results() const noexcept { return results_; }
    void note_result(store::StageName name) { results_.push_back(std::move(name)); }

private:
    WorkshopOptions options_;
    recipe::RecipeDirectory recipes_;
    recipe::Train train_;
    store::Store store_;
    Renderer& renderer_;
    Profile profile_;
    std::optional<std::unique_ptr<shared::SharedStore>> shared_; // empty: nobody asked yet
    std::vector<store::StageName> results_;
};

} // namespace ashlar::pipeline
