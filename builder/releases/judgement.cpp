#include "judgement.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <diff/closed.hpp>
#include <documents/licences.hpp>
#include <pipeline/build.hpp>
#include <policy/licences.hpp>
#include <policy/policy.hpp>
#include <root/accounts.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

Judgement::Judgement(pipeline::Workshop& workshop, const Office& office, const CutOrder& order)
    : workshop_(workshop), office_(office), order_(order), train_(workshop.train()), components_(workshop.recipes().load_components()) {}

// ---- What it refuses ----

void Judgement::on_packages() {
    cut::ReleaseFacts planned_release{.release = to_text(order_.release), .images = {}, .accounts = {}};
    for (const auto& role : train_.roles) planned_release.images.push_back({.manifest = planned(role), .tree = {}});
    (void)verdict_on(cut::package_findings(components_, planned_release, previous(), today()));
}

void Judgement::on_roots() {
    std::vector<facts::ImageFacts> roots;
    for (const auto& role : train_.roles) roots.push_back(facts::facts_of(planned(role), pipeline::record_of_root(workshop_, order_.lock, role)));
    (void)verdict_on(cut::all_findings(components_, facts_of(order_.release, std::move(roots)), previous(), today()));
}

evidence::Manifest Judgement::planned(const std::string& role) const {
    const Digest none = sha256(""); // of what is not built
    evidence::Manifest manifest{.role = role, .lock = none, .root_hash = none, .unsigned_uki = none, .authenticode = none};
    for (const lock::Package* package : order_.lock.packages_of(role))
        manifest.packages.push_back({package->name, package->version, package->architecture, package->source, package->source_version, package->sha256, {"root"}});
    return manifest;
}

Judgement::Passed Judgement::on_images() {
    const cut::ReleaseFacts now = facts_of(order_.release, images());
    auto verdict = verdict_on(cut::all_findings(components_, now, previous(), today()));
    for (const auto place : verdict.unused) workshop_.renderer().note(cut::unused_warning(train_.accept[place]));
    obey_policy();
    return {.components = cut::read_components(components_, now).components, .accepted = std::move(verdict.used)};
}

cut::Verdict Judgement::verdict_on(const std::vector<cut::Finding>& findings) const {
    auto verdict = cut::judge(findings, {train_.accept.begin(), train_.accept.end()});
    if (!verdict.refused.empty()) throw cut::refusal(to_text(order_.release), verdict.refused, fmt::format("recipes/trains/{}.toml", train_.name));
    return verdict;
}

const std::vector<cut::ReleaseFacts>& Judgement::previous() {
    if (previous_) return *previous_;
    previous_.emplace();
    for (const auto& release : origins()) {
        if (!fs::exists(office_.images(to_text(release)))) continue;
        require_images_as_released(office_, release);
        previous_->push_back(facts_of(release, images_of(release)));
    }
    return *previous_;
}

// The train's policy: licences, and what may change.
void Judgement::obey_policy() {
    if (!train_.policy) return;
    const auto policy = policy::read_policy(*train_.policy);
    std::vector<policy::Finding> refused;
    const auto add = [&](std::vector<policy::Finding> found) { refused.insert(refused.end(), found.begin(), found.end()); };
    auto& library = this->library();
    if (policy.licences) {
        policy::Waivers waivers(policy.licences->waivers, to_text(today()));
        add(policy::judge(*policy.licences, documents::licences_of(library), waivers));
        for (const auto& warning : policy::unused_warnings(waivers)) workshop_.renderer().note(warning);
    }
    if (policy.changes && difference()) add(diff::judge(*policy.changes, *difference()));
    if (refused.empty()) return;
    std::vector<std::string> causes;
    for (const auto& finding : refused) causes.push_back(fmt::format("{}: {}", finding.rule, finding.message));
    throw Error(fmt::format("cannot cut {}: {} refuses {}", to_text(order_.release), train_.policy->native(), join(causes, "; ")), "mend it, or write a waiver with its reason and its end into the policy");
}

// ---- What the packages say of themselves ----

const std::vector<facts::ImageFacts>& Judgement::images() {
    if (images_.empty()) images_ = images_of(order_.release);
    return images_;
}

std::vector<facts::ImageFacts> Judgement::images_of(const ReleaseVersion& release) const {
    const fs::path place = office_.images(to_text(release));
    return facts::read_images(facts::find_images(place, place));
}

documents::Library& Judgement::library() {
    if (library_) return *library_;
    std::vector<documents::Shelf> shelves;
    for (const auto& image : images()) shelves.push_back(diff::shelf_of(image));
    shelves.push_back(documents::shelf_of(workshop_.store()));
    return library_.emplace(diff::packages_of(images()), std::move(shelves));
}

const std::optional<diff::ReleaseDifference>& Judgement::difference() {
    if (!difference_ && !previous().empty()) difference_ = diff::compare_releases(previous().front().images, images());
    return difference_;
}

std::optional<std::string> Judgement::notes() {
    if (!difference()) return std::nullopt;
    const auto closed = diff::closed_vulnerabilities(*difference(), library());
    return diff::notes({*difference(), closed, std::nullopt});
}

cut::ReleaseFacts Judgement::facts_of(const ReleaseVersion& release, std::vector<facts::ImageFacts> images) const {
    cut::ReleaseFacts facts{.release = to_text(release), .images = std::move(images), .accounts = {}};
    const fs::path place = office_.images(facts.release);
    if (fs::exists(place / accounts_file)) facts.accounts = cut::accounts_of(root::Ledger::read(place / accounts_file, (place / accounts_file).native()));
    return facts;
}

// ---- Where nodes come from ----

std::vector<ReleaseVersion> Judgement::origins() const {
    std::vector<ReleaseVersion> from;
    for (const auto& train : trains(office_))
        for (const auto& one : list(office_, train))
            if (!one.revoked && !one.below_floor && one.release < order_.release && may_come_from(one.release)) from.push_back(one.release);
    std::ranges::sort(from, std::ranges::greater{});
    return from;
}

bool Judgement::may_come_from(const ReleaseVersion& release) const {
    const bool says_of_own = std::ranges::any_of(train_.previous, [&](const ReleaseOrigin& origin) { return origin.train == order_.release.train; });
    return (release.train == order_.release.train && !says_of_own) || std::ranges::any_of(train_.previous, [&](const ReleaseOrigin& origin) { return origin.holds(release); });
}

} // namespace ashlar::releases
