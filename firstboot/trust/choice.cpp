#include <trust/choice.hpp>

#include <base/error.hpp>
#include <base/release_version.hpp>
#include <signing/cluster_release.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::trust {

namespace {

constexpr std::uint64_t most_document = 4U << 20U; // bytes

ReleaseVersion version_of(std::string_view text) {
    if (const auto version = parse_release_version(text)) return *version;
    throw Error(fmt::format("cannot upgrade to '{}': it is not the name of a release", text), "write a train, a dot and a number: R1.0");
}

std::string text_in(const Json& custom, const char* key) { return custom.is_object() ? custom.value(key, "") : ""; }

class Choosing {
public:
    Choosing(Releases& releases, tuf::Store& store, const Question& question)
        : releases_(releases), question_(question), running_(version_of(question.node.running)),
          train_(question.release ? version_of(*question.release).train : running_.train),
          updater_(releases, store, {.now = question.now, .train = to_text(train_), .stale = question.stale}) {}

    Look go() {
        updater_.refresh();
        terms_ = &updater_.role(tuf::role_of_train(to_text(train_)));
        Look look{.choice = {}, .floors = floors(), .newest_issue = updater_.trusted().newest_issue()};
        const auto wanted = question_.release ? std::optional(version_of(*question_.release)) : newest_stable();
        if (!wanted) return look;
        require_allowed(*wanted, look.floors);
        look.choice = choice(*wanted);
        return look;
    }

private:
    [[nodiscard]] SecurityFloors floors() const {
        SecurityFloors floors = question_.floors;
        if (!terms_->train || !terms_->train->security_floor) return floors;
        const std::string& said = *terms_->train->security_floor;
        std::string& kept = floors[to_text(train_)];
        if (kept.empty() || version_of(kept) < version_of(said)) kept = said;
        return floors;
    }

    [[nodiscard]] std::optional<ReleaseVersion> newest_stable() const {
        std::optional<ReleaseVersion> newest;
        for (const auto& [path, target] : terms_->targets) {
            if (text_in(target.custom, "channel") != "stable") continue;
            const auto version = version_of(text_in(target.custom, "release"));
            if (version.train == train_ && version > running_ && revoked(version) == nullptr && (!newest || version > *newest)) newest = version;
        }
        return newest;
    }
    [[nodiscard]] const std::string* revoked(const ReleaseVersion& version) const {
        if (!terms_->train) return nullptr;
        const auto found = terms_->train->revoked.find(to_text(version));
        return found == terms_->train->revoked.end() ? nullptr : &found->second;
    }

    [[noreturn]] static void refuse(const ReleaseVersion& version, std::string_view cause, std::string remedy) {
        throw Error(fmt::format("cannot upgrade to '{}': {}", to_text(version), cause), std::move(remedy));
    }
    void require_allowed(const ReleaseVersion& version, const SecurityFloors& floors) const {
        if (const auto* why = revoked(version)) refuse(version, fmt::format("it is revoked: {}", *why), "take another release");
        if (!is_allowed(floors, to_text(version))) refuse(version, fmt::format("it is below the security floor '{}'", floors.at(to_text(version.train))), "take a newer release");
    }

    Choice choice(const ReleaseVersion& version) {
        const std::string folder = fmt::format("trains/{}/{}", to_text(version.train), to_text(version));
        const ClusterRelease release = document(folder + "/release.json", version);
        if (const auto step = step_from(question_.node.running, release); const auto* refused = std::get_if<StepRefused>(&step)) refuse(version, refused->cause, refused->remedy);
        const auto* image = release.image(question_.node.role, question_.node.architecture);
        if (image == nullptr) refuse(version, fmt::format("it has no image of role {} for {}", question_.node.role, question_.node.architecture), "ask whoever cuts the release for that role");
        return {.index = with_places(*image), .folder = "targets/" + folder};
    }

    ClusterRelease document(const std::string& path, const ReleaseVersion& version) {
        const auto found = updater_.find(path);
        if (!found) refuse(version, "there is no such release", fmt::format("is it in the repository, and is the newest bundle of train {} imported?", to_text(version.train)));
        const auto& target = found->target;
        if (target.length > most_document) refuse(version, fmt::format("its description has {} bytes, at most {} are expected", target.length, most_document), "get it from whoever cut it");
        const std::string text = releases_.target(tuf::place_of(path, target, naming()), target.length);
        tuf::TargetCheck check(path, target);
        check.update(bytes_of(text));
        check.finish();
        ClusterRelease release = parse_cluster_release(text, path);
        if (release.release != version) refuse(version, fmt::format("what lies there is {}", to_text(release.release)), "get it from whoever cut it");
        return release;
    }

    [[nodiscard]] tuf::Naming naming() const { return updater_.trusted().root().consistent_snapshot ? tuf::Naming::consistent : tuf::Naming::plain; }

    // In a consistent snapshot a file's digest is a part of its name.
    [[nodiscard]] ReleaseIndex with_places(const ReleaseImage& image) const {
        ReleaseIndex index = image.index;
        if (naming() == tuf::Naming::plain) return index;
        const auto place = [&](std::string& file) {
            const auto known = std::ranges::find(image.files, file, &ImageFile::file);
            file = known->sha256.hex() + "." + file; // it is there: the reader saw to that
        };
        place(index.uki.file);
        for (auto& stream : index.streams) place(stream.file.file);
        for (auto& stream : index.uki_deltas) place(stream.file.file);
        return index;
    }

    Releases& releases_;
    const Question& question_;
    ReleaseVersion running_;
    TrainName train_;
    tuf::Updater updater_;
    const tuf::Targets* terms_ = nullptr;
};

} // namespace

Look choose(Releases& releases, tuf::Store& store, const Question& question) { return Choosing(releases, store, question).go(); }

bool is_allowed(const SecurityFloors& floors, std::string_view release) {
    const auto version = parse_release_version(release);
    if (!version) return true; // it belongs to no train
    const auto floor = floors.find(to_text(version->train));
    return floor == floors.end() || *version >= version_of(floor->second);
}

} // namespace ashlar::trust
