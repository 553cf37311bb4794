#include <tuf/metadata.hpp>

#include <base/text.hpp>

#include <algorithm>

namespace ashlar::tuf {

namespace {

// One part of a path against one part of a pattern. After a mismatch only the last '*' can take more: what stood before it
// has matched as short as can be.
bool part_matches(std::string_view pattern, std::string_view part) {
    std::size_t at = 0, i = 0, star = pattern.npos, retry = 0;
    while (i < part.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            retry = i;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == part[i])) {
            ++at;
            ++i;
        } else if (star != pattern.npos) {
            at = star + 1;
            i = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == pattern.npos;
}

bool matches(std::string_view pattern, std::string_view path) { return std::ranges::equal(split(pattern, '/'), split(path, '/'), part_matches); }

} // namespace

bool DelegatedRole::covers(std::string_view path) const {
    if (path_hash_prefixes.empty()) return std::ranges::any_of(paths, [&](const auto& pattern) { return matches(pattern, path); });
    const std::string hash = sha256(path).hex();
    return std::ranges::any_of(path_hash_prefixes, [&](const auto& prefix) { return hash.starts_with(prefix); });
}

} // namespace ashlar::tuf
