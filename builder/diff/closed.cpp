#include <diff/closed.hpp>

#include <debian/package.hpp>
#include <documents/changelog.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ashlar::diff {

namespace {

using documents::ChangelogEntry;
using evidence::ManifestPackage;

struct Step {
    std::string source, from, to;
};

bool newer(std::string_view one, std::string_view two) { return debian::compare_versions(one, two) > 0; }

// Each upgraded source once; where images come from different versions, from the oldest.
std::vector<Step> upgrades(const ReleaseDifference& difference) {
    std::map<std::string, Step> steps;
    for (const auto& image : difference.images)
        for (const auto& change : image.sources) {
            if (change.kind != PackageChange::Kind::upgraded) continue;
            const Step step{change.source, change.old_version, change.new_version};
            const auto [at, added] = steps.emplace(change.source, step);
            if (added) continue;
            if (newer(at->second.from, step.from)) at->second.from = step.from;
            if (newer(step.to, at->second.to)) at->second.to = step.to;
        }
    std::vector<Step> all;
    for (auto& [source, step] : steps) all.push_back(std::move(step));
    return all;
}

class Reading {
public:
    explicit Reading(documents::Library& library) : library_(library) {}

    void read(const Step& step) {
        std::set<std::string> reasons;
        for (const auto& package : library_.packages()) {
            if (package.source != step.source || package.source_version != step.to) continue;
            const auto found = library_.find(package, {"changelog.Debian", "changelog"});
            if (const auto* document = std::get_if<documents::Document>(&found)) {
                if (take(step, *document)) return;
                reasons.insert(fmt::format("the changelog of '{}' is not in Debian's form", document->package));
            } else {
                reasons.insert(std::get<documents::Absence>(found).reason);
            }
        }
        result_.unread.push_back({step.source, reasons.empty() ? std::string("no package of it is in the new images") : fmt::format("{}", fmt::join(reasons, "; "))});
    }

    ClosedVulnerabilities take() && {
        std::ranges::sort(result_.closed, {}, [](const auto& one) { return std::tie(one.id, one.source); });
        return std::move(result_);
    }
    void count(std::size_t sources) { result_.sources = sources; }

private:
    bool take(const Step& step, const documents::Document& document) {
        const auto entries = documents::parse_changelog(document.text);
        if (entries.empty()) return false;
        std::set<std::string> seen;
        for (const ChangelogEntry& entry : entries) {
            if (!newer(entry.version, step.from)) continue;
            for (auto& mention : documents::vulnerabilities_in(entry))
                if (seen.insert(mention.id).second)
                    result_.closed.push_back({mention.id, step.source, std::string(entry.version), document.package, mention.line, std::move(mention.text)});
        }
        doubt(step, entries);
        return true;
    }

    // An entry of the old version, or of one below it, says that nothing in between is left out.
    void doubt(const Step& step, const std::vector<ChangelogEntry>& entries) {
        const bool reaches_back = std::ranges::any_of(entries, [&](const auto& entry) { return !newer(entry.version, step.from); });
        if (!reaches_back)
            result_.doubtful.push_back({step.source, fmt::format("its changelog begins with {}, which is newer than the old version {}", entries.back().version, step.from)});
    }

    documents::Library& library_;
    ClosedVulnerabilities result_;
};

constexpr std::string_view documents_directory = "usr/share/doc/", licences_directory = "usr/share/common-licenses/";

void collect(documents::Collector& collector, const ImageFacts& facts, std::string_view directory, std::string_view link) {
    const auto first = std::ranges::lower_bound(facts.tree, link, {}, [](const auto& entry) { return std::string_view(entry.path); });
    for (auto entry = first; entry != facts.tree.end() && entry->path.starts_with(link); ++entry) {
        if (entry->path != link && !entry->path.starts_with(directory)) continue;
        if (entry->type == root::EntryType::symlink) collector.link(entry->path, entry->target);
        if (entry->type == root::EntryType::file && collector.wants(entry->path))
            if (const auto text = facts.text_of(entry->path)) collector.file(entry->path, *text);
    }
}

} // namespace

ClosedVulnerabilities closed_vulnerabilities(const ReleaseDifference& difference, documents::Library& library) {
    Reading reading(library);
    const auto steps = upgrades(difference);
    for (const Step& step : steps) reading.read(step);
    reading.count(steps.size());
    return std::move(reading).take();
}

documents::Shelf shelf_of(const ImageFacts& facts) {
    return [&facts](const ManifestPackage& package) -> std::optional<documents::PackageDocuments> {
        const auto& packages = facts.manifest.packages;
        const auto known = std::ranges::find_if(packages, [&](const auto& one) { return one.name == package.name && one.sha256 == package.sha256; });
        if (!facts.root || known == packages.end() || std::ranges::find(known->parts, "root") == known->parts.end()) return std::nullopt;
        documents::Collector collector(package.name);
        const std::string own = fmt::format("{}{}", documents_directory, package.name);
        collect(collector, facts, own + "/", own);
        if (package.name == "base-files") collect(collector, facts, licences_directory, licences_directory.substr(0, licences_directory.size() - 1));
        return std::move(collector).take();
    };
}

std::vector<ManifestPackage> packages_of(const std::vector<ImageFacts>& images) {
    std::map<std::tuple<std::string, std::string, Digest>, ManifestPackage> all;
    for (const auto& image : images)
        for (const auto& package : image.manifest.packages) all.emplace(std::tuple(package.name, package.version, package.sha256), package);
    std::vector<ManifestPackage> packages;
    for (auto& [key, package] : all) packages.push_back(std::move(package));
    return packages;
}

} // namespace ashlar::diff
