#include "options.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <formation/reader.hpp>
#include <recipe/directory.hpp>

#include <filesystem>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace fs = std::filesystem;

namespace {

formation::Formations read_files(const std::vector<fs::path>& files) {
    formation::Formations formations;
    for (const auto& file : files) {
        const std::string name = file.stem();
        if (file.extension() != ".toml" || !formation::is_formation_name(name))
            throw Error(fmt::format("cannot check '{}': it is not named as a formation", file.native()), "its name is the formation's: lower-case letters, digits and '-', and .toml");
        formations.emplace(name, formation::read_formation(toml::source_from_file(file, file.native()), name));
    }
    return formations;
}

Json as_json(const formation::Formation& formation) {
    Json steps = Json::array(), required = Json::array(), roles = Json::array();
    for (const auto& step : formation.steps) steps.push_back({{"id", step.id.value}, {"kind", formation::name_of(step.kind)}, {"summary", step.deed.summary}});
    for (const auto& text : formation.requires_) required.push_back(text.value);
    for (const auto& text : formation.placement.roles) roles.push_back(text.value);
    return {{"name", formation.name}, {"summary", formation.summary}, {"roles", roles}, {"requires", required}, {"steps", steps}};
}

int check(Context& context, const std::vector<fs::path>& files) {
    formation::Formations formations;
    if (files.empty()) {
        const recipe::RecipeDirectory recipes(context.options().workshop.recipes);
        formations = recipes.load_formations();
        recipes.check_formations();
    } else {
        formations = read_files(files);
    }
    if (context.json()) {
        Json answers = Json::array();
        for (const auto& [name, formation] : formations) answers.push_back(as_json(formation));
        fmt::print("{}", pretty(answers));
        return 0;
    }
    for (const auto& [name, formation] : formations) fmt::print("{}: {}; {} {}\n", name, formation.summary, formation.steps.size(), formation.steps.size() == 1 ? "step" : "steps");
    return 0;
}

} // namespace

void add_formation(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("formation", "Services as data: docs/guides/add-a-service.md");
    command->require_subcommand(1);
    auto* check_command = command->add_subcommand("check", "Check formations by themselves, or all of the recipes together and with their roles");
    check_command->footer("examples:\n  ashlar formation check                                     all of them, as `ashlar build` does before it builds\n"
                          "  ashlar formation check recipes/formations/etcd.toml        one, as it is written");
    auto files = std::make_shared<std::vector<fs::path>>();
    check_command->add_option("FILE", *files, "Files of formations")->type_name("FILE");
    check_command->callback([=] { choose({Place::plain, [files](Context& context) { return check(context, *files); }}); });
}

} // namespace ashlar::command
