#include <fetch/fetcher.hpp>

#include "folder.hpp"
#include "indices.hpp"
#include "packages.hpp"
#include "source_search.hpp"
#include "suites.hpp"

#include <base/error.hpp>
#include <base/mapped_file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace {

debian::Source source_of(const OpenedSuite& suite, const std::string& component) {
    constexpr int usual = 500; // what the archive itself asks for counts then
    const recipe::Archive& archive = *suite.archive;
    return {.archive = archive.name,
            .suite = suite.record.suite,
            .component = component,
            .priority = archive.priority == usual ? std::nullopt : std::optional(archive.priority),
            .not_automatic = suite.release.not_automatic,
            .but_automatic_upgrades = suite.release.but_automatic_upgrades};
}

// Where the packages of `Architecture: all` have an index of their own, it is wanted too.
std::vector<std::string> index_paths(const OpenedSuite& suite, const std::string& component,
                                     const std::string& architecture) {
    std::vector<std::string> paths{fmt::format("{}/binary-{}/Packages", component, architecture)};
    if (suite.release.separate_all_index) paths.push_back(fmt::format("{}/binary-all/Packages", component));
    return paths;
}

// An index of a suite: where it will be in the result, and how it is fetched.
struct PlannedIndex {
    OpenedSuite* suite;
    std::string component;
    WantedIndex wanted;
};

WantedIndex wanted_index(const OpenedSuite& suite, const ChosenIndex& chosen) {
    WantedIndex wanted{.archive = suite.archive->name,
                       .suite = suite.record.suite,
                       .path = chosen.path,
                       .sha256 = chosen.served.sha256,
                       .size = chosen.served.size};
    if (chosen.content) {
        wanted.content = chosen.content->sha256;
        wanted.content_size = chosen.content->size;
    }
    if (suite.release.acquire_by_hash) wanted.by_hash = WantedIndex::ByHash::offered;
    return wanted;
}

std::vector<PlannedIndex> plan_indices(std::vector<OpenedSuite>& suites, const std::string& architecture) {
    std::vector<PlannedIndex> plan;
    for (auto& suite : suites)
        for (const auto& component : suite.archive->components)
            for (const auto& path : index_paths(suite, component, architecture))
                plan.push_back({&suite, component, wanted_index(suite, choose_index(suite.release, path, suite.shown))});
    return plan;
}

// Components without an index of sources have none.
std::vector<PlannedIndex> plan_source_indices(OpenedSuite& suite) {
    std::vector<PlannedIndex> plan;
    for (const auto& component : suite.archive->components)
        if (const auto chosen = find_index(suite.release, fmt::format("{}/source/Sources", component))) plan.push_back({&suite, component, wanted_index(suite, *chosen)});
    return plan;
}

const lock::Suite* find_suite(const lock::Lock& lock, const std::string& archive, const std::string& suite) {
    for (const auto& record : lock.suites)
        if (record.archive == archive && record.suite == suite) return &record;
    return nullptr;
}

const lock::Folder* find_folder(const lock::Lock& lock, const std::string& archive) {
    for (const auto& record : lock.folders)
        if (record.archive == archive) return &record;
    return nullptr;
}

std::vector<shared::Wanted> wanted_of(const std::vector<PoolFile>& files) {
    std::vector<shared::Wanted> wanted;
    for (const auto& file : files) wanted.push_back({file.title, file.sha256, file.size});
    return wanted;
}

std::vector<PoolFile> files_of(const Sources& sources) {
    std::vector<PoolFile> files;
    for (const auto& package : sources.packages)
        for (const auto& file : package.files) files.push_back({file.file, package.archive, file.path, file.size, file.sha256});
    return files;
}

std::vector<shared::Wanted> wanted_of(const std::vector<const lock::Package*>& packages) {
    std::vector<shared::Wanted> wanted;
    for (const lock::Package* package : packages)
        wanted.push_back({fmt::format("{} {}", package->name, package->version), package->sha256, package->size});
    return wanted;
}

// Where the Release does not say what the content of an index is, the lock knows what it was.
void complete_from(const lock::Lock& lock, WantedIndex& wanted) {
    const lock::Suite* const record = find_suite(lock, wanted.archive, wanted.suite);
    if (record == nullptr || wanted.content) return;
    for (const auto& index : record->indices)
        if (index.path == wanted.path && index.sha256 == wanted.sha256) wanted.content = index.content_sha256;
}

} // namespace

class Fetcher::Work {
public:
    Work(Mirrors mirrors, transfer::Options transfer, store::Store& store, Renderer& renderer, Options options)
        : mirrors_(std::move(mirrors)), store_(store), options_(options), downloader_(std::move(transfer), renderer) {}

    void run(const std::string& doing, const std::function<void(Work&)>& body) {
        while_doing(doing, [&] { store::explaining_full_disk(store_.root(), [&] { body(*this); }); });
    }

    Indices refresh(const recipe::Train& train, const lock::Lock* before) {
        if (options_.network == Network::forbidden && before != nullptr) return from_lock(train, *before);
        const auto wanted = wanted_suites(train, options_, before);
        if (options_.network == Network::forbidden && !wanted.empty()) // folders are on this machine
            throw Error(
                "cannot ask a mirror: the network is forbidden",
                fmt::format("without the network Ashlar needs a lock: make one with `ashlar lock {}`", train.name));
        std::vector<OpenedSuite> suites = open_suites(wanted, mirrors_, store_, downloader_);
        return gather(train, suites, plan_indices(suites, train.architecture), nullptr);
    }

    Indices from_lock(const recipe::Train& train, const lock::Lock& lock) {
        Options lenient = options_;
        lenient.expired = Expired::accepted; // what the lock fixed does not go off
        std::vector<OpenedSuite> suites;
        for (const auto& wanted : wanted_suites(train, lenient, nullptr)) suites.push_back(open_locked(wanted, lock));
        auto plan = plan_indices(suites, train.architecture);
        for (auto& planned : plan) complete_from(lock, planned.wanted);
        return gather(train, suites, plan, &lock);
    }

    void packages(const recipe::Train& train, const lock::Lock& lock, std::span<const std::string> roles) {
        auto missing = take_from_folders(train, lock, missing_packages(lock, roles, store_), store_);
        if (missing.empty()) return;
        if (options_.network == Network::forbidden)
            throw error_of_gone(lock, missing,
                                fmt::format("the network is forbidden and the store '{}' does not have {}",
                                            store_.root().native(), missing.size() == 1 ? "it" : "them"),
                                "fetch them once without --offline, or copy them from the store of a machine that built "
                                "with this lock, or from a bundle");
        if (options_.shared != nullptr) options_.shared->fetch(wanted_of(missing));
        auto left = missing;
        std::erase_if(left, [&](const lock::Package* package) { return store_.find(package->sha256).has_value(); });
        fetch_packages(lock, left, mirrors_, store_, downloader_);
        if (options_.shared != nullptr) options_.shared->put(wanted_of(left));
    }

    Sources find_sources(const recipe::Train& train, const lock::Lock& lock, std::span<const WantedSource> wanted) {
        SourceSearch search(wanted);
        std::set<Digest> useful;
        Options lenient = options_;
        lenient.expired = Expired::accepted; // what the lock fixed does not go off
        for (const auto& suite : wanted_suites(train, lenient, &lock))
            for (const auto& [index, content] : source_indices(suite, lock))
                if (search.read(MappedFile(store_.blob_path(content)).text(), fmt::format("{} {} {}", index.archive, index.suite, index.path), index.archive, component_of(index))) useful.insert(content);
        for (const auto& archive : train.archives)
            if (archive.folder)
                for (const auto& package : scan_sources(*archive.folder)) search.add(package, archive.name, {});
        return {search.take(train.name), {useful.begin(), useful.end()}};
    }

    void source_files(const recipe::Train& train, const lock::Lock& lock, const Sources& sources) {
        std::vector<PoolFile> wanted = files_of(sources);
        std::erase_if(wanted, [&](const PoolFile& file) { return store_.find(file.sha256).has_value(); });
        std::erase_if(wanted, [&](const PoolFile& file) {
            const recipe::Archive* const archive = folder_archive(train, file.archive);
            if (archive != nullptr) take_from_folder(*archive->folder / file.path, file.sha256, store_);
            return archive != nullptr;
        });
        if (wanted.empty()) return;
        const auto refuse = [&](const std::vector<PoolFile>& gone, std::string_view why) {
            std::vector<std::string> lines;
            for (const auto& package : sources.packages) {
                const auto is_gone = [&](const SourceFile& file) { return std::ranges::find(gone, file.sha256, &PoolFile::sha256) != gone.end(); };
                const auto file = std::ranges::find_if(package.files, is_gone);
                if (file != package.files.end()) lines.push_back(fmt::format("{} {} ({}: {})", package.name, package.version, package.archive, file->path));
            }
            throw error_of_gone_sources(lock.train, lines, why);
        };
        if (options_.network == Network::forbidden) refuse(wanted, fmt::format("the network is forbidden and the store '{}' does not have all of them", store_.root().native()));
        if (options_.shared != nullptr) options_.shared->fetch(wanted_of(wanted));
        std::erase_if(wanted, [&](const PoolFile& file) { return store_.find(file.sha256).has_value(); });
        std::vector<PoolFile> gone;
        for (const std::size_t i : fetch_pool(wanted, mirrors_, store_, downloader_, "source files")) gone.push_back(wanted[i]);
        if (!gone.empty()) refuse(gone, "no mirror has all of their files any more");
        if (options_.shared != nullptr) options_.shared->put(wanted_of(wanted));
    }

private:
    using SourceIndices = std::vector<std::pair<WantedIndex, Digest>>;

    static std::string component_of(const WantedIndex& index) { return index.path.substr(0, index.path.find("/source/")); }

    // As the lock's InRelease names them, else as the suite has them now.
    SourceIndices source_indices(const WantedSuite& wanted, const lock::Lock& lock) {
        OpenedSuite locked = open_locked(wanted, lock);
        if (auto found = source_indices(locked)) return std::move(*found);
        WantedSuite today = wanted;
        today.wish.expired = options_.expired;
        OpenedSuite live = std::move(open_suites({today}, mirrors_, store_, downloader_).front());
        if (auto found = source_indices(live)) return std::move(*found);
        throw Error(fmt::format("cannot read the sources of '{}': no mirror has the index that its release names", live.shown), "the mirror is being updated, or keeps no sources: try again, or use another one");
    }
    std::optional<SourceIndices> source_indices(OpenedSuite& suite) {
        std::vector<WantedIndex> wanted;
        for (const auto& planned : plan_source_indices(suite)) wanted.push_back(planned.wanted);
        require_at_hand(wanted);
        const auto contents = find_indices(wanted, mirrors_, store_, downloader_);
        if (!contents) return std::nullopt;
        SourceIndices indices;
        for (std::size_t i = 0; i < wanted.size(); ++i) indices.emplace_back(wanted[i], (*contents)[i]);
        return indices;
    }

    // What is small and known by its digest alone: releases and indices of a lock.
    void fetch_shared(const std::string& name, const Digest& digest) {
        if (options_.shared == nullptr || options_.network == Network::forbidden || store_.find(digest)) return;
        options_.shared->fetch(std::vector{shared::Wanted{name, digest, std::nullopt}});
    }
    void put_shared(const std::string& name, const Digest& digest) {
        if (options_.shared != nullptr && options_.network == Network::allowed)
            options_.shared->put(std::vector{shared::Wanted{name, digest, std::nullopt}});
    }

    OpenedSuite open_locked(const WantedSuite& wanted, const lock::Lock& lock) {
        const lock::Suite* const record = find_suite(lock, wanted.wish.archive, wanted.wish.suite);
        const std::string shown = fmt::format("{} {}", wanted.wish.archive, wanted.wish.suite);
        const std::string again = fmt::format("lock again with `ashlar lock {}`", lock.train);
        if (record == nullptr)
            throw Error(fmt::format("cannot use the lock of train '{}': it does not name '{}'", lock.train, shown),
                        again);
        fetch_shared(shown, record->in_release);
        if (const auto file = store_.find(record->in_release)) return open_suite(wanted, *file, store_, shown);
        if (options_.network == Network::allowed) {
            auto live = open_suites({wanted}, mirrors_, store_, downloader_);
            if (live.front().record.in_release == record->in_release) return std::move(live.front());
        }
        throw Error(fmt::format("cannot find the release of '{}' that the lock of train '{}' was made from: the store "
                                "'{}' does not have it{}",
                                shown, lock.train, store_.root().native(),
                                options_.network == Network::allowed ? " and the archive has moved on" : ""),
                    "take it from the store of a machine that built with this lock, or from a bundle; or " + again);
    }

    Indices gather(const recipe::Train& train, std::vector<OpenedSuite>& suites, const std::vector<PlannedIndex>& plan,
                   const lock::Lock* lock) {
        const std::vector<Digest> contents = fetch_planned(plan);
        Indices indices;
        for (std::size_t i = 0; i < plan.size(); ++i) {
            const WantedIndex& wanted = plan[i].wanted;
            plan[i].suite->record.indices.push_back(
                {plan[i].component, wanted.path, wanted.sha256, wanted.size, contents[i]});
        }
        std::size_t next = 0;
        for (const auto& archive : train.archives) {
            if (archive.folder) add_folder(indices, archive, lock);
            for (; next < plan.size() && plan[next].suite->archive == &archive; ++next)
                indices.packages.push_back(
                    {source_of(*plan[next].suite, plan[next].component), store_.blob_path(contents[next])});
        }
        // Both stay when the archive has moved on: then a lock of today can still be read.
        for (const auto& suite : suites) put_shared(suite.shown, suite.record.in_release);
        for (std::size_t i = 0; i < plan.size(); ++i) put_shared(plan[i].wanted.path, contents[i]);
        for (auto& suite : suites) {
            indices.epoch = std::max(indices.epoch, suite.record.date);
            indices.suites.push_back(std::move(suite.record));
        }
        return indices;
    }

    void require_at_hand(const std::vector<WantedIndex>& wanted) const {
        if (options_.network == Network::forbidden)
            for (const auto& index : wanted)
                if (!index.content || !store_.find(*index.content))
                    throw Error(fmt::format("cannot fetch '{} {} {}': the network is forbidden and the store '{}' does "
                                            "not have it",
                                            index.archive, index.suite, index.path, store_.root().native()));
    }

    std::vector<Digest> fetch_planned(const std::vector<PlannedIndex>& plan) {
        std::vector<WantedIndex> wanted;
        for (const auto& planned : plan) wanted.push_back(planned.wanted);
        require_at_hand(wanted);
        for (const auto& index : wanted)
            if (index.content) fetch_shared(fmt::format("{} {} {}", index.archive, index.suite, index.path), *index.content);
        return fetch_indices(wanted, mirrors_, store_, downloader_);
    }

    void add_folder(Indices& indices, const recipe::Archive& archive, const lock::Lock* lock) {
        constexpr int usual = 500;
        const Digest digest = folder_index(archive, lock);
        debian::Source source{.archive = archive.name};
        if (archive.priority != usual) source.priority = archive.priority;
        indices.packages.push_back({std::move(source), store_.blob_path(digest)});
        indices.folders.push_back({archive.name, digest});
    }

    // As it is now, or as the lock knows it, whatever lies in the folder by now.
    Digest folder_index(const recipe::Archive& archive, const lock::Lock* lock) {
        const lock::Folder* const record = lock == nullptr ? nullptr : find_folder(*lock, archive.name);
        if (record != nullptr && store_.find(record->index)) return record->index;
        const Digest digest = store_.insert_text(scan_folder(*archive.folder));
        if (lock == nullptr || (record != nullptr && record->index == digest)) return digest;
        throw Error(
            fmt::format(
                "cannot use the folder '{}': its packages are not those that the lock of train '{}' was made from",
                archive.folder->native(), lock->train),
            fmt::format("put the old files back, or lock again with `ashlar lock {}`", lock->train));
    }

    Mirrors mirrors_;
    store::Store& store_;
    Options options_;
    transfer::Downloader downloader_;
};

Fetcher::Fetcher(Mirrors mirrors, transfer::Options transfer, store::Store& store, Renderer& renderer, Options options)
    : work_(std::make_unique<Work>(std::move(mirrors), std::move(transfer), store, renderer, options)) {}

Fetcher::~Fetcher() = default;

Indices Fetcher::refresh(const recipe::Train& train, const lock::Lock* before) {
    Indices indices;
    work_->run(fmt::format("looking at the archives of train '{}'", train.name),
               [&](Work& work) { indices = work.refresh(train, before); });
    return indices;
}

Indices Fetcher::from_lock(const recipe::Train& train, const lock::Lock& lock) {
    Indices indices;
    work_->run(fmt::format("reading what the lock of train '{}' was made from", train.name),
               [&](Work& work) { indices = work.from_lock(train, lock); });
    return indices;
}

void Fetcher::packages(const recipe::Train& train, const lock::Lock& lock, std::span<const std::string> roles) {
    work_->run(fmt::format("fetching the packages of {}", join(std::vector(roles.begin(), roles.end()), ", ")),
               [&](Work& work) { work.packages(train, lock, roles); });
}

Sources Fetcher::find_sources(const recipe::Train& train, const lock::Lock& lock, std::span<const WantedSource> wanted) {
    Sources sources;
    work_->run(fmt::format("looking for the sources of train '{}'", train.name), [&](Work& work) { sources = work.find_sources(train, lock, wanted); });
    return sources;
}

void Fetcher::source_files(const recipe::Train& train, const lock::Lock& lock, const Sources& sources) {
    work_->run(fmt::format("fetching the sources of train '{}'", train.name), [&](Work& work) { work.source_files(train, lock, sources); });
}

} // namespace ashlar::fetch
