#include "evidence_inputs.hpp"

#include <base/file.hpp>
#include <base/json.hpp>
#include <vulnerabilities/exchange.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;
namespace vulns = vulnerabilities;

struct VulnsOptions {
    std::vector<fs::path> images;
    fs::path vex;
    TrackerOptions tracker;
    vulns::Listing listing = vulns::Listing::open;
    Judgement judgement;
};

int judge(Context& context, const VulnsOptions& options) {
    const auto policy = options.judgement.read();
    const auto assessment = assess(context, {read_inventory(context, options.images)}, options.tracker).front();
    const auto* rules = policy && policy->vulnerabilities ? &*policy->vulnerabilities : nullptr;
    const auto refused = rules != nullptr ? judged(context, *rules, assessment, options.judgement) : std::vector<policy::Finding>();
    if (!options.vex.empty()) write_file(options.vex, vulns::vex(assessment, sha256_of_file(options.tracker.snapshot), rules, options.judgement.day()));
    if (context.json()) {
        Json json = vulns::to_json(assessment);
        if (policy) json["refused"] = policy::to_json(refused);
        fmt::print("{}", pretty(json));
    } else {
        fmt::print("{}{}", vulns::to_text(assessment, options.listing), policy ? policy::to_text(*policy, refused) : "");
    }
    return refused.empty() ? 0 : 1;
}

} // namespace

void add_vulns(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("vulns", "Vulnerabilities of images, from a snapshot of Debian's security tracker");
    command->footer("examples:\n"
                    "  ashlar vulns R0.1 --tracker tracker.json                          all roles of a release\n"
                    "  ashlar vulns IMAGE.raw --tracker tracker.json --vex vex.cdx.json  and a VEX document\n"
                    "  ashlar vulns R0.1 --tracker tracker.json --policy policy.toml     exit code 1: the policy refuses something\n\n"
                    "The snapshot is the JSON file that the tracker exports for all packages. Nothing is fetched.");
    auto options = std::make_shared<VulnsOptions>();
    command->add_option("IMAGE", options->images, "Images, directories of images, or releases that were cut, or are in --output")->required();
    add_tracker(*command, options->tracker)->required();
    command->add_option("--vex", options->vex, "Write a CycloneDX VEX document")->type_name("FILE");
    command->add_flag_callback("--all", [options] { options->listing = vulns::Listing::everything; }, "List also what is resolved and what never affected the release");
    add_judgement(*command, options->judgement);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return judge(context, *options); }}); });
}

} // namespace ashlar::command
