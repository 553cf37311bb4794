#pragma once

// Where a release manager works, `--releases`:
//
//     repository/     what is published: docs/formats/trust.md
//     desk/           metadata that waits for signatures; requests, those of images too, and answers
//     images/R1.0/    images of releases as they were built, for deltas, differences and evidence
//     cut/R1.0/       a cut that is under way

#include <authority/desk.hpp>
#include <authority/policy.hpp>
#include <authority/repository.hpp>
#include <signing/cluster_release.hpp>
#include <sources/list.hpp>
#include <store/claim.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::releases {

class Office {
public:
    // `keys`: the directory with trust/.
    Office(std::filesystem::path directory, const std::filesystem::path& keys);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] const authority::Policy& policy() const noexcept { return policy_; }
    [[nodiscard]] const authority::Repository& repository() const noexcept { return repository_; }
    [[nodiscard]] const authority::Desk& desk() const noexcept { return desk_; }
    [[nodiscard]] std::filesystem::path images(const std::string& release) const { return directory_ / "images" / release; }
    [[nodiscard]] std::filesystem::path cut(const std::string& release) const { return directory_ / "cut" / release; }
    [[nodiscard]] std::filesystem::path requests() const { return directory_ / "desk/requests"; }

    // One at a time: waits for others.
    [[nodiscard]] store::Claim claim() const;

private:
    std::filesystem::path directory_;
    authority::Policy policy_;
    authority::Repository repository_;
    authority::Desk desk_;
};

enum class Channel { edge, candidate, stable };
[[nodiscard]] std::string_view to_string(Channel channel) noexcept;

// A release as its train's metadata names it.
struct Listed {
    ReleaseVersion release;
    Channel channel;
    std::optional<std::string> revoked; // why
    bool below_floor = false;
    enum class State { published, proposed } state = State::published;
    Digest digest; // of release.json
};
// Of a train, oldest first; what is proposed counts before what is published.
[[nodiscard]] std::vector<Listed> list(const Office& office, const std::string& train);
// Names of trains that have metadata.
[[nodiscard]] std::vector<std::string> trains(const Office& office);
// The release's document. Error when there is none.
[[nodiscard]] ClusterRelease load(const Office& office, const ReleaseVersion& release);

// A target of a train, as it lies in the repository; nothing where neither what is published nor what is proposed names it. An Error
// when its bytes are not those that were signed.
[[nodiscard]] std::optional<std::string> target_text(const Office& office, const std::string& train, const std::string& path);
[[nodiscard]] std::optional<std::string> target_text(const Office& office, const ReleaseVersion& release, std::string_view file);

// Error unless the manifests and records of roots in images/<release> are those that its release.json names: what a
// cut compares with must be what was released. Of a release that nobody has proposed or published, too.
void require_images_as_released(const Office& office, const ReleaseVersion& release);

// The newest release from which one may come to this one and whose images are here; nothing when there is none.
[[nodiscard]] std::optional<ReleaseVersion> compared_with(const Office& office, const ClusterRelease& release);

// What it says that changed. Error for the first of all, which has nothing to be compared with.
[[nodiscard]] std::string notes_of(const Office& office, const ReleaseVersion& release);

// "trains/R1/R1.0/release.json"
[[nodiscard]] std::string target_path(const ReleaseVersion& release, std::string_view file);

// "trains/R1/sources/": where the files of source packages are, which releases of a train share.
[[nodiscard]] std::string sources_folder(const ReleaseVersion& release);
// Of a file of this name and content in it: the name itself, unless `targets` has other bytes under it.
[[nodiscard]] std::string source_path(const ReleaseVersion& release, const sources::File& file, const tuf::Targets& targets);
// The list of a release's sources; nothing when it was cut without them.
[[nodiscard]] std::optional<sources::List> sources_of(const Office& office, const ReleaseVersion& release);

// Changes what the train's role signs, as a proposal upon what is published or proposed already. docs/formats/trust.md.
void edit(const Office& office, const std::string& train, Time now, const std::function<void(tuf::Targets&)>& change);

// Moves a digest; nothing is built. Error when the release is not there, is revoked, or would skip a channel; and when it would
// become stable and fewer rebuilders have confirmed it than the policy wants (<releases/confirmations.hpp>).
void promote(const Office& office, const ReleaseVersion& release, Channel to, Time now);
// Nobody installs it any more. `floor`: nor anything older than this release of the same train.
void revoke(const Office& office, const ReleaseVersion& release, const std::string& reason, Time now);
void raise_floor(const Office& office, const ReleaseVersion& floor, Time now);

} // namespace ashlar::releases
