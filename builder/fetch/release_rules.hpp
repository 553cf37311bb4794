#pragma once

// What a suite's Release must be before anything in it is used. Pure: clock and lock come as values.

#include <debian/release.hpp>
#include <fetch/fetcher.hpp>

namespace ashlar::fetch {

struct ReleaseWish {
    std::string archive, suite, architecture;
    std::int64_t now = 0;
    Expired expired = Expired::refused;
    std::optional<std::int64_t> not_older_than; // Date: of the one that the lock was made from
};

// Errors: `cannot use '<shown>': …`: of another suite, without our architecture, expired, older.
void require_usable(const debian::Release& release, const ReleaseWish& wish, std::string_view shown);

// The form of an index that is fetched: the smallest one that Release lists and that we can open.
struct ChosenIndex {
    std::string path; // "main/binary-amd64/Packages.xz"
    debian::IndexFile served;
    std::optional<debian::IndexFile> content; // of the uncompressed form, where Release lists it
};
// `plain_path` without extension. Nothing when there is none.
[[nodiscard]] std::optional<ChosenIndex> find_index(const debian::Release& release, const std::string& plain_path);
// The same, or an Error.
[[nodiscard]] ChosenIndex choose_index(const debian::Release& release, const std::string& plain_path,
                                       std::string_view shown);

// "by-hash" beside the path: "main/binary-amd64/by-hash/SHA256/<hex>".
[[nodiscard]] std::string by_hash_path(std::string_view path, const Digest& digest);

} // namespace ashlar::fetch
