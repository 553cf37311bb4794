#pragma once

// A release of a train is cut: its images are built and made ready for nodes, what they are is written down, and the train's
// role is asked to sign it. docs/formats/release.md.

#include <authority/ceremony.hpp>
#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>
#include <releases/office.hpp>
#include <requests/image_desk.hpp>
#include <signing/key_set.hpp>

#include <filesystem>
#include <variant>
#include <vector>

namespace ashlar::releases {

struct CutOrder {
    ReleaseVersion release;
    lock::Lock lock; // its inputs, all in the store
    const BuildKeys& keys;
    // `kept`: the source packages of all that is in its images become a part of the release.
    enum class Sources { left, kept } sources = Sources::left;
    Time now;
};

// What an image would fall over when it is signed: db or pcr are missing, do not fit, or the certificate ends within `margin`.
// Private keys may be elsewhere.
[[nodiscard]] std::vector<authority::Obstacle> image_key_obstacles(const std::filesystem::path& keys, Time now, std::chrono::days margin = std::chrono::days(14));

// Error, with all of it, when a key, a role or a word of metadata that the cut needs is missing or about to expire; or when
// the release is there. Before anything is fetched or built. `keys`: where those of images lie.
void require_ready(const Office& office, const std::filesystem::path& keys, const recipe::Train& train, const ReleaseVersion& release, Time now);

// The inputs of a cut that was begun: it goes on with them.
[[nodiscard]] std::optional<lock::Lock> lock_of(const Office& office, const ReleaseVersion& release);

// What is there already is not done again. Where private keys are elsewhere, all roles are built as far as they can be, and what
// is to be signed lies in office.requests(): those signatures are the answer, and with theirs the cut goes on. Afterwards the
// release is proposed, in channel edge; who signs is the desk's matter.
[[nodiscard]] std::variant<ClusterRelease, std::vector<requests::WantedSignature>> cut(pipeline::Workshop& workshop, const Office& office, const CutOrder& order);

// Removes requests for images of releases that nobody is cutting: the cut was given up, its directory removed.
void remove_idle_requests(const Office& office);

} // namespace ashlar::releases
