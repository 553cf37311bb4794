#include "options.hpp"

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signing/key_set.hpp>

namespace ashlar::command {

namespace {

// Firmware does not look at a certificate's time, tools do; machines' clocks may lie behind ours.
constexpr std::chrono::days clocks_behind{30};
constexpr std::chrono::days validity{20 * 365};

int make_keys(Context& context, const std::string& organisation) {
    const auto& directory = context.options().keys;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    create_key_set(directory, {.organisation = organisation,
                               .not_before = today - clocks_behind,
                               .not_after = today + validity});
    fmt::print("{}: PK, KEK, db and PCR keys for '{}'; keep them secret and make a copy\n", directory.native(), organisation);
    return 0;
}

} // namespace

void add_key(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("key", "The keys that sign images");
    command->require_subcommand(1);
    auto* fresh = command->add_subcommand("new", "Make a Secure Boot key set and a PCR policy key in --keys");
    fresh->footer("example:\n  ashlar key new --organisation 'Example Cloud' --keys /etc/ashlar/keys");
    auto organisation = std::make_shared<std::string>("Ashlar");
    fresh->add_option("--organisation", *organisation, "Name in the certificates")->type_name("NAME")->capture_default_str();
    fresh->callback([=] { choose({Place::plain, [organisation](Context& context) { return make_keys(context, *organisation); }}); });
}

} // namespace ashlar::command
