#include <pipeline/workshop.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <fetch/mirrors.hpp>

#include <regex>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace {

recipe::Train choose_train(const recipe::RecipeDirectory& recipes, const WorkshopOptions& options) {
    std::string name = options.train;
    if (name.empty()) {
        const auto trains = recipes.trains();
        if (trains.size() != 1)
            throw Error(fmt::format("cannot choose a train: '{}' has {}", recipes.path().native(),
                                    trains.empty() ? "none" : join(trains, ", ")),
                        "name one with --train");
        name = trains.front();
    }
    recipe::Train train = recipes.load_train(name);
    if (options.release.empty()) return train;
    static const std::regex version("[A-Za-z0-9][A-Za-z0-9._+~^-]*");
    if (!std::regex_match(options.release, version))
        throw Error(fmt::format("cannot name a release '{}': letters, digits and . _ + ~ ^ - only", options.release), "e.g. --release R0.1");
    train.release = options.release;
    return train;
}

} // namespace

Workshop::Workshop(WorkshopOptions options, Renderer& renderer)
    : options_(std::move(options)), recipes_(options_.recipes), train_(choose_train(recipes_, options_)),
      store_(options_.store.empty() ? store::default_root() : options_.store), renderer_(renderer) {}

shared::SharedStore* Workshop::shared() {
    if (!shared_) {
        shared_.emplace();
        const auto options = options_.network == WorkshopOptions::Network::forbidden
                                 ? std::nullopt
                                 : fetch::shared_store_options(fetch::places_of_this_machine(), options_.shared_store);
        if (options) *shared_ = std::make_unique<shared::SharedStore>(*options, store_, renderer_);
    }
    return shared_->get();
}

std::filesystem::path Workshop::lock_path() const { return recipes_.path() / "trains" / (train_.name + ".lock"); }

std::filesystem::path Workshop::source() const {
    const auto source = options_.source.empty() ? recipes_.top() : std::filesystem::absolute(options_.source);
    if (!std::filesystem::exists(source / "firstboot/package/control"))
        throw Error(fmt::format("cannot compile 'ashlard': '{}' is not Ashlar's source", source.native()),
                    "name a checkout with --source");
    return source;
}

} // namespace ashlar::pipeline
