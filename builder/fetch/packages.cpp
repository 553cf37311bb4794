#include "packages.hpp"

#include "url.hpp"

#include <base/error.hpp>
#include <store/landing.hpp>

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

std::string title(const lock::Package& package) { return fmt::format("{} {}", package.name, package.version); }

transfer::Request request_for(const PoolFile& file, const std::vector<std::string>& bases, const std::shared_ptr<store::Landing>& landing) {
    transfer::Request request{.name = file.title,
                              .expected = transfer::Exactly{file.sha256, file.size},
                              .target = [landing] { return landing->open(); },
                              .arrived = [landing](const transfer::Received&) { landing->adopt(); },
                              .given_up = [landing] { landing->let_go(); }};
    for (const auto& base : bases) request.urls.push_back(below(base, file.path));
    return request;
}

[[noreturn]] void report_failures(const std::vector<transfer::Failed>& failures, std::size_t of, std::string_view kind) {
    if (failures.size() == 1) throw error_of(failures.front());
    std::string text = fmt::format("cannot fetch {} of {} {}", failures.size(), of, kind);
    for (const auto& failed : failures) text += fmt::format("\n  {}", error_of(failed).message());
    throw Error(text, error_of(failures.front()).hint());
}

} // namespace

const recipe::Archive* folder_archive(const recipe::Train& train, const std::string& name) {
    for (const auto& archive : train.archives)
        if (archive.folder && archive.name == name) return &archive;
    return nullptr;
}

void take_from_folder(const fs::path& file, const Digest& expected, store::Store& store) {
    const Digest digest = store.insert(file);
    if (digest == expected) return;
    throw Error(fmt::format("cannot verify '{}': SHA-256 is {}, expected {}", file.native(), digest.hex(), expected.hex()),
                "the folder changed after the lock was made: put the old file back, or lock again");
}

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
            take_from_folder(*archive->folder / package->path, package->sha256, store);
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

std::vector<std::size_t> fetch_pool(const std::vector<PoolFile>& wanted, const Mirrors& mirrors, store::Store& store, transfer::Downloader& downloader, std::string_view kind) {
    std::vector<std::size_t> order(wanted.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::set<Digest> asked;
    std::erase_if(order, [&](std::size_t i) { return !asked.insert(wanted[i].sha256).second || store.find(wanted[i].sha256); });
    // The largest first, so that none of them is left alone at the end.
    std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return wanted[i].size; });
    const store::Workspace workspace = store.temporary();
    std::map<std::string, std::vector<std::string>> bases;
    std::vector<transfer::Request> requests;
    for (const std::size_t i : order) {
        const PoolFile& file = wanted[i];
        if (!bases.contains(file.archive)) bases.emplace(file.archive, mirrors.of(file.archive));
        requests.push_back(request_for(file, bases.at(file.archive), std::make_shared<store::Landing>(store, workspace.path(), file.sha256)));
    }
    std::vector<std::size_t> gone;
    std::vector<transfer::Failed> failures;
    const auto results = downloader.fetch(requests, fmt::format("fetching {}", kind));
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto* const failed = std::get_if<transfer::Failed>(&results[i]);
        if (failed == nullptr) continue;
        if (failed->absent()) {
            gone.push_back(order[i]);
        } else {
            failures.push_back(*failed);
        }
    }
    if (gone.empty() && !failures.empty()) report_failures(failures, order.size(), kind);
    std::ranges::sort(gone);
    return gone;
}

void fetch_packages(const lock::Lock& lock, std::vector<const lock::Package*> wanted, const Mirrors& mirrors,
                    store::Store& store, transfer::Downloader& downloader) {
    if (wanted.empty()) return;
    std::vector<PoolFile> files;
    for (const lock::Package* package : wanted) files.push_back({title(*package), package->archive, package->path, package->size, package->sha256});
    std::vector<const lock::Package*> gone;
    for (const std::size_t i : fetch_pool(files, mirrors, store, downloader, "packages")) gone.push_back(wanted[i]);
    std::sort(gone.begin(), gone.end(), [](const auto* a, const auto* b) { return a->path < b->path; });
    if (!gone.empty())
        throw error_of_gone(lock, gone, fmt::format("no mirror has {} any more", gone.size() == 1 ? "it" : "them"));
}

} // namespace ashlar::fetch
