#include "inputs.hpp"
#include "options.hpp"

#include <base/json.hpp>
#include <base/text.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/stale_lock.hpp>

#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

struct PlanOptions {
    std::vector<std::string> roles;
    Inputs inputs = Inputs::automatic;
};

// What there is to say about a role. A lock knows nothing of installed sizes and of the resolver's notes.
struct Plan {
    std::string role;
    std::vector<const lock::Package*> packages;
    std::optional<std::uint64_t> installed; // bytes
    std::vector<std::string> notes;
    enum class From { lock, archives } from = From::lock;
};

Json as_json(const Plan& plan) {
    Json packages = Json::array();
    for (const lock::Package* package : plan.packages)
        packages.push_back({{"name", package->name}, {"version", package->version}, {"architecture", package->architecture},
                            {"archive", package->archive}, {"component", package->component}, {"size", package->size}});
    return {{"role", plan.role}, {"from", plan.from == Plan::From::lock ? "lock" : "archives"}, {"packages", packages}, {"notes", plan.notes}};
}

std::uint64_t installed_bytes(const solver::Solution& solution) {
    std::uint64_t total = 0;
    for (const solver::Choice& choice : solution.choices) total += choice.package->installed_size * 1024;
    return total;
}

struct Share {
    std::size_t packages = 0;
    std::uint64_t bytes = 0;
};

void print_text(const Plan& plan) {
    std::map<std::string, Share> shares;
    Share total;
    for (const lock::Package* package : plan.packages) {
        fmt::print("{:<36} {:<32} {:>10}  {}/{}\n", package->name, package->version,
                   package->size == 0 ? "made here" : human_bytes(package->size), package->archive, package->component);
        for (Share* share : {&shares[fmt::format("{}/{}", package->archive, package->component)], &total}) {
            ++share->packages;
            share->bytes += package->size;
        }
    }
    fmt::print("\nrole {}: {} packages, {} to fetch{}\n", plan.role, total.packages, human_bytes(total.bytes),
               plan.installed ? fmt::format(", {} installed", human_bytes(*plan.installed)) : "");
    for (const auto& [origin, share] : shares) fmt::print("  {:<34} {:>5} packages {:>10}\n", origin, share.packages, human_bytes(share.bytes));
    for (const std::string& note : plan.notes) fmt::print("note: {}\n", note);
}

void print(Context& context, const std::vector<Plan>& plans) {
    Json answers = Json::array();
    for (const Plan& plan : plans) {
        if (context.json()) {
            answers.push_back(as_json(plan));
        } else {
            print_text(plan);
        }
    }
    if (context.json()) fmt::print("{}", pretty(plans.size() == 1 ? answers.front() : answers));
}

int plan(Context& context, const PlanOptions& options) {
    pipeline::Workshop& workshop = context.workshop();
    const auto roots = pipeline::with_helpers(workshop, options.roles);
    std::vector<Plan> plans;
    if (const auto locked = chosen_lock(workshop, options.inputs, "plan")) {
        for (const std::string& role : options.roles) {
            pipeline::refuse_stale_lock(workshop.recipes().load_role(role), *locked, workshop.store());
            plans.push_back({.role = role, .packages = locked->packages_of(role)});
        }
        print(context, plans);
        return 0;
    }
    const auto resolved = pipeline::resolve(workshop, roots, pipeline::Daemon::announced);
    for (const std::string& role : options.roles) {
        const solver::Solution& solution = resolved.solutions.at(role);
        plans.push_back({.role = role,
                         .packages = resolved.lock.packages_of(role),
                         .installed = installed_bytes(solution),
                         .notes = solution.notes,
                         .from = Plan::From::archives});
    }
    print(context, plans);
    return 0;
}

} // namespace

void add_plan(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("plan", "What would be installed, from where, how large; nothing is touched");
    command->footer("examples:\n  ashlar plan base            from the train's lock when there is one\n"
                    "  ashlar plan base --live     from the archives as they are now\n"
                    "  ashlar plan control --json | jq '.packages | length'");
    auto options = std::make_shared<PlanOptions>();
    command->add_option("ROLE", options->roles, "Roles of the recipes")->required();
    add_inputs(*command, options->inputs);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return plan(context, *options); }}); });
}

} // namespace ashlar::command
