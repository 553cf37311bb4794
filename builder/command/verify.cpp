#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <pipeline/verify.hpp>

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

void print(Context& context, const std::string& role, const std::vector<pipeline::Difference>& differences) {
    if (context.json()) {
        Json list = Json::array();
        for (const auto& one : differences) list.push_back({{"what", one.what}, {"package", one.package}, {"cause", one.cause}});
        fmt::print("{}", pretty(Json{{"role", role}, {"same", differences.empty()}, {"differences", list}}));
        return;
    }
    if (differences.empty()) fmt::print("{}: built again from its lock, the same bytes\n", role);
    for (const auto& one : differences)
        fmt::print("{}{}: {}\n", one.what, one.package.empty() ? "" : fmt::format(" (package {})", one.package), one.cause);
}

int verify(Context& context, const std::string& role) {
    pipeline::Workshop& workshop = context.workshop();
    const auto product = pipeline::product_of(workshop.train(), role, context.options().output);
    if (!std::filesystem::exists(product.disk()))
        throw Error(fmt::format("cannot verify '{}': there is no '{}'", role, product.disk().native()), fmt::format("build it with `ashlar build {}`", role));
    const KeysAtHand signer(load_build_keys(context.options().keys, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
    const auto differences = pipeline::verify(workshop, role, product, signer);
    print(context, role, differences);
    return differences.empty() ? 0 : 1;
}

} // namespace

void add_verify(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("verify", "Build an image again from its lock and compare (exit code 1: they differ)");
    command->footer("example:\n  ashlar verify base     names each file that differs, its package and the cause");
    auto role = std::make_shared<std::string>();
    command->add_option("ROLE", *role, "A role that was built")->required();
    command->callback([=] { choose({Place::contained, [role](Context& context) { return verify(context, *role); }}); });
}

} // namespace ashlar::command
