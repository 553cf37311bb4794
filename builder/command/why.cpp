#include "options.hpp"

#include <base/json.hpp>
#include <pipeline/inputs.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

Json as_json(const std::vector<solver::Choice>& chain) {
    Json steps = Json::array();
    for (const solver::Choice& choice : chain)
        steps.push_back({{"name", choice.package->name}, {"version", choice.package->version}, {"because", choice.group}});
    return steps;
}

int explain_absence(Context& context, const debian::Universe& universe, const solver::Request& request, const std::string& package) {
    const auto answer = solver::why_not(universe, request, package);
    const bool possible = std::holds_alternative<solver::NotNeeded>(answer);
    const std::string text = possible ? std::get<solver::NotNeeded>(answer).render() : std::get<solver::Conflict>(answer).render();
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"in", false}, {"possible", possible}, {"explanation", text}}));
    } else {
        fmt::print("{}\n", text);
    }
    return 1;
}

int why(Context& context, const std::string& name, const std::string& package) {
    pipeline::Workshop& workshop = context.workshop();
    const auto resolved = pipeline::resolve(workshop, pipeline::with_helpers(workshop, {name}), pipeline::Daemon::announced);
    const auto chain = solver::why(resolved.solutions.at(name), package);
    if (!chain) return explain_absence(context, *resolved.universe, pipeline::request_for(workshop.recipes().load_role(name)), package);
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"in", true}, {"chain", as_json(*chain)}}));
    } else {
        fmt::print("{}\n", solver::render(*chain));
    }
    return 0;
}

} // namespace

void add_why(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("why", "Why a package is in, or why it cannot be");
    command->footer("examples:\n  ashlar why base libssl3t64\n  ashlar why base exim4      exit code 1: it is not in, and why");
    struct Words {
        std::string role, package;
    };
    auto words = std::make_shared<Words>();
    command->add_option("ROLE", words->role, "A role of the recipes")->required();
    command->add_option("PACKAGE", words->package, "Name of a package")->required();
    command->callback([=] { choose({Place::plain, [words](Context& context) { return why(context, words->role, words->package); }}); });
}

} // namespace ashlar::command
