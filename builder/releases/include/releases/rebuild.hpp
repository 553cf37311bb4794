#pragma once

// A published release, built again by somebody who has nothing of its makers but what they publish: docs/guides/releases.md,
// "Independent rebuilders".

#include <confirmation/confirmation.hpp>
#include <pipeline/verify.hpp>
#include <pipeline/workshop.hpp>
#include <signing/cluster_release.hpp>
#include <signing/message_key.hpp>
#include <tuf/metadata.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::releases {

// A release as a repository has it, a mirror or a copy of one. Nothing is believed but what the trusted root leads to.
class PublishedRelease {
public:
    // `root`: bytes that are trusted because of where they come from. Verifies the metadata and the release's document. Error when
    // anything is not right, when there is no such release, or when it is revoked.
    PublishedRelease(const std::filesystem::path& repository, std::string_view root, const ReleaseVersion& release, Time now);

    [[nodiscard]] const ClusterRelease& document() const noexcept { return document_; }
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; } // of release.json
    // A file of the release, which is verified.
    [[nodiscard]] std::string text(std::string_view file) const;
    // Where the root of that digest lies: the one that is trusted or one that follows it.
    [[nodiscard]] std::filesystem::path root_file(const Digest& digest) const;

private:
    ReleaseVersion version_;
    std::filesystem::path repository_;
    std::map<std::string, tuf::Target, std::less<>> targets_; // of this release, by file
    std::map<Digest, std::filesystem::path> roots_;
    std::uint64_t first_root_ = 0; // its version
    ClusterRelease document_;
    Digest digest_;
};

struct Rebuilt {
    std::string role, architecture;
    Digest root_hash; // of what was published
    std::vector<pipeline::Difference> differences; // empty: the same bytes
};

// Builds these roles again, each stage anew, from the release's lock. `workshop` has the recipes and the source of the release, and
// a store for packages, which come from mirrors by their digests.
[[nodiscard]] std::vector<Rebuilt> rebuild(pipeline::Workshop& workshop, const PublishedRelease& release, const std::vector<std::string>& roles);

// What may be signed when all roles of the release came out the same.
[[nodiscard]] confirmation::Confirmation confirmation_for(const PublishedRelease& release, const VerifyingKey& key, Time now);

} // namespace ashlar::releases
