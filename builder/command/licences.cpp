#include "evidence_inputs.hpp"

#include <base/json.hpp>
#include <documents/licences.hpp>
#include <policy/licences.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct LicencesOptions {
    std::vector<fs::path> images;
    fs::path texts;
    Judgement judgement;
};

void read_documents(Context& context, documents::Library& library) {
    Activity activity(context.renderer(), "read copyright files");
    library.read_all([&](std::size_t done) { activity.count(done, library.packages().size()); });
}

int list(Context& context, const LicencesOptions& options) {
    const auto policy = options.judgement.read();
    const auto images = read_named_images(context, options.images);
    Documents documents(context, images);
    read_documents(context, documents.library());
    const auto licences = documents::licences_of(documents.library());
    const auto refused = policy && policy->licences ? judged(context, *policy->licences, licences, options.judgement) : std::vector<policy::Finding>();
    if (!options.texts.empty()) write_file(options.texts, documents::licence_texts(documents.library()));
    if (context.json()) {
        Json json{{"format", 1}, {"packages", documents::to_json(licences)}};
        if (policy) json["refused"] = policy::to_json(refused);
        fmt::print("{}", pretty(json));
    } else {
        fmt::print("{}{}", documents::to_text(licences), policy ? policy::to_text(*policy, refused) : "");
    }
    return refused.empty() ? 0 : 1;
}

} // namespace

void add_licences(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("licences", "Licences of the packages in images");
    command->footer("examples:\n"
                    "  ashlar licences R0.1                          all roles of a release\n"
                    "  ashlar licences IMAGE.raw --texts LICENCES    and all copyright files as one text\n"
                    "  ashlar licences R0.1 --policy policy.toml     exit code 1: the policy refuses something\n\n"
                    "They are what the packages' copyright files say, read from the images, else from the store.");
    auto options = std::make_shared<LicencesOptions>();
    command->add_option("IMAGE", options->images, "Images, directories of images, or releases that were cut, or are in --output")->required();
    command->add_option("--texts", options->texts, "Write the texts, for whoever hands the images on")->type_name("FILE");
    add_judgement(*command, options->judgement);
    command->callback([=] { choose({Place::plain, [options](Context& context) { return list(context, *options); }}); });
}

} // namespace ashlar::command
