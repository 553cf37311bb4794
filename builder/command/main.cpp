// ashlar: builds, locks, boots and judges images. Each command stands in a file of its name.

#include "options.hpp"
#include "refusal.hpp"

#include <base/error.hpp>
#include <command_line/choice.hpp>
#include <root/namespace.hpp>

#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

void add_global_options(CLI::App& app, GlobalOptions& options) {
    app.add_option("--recipes", options.workshop.recipes, "Directory with roles/ and trains/")->type_name("DIR")->capture_default_str();
    app.add_option("--store", options.workshop.store, "Where packages and results are kept")->type_name("DIR")->envname("ASHLAR_STORE");
    app.add_option("--source", options.workshop.source, "Ashlar's source, for ashlard (default: beside the recipes)")->type_name("DIR");
    app.add_option("--keys", options.keys, "Directory with the signing keys")->type_name("DIR")->capture_default_str();
    app.add_option("--releases", options.releases, "Where releases are kept, and what waits for signatures")->type_name("DIR")->capture_default_str();
    app.add_option("--output", options.output, "Where images go")->type_name("DIR")->capture_default_str();
    app.add_option("--train", options.workshop.train, "Release train (default: the only one)")->type_name("TRAIN");
    app.add_option("--release", options.workshop.release, "Version of what is built (default: the train's)")->type_name("VERSION");
    app.add_option("--mirror", options.workshop.mirrors, "ARCHIVE=URL, or a URL with one directory per archive; may be given again")
        ->type_name("MIRROR")
        ->allow_extra_args(false); // what follows is the command's
    app.add_option("--shared-store", options.workshop.shared_store, "A store that a team shares (default: the configuration's; none: none)")->type_name("URL");
    app.add_flag("--offline", options.offline, "Take everything from the store");
    app.add_flag("--allow-expired", options.allow_expired, "Accept archives whose Valid-Until has passed");
    app.add_flag_callback("--json", [&options] { options.format = GlobalOptions::Format::json; }, "Answers as JSON");
    command_line::add_choice(app, "--progress", options.progress,
               {{"auto", ProgressStyle::automatic}, {"terminal", ProgressStyle::terminal}, {"plain", ProgressStyle::plain},
                {"json", ProgressStyle::json}, {"quiet", ProgressStyle::quiet}},
               "How progress is shown");
}

int refuse(const Error& error) {
    fmt::print(stderr, "ashlar: {}\n", error.render());
    return 2;
}

int run(int argc, char** argv) {
    GlobalOptions options;
    std::optional<Invocation> chosen;
    const Choose choose = [&](Invocation invocation) { chosen = std::move(invocation); };

    CLI::App app{"Builds immutable, signed, versioned images, one per node role, from TOML recipes", "ashlar"};
    app.set_version_flag("--version", "ashlar " ASHLAR_VERSION);
    app.require_subcommand(0, 1);
    app.allow_extras();
    app.fallthrough(); // global options may stand behind the command as well
    app.footer("example:\n  ashlar build base && ashlar boot base\n\n"
               "exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 failed; `ashlar boot --help` has more");
    add_global_options(app, options);
    for (const auto& add : {add_plan, add_lock, add_build, add_boot, add_up, add_enter, add_verify, add_rebuild, add_inspect, add_delta, add_publish, add_why, add_key, add_break_glass, add_sign, add_release, add_store, add_train, add_site, add_formation, add_bundle, add_diff, add_vulns, add_licences, add_completion})
        add(app, choose);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return error.get_exit_code() == 0 ? app.exit(error) : refuse(refusal(app, error));
    }
    if (app.remaining_size(true) > 0) return refuse(unknown_word(app));
    if (!chosen) {
        fmt::print(stderr, "{}", app.help());
        return 2;
    }
    if (chosen->place == Place::contained) root::enter_build_namespace();
    if (chosen->place == Place::site) root::enter_site_namespace();
    Context context(options);
    return chosen->run(context);
}

} // namespace

} // namespace ashlar::command

int main(int argc, char** argv) {
    try {
        return ashlar::command::run(argc, argv);
    } catch (const ashlar::Error& error) {
        fmt::print(stderr, "ashlar: {}\n", error.render());
    } catch (const std::filesystem::filesystem_error& error) {
        fmt::print(stderr, "ashlar: cannot use '{}': {}\n", error.path1().native(), error.code().message());
    } catch (const std::exception& error) {
        fmt::print(stderr, "ashlar: {}\n", error.what());
    }
    return 3; // 1 is an answer: no
}
