#include <releases/cut.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

std::vector<authority::Obstacle> image_key_obstacles(const fs::path& keys, Time now, std::chrono::days margin) {
    try {
        const BuildKeys found = load_build_keys(keys, now, PrivateHalves::may_be_elsewhere);
        if (found.db.not_after() - now >= margin) return {};
        return {{fmt::format("the certificate '{}' expires on {}", (keys / "db.pem").native(), to_text(std::chrono::floor<std::chrono::days>(found.db.not_after()))),
                 "make a new key set with `ashlar key new`; docs/guides/secure-boot.md says how servers come to trust it"}};
    } catch (const Error& error) {
        return {{error.message(), error.hint()}};
    }
}

void require_ready(const Office& office, const fs::path& keys, const recipe::Train& train, const ReleaseVersion& release, Time now) {
    const std::string name = to_text(release.train);
    for (const auto& one : list(office, name))
        if (one.release == release && one.state == Listed::State::published) throw Error(fmt::format("cannot cut {}: it is published", to_text(release)), "a release is never changed: cut the next one");
    auto found = authority::obstacles(office.policy(), office.repository(), name, now);
    for (auto& obstacle : image_key_obstacles(keys, now)) found.push_back(std::move(obstacle));
    if (!train.support) found.push_back({fmt::format("train {} does not say how long it is supported", name), "write [support] with `from` and `until` into the train"});
    if (found.empty()) return;
    std::vector<std::string> causes, remedies;
    for (const auto& obstacle : found) {
        causes.push_back(obstacle.cause);
        remedies.push_back(obstacle.remedy);
    }
    throw Error(fmt::format("cannot cut {}: {}", to_text(release), join(causes, "; ")), join(remedies, "; "));
}

} // namespace ashlar::releases
