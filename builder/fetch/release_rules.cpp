#include "release_rules.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::fetch {

namespace {

std::string moment(std::int64_t seconds) {
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

void require_suite(const debian::Release& release, const ReleaseWish& wish, std::string_view shown) {
    if (wish.suite == release.suite || wish.suite == release.codename) return;
    throw Error(fmt::format("cannot use '{}': it is suite '{}', codename '{}', not '{}'", shown, release.suite,
                            release.codename, wish.suite),
                "the mirror mixes up its suites: use another one");
}

void require_architecture(const debian::Release& release, const ReleaseWish& wish, std::string_view shown) {
    const auto& there = release.architectures;
    if (there.empty() || std::find(there.begin(), there.end(), wish.architecture) != there.end()) return;
    throw Error(fmt::format("cannot use '{}': it has the architectures {}, not '{}'", shown, join(there, ", "),
                            wish.architecture));
}

void require_fresh(const debian::Release& release, const ReleaseWish& wish, std::string_view shown) {
    if (wish.expired == Expired::accepted || !release.valid_until || *release.valid_until >= wish.now) return;
    throw Error(fmt::format("cannot use '{}': it expired at {} and this machine's clock says {}", shown,
                            moment(*release.valid_until), moment(wish.now)),
                "the mirror no longer follows the archive, or the clock is wrong; use another mirror, or say "
                "--allow-expired if old packages are what you want");
}

void require_not_older(const debian::Release& release, const ReleaseWish& wish, std::string_view shown) {
    if (!wish.not_older_than || release.date >= *wish.not_older_than) return;
    throw Error(fmt::format("cannot use '{}': it is of {}, older than the one of {} that the lock was made from", shown,
                            moment(release.date), moment(*wish.not_older_than)),
                "the mirror is behind, or somebody plays back an old state: use another mirror, or remove the lock to "
                "go back on purpose");
}

} // namespace

void require_usable(const debian::Release& release, const ReleaseWish& wish, std::string_view shown) {
    require_suite(release, wish, shown);
    require_architecture(release, wish, shown);
    require_fresh(release, wish, shown);
    require_not_older(release, wish, shown);
}

std::optional<ChosenIndex> find_index(const debian::Release& release, const std::string& plain_path) {
    const debian::IndexFile* const plain = release.find(plain_path);
    for (const char* extension : {".xz", ".zst", ".gz", ".bz2", ""}) {
        const std::string path = plain_path + extension;
        const debian::IndexFile* const served = release.find(path);
        if (served == nullptr) continue;
        return ChosenIndex{path, *served, plain == nullptr ? std::nullopt : std::optional(*plain)};
    }
    return std::nullopt;
}

ChosenIndex choose_index(const debian::Release& release, const std::string& plain_path,
                         std::string_view shown) {
    if (auto found = find_index(release, plain_path)) return std::move(*found);
    throw Error(fmt::format("cannot use '{}': it has no index '{}'", shown, plain_path),
                release.components.empty()
                    ? "see which components and architectures the archive has"
                    : fmt::format("the components it has are {}", join(release.components, ", ")));
}

std::string by_hash_path(std::string_view path, const Digest& digest) {
    const std::size_t slash = path.rfind('/');
    const std::string_view directory = slash == path.npos ? std::string_view() : path.substr(0, slash + 1);
    return fmt::format("{}by-hash/SHA256/{}", directory, digest.hex());
}

} // namespace ashlar::fetch
