#include "options.hpp"

#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/kept.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

int make_lock(Context& context, const std::vector<std::string>& more_roles) {
    pipeline::Workshop& workshop = context.workshop();
    std::vector<std::string> roles = workshop.train().roles;
    roles.insert(roles.end(), more_roles.begin(), more_roles.end());
    const auto resolved = pipeline::resolve(workshop, pipeline::with_helpers(workshop, roles),
                                            pipeline::Daemon::compiled);
    write_file(workshop.lock_path(), lock::to_text(resolved.lock), 0644, Durability::synced);
    pipeline::keep_lock(workshop, resolved.lock);

    std::uint64_t bytes = 0;
    for (const auto& package : resolved.lock.packages) bytes += package.size;
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"lock", workshop.lock_path().native()}, {"packages", resolved.lock.packages.size()}, {"bytes", bytes}}));
    } else {
        fmt::print("{}: {} packages for {} roots, {}\n", workshop.lock_path().native(), resolved.lock.packages.size(),
                   resolved.lock.roles.size(), human_bytes(bytes));
    }
    return 0;
}

} // namespace

void add_lock(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("lock", "Fix the inputs of a train: every index and package by digest");
    command->footer("example:\n  ashlar lock R0     writes recipes/trains/R0.lock; `ashlar build` then takes nothing else");
    struct Words {
        std::string train;
        std::vector<std::string> more_roles;
    };
    auto words = std::make_shared<Words>();
    command->add_option("TRAIN", words->train, "Release train (default: the only one)");
    command->add_option("--role", words->more_roles, "A role beside the train's own, e.g. one for tests; may be given again")
        ->type_name("ROLE")
        ->allow_extra_args(false);
    command->callback([=] {
        choose({Place::contained, [words](Context& context) { return make_lock(context.for_train(words->train), words->more_roles); }});
    });
}

} // namespace ashlar::command
