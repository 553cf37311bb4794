#include "indices.hpp"

#include "release_rules.hpp"
#include "url.hpp"

#include <archive/compression.hpp>
#include <base/error.hpp>

#include <algorithm>
#include <future>
#include <variant>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

std::string shown(const WantedIndex& index) { return fmt::format("{} {} {}", index.archive, index.suite, index.path); }

// By hash first: that one stays while a mirror changes from one state to the next.
std::vector<std::string> urls_of(const WantedIndex& index, const std::vector<std::string>& bases) {
    std::vector<std::string> urls;
    if (index.by_hash == WantedIndex::ByHash::offered)
        for (const auto& base : bases)
            urls.push_back(
                below(base, fmt::format("dists/{}/{}", index.suite, by_hash_path(index.path, index.sha256))));
    for (const auto& base : bases) urls.push_back(below(base, fmt::format("dists/{}/{}", index.suite, index.path)));
    return urls;
}

Digest unpack(const WantedIndex& index, const fs::path& served, const fs::path& target, store::Store& store) {
    constexpr std::uint64_t largest = std::uint64_t{4} << 30;
    const archive::Decompressed content =
        archive::decompress_file(served, target, index.content_size.value_or(largest));
    if (index.content && content.sha256 != *index.content)
        throw Error(fmt::format("cannot verify '{}': SHA-256 of its content is {}, expected {}", shown(index),
                                content.sha256.hex(), index.content->hex()));
    store.adopt(target, content.sha256);
    return content.sha256;
}

bool is_in(const store::Store& store, const WantedIndex& index) { return index.content && store.find(*index.content); }

// What no mirror gave is an answer here.
using Attempted = std::variant<std::vector<Digest>, transfer::Failed>;

Attempted attempt(const std::vector<WantedIndex>& wanted, const Mirrors& mirrors, store::Store& store, transfer::Downloader& downloader) {
    const store::Workspace workspace = store.temporary();
    const auto served = [&](std::size_t i) { return workspace.path() / fmt::format("{}-served", i); };
    std::vector<transfer::Request> requests;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!is_in(store, wanted[i]))
            requests.push_back({.name = shown(wanted[i]),
                                .urls = urls_of(wanted[i], mirrors.of(wanted[i].archive)),
                                .expected = transfer::Exactly{wanted[i].sha256, wanted[i].size},
                                .target = [served, i] { return served(i); }});
    for (const auto& result : downloader.fetch(requests, "fetching package indices"))
        if (const auto* failed = std::get_if<transfer::Failed>(&result)) return *failed;

    std::vector<std::future<Digest>> unpacking;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        unpacking.push_back(std::async(std::launch::async, [&, i] {
            if (is_in(store, wanted[i])) return *wanted[i].content;
            return unpack(wanted[i], served(i), workspace.path() / fmt::format("{}-content", i), store);
        }));
    std::vector<Digest> digests;
    for (auto& one : unpacking) digests.push_back(one.get());
    return digests;
}

// Under its hash there is none, and under its name another one.
bool moved_on(const transfer::Failed& failed) {
    return std::ranges::all_of(failed.attempts, [](const transfer::Attempt& attempt) { return attempt.cause == transfer::Cause::absent || attempt.cause == transfer::Cause::wrong; });
}

} // namespace

std::vector<Digest> fetch_indices(const std::vector<WantedIndex>& wanted, const Mirrors& mirrors, store::Store& store,
                                  transfer::Downloader& downloader) {
    auto attempted = attempt(wanted, mirrors, store, downloader);
    if (const auto* failed = std::get_if<transfer::Failed>(&attempted)) throw error_of(*failed);
    return std::get<std::vector<Digest>>(std::move(attempted));
}

std::optional<std::vector<Digest>> find_indices(const std::vector<WantedIndex>& wanted, const Mirrors& mirrors, store::Store& store, transfer::Downloader& downloader) {
    auto attempted = attempt(wanted, mirrors, store, downloader);
    const auto* failed = std::get_if<transfer::Failed>(&attempted);
    if (failed != nullptr && moved_on(*failed)) return std::nullopt;
    if (failed != nullptr) throw error_of(*failed);
    return std::get<std::vector<Digest>>(std::move(attempted));
}

} // namespace ashlar::fetch
