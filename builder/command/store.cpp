#include "inputs.hpp"
#include "options.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <fetch/mirrors.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/roots.hpp>
#include <store/collection.hpp>
#include <store/inventory.hpp>
#include <store/verification.hpp>

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

store::Store open_store(Context& context) {
    const auto& path = context.options().workshop.store;
    return store::Store(path.empty() ? store::default_root() : path);
}

Json json_of(const store::Amount& amount) { return {{"count", amount.count}, {"bytes", amount.bytes}}; }

// --- stats

Json json_of(const store::Store& store, const store::Inventory& inventory, unsigned days) {
    Json blobs = Json::object(), results = Json::object(), roots = Json::array();
    for (const auto& [kind, amount] : inventory.blobs) blobs[std::string(name_of(kind))] = json_of(amount);
    for (const auto& [stage, amount] : inventory.stages) results[stage] = json_of(amount);
    for (const auto& kept : inventory.roots)
        roots.push_back({{"name", kept.name}, {"reason", kept.reason}, {"here", json_of(kept.here)}, {"missing", kept.missing}});
    return {{"store", store.root().native()}, {"total", json_of(inventory.total())}, {"blobs", blobs}, {"results", results},
            {"partial", json_of(inventory.partial)}, {"quarantine", json_of(inventory.quarantine)}, {"roots", roots},
            {"reachable", json_of(inventory.reachable)}, {"unreachable", json_of(inventory.unreachable)},
            {"old", json_of(inventory.old)}, {"days", days}};
}

void print_row(std::string_view name, const store::Amount& amount) {
    fmt::print("  {:<32} {:>8}  {:>10}\n", name, amount.count, human_bytes(amount.bytes));
}

void print_roots(const store::Inventory& inventory) {
    if (!inventory.roots.empty()) fmt::print("kept\n");
    for (const auto& kept : inventory.roots) {
        print_row(kept.reason, kept.here);
        if (kept.missing > 0) fmt::print("    and {} that {} not here\n", kept.missing, kept.missing == 1 ? "is" : "are");
    }
}

void print(const store::Store& store, const store::Inventory& inventory, unsigned days) {
    fmt::print("{}: {}\n", store.root().native(), human_bytes(inventory.total().bytes));
    for (const auto& [kind, amount] : inventory.blobs) print_row(name_of(kind), amount);
    for (const auto& [stage, amount] : inventory.stages) print_row("results: " + stage, amount);
    if (inventory.partial.count > 0) print_row("begun transfers", inventory.partial);
    if (inventory.quarantine.count > 0) print_row("quarantine", inventory.quarantine);
    print_roots(inventory);
    fmt::print("in all\n");
    print_row("kept by something", inventory.reachable);
    print_row("kept by nothing", inventory.unreachable);
    print_row(fmt::format("  and not used for {} days", days), inventory.old);
}

int print_stats(Context& context, unsigned days) {
    const store::Store store = open_store(context);
    const auto inventory = store::take_inventory(store, std::chrono::system_clock::now() - std::chrono::hours(24 * days));
    if (context.json()) {
        fmt::print("{}", pretty(json_of(store, inventory, days)));
    } else {
        print(store, inventory, days);
    }
    return 0;
}

// --- verify

int verify_store(Context& context, store::Repair repair) {
    store::Store store = open_store(context);
    const store::Verified verified = store::verify(store, repair, context.renderer());
    if (context.json()) {
        Json damaged = Json::array();
        for (const auto& one : verified.damaged) damaged.push_back({{"path", one.path.native()}, {"cause", one.cause}});
        fmt::print("{}", pretty(Json{{"store", store.root().native()}, {"objects", verified.objects}, {"bytes", verified.bytes},
                                     {"damaged", damaged}, {"moved", repair == store::Repair::aside && !damaged.empty()}}));
    } else {
        for (const auto& one : verified.damaged)
            fmt::print("damaged{}: {}: {}\n", repair == store::Repair::aside ? ", moved to quarantine" : "", one.path.native(), one.cause);
        if (verified.damaged.empty())
            fmt::print("{}: {} things, {}: nothing is damaged\n", store.root().native(), verified.objects, human_bytes(verified.bytes));
        else if (repair == store::Repair::no)
            fmt::print("`ashlar store verify --repair` moves what is damaged away, so that builds fetch or make it again\n");
    }
    return verified.damaged.empty() ? 0 : 1;
}

// --- gc

struct GcOptions {
    unsigned keep_days = 30;
    std::string max_size;
    store::Collecting::Run run = store::Collecting::Run::real;
};

std::string_view word_of(store::Collected::Cause cause) {
    using enum store::Collected::Cause;
    return cause == unused ? "not used" : cause == too_large ? "the store is too large" : "what it was for is gone";
}

Json json_of(const store::Store& store, const store::Collected& collected, const GcOptions& options) {
    Json taken = Json::array();
    for (const auto& one : collected.taken) taken.push_back({{"path", one.name}, {"bytes", one.bytes}, {"cause", word_of(one.cause)}});
    return {{"store", store.root().native()}, {"dry_run", options.run == store::Collecting::Run::rehearsal}, {"removed", taken},
            {"blobs", json_of(collected.blobs)}, {"results", json_of(collected.stages)}, {"left", collected.left},
            {"excess", collected.excess}};
}

void print(const store::Collected& collected, const GcOptions& options) {
    const bool rehearsal = options.run == store::Collecting::Run::rehearsal;
    if (rehearsal)
        for (const auto& one : collected.taken) fmt::print("{:>10}  {} ({})\n", human_bytes(one.bytes), one.name, word_of(one.cause));
    fmt::print("{}: {} packages and indices ({}), {} results ({}); {} {}\n", rehearsal ? "would remove" : "removed", collected.blobs.count,
               human_bytes(collected.blobs.bytes), collected.stages.count, human_bytes(collected.stages.bytes), human_bytes(collected.left),
               rehearsal ? "would stay" : "stay");
    if (collected.excess > 0)
        fmt::print("{} more than {} {} kept: by builds that are running, or by what `ashlar store stats` lists\n", human_bytes(collected.excess),
                   options.max_size, rehearsal ? "would be" : "are");
}

int collect(Context& context, const GcOptions& options) {
    store::Collecting collecting{.unused = std::chrono::hours(24 * options.keep_days), .run = options.run};
    if (!options.max_size.empty()) {
        collecting.most = parse_size(options.max_size);
        if (!collecting.most) throw Error(fmt::format("cannot use '--max-size {}': not a size", options.max_size), size_remedy);
    }
    store::Store store = open_store(context);
    const store::Collected collected = store::collect(store, collecting);
    if (context.json()) {
        fmt::print("{}", pretty(json_of(store, collected, options)));
    } else {
        print(collected, options);
    }
    return collected.excess > 0 ? 1 : 0;
}

// --- push

int push(Context& context) {
    const auto options = fetch::shared_store_options(fetch::places_of_this_machine(), context.options().workshop.shared_store);
    if (!options)
        throw Error("cannot push to a shared store: none is named", "name one with --shared-store, or as 'shared_store' in Ashlar's configuration");
    if (options->upload == shared::Options::Upload::no)
        throw Error(fmt::format("cannot push to '{}': nothing is to be sent there", options->url), "set 'shared_store_upload = true' in Ashlar's configuration");
    store::Store store = open_store(context);
    std::vector<shared::Wanted> all;
    for (const auto& [name, roots] : store::read_roots(store))
        for (const Digest& digest : roots.blobs) all.push_back({roots.reason, digest, std::nullopt});
    return shared::SharedStore(*options, store, context.renderer()).put(all) ? 0 : 1;
}

// --- tools

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

void add_stats_command(CLI::App& command, const Choose& choose) {
    auto* stats = command.add_subcommand("stats", "What is in it, what of it is kept and why, and what nobody uses");
    auto days = std::make_shared<unsigned>(30);
    stats->add_option("--days", *days, "What counts as not used")->type_name("DAYS")->capture_default_str();
    stats->callback([=] { choose({Place::contained, [days](Context& context) { return print_stats(context, *days); }}); });
}

void add_verify_command(CLI::App& command, const Choose& choose) {
    auto* verify = command.add_subcommand("verify", "Read everything and name what is damaged");
    verify->footer("exit codes: 0 nothing is damaged, 1 something is");
    auto repair = std::make_shared<store::Repair>(store::Repair::no);
    verify->add_flag_callback("--repair", [repair] { *repair = store::Repair::aside; },
                              "Move what is damaged to quarantine/, so that builds fetch or make it again");
    verify->callback([=] { choose({Place::contained, [repair](Context& context) { return verify_store(context, *repair); }}); });
}

void add_gc_command(CLI::App& command, const Choose& choose) {
    auto* gc = command.add_subcommand("gc", "Remove what nothing keeps and nobody uses; builds may run meanwhile");
    gc->footer("examples:\n  ashlar store gc --keep-days 14\n  ashlar store gc --max-size \"20 GiB\" --dry-run\n\n"
               "exit codes: 0 done, 1 the store is still larger than --max-size");
    auto options = std::make_shared<GcOptions>();
    gc->add_option("--keep-days", options->keep_days, "Keep what was used in these days")->type_name("DAYS")->capture_default_str();
    gc->add_option("--max-size", options->max_size, "Then remove what was used longest ago, until the rest fits: \"20 GiB\"")->type_name("SIZE");
    gc->add_flag_callback("--dry-run", [options] { options->run = store::Collecting::Run::rehearsal; }, "Only say what would go");
    gc->callback([=] { choose({Place::contained, [options](Context& context) { return collect(context, *options); }}); });
}

} // namespace

void add_store(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("store", "What the store holds, whether it is sound, and removing what nobody needs");
    command->require_subcommand(1);
    command->footer("examples:\n  ashlar store stats\n  ashlar store verify --repair\n  ashlar store gc --max-size \"20 GiB\"\n"
                    "  ashlar store push --shared-store https://objects.site.example/ashlar\n  chroot $(ashlar store tools) mkfs.erofs --version");
    add_stats_command(*command, choose);
    add_verify_command(*command, choose);
    add_gc_command(*command, choose);

    auto* pushing = command->add_subcommand("push", "Put what is kept, packages and indices, into the shared store (it must take uploads)");
    pushing->callback([=] { choose({Place::contained, push}); });

    auto* tools = command->add_subcommand("tools", "Make the tools root and print where it is");
    tools->callback([=] { choose({Place::contained, print_tools}); });
}

} // namespace ashlar::command
