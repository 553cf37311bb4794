#include "source_search.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::fetch {

SourceSearch::SourceSearch(std::span<const WantedSource> wanted) : wanted_(wanted) {
    for (const auto& one : wanted) found_[one.name][one.version];
}

bool SourceSearch::read(std::string_view sources, const std::string& name, const std::string& archive, const std::string& component) {
    debian::ControlReader reader(sources, name);
    debian::Paragraph paragraph;
    bool useful = false;
    while (reader.next(paragraph)) {
        // Of tens of thousands only those are looked at that may be wanted.
        if (const auto package = paragraph.get("Package"); package && found_.find(*package) == found_.end()) continue;
        if (add(debian::read_source_package(paragraph, reader), archive, component)) useful = true;
    }
    return useful;
}

bool SourceSearch::add(const debian::SourcePackage& package, const std::string& archive, const std::string& component) {
    const auto name = found_.find(package.name);
    if (name == found_.end()) return false;
    const auto version = name->second.find(package.version);
    if (version == name->second.end()) return false;
    SourcePackage found{.name = package.name, .version = package.version, .archive = archive, .component = component, .files = {}};
    for (const auto& file : package.files)
        found.files.push_back({file.name, package.directory.empty() ? file.name : package.directory + "/" + file.name, file.size, file.sha256});
    std::ranges::sort(found.files, {}, &SourceFile::file);
    version->second.push_back(std::move(found));
    return true;
}

const SourcePackage* SourceSearch::found(const WantedSource& wanted) const {
    const auto& candidates = found_.at(wanted.name).at(wanted.version);
    const auto own = std::ranges::find(candidates, wanted.archive, &SourcePackage::archive);
    if (own != candidates.end()) return &*own;
    return candidates.empty() ? nullptr : &candidates.front();
}

std::vector<SourcePackage> SourceSearch::take(const std::string& train) const {
    std::vector<SourcePackage> packages;
    std::vector<std::string> missing;
    for (const auto& wanted : wanted_) {
        if (const auto* package = found(wanted)) packages.push_back(*package);
        else missing.push_back(fmt::format("{} {} ({})", wanted.name, wanted.version, wanted.archive));
    }
    if (!missing.empty()) throw error_of_gone_sources(train, missing, missing.size() == 1 ? "no index of its suites names it" : "no index of its suites names them");
    return packages;
}

Error error_of_gone_sources(const std::string& train, const std::vector<std::string>& gone, std::string_view why) {
    std::string text = fmt::format("cannot get {} source package{} of train '{}': {}", gone.size(), gone.size() == 1 ? "" : "s", train, why);
    for (const auto& one : gone) text += "\n  " + one;
    return Error(std::move(text), fmt::format("an archive forgets superseded sources: use a mirror that keeps old versions (--mirror), or put the .dsc and its files into a local folder "
                                              "of the train; otherwise `ashlar lock {}` moves on to what there is now",
                                              train));
}

} // namespace ashlar::fetch
