#include "evidence_inputs.hpp"

#include <base/json.hpp>
#include <diff/report.hpp>

#include <algorithm>
#include <iterator>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ashlar::command {

namespace {

namespace fs = std::filesystem;

struct DiffOptions {
    std::vector<fs::path> releases; // the old one, the new one
    Judgement judgement;
    TrackerOptions tracker;
    enum class Form { text, markdown } form = Form::text;
};

std::string answer(Context& context, const DiffOptions& options, const diff::Report& report) {
    if (context.json()) return pretty(diff::to_json(report));
    return options.form == DiffOptions::Form::markdown ? diff::notes(report) : diff::to_text(report);
}

int compare(Context& context, const DiffOptions& options) {
    const auto policy = options.judgement.read();
    const auto before = read_named_images(context, {options.releases.front()}), after = read_named_images(context, {options.releases.back()});
    const auto difference = diff::compare_releases(before, after);
    Documents documents(context, after);
    diff::ClosedVulnerabilities closed;
    {
        Activity activity(context.renderer(), "read changelogs");
        closed = diff::closed_vulnerabilities(difference, documents.library());
    }
    diff::Report report{difference, closed, std::nullopt};
    if (policy) report.findings = policy->changes ? diff::judge(*policy->changes, difference) : std::vector<policy::Finding>();
    if (!options.tracker.snapshot.empty()) {
        const auto assessments = assess(context, {read_inventory(context, {options.releases.front()}), read_inventory(context, {options.releases.back()})}, options.tracker);
        report.tracked = vulnerabilities::step(assessments.front(), assessments.back());
        if (policy && policy->vulnerabilities) std::ranges::move(judged(context, *policy->vulnerabilities, assessments.back(), options.judgement), std::back_inserter(*report.findings));
    }
    fmt::print("{}", answer(context, options, report));
    return report.findings && !report.findings->empty() ? 1 : 0;
}

} // namespace

void add_diff(CLI::App& app, const Choose& choose) {
    auto* command = app.add_subcommand("diff", "What changes from one release to another");
    command->footer("examples:\n"
                    "  ashlar diff R0.0 R0.1                                       all roles of both\n"
                    "  ashlar diff OLD.raw NEW.raw --markdown > notes.md           for release notes\n"
                    "  ashlar diff R0.0 R0.1 --tracker tracker.json                and what is open, by the security tracker\n"
                    "  ashlar diff old/ new/ --policy policy.toml                  exit code 1: the policy refuses something\n\n"
                    "Vulnerabilities closed are what the new packages' changelogs name; they are read from the images, else\n"
                    "from the store.");
    auto options = std::make_shared<DiffOptions>();
    command->add_option("IMAGE", options->releases, "The old and the new one: an image, a directory of images, or a release that was cut, or is in --output")->required();
    command->add_flag_callback("--markdown", [options] { options->form = DiffOptions::Form::markdown; }, "As Markdown");
    add_tracker(*command, options->tracker);
    add_judgement(*command, options->judgement);
    command->callback([=] {
        if (options->releases.size() != 2) throw CLI::ValidationError("IMAGE", "the old one is named, then the new one");
        choose({Place::plain, [options](Context& context) { return compare(context, *options); }});
    });
}

} // namespace ashlar::command
