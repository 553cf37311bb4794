#include "inputs.hpp"
#include "options.hpp"

#include <base/json.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/stale_lock.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

struct WhyOptions {
    std::string role, package;
    Inputs inputs = Inputs::automatic;
};

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

// A lock does not say who needed what: the archives that it was made from are resolved once more.
pipeline::Resolved resolved(pipeline::Workshop& workshop, const WhyOptions& options) {
    const auto roots = pipeline::with_helpers(workshop, {options.role});
    const auto locked = chosen_lock(workshop, options.inputs, "explain a package");
    if (locked) {
        pipeline::refuse_stale_lock(workshop.recipes().load_role(options.role), *locked, workshop.store());
        return pipeline::resolve_as_locked(workshop, *locked, roots, pipeline::Daemon::announced);
    }
    return pipeline::resolve(workshop, roots, pipeline::Daemon::announced);
}

int why(Context& context, const WhyOptions& options) {
    pipeline::Workshop& workshop = context.workshop();
    const auto answer = resolved(workshop, options);
    const auto chain = solver::why(answer.solutions.at(options.role), options.package);
    if (!chain)
        return explain_absence(context, *answer.universe, pipeline::request_for(workshop.recipes().load_role(options.role)), options.package);
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
    auto options = std::make_shared<WhyOptions>();
    command->add_option("ROLE", options->role, "A role of the recipes")->required();
    command->add_option("PACKAGE", options->package, "Name of a package")->required();
    add_inputs(*command, options->inputs);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return why(context, *options); }}); });
}

} // namespace ashlar::command
