#include "evidence_inputs.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/mapped_file.hpp>
#include <vulnerabilities/exchange.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;
namespace vulns = vulnerabilities;

struct VulnsOptions {
    std::vector<fs::path> images;
    fs::path tracker, vex;
    std::string suite;
    vulns::Listing listing = vulns::Listing::open;
    Judgement judgement;
};

vulns::Image read_evidence(const fs::path& base) {
    const fs::path manifest = base.native() + ".manifest.json", lock = base.native() + ".lock";
    if (!fs::exists(lock)) throw Error(fmt::format("cannot judge '{}': its lock is not beside it", base.native()), "keep the files of a build together");
    return {evidence::parse_manifest(read_file(manifest), manifest.native()), lock::read(lock)};
}

// The serial number of the image's own CycloneDX document.
std::string bill_of(const fs::path& base) {
    const fs::path path = base.native() + ".cdx.json";
    return fs::exists(path) ? parse_json(read_file(path), path.native()).value("serialNumber", "") : std::string();
}

vulns::Inventory read_inventory(const std::vector<fs::path>& names, const fs::path& output) {
    std::vector<vulns::Image> images;
    std::vector<std::string> bills;
    for (const auto& name : names)
        for (const auto& base : diff::find_images(name, output)) {
            images.push_back(read_evidence(base));
            bills.push_back(bill_of(base));
        }
    return vulns::inventory_of(images, bills);
}

std::string release_of(const vulns::Inventory& inventory, const VulnsOptions& options) {
    if (!options.suite.empty()) return options.suite;
    if (inventory.releases.size() == 1) return *inventory.releases.begin();
    throw Error(fmt::format("cannot judge the images: their suites are of {}", inventory.releases.empty() ? std::string("no release") : fmt::format("several releases: {}", fmt::join(inventory.releases, ", "))),
                "name the release that counts with --suite, such as --suite trixie");
}

vulns::Tracker read_tracker(Context& context, const MappedFile& file, const VulnsOptions& options, const vulns::Inventory& inventory) {
    Activity activity(context.renderer(), "read the security tracker");
    return vulns::Tracker::parse(file.text(), options.tracker.native(), inventory.names());
}

int judge(Context& context, const VulnsOptions& options) {
    const auto policy = options.judgement.read();
    const auto inventory = read_inventory(options.images, context.options().output);
    const std::string release = release_of(inventory, options);
    const MappedFile file(options.tracker);
    const auto tracker = read_tracker(context, file, options, inventory);
    if (!tracker.knows_release(release))
        throw Error(fmt::format("cannot judge the images: '{}' says nothing about the release '{}'", options.tracker.native(), release), "take a newer snapshot, or name another release with --suite");
    const auto assessment = vulns::assess(inventory, tracker, release);
    const auto* rules = policy && policy->vulnerabilities ? &*policy->vulnerabilities : nullptr;
    const auto refused = rules != nullptr ? vulns::judge(*rules, assessment, options.judgement.day()) : std::vector<policy::Finding>();
    if (!options.vex.empty()) write_file(options.vex, vulns::vex(assessment, sha256(file.text()), rules, options.judgement.day()));
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
                    "  ashlar vulns R0.1 --tracker tracker.json                          all roles of a release in --output\n"
                    "  ashlar vulns IMAGE.raw --tracker tracker.json --vex vex.cdx.json  and a VEX document\n"
                    "  ashlar vulns R0.1 --tracker tracker.json --policy policy.toml     exit code 1: the policy refuses something\n\n"
                    "The snapshot is the JSON file that the tracker exports for all packages. Nothing is fetched.");
    auto options = std::make_shared<VulnsOptions>();
    command->add_option("IMAGE", options->images, "Images, directories of images, or releases in --output")->required();
    command->add_option("--tracker", options->tracker, "The snapshot")->type_name("FILE")->required()->check(CLI::ExistingFile);
    command->add_option("--suite", options->suite, "Debian's release (default: that of the lock's suites)")->type_name("SUITE");
    command->add_option("--vex", options->vex, "Write a CycloneDX VEX document")->type_name("FILE");
    command->add_flag_callback("--all", [options] { options->listing = vulns::Listing::everything; }, "List also what is resolved and what never affected the release");
    add_judgement(*command, options->judgement);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return judge(context, *options); }}); });
}

} // namespace ashlar::command
