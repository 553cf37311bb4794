#include "inputs.hpp"
#include "options.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/roots.hpp>
#include <store/store.hpp>

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

void print(Context& context, std::string_view what, const store::Usage& usage) {
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"blobs", usage.blobs}, {"blob_bytes", usage.blob_bytes}, {"stages", usage.stages}, {"stage_bytes", usage.stage_bytes}}));
    } else {
        fmt::print("{}: {} packages and indices ({}), {} results ({})\n", what, usage.blobs, human_bytes(usage.blob_bytes), usage.stages,
                   human_bytes(usage.stage_bytes));
    }
}

store::Store open_store(Context& context) {
    const auto& path = context.options().workshop.store;
    return store::Store(path.empty() ? store::default_root() : path);
}

// The root with mkfs.erofs and its kin, for those who want to run exactly these programs.
int print_tools(Context& context) {
    pipeline::Workshop& workshop = context.workshop();
    const std::vector<std::string> roles{workshop.train().tools};
    auto lock = chosen_lock(workshop, Inputs::automatic, "make the tools");
    if (!lock) lock = pipeline::resolve(workshop, roles, pipeline::Daemon::announced).lock;
    pipeline::fetch_packages(workshop, *lock, roles);
    const std::string path = pipeline::tools_root(workshop, *lock).path().native();
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"tools", path}}));
    } else {
        fmt::print("{}\n", path);
    }
    return 0;
}

int check_store(Context& context) {
    store::Store store = open_store(context);
    Json damaged = Json::array();
    for (const Digest& digest : store.check()) damaged.push_back(fmt::format("sha256:{}", digest.hex()));
    if (context.json()) {
        fmt::print("{}", pretty(Json{{"store", store.root().native()}, {"damaged", damaged}}));
    } else {
        for (const Json& digest : damaged) fmt::print("damaged, removed: {}\n", digest.get<std::string>());
        if (damaged.empty()) fmt::print("{}: nothing is damaged\n", store.root().native());
    }
    return damaged.empty() ? 0 : 1;
}

} // namespace

void add_store(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("store", "What the store holds");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar store show\n  ashlar store prune --days 14\n  ashlar store check\n  chroot $(ashlar store tools) mkfs.erofs --version");

    auto* show = command->add_subcommand("show", "How much is in it");
    show->callback([=] { choose({Place::contained, [](Context& context) {
        store::Store store = open_store(context);
        print(context, store.root().native(), store.usage());
        return 0;
    }}); });

    auto days = std::make_shared<unsigned>(30);
    auto* prune = command->add_subcommand("prune", "Remove what no build has used for some days");
    prune->add_option("--days", *days, "Days")->capture_default_str();
    prune->callback([=] { choose({Place::contained, [days](Context& context) {
        store::Store store = open_store(context);
        print(context, "removed", store.remove_unused(std::chrono::system_clock::now() - std::chrono::hours(24 * *days)));
        return 0;
    }}); });

    auto* tools = command->add_subcommand("tools", "Make the tools root and print where it is");
    tools->callback([=] { choose({Place::contained, print_tools}); });

    auto* check = command->add_subcommand("check", "Read everything; remove what is damaged");
    check->callback([=] { choose({Place::contained, check_store}); });
}

} // namespace ashlar::command
