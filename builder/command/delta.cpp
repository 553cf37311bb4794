#include "options.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <deltas/maker.hpp>

#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct DeltaOptions {
    std::vector<fs::path> images; // the old one, the new one
    deltas::Order::Kind kind = deltas::Order::Kind::delta;
    std::optional<std::uint64_t> budget;
};

void check(const DeltaOptions& options) {
    if (options.images.size() > 2) throw CLI::ValidationError("IMAGE", "more than two images are named");
    if (options.kind == deltas::Order::Kind::delta && options.images.size() != 2)
        throw CLI::ValidationError("IMAGE", "the old image is named, then the new one");
}

void print(Context& context, const DeltaOptions& options, const deltas::Report& report) {
    const bool fits = !options.budget || report.size <= *options.budget;
    if (context.json()) {
        Json json = report.to_json();
        if (options.budget) json["budget"] = {{"bytes", *options.budget}, {"kept", fits}};
        fmt::print("{}", pretty(json));
        return;
    }
    fmt::print("{}", report.to_text());
    if (!fits)
        fmt::print("over its budget of {}, not written; most of it: {}\n", human_bytes(*options.budget), report.top());
}

int delta(Context& context, const DeltaOptions& options) {
    const fs::path& output = context.options().output;
    const deltas::Image now(options.images.back(), output);
    std::optional<deltas::Image> old;
    if (options.images.size() == 2) old.emplace(options.images.front(), output);
    const deltas::Report report = deltas::make({.kind = options.kind, .old = old ? &*old : nullptr, .now = now, .budget = options.budget}, context.renderer());
    print(context, options, report);
    return options.budget && report.size > *options.budget ? 1 : 0;
}

std::uint64_t size_of(const std::string& text) {
    const auto size = parse_size(text);
    if (!size) throw CLI::ValidationError("--budget", fmt::format("'{}' is no size: {}", text, size_remedy));
    return *size;
}

} // namespace

void add_delta(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("delta", "What a node needs to come from one release to another (exit code 1: over budget)");
    command->footer("examples:\n"
                    "  ashlar delta ashlar_base_R0.0_amd64 ashlar_base_R0.1_amd64     writes out/ashlar_base_R0.0-R0.1_amd64.delta\n"
                    "  ashlar delta OLD.raw NEW.raw --budget \"20 MiB\"                 writes nothing that is larger, and says why it is\n"
                    "  ashlar delta --full NEW.raw                                    for nodes with any other release, or none");
    auto options = std::make_shared<DeltaOptions>();
    command->add_option("IMAGE", options->images, "The old image and the new one, as `ashlar build` writes them")->required();
    command->add_flag_callback("--full", [options] { options->kind = deltas::Order::Kind::full; }, "For nodes with any release or none; with an old image, says what nodes that have it fetch");
    command->add_option_function<std::string>("--budget", [options](const std::string& text) { options->budget = size_of(text); }, "The most the file may have")
        ->type_name("SIZE");
    command->callback([=] {
        check(*options);
        choose({Place::plain, [options](Context& context) { return delta(context, *options); }});
    });
}

} // namespace ashlar::command
