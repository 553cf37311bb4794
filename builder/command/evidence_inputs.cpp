#include "evidence_inputs.hpp"

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

std::vector<documents::Shelf> shelves(const std::vector<diff::ImageFacts>& images, const std::optional<store::Store>& store) {
    std::vector<documents::Shelf> all;
    for (const auto& image : images) all.push_back(diff::shelf_of(image));
    if (store) all.push_back(documents::shelf_of(*store));
    return all;
}

// A store is used where there is one; looking at images makes none.
std::optional<store::Store> existing_store(Context& context) {
    const fs::path& named = context.options().workshop.store;
    const fs::path root = named.empty() ? store::default_root() : named;
    if (!fs::is_directory(root)) return std::nullopt;
    return std::optional<store::Store>(root);
}

} // namespace

std::vector<diff::ImageFacts> read_named_images(Context& context, const std::vector<fs::path>& names) {
    Activity activity(context.renderer(), "read images");
    std::vector<fs::path> bases;
    for (const auto& name : names)
        for (auto& base : diff::find_images(name, context.options().output)) bases.push_back(std::move(base));
    std::vector<diff::ImageFacts> images;
    for (const auto& base : bases) {
        images.push_back(diff::read_image(base));
        activity.count(images.size(), bases.size());
    }
    return images;
}

std::optional<policy::Policy> Judgement::read() const {
    if (policy.empty()) return std::nullopt;
    return policy::read_policy(policy);
}

std::string Judgement::day() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return today.empty() ? policy::day_of(now.time_since_epoch().count()) : today;
}

void add_judgement(CLI::App& command, Judgement& judgement) {
    command.add_option("--policy", judgement.policy, "What is refused: docs/formats/policy.md (exit code 1: something is)")->type_name("FILE");
    command
        .add_option_function<std::string>(
            "--today",
            [&judgement](const std::string& text) {
                if (!policy::is_day(text)) throw CLI::ValidationError("--today", fmt::format("'{}' is no day: write it like 2027-06-30", text));
                judgement.today = text;
            },
            "The day on which waivers have to hold (default: this machine's)")
        ->type_name("DAY");
}

Documents::Documents(Context& context, const std::vector<diff::ImageFacts>& images) : store_(existing_store(context)), library_(diff::packages_of(images), shelves(images, store_)) {}

} // namespace ashlar::command
