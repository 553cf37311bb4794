#pragma once

// A bundle, read and verified as it passes by: docs/formats/bundle.md. Memory is bounded, whatever the input: what is kept is
// metadata (64 MiB at most) and release.json.
//
// Nothing is believed before it is verified: the chain of roots by the root that is trusted, the manifest by root's chain,
// metadata by the manifest and its roles, targets by length and SHA-256. Whatever is not in its place, missing, doubled,
// foreign, too long, or written in another form than the only one is an Error that names the entry and the byte.

#include <bundle/input.hpp>
#include <bundle/release.hpp>
#include <bundle/stale_media.hpp>

#include <base/progress.hpp>
#include <signing/digest.hpp>
#include <tuf/updater.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

// A target, and where it lies.
struct Item {
    std::string path;        // "trains/R1/R1.0/release.json"
    std::string place;       // in a repository and in a bundle: "targets/trains/R1/R1.0/<sha256>.release.json"
    std::uint64_t length = 0; // bytes
    Digest sha256;
    std::uint64_t offset = 0; // of its contents in the bundle
};

// A metadata file, whole.
struct MetadataFile {
    std::string place; // "metadata/2.targets.json"
    std::string text;
};

// What is in it; all of it is signed.
struct Contents {
    std::string train;
    std::uint64_t serial = 0;
    Time expires;
    std::optional<Time> issued;
    std::uint64_t root_version = 0; // of the last in the chain
    std::optional<Digest> first_root; // SHA-256 of 1.root.json: what people compare
    // In the order of the bundle: the chain, the manifest, what it names.
    std::vector<MetadataFile> metadata;
    std::size_t roots = 0; // how many of them are the chain
    [[nodiscard]] const MetadataFile& manifest() const { return metadata.at(roots); }
    std::vector<Item> targets; // in the order of the bundle
    std::vector<Release> releases;
    std::optional<std::vector<std::string>> roles; // the manifest's, when not all roles are carried
    // The manifest's, when it is a bundle with sources: paths of all source files that belong to its releases, carried or not.
    std::optional<std::vector<std::string>> sources;
    std::uint64_t size = 0;                        // of the bundle, bytes
    std::optional<StaleMedia> stale;               // it had expired, and the site has let it pass
};

// Takes what a target consists of.
class Sink {
public:
    virtual ~Sink() = default;
    virtual void put(ByteView bytes) = 0;
    // All of it came and is what it should be. Not called otherwise.
    virtual void finish() = 0;
};
class Receiver {
public:
    virtual ~Receiver() = default;
    [[nodiscard]] virtual bool wants(const Item& item) const = 0;
    // Called for wanted items by several threads at once, in any order.
    [[nodiscard]] virtual std::unique_ptr<Sink> begin(const Item& item) = 0;
};

struct ReaderOptions {
    Time now;
    // `own`: a store without a root takes the bundle's first, unverified. For looking, and for nothing else.
    enum class FirstRoot { trusted, own } first_root = FirstRoot::trusted;
    struct Word {
        std::string text, name;
    };
    std::optional<Word> stale_media;
};

class Reader {
public:
    // All are borrowed. `store` holds the root that is trusted, and learns what is verified.
    Reader(Input& input, tuf::Store& store, ReaderOptions options);
    ~Reader();

    // Up to the release.json of each release that is carried. Once.
    const Contents& read_contents();
    // A target that trusted metadata names, whether it is carried or not; its offset is 0.
    [[nodiscard]] std::optional<Item> find(std::string_view path);
    // The rest. Each target is checked, but for those that `receiver` does not want: from a file they are passed over.
    // Without a receiver all are checked. Once.
    void read_targets(Receiver* receiver, Renderer& renderer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::bundle
