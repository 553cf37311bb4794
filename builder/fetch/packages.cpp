#include "packages.hpp"

#include "url.hpp"

#include <base/error.hpp>
#include <store/landing.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

std::string title(const lock::Package& package) { return fmt::format("{} {}", package.name, package.version); }

const recipe::Archive* folder_archive(const recipe::Train& train, const std::string& name) {
    for (const auto& archive : train.archives)
        if (archive.folder && archive.name == name) return &archive;
    return nullptr;
}

transfer::Request request_for(const lock::Package& package, const std::vector<std::string>& bases,
                              const std::shared_ptr<store::Landing>& landing) {
    transfer::Request request{.name = title(package),
                              .expected = transfer::Exactly{package.sha256, package.size},
                              .target = [landing] { return landing->open(); },
                              .arrived = [landing](const transfer::Received&) { landing->adopt(); },
                              .given_up = [landing] { landing->let_go(); }};
    for (const auto& base : bases) request.urls.push_back(below(base, package.path));
    return request;
}

void take_from_folder(const lock::Package& package, const fs::path& file, store::Store& store) {
    const Digest digest = store.insert(file);
    if (digest == package.sha256) return;
    throw Error(fmt::format("cannot verify '{}': SHA-256 is {}, expected {}", file.native(), digest.hex(),
                            package.sha256.hex()),
                "the folder changed after the lock was made: put the old file back, or lock again");
}

[[noreturn]] void report_failures(const std::vector<transfer::Failed>& failures, std::size_t of) {
    if (failures.size() == 1) throw error_of(failures.front());
    std::string text = fmt::format("cannot fetch {} of {} packages", failures.size(), of);
    for (const auto& failed : failures) text += fmt::format("\n  {}", error_of(failed).message());
    throw Error(text, error_of(failures.front()).hint());
}

} // namespace

std::vector<const lock::Package*> missing_packages(const lock::Lock& lock, std::span<const std::string> roles,
                                                   const store::Store& store) {
    std::vector<const lock::Package*> missing;
    std::set<Digest> seen;
    for (const auto& role : roles)
        for (const lock::Package* package : lock.packages_of(role))
            if (seen.insert(package->sha256).second && !store.find(package->sha256)) missing.push_back(package);
    return missing;
}

std::vector<const lock::Package*> take_from_folders(const recipe::Train& train, const lock::Lock& lock,
                                                    std::vector<const lock::Package*> wanted, store::Store& store) {
    std::vector<const lock::Package*> elsewhere, gone;
    for (const lock::Package* package : wanted) {
        const recipe::Archive* const archive = folder_archive(train, package->archive);
        if (archive == nullptr) {
            elsewhere.push_back(package);
        } else if (fs::exists(*archive->folder / package->path)) {
            take_from_folder(*package, *archive->folder / package->path, store);
        } else {
            gone.push_back(package);
        }
    }
    if (!gone.empty())
        throw error_of_gone(
            lock, gone, gone.size() == 1 ? "it is not in the folder any more" : "they are not in the folder any more",
            fmt::format("put the files back, or lock again with `ashlar lock {}`", lock.train));
    return elsewhere;
}

Error error_of_gone(const lock::Lock& lock, const std::vector<const lock::Package*>& gone, std::string_view why,
                    std::string hint) {
    std::string text = fmt::format("cannot get {} package{} that the lock of train '{}' names: {}", gone.size(),
                                   gone.size() == 1 ? "" : "s", lock.train, why);
    for (const lock::Package* package : gone)
        text += fmt::format("\n  {} {} ({}: {})", package->name, package->version, package->archive, package->path);
    if (hint.empty())
        hint = fmt::format("an archive forgets superseded packages; these come back from the store of a machine "
                           "that built with this lock, from a mirror that keeps old versions (--mirror), or from "
                           "a bundle; otherwise `ashlar lock {}` moves on to what there is now",
                           lock.train);
    return Error(std::move(text), std::move(hint));
}

void fetch_packages(const lock::Lock& lock, std::vector<const lock::Package*> wanted, const Mirrors& mirrors,
                    store::Store& store, transfer::Downloader& downloader) {
    if (wanted.empty()) return;
    // The largest first, so that none of them is left alone at the end.
    std::stable_sort(wanted.begin(), wanted.end(), [](const auto* a, const auto* b) { return a->size > b->size; });
    const store::Workspace workspace = store.temporary();
    std::map<std::string, std::vector<std::string>> bases;
    std::vector<transfer::Request> requests;
    for (const lock::Package* package : wanted) {
        if (!bases.contains(package->archive)) bases.emplace(package->archive, mirrors.of(package->archive));
        requests.push_back(request_for(*package, bases.at(package->archive),
                                       std::make_shared<store::Landing>(store, workspace.path(), package->sha256)));
    }
    std::vector<const lock::Package*> gone;
    std::vector<transfer::Failed> failures;
    const auto results = downloader.fetch(requests, "fetching packages");
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto* const failed = std::get_if<transfer::Failed>(&results[i]);
        if (failed == nullptr) continue;
        if (failed->absent()) {
            gone.push_back(wanted[i]);
        } else {
            failures.push_back(*failed);
        }
    }
    std::sort(gone.begin(), gone.end(), [](const auto* a, const auto* b) { return a->path < b->path; });
    if (!gone.empty())
        throw error_of_gone(lock, gone, fmt::format("no mirror has {} any more", gone.size() == 1 ? "it" : "them"));
    if (!failures.empty()) report_failures(failures, wanted.size());
}

} // namespace ashlar::fetch
