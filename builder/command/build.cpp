#include "inputs.hpp"
#include "office.hpp"
#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <pipeline/build.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/kept.hpp>
#include <pipeline/roots.hpp>
#include <pipeline/stale_lock.hpp>
#include <requests/image_desk.hpp>
#include <signing/key_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

struct BuildOptions {
    std::vector<std::string> roles;
    std::filesystem::path requests; // empty: the private keys are at hand
    enum class Roles { named, all } which = Roles::named;
    Inputs inputs = Inputs::automatic;
    enum class Profile { off, on } profile = Profile::off;
};

void print(Context& context, const std::vector<pipeline::Product>& products, const std::vector<requests::WantedSignature>& wanted) {
    Json answers = Json::array();
    for (const auto& product : products) {
        const Json manifest = parse_json(read_file(product.manifest()), product.manifest().native());
        if (context.json()) {
            answers.push_back({{"image", product.disk().native()}, {"manifest", manifest}});
        } else {
            fmt::print("{}  root hash {}\n", product.disk().native(), manifest.value("root_hash", ""));
        }
    }
    if (context.json()) fmt::print("{}", pretty(wanted.empty() ? answers : Json{{"images", answers}, {"wanted", json_of(wanted)}}));
}

int build(Context& context, BuildOptions& options) {
    pipeline::Workshop& workshop = context.workshop();
    if (options.which == BuildOptions::Roles::all) options.roles = workshop.train().roles;
    if (options.roles.empty()) throw Error("cannot build nothing", "name roles, or --all");

    // What is missing is said before the first byte is fetched.
    workshop.recipes().check_formations();
    const requests::ImageDesk desk(options.requests, load_build_keys(context.options().keys, now(), options.requests.empty() ? PrivateHalves::required : PrivateHalves::may_be_elsewhere));
    const auto roots = pipeline::with_helpers(workshop, options.roles);
    const auto chosen = chosen_lock(workshop, options.inputs, "build");
    const lock::Lock lock = chosen ? *chosen : pipeline::resolve(workshop, roots, pipeline::Daemon::compiled).lock;
    pipeline::fetch_packages(workshop, lock, roots);
    if (chosen) pipeline::keep_lock(workshop, lock);
    if (chosen) // only a lock that somebody wrote earlier can be stale
        for (const std::string& root : roots) pipeline::refuse_stale_lock(workshop.recipes().load_role(root), lock, workshop.store());

    std::vector<pipeline::Product> products;
    for (const std::string& role : options.roles) {
        if (auto product = pipeline::build_image(workshop, lock, role, desk, context.options().output)) products.push_back(*std::move(product));
        if (!options.requests.empty()) desk.remove_others(fmt::format("{} {}", workshop.train().release, role));
    }
    if (options.profile == BuildOptions::Profile::on) {
        const auto trace = context.options().output / "build.trace.json";
        write_file(trace, pretty(workshop.profile().trace()));
        fmt::print(stderr, "{}trace: {}\n", workshop.profile().table(), trace.native());
    }
    const auto wanted = desk.wanted();
    print(context, products, wanted);
    const std::string roles = options.which == BuildOptions::Roles::all ? "--all" : join(options.roles, " ");
    if (!wanted.empty() && !context.json()) print_wanted(wanted, options.requests, fmt::format("ashlar build {} --requests {}", roles, options.requests.native()));
    return wanted.empty() ? 0 : 1;
}

} // namespace

void add_build(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("build", "Build images of roles");
    command->footer("examples:\n  ashlar build base control\n  ashlar build --all --locked\n"
                    "  ashlar build base --requests requests     exit code 1 while signatures are wanted: `ashlar sign requests`, then the same again\n"
                    "  ashlar build base --profile     where the time goes; out/build.trace.json opens in a trace viewer");
    auto options = std::make_shared<BuildOptions>();
    command->add_option("ROLE", options->roles, "Roles of the recipes");
    command->add_flag_callback("--all", [options] { options->which = BuildOptions::Roles::all; }, "All roles of the train");
    add_inputs(*command, options->inputs);
    command->add_option("--requests", options->requests, "Where private keys are elsewhere: directory for signing requests, and for their answers when you build again")->type_name("DIR");
    command->add_flag_callback("--profile", [options] { options->profile = BuildOptions::Profile::on; }, "Show where the time goes");
    command->callback([=] { choose({Place::contained, [options](Context& context) { return build(context, *options); }}); });
}

} // namespace ashlar::command
