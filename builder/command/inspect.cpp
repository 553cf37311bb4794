#include "options.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <evidence/manifest.hpp>
#include <image/inspect.hpp>

#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct InspectOptions {
    fs::path image;
    image::Verify verify = image::Verify::everything;
    enum class Packages { counted, listed } packages = Packages::counted;
};

// The manifest that belongs to the image lies beside it.
fs::path manifest_path(const fs::path& image) { return fs::path(image).replace_extension(".manifest.json"); }

std::optional<evidence::Manifest> manifest_of(const fs::path& image) {
    const fs::path path = manifest_path(image);
    if (!fs::exists(path)) return std::nullopt;
    return evidence::parse_manifest(read_file(path), path.native());
}

void add_faults(image::Inspection& inspection, const InspectOptions& options, const evidence::Manifest& manifest) {
    const auto add = [&](const std::vector<std::string>& faults) { inspection.faults.insert(inspection.faults.end(), faults.begin(), faults.end()); };
    const bool everything = options.verify == image::Verify::everything;
    add(evidence::compare(manifest, inspection, everything ? std::optional(sha256_of_file(options.image)) : std::nullopt));
    add(evidence::compare_files(manifest, manifest_path(options.image).parent_path()));
}

// What is known about the image from beside it.
void print_evidence(const InspectOptions& options, const std::optional<evidence::Manifest>& manifest) {
    if (!manifest) {
        fmt::print("manifest     none beside the image: packages are not known\n");
        return;
    }
    fmt::print("manifest     {}\n", manifest_path(options.image).filename().native());
    for (const auto& [kind, format] : {std::pair{"spdx", "SPDX 2.3"}, {"cyclonedx", "CycloneDX 1.6"}})
        if (const auto bill = manifest->artefacts.find(kind); bill != manifest->artefacts.end())
            fmt::print("SBOM         {} ({})\n", bill->second.file, format);
    fmt::print("packages     {}\n", manifest->packages.size());
    if (options.packages == InspectOptions::Packages::listed)
        for (const auto& package : manifest->packages) fmt::print("  {:<36} {}\n", package.name, package.version);
}

int inspect(Context& context, const InspectOptions& options) {
    if (!fs::is_regular_file(options.image)) throw Error(fmt::format("cannot inspect '{}': there is no such image", options.image.native()));
    image::Inspection inspection = image::inspect(options.image, options.verify);
    const auto manifest = manifest_of(options.image);
    if (manifest) add_faults(inspection, options, *manifest);

    if (context.json()) {
        Json json = image::to_json(inspection);
        if (manifest) json["manifest"] = parse_json(evidence::to_text(*manifest), "manifest");
        fmt::print("{}", pretty(json));
    } else {
        fmt::print("{}", image::to_text(inspection));
        print_evidence(options, manifest);
    }
    return inspection.faults.empty() ? 0 : 1;
}

} // namespace

void add_inspect(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("inspect", "What is in an image, and whether it is sound (exit code 1: it is not)");
    command->footer("examples:\n  ashlar inspect out/ashlar_base_R0.0_amd64.raw\n  ashlar inspect IMAGE --json | jq .root_hash");
    auto options = std::make_shared<InspectOptions>();
    command->add_option("IMAGE", options->image, "A disk image")->required();
    command->add_flag_callback("--headers", [options] { options->verify = image::Verify::headers; }, "Do not read the whole root");
    command->add_flag_callback("--packages", [options] { options->packages = InspectOptions::Packages::listed; }, "List the packages");
    command->callback([=] { choose({Place::plain, [options](Context& context) { return inspect(context, *options); }}); });
}

} // namespace ashlar::command
