#include "options.hpp"

#include <base/json.hpp>
#include <base/text.hpp>
#include <pipeline/inputs.hpp>

#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

Json as_json(const pipeline::Resolved& resolved, const std::string& role, const solver::Solution& solution) {
    Json packages = Json::array();
    for (const lock::Package* package : resolved.lock.packages_of(role))
        packages.push_back({{"name", package->name}, {"version", package->version}, {"architecture", package->architecture},
                            {"archive", package->archive}, {"component", package->component}, {"size", package->size}});
    return {{"role", role}, {"packages", packages}, {"notes", solution.notes}};
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

void print_text(const pipeline::Resolved& resolved, const std::string& role, const solver::Solution& solution) {
    std::map<std::string, Share> shares;
    Share total;
    for (const lock::Package* package : resolved.lock.packages_of(role)) {
        fmt::print("{:<36} {:<32} {:>10}  {}/{}\n", package->name, package->version,
                   package->size == 0 ? "made here" : human_bytes(package->size), package->archive, package->component);
        for (Share* share : {&shares[fmt::format("{}/{}", package->archive, package->component)], &total}) {
            ++share->packages;
            share->bytes += package->size;
        }
    }
    fmt::print("\nrole {}: {} packages, {} to fetch, {} installed\n", role, total.packages, human_bytes(total.bytes),
               human_bytes(installed_bytes(solution)));
    for (const auto& [origin, share] : shares) fmt::print("  {:<34} {:>5} packages {:>10}\n", origin, share.packages, human_bytes(share.bytes));
    for (const std::string& note : solution.notes) fmt::print("note: {}\n", note);
}

int plan(Context& context, const std::vector<std::string>& roles) {
    pipeline::Workshop& workshop = context.workshop();
    const auto resolved = pipeline::resolve(workshop, pipeline::with_helpers(workshop, roles), pipeline::Daemon::announced);
    Json answers = Json::array();
    for (const std::string& role : roles) {
        const solver::Solution& solution = resolved.solutions.at(role);
        if (context.json()) {
            answers.push_back(as_json(resolved, role, solution));
        } else {
            print_text(resolved, role, solution);
        }
    }
    if (context.json()) fmt::print("{}", pretty(roles.size() == 1 ? answers.front() : answers));
    return 0;
}

} // namespace

void add_plan(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("plan", "What would be installed, from where, how large; nothing is touched");
    command->footer("examples:\n  ashlar plan base\n  ashlar plan control --json | jq '.packages | length'");
    auto roles = std::make_shared<std::vector<std::string>>();
    command->add_option("ROLE", *roles, "Roles of the recipes")->required();
    command->callback([=] { choose({Place::plain, [roles](Context& context) { return plan(context, *roles); }}); });
}

} // namespace ashlar::command
