#include "options.hpp"

#include <base/day.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <recipe/directory.hpp>
#include <recipe/new_train.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;

namespace {

struct NewOptions {
    std::string name, from;
    std::vector<std::string> suites;
};

// As errors and answers show it.
std::string shown(const fs::path& path) { return fs::proximate(path).native(); }

// Two release managers with the same idea: the second one is told, and nothing is lost.
void write_new(const fs::path& path, const std::string& name, std::string_view text) {
    if (fs::exists(fs::symlink_status(path)))
        throw Error(fmt::format("cannot make train '{}': '{}' is there already", name, shown(path)), "edit it, or give another name");
    Fd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
    write_all(file.get(), text, shown(path));
    file.close();
}

std::string train_text(const recipe::RecipeDirectory& recipes, const NewOptions& options) {
    const recipe::Train from = recipes.load_train(options.from);
    const fs::path path = recipes.path() / "trains" / (from.name + ".toml");
    return recipe::new_train_text(toml::source_from_file(path, shown(path)), from.name, options.name, options.suites);
}

int make_train(Context& context, const NewOptions& options) {
    const recipe::RecipeDirectory recipes(context.options().workshop.recipes);
    const std::string text = train_text(recipes, options);
    const fs::path path = recipes.path() / "trains" / (options.name + ".toml");
    write_new(path, options.name, text);
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"train", options.name}, {"file", shown(path)}, {"from", options.from}}));
    } else {
        fmt::print("{}: made from {}; say [support] anew, look at floors and waves, then `ashlar lock {}`\n", shown(path), options.from, options.name);
    }
    return 0;
}

std::string origins_of(const recipe::Train& train) {
    std::vector<std::string> names;
    for (const ReleaseOrigin& origin : train.previous) names.push_back(to_text(origin));
    return names.empty() ? "-" : join(names, ", ");
}

Json as_json(const recipe::Train& train) {
    Json json{{"train", train.name}, {"summary", train.summary}, {"release", train.release}, {"architecture", train.architecture}, {"roles", train.roles}, {"previous", Json::array()}, {"support", nullptr}};
    for (const ReleaseOrigin& origin : train.previous) json["previous"].push_back(to_text(origin));
    if (train.support) json["support"] = {{"from", to_text(train.support->from)}, {"until", to_text(train.support->until)}};
    return json;
}

std::vector<recipe::Train> trains_of(const recipe::RecipeDirectory& recipes) {
    std::vector<recipe::Train> trains;
    for (const std::string& name : recipes.trains()) trains.push_back(recipes.load_train(name));
    std::ranges::sort(trains, {}, [](const recipe::Train& train) { return parse_train_name(train.name); });
    return trains;
}

int list_trains(Context& context) {
    const auto trains = trains_of(recipe::RecipeDirectory(context.options().workshop.recipes));
    if (context.json()) {
        Json list = Json::array();
        for (const recipe::Train& train : trains) list.push_back(as_json(train));
        fmt::print("{}", pretty(list));
        return 0;
    }
    fmt::print("{:<6} {:<10} {:<24} {:<12} {:<28} {}\n", "train", "release", "support", "from", "roles", "summary");
    for (const recipe::Train& train : trains) {
        const std::string support = train.support ? fmt::format("{} to {}", to_text(train.support->from), to_text(train.support->until)) : "-";
        fmt::print("{:<6} {:<10} {:<24} {:<12} {:<28} {}\n", train.name, train.release, support, origins_of(train), join(train.roles, ", "), train.summary);
    }
    return 0;
}

} // namespace

void add_train(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("train", "Trains: what a line of releases is made of");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar train list\n  ashlar train new R1 --from R0 --suite trixie-backports");

    auto* fresh = command->add_subcommand("new", "Make a train of an older one: its file in recipes/trains, with what changes");
    fresh->footer("examples:\n  ashlar train new R1 --from R0\n  ashlar train new R2 --from R1 --suite trixie-backports      its packages count only where pinned, or newer");
    auto options = std::make_shared<NewOptions>();
    fresh->add_option("NAME", options->name, "Its name: an upper-case letter and a number, higher than that of the older one")->required();
    fresh->add_option("--from", options->from, "The older train")->type_name("TRAIN")->required();
    fresh->add_option("--suite", options->suites, "Add a suite to its archive; may be given again")->type_name("SUITE")->allow_extra_args(false);
    fresh->callback([=] { choose({Place::plain, [options](Context& context) { return make_train(context, *options); }}); });

    auto* list = command->add_subcommand("list", "Trains, what they build now, how long it is supported, from where one may come");
    list->footer("example:\n  ashlar train list --json | jq -r '.[].release'");
    list->callback([=] { choose({Place::plain, list_trains}); });
}

} // namespace ashlar::command
