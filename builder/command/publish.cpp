#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <publish/publish.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct PublishOptions {
    fs::path image, to;
    std::vector<fs::path> from;
    publish::Order::Audience audience = publish::Order::Audience::all;
};

std::string text_of(const ReleaseIndex& index, const fs::path& to) {
    std::string text = fmt::format("{} {} for {}{}, in '{}':\n  {:<48} {}\n", index.role, index.release, index.architecture, index.test ? ", a test release" : "", to.native(), index.uki.file,
                                   human_bytes(index.uki.size));
    for (const auto& stream : index.uki_deltas) text += fmt::format("  {:<48} {}\n", stream.file.file, human_bytes(stream.file.size));
    for (const auto& stream : index.streams) text += fmt::format("  {:<48} {}\n", stream.file.file, human_bytes(stream.file.size));
    return text + fmt::format("a node takes it with `ashlarctl upgrade`, from there or from wherever it is served\n");
}

int publish(Context& context, const PublishOptions& options) {
    const deltas::Image now(options.image, context.options().output);
    std::vector<std::unique_ptr<deltas::Image>> olds;
    publish::Order order{.to = options.to, .now = now, .olds = {}, .audience = options.audience};
    for (const auto& old : options.from) {
        olds.push_back(std::make_unique<deltas::Image>(old, context.options().output));
        order.olds.push_back(olds.back().get());
    }
    const ReleaseIndex index = publish::publish(order, context.renderer());
    fmt::print("{}", context.json() ? release_index_text(index) : text_of(index, options.to));
    return 0;
}

} // namespace

void add_publish(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("publish", "Make a release for nodes to fetch: UKI, blocks, deltas, index");
    command->footer("examples:\n  ashlar publish ashlar_base_R0.1_amd64 --to /srv/ashlar/R0.1 --from ashlar_base_R0.0_amd64\n\n"
                    "The directory is plain files: any web server or medium will do.");
    auto options = std::make_shared<PublishOptions>();
    command->add_option("IMAGE", options->image, "The image, or its name without ending, in --output")->required();
    command->add_option("--to", options->to, "Where the release goes")->type_name("DIR")->required();
    command->add_option("--from", options->from, "An earlier image that gets a delta; may be given again")->type_name("IMAGE")->allow_extra_args(false);
    command->add_flag_callback("--test", [options] { options->audience = publish::Order::Audience::test; }, "A test release: a node starts it once, and not three times, before it must have proved itself");
    command->callback([options, choose] { choose({.run = [options](Context& context) { return publish(context, *options); }}); });
}

} // namespace ashlar::command
