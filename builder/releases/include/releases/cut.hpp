#pragma once

// A release of a train is cut: its images are built and made ready for nodes, what they are is written down, and the train's
// role is asked to sign it. docs/formats/release.md.

#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>
#include <releases/office.hpp>
#include <signing/image_signer.hpp>

#include <vector>

namespace ashlar::releases {

struct CutOrder {
    ReleaseVersion release;
    lock::Lock lock; // its inputs, all in the store
    const ImageSigner& signer;
    Time now;
};

// Error, with all of it, when a key, a role or a word of metadata that the cut needs is missing or about to expire; or when
// the release is there. Before anything is fetched or built.
void require_ready(const Office& office, const recipe::Train& train, const ReleaseVersion& release, Time now);

// The inputs of a cut that was begun: it goes on with them.
[[nodiscard]] std::optional<lock::Lock> lock_of(const Office& office, const ReleaseVersion& release);

// What is there already is not done again. Afterwards the release is proposed, in channel edge; who signs is the desk's matter.
ClusterRelease cut(pipeline::Workshop& workshop, const Office& office, const CutOrder& order);

} // namespace ashlar::releases
