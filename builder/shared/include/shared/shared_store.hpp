#pragma once

// A store that a team's builders share, on any server that knows GET and PUT (WebDAV, S3):
// docs/formats/store.md.
//
// It only ever saves work. What it does not have, has wrong, or cannot send is fetched or made as if it
// were not there; when it is not well, one line says so and it is not asked any more.

#include <base/progress.hpp>
#include <signing/digest.hpp>
#include <store/store.hpp>
#include <transfer/downloader.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::shared {

struct Options {
    std::string url; // without a slash at the end
    enum class Upload { no, yes } upload = Upload::no;
    // Results are named by what went into them, not by what they are: who wrote them is believed.
    enum class Results { no, yes } results = Results::no;
    // Proxies, certificates, credentials. Time-outs and tries are this module's.
    transfer::Options transfer;
};

struct Wanted {
    std::string name; // for people
    Digest sha256;
    std::optional<std::uint64_t> size; // where it is known
};

// Used by one thread at a time.
class SharedStore {
public:
    SharedStore(Options options, store::Store& store, Renderer& renderer);
    SharedStore(const SharedStore&) = delete;
    SharedStore& operator=(const SharedStore&) = delete;
    ~SharedStore();

    // Brings into the local store what it has of these. Other bytes than wanted are refused by name.
    void fetch(std::span<const Wanted> wanted);
    // Puts there what it does not have, where that is wanted. False when it did not take all that is here.
    bool put(std::span<const Wanted> wanted);

    // Fills the empty directory `output` with the result; false, and empty still, when there is none.
    [[nodiscard]] bool fetch_result(std::string_view stage, const Digest& key, const std::filesystem::path& output);
    void put_result(std::string_view stage, const Digest& key, const std::filesystem::path& output);

private:
    class Work;
    std::unique_ptr<Work> work_;
};

} // namespace ashlar::shared
