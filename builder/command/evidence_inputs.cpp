#include "evidence_inputs.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/mapped_file.hpp>
#include <base/release_version.hpp>

#include <chrono>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

std::vector<documents::Shelf> shelves(const std::vector<facts::ImageFacts>& images, const std::optional<store::Store>& store) {
    std::vector<documents::Shelf> all;
    for (const auto& image : images) all.push_back(diff::shelf_of(image));
    if (store) all.push_back(documents::shelf_of(*store));
    return all;
}

// A store is used where there is one; looking at images makes none.
std::optional<store::Store> existing_store(Context& context) {
    const fs::path& named = context.options().workshop.store;
    const fs::path root = named.empty() ? store::default_root() : named;
    if (!fs::is_directory(root)) return std::nullopt;
    return std::optional<store::Store>(root);
}

vulnerabilities::Image read_evidence(const fs::path& base) {
    const fs::path manifest = base.native() + ".manifest.json", lock = base.native() + ".lock";
    if (!fs::exists(lock)) throw Error(fmt::format("cannot judge '{}': its lock is not beside it", base.native()), "keep the files of a build together");
    return {evidence::parse_manifest(read_file(manifest), manifest.native()), lock::read(lock)};
}

// The serial number of the image's own CycloneDX document.
std::string bill_of(const fs::path& base) {
    const fs::path path = base.native() + ".cdx.json";
    return fs::exists(path) ? parse_json(read_file(path), path.native()).value("serialNumber", "") : std::string();
}

// A release that was cut lies in the office; whatever else, where builds put it.
std::vector<fs::path> find_named(const Context& context, const fs::path& name) {
    const fs::path cut = context.options().releases / "images" / name;
    if (parse_release_version(name.native()) && fs::is_directory(cut)) return facts::find_images(cut, cut);
    return facts::find_images(name, context.options().output);
}

} // namespace

std::vector<facts::ImageFacts> read_named_images(Context& context, const std::vector<fs::path>& names) {
    Activity activity(context.renderer(), "read images");
    std::vector<fs::path> bases;
    for (const auto& name : names)
        for (auto& base : find_named(context, name)) bases.push_back(std::move(base));
    std::vector<facts::ImageFacts> images;
    for (const auto& base : bases) {
        images.push_back(facts::read_image(base));
        activity.count(images.size(), bases.size());
    }
    return images;
}

std::optional<policy::Policy> Judgement::read() const {
    if (policy.empty()) return std::nullopt;
    return policy::read_policy(policy);
}

std::string Judgement::day() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return today.empty() ? policy::day_of(now.time_since_epoch().count()) : today;
}

void add_judgement(CLI::App& command, Judgement& judgement) {
    command.add_option("--policy", judgement.policy, "What is refused: docs/formats/policy.md (exit code 1: something is)")->type_name("FILE");
    command
        .add_option_function<std::string>(
            "--today",
            [&judgement](const std::string& text) {
                if (!policy::is_day(text)) throw CLI::ValidationError("--today", fmt::format("'{}' is no day: write it like 2027-06-30", text));
                judgement.today = text;
            },
            "The day on which waivers have to hold (default: this machine's)")
        ->type_name("DAY");
}

CLI::Option* add_tracker(CLI::App& command, TrackerOptions& options) {
    auto* option = command.add_option("--tracker", options.snapshot, "A snapshot of Debian's security tracker: what is open")->type_name("FILE")->check(CLI::Validator(CLI::ExistingFile).description(""));
    command.add_option("--suite", options.suite, "Debian's release that the tracker is asked about (default: that of the lock's suites)")->type_name("SUITE");
    return option;
}

vulnerabilities::Inventory read_inventory(const Context& context, const std::vector<fs::path>& names) {
    std::vector<vulnerabilities::Image> images;
    std::vector<std::string> bills;
    for (const auto& name : names)
        for (const auto& base : find_named(context, name)) {
            images.push_back(read_evidence(base));
            bills.push_back(bill_of(base));
        }
    return vulnerabilities::inventory_of(images, bills);
}

std::string release_of(const vulnerabilities::Inventory& inventory, const TrackerOptions& options) {
    if (!options.suite.empty()) return options.suite;
    if (inventory.releases.size() == 1) return *inventory.releases.begin();
    throw Error(fmt::format("cannot judge the images: their suites are of {}", inventory.releases.empty() ? std::string("no release") : fmt::format("several releases: {}", fmt::join(inventory.releases, ", "))),
                "name the release that counts with --suite, such as --suite trixie");
}

std::vector<vulnerabilities::Assessment> assess(Context& context, const std::vector<vulnerabilities::Inventory>& inventories, const TrackerOptions& options) {
    Activity activity(context.renderer(), "read the security tracker");
    std::set<std::string> names;
    for (const auto& inventory : inventories) names.merge(inventory.names());
    const MappedFile file(options.snapshot);
    const auto tracker = vulnerabilities::Tracker::parse(file.text(), options.snapshot.native(), names);
    std::vector<vulnerabilities::Assessment> all;
    for (const auto& inventory : inventories) {
        const std::string release = release_of(inventory, options);
        if (!tracker.knows_release(release))
            throw Error(fmt::format("cannot judge the images: '{}' says nothing about the release '{}'", options.snapshot.native(), release), "take a newer snapshot, or name another release with --suite");
        all.push_back(vulnerabilities::assess(inventory, tracker, release));
    }
    return all;
}

Documents::Documents(Context& context, const std::vector<facts::ImageFacts>& images) : store_(existing_store(context)), library_(diff::packages_of(images), shelves(images, store_)) {}

} // namespace ashlar::command
