#include "kept_sources.hpp"

#include <base/text.hpp>
#include <pipeline/build.hpp>
#include <pipeline/daemon_stage.hpp>
#include <pipeline/inputs.hpp>
#include <sources/needs.hpp>

#include <map>

#include <fmt/format.h>

namespace ashlar::releases {

namespace {

sources::Needs needs_of(pipeline::Workshop& workshop, const lock::Lock& lock) {
    std::map<std::string, std::vector<const lock::Package*>> images;
    for (const auto& role : workshop.train().roles)
        for (const auto& part : pipeline::parts_of(workshop.recipes().load_role(role), workshop.train(), lock)) images[role].insert(images[role].end(), part.packages.begin(), part.packages.end());
    return sources::needs_of(images, workshop.store(), pipeline::daemon_archive);
}

void say_how_much(pipeline::Workshop& workshop, const sources::List& list, const std::string& release) {
    const auto files = list.files();
    std::uint64_t bytes = 0, missing = 0;
    for (const auto& file : files) {
        bytes += file.size;
        if (!workshop.store().find(file.sha256)) missing += file.size;
    }
    workshop.renderer().note(fmt::format("sources of {}: {} packages, {} files, {}, of which {} are to be fetched", release, list.sources.size(), files.size(), human_bytes(bytes), human_bytes(missing)));
    for (const auto& one : list.left_out) workshop.renderer().note(fmt::format("without the source of {} {}: {}", one.package, one.version, one.reason));
}

} // namespace

std::vector<Digest> KeptSources::blobs() const {
    std::vector<Digest> blobs = found.indices;
    for (const auto& package : found.packages)
        for (const auto& file : package.files) blobs.push_back(file.sha256);
    return blobs;
}

KeptSources keep_sources(pipeline::Workshop& workshop, const lock::Lock& lock, const std::string& release) {
    const auto needs = needs_of(workshop, lock);
    auto fetcher = pipeline::make_fetcher(workshop);
    auto found = fetcher.find_sources(workshop.train(), lock, needs.wanted());
    auto list = sources::list_of(release, needs, found.packages);
    say_how_much(workshop, list, release);
    fetcher.source_files(workshop.train(), lock, found);
    return {.found = std::move(found), .list = std::move(list)};
}

} // namespace ashlar::releases
