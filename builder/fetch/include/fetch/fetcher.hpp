#pragma once

// From archives to files that can be trusted: signed suites, their indices, packages.

#include <fetch/mirrors.hpp>
#include <fetch/sources.hpp>

#include <base/progress.hpp>
#include <debian/universe.hpp>
#include <lock/lock.hpp>
#include <recipe/model.hpp>
#include <store/store.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ashlar::fetch {

enum class Network { allowed, forbidden };
enum class Expired { refused, accepted };

// An uncompressed Packages file in the store, for debian::Universe::add_file.
struct PackagesIndex {
    debian::Source source;
    std::filesystem::path file;
};

struct Indices {
    std::vector<PackagesIndex> packages; // in the order of the train: archives, suites, components
    // What a lock has to say about them.
    std::vector<lock::Suite> suites;
    std::vector<lock::Folder> folders;
    std::int64_t epoch = 0; // newest Date: of the suites; 0 when there are only folders
};

struct Options {
    Network network = Network::allowed;
    Expired expired = Expired::refused;
    // Seconds since 1970; without it the machine's clock.
    std::optional<std::int64_t> now;
    // Asked before the mirrors for what is known by its digest; outlives the Fetcher. Not without the network.
    shared::SharedStore* shared = nullptr;
};

// Used by one thread at a time.
class Fetcher {
public:
    Fetcher(Mirrors mirrors, transfer::Options transfer, store::Store& store, Renderer& renderer, Options options = {});
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;
    ~Fetcher();

    // The indices as the archives have them now. Each suite's InRelease is signed by a key that the
    // train names for that archive, is not expired, is what the train asked for, and is not older
    // than what `before`, the train's lock so far, was made from.
    [[nodiscard]] Indices refresh(const recipe::Train& train, const lock::Lock* before = nullptr);

    // The indices that the lock was made from: out of the store, and from the mirrors as long as
    // they keep them by hash. Error when they are nowhere any more.
    [[nodiscard]] Indices from_lock(const recipe::Train& train, const lock::Lock& lock);

    // Brings all packages of these roles into the store, where each is found by its digest. When some
    // are gone from all mirrors, one Error names all of them.
    void packages(const recipe::Train& train, const lock::Lock& lock, std::span<const std::string> roles);

    // By name and exact version, in the indices `Sources` of the lock's suites: those that the lock's InRelease names, and where no
    // mirror has these any more, those of today. When some are nowhere, one Error names all of them.
    [[nodiscard]] Sources find_sources(const recipe::Train& train, const lock::Lock& lock, std::span<const WantedSource> wanted);
    // Brings all their files into the store. When some are gone from all mirrors, one Error names all of them.
    void source_files(const recipe::Train& train, const lock::Lock& lock, const Sources& sources);

private:
    class Work;
    std::unique_ptr<Work> work_;
};

} // namespace ashlar::fetch
