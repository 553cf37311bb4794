#include <trust/choice.hpp>

#include <base/error.hpp>
#include <base/release_version.hpp>
#include <signing/cluster_release.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::trust {

namespace {

constexpr std::uint64_t most_document = 4U << 20U, most_revocation = 256U << 10U; // bytes

ReleaseVersion version_of(std::string_view text) {
    if (const auto version = parse_release_version(text)) return *version;
    throw Error(fmt::format("cannot upgrade to '{}': it is not the name of a release", text), "write a train, a dot and a number: R1.0");
}

std::string text_in(const Json& custom, const char* key) { return custom.is_object() ? custom.value(key, "") : ""; }

class Choosing {
public:
    Choosing(Releases& releases, Memory& memory, const Question& question)
        : releases_(releases), memory_(memory), question_(question), floors_(question.floors), running_(version_of(question.node.running)),
          train_(question.release ? version_of(*question.release).train : running_.train) {
        begin(std::nullopt);
    }

    Look go() {
        try {
            Look look = this->look();
            raise();
            return look;
        } catch (const Error&) {
            raise();
            throw;
        }
    }

private:
    Look look() {
        refresh();
        terms_ = &updater_->role(tuf::role_of_train(to_text(train_)));
        floors_ = floors();
        Look look{.choice = {}, .floors = floors_, .revocations = {}, .stale = stale_};
        const auto wanted = question_.release ? std::optional(version_of(*question_.release)) : newest_stable();
        if (wanted) {
            require_allowed(*wanted, look.floors);
            look.choice = choice(*wanted);
        }
        look.revocations = revocations();
        return look;
    }
    void raise() { memory_.raise(floors_, updater_->trusted().newest_issue()); }

    // ---- What is believed ----

    void begin(std::optional<std::uint64_t> stale) { updater_.emplace(releases_, memory_, tuf::UpdaterOptions{.now = question_.now, .train = to_text(train_), .stale = stale}); }

    void refresh() {
        try {
            updater_->refresh();
        } catch (const tuf::MetadataError& error) {
            if (error.fault() != tuf::Fault::expired || !manifest_has_expired()) throw;
            stale_ = word_that_lets_pass(error);
            begin(stale_->serial);
            updater_->refresh();
        }
    }
    // What failed was nothing else: root and the manifest's signatures come before, targets after it.
    [[nodiscard]] bool manifest_has_expired() const {
        const auto& manifest = updater_->trusted().bundle();
        return manifest && manifest->expires <= updater_->trusted().now();
    }
    bundle::StaleMedia word_that_lets_pass(const tuf::MetadataError& expired) {
        const tuf::Bundle& manifest = *updater_->trusted().bundle();
        const std::string name = bundle::stale_media_name(manifest.train);
        try {
            if (const auto text = releases_.metadata(name, bundle::most_stale_media_bytes))
                return bundle::stale_media_for(manifest, *text, name, updater_->trusted().root(), {targets_of(manifest), memory_.load("targets")}, updater_->trusted().now());
        } catch (const Error& refused) {
            throw tuf::MetadataError(tuf::Fault::expired, fmt::format("{}; {}", expired.message(), refused.message()), refused.hint());
        }
        throw tuf::MetadataError(tuf::Fault::expired, expired.message(),
                                 fmt::format("import a newer bundle of train {}, and look at the clock; or let one who holds the site's key say that serial {} may pass: docs/formats/stale-media.md", manifest.train,
                                             manifest.version));
    }
    // Those that the manifest names; nothing else that lies there says who speaks for a site.
    std::optional<std::string> targets_of(const tuf::Bundle& manifest) {
        const auto meta = manifest.meta.find("targets.json");
        if (meta == manifest.meta.end()) return std::nullopt;
        const std::string name = naming() == tuf::Naming::plain ? meta->first : fmt::format("{}.{}", meta->second.version, meta->first);
        auto text = releases_.metadata(name, tuf::most_targets_bytes);
        const auto hash = meta->second.hashes.find("sha256");
        if (!text || hash == meta->second.hashes.end() || sha256(*text).hex() != hash->second) return std::nullopt;
        return text;
    }

    // ---- Floors and revocations ----

    [[nodiscard]] SecurityFloors floors() const {
        SecurityFloors floors = question_.floors;
        if (!terms_->train || !terms_->train->security_floor) return floors;
        const std::string& said = *terms_->train->security_floor;
        std::string& kept = floors[to_text(train_)];
        if (kept.empty() || version_of(kept) < version_of(said)) kept = said;
        return floors;
    }

    // Of the train that runs as well, where the repository has it: its old releases are the ones that somebody may start here.
    std::vector<Revocation> revocations() {
        std::vector<Revocation> all;
        add_revocation(all, train_, *terms_);
        if (running_.train == train_) return all;
        try {
            add_revocation(all, running_.train, updater_->role(tuf::role_of_train(to_text(running_.train))));
        } catch (const Error&) { // a bundle carries its own train alone, and one whose support is over has expired
        }
        return all;
    }
    void add_revocation(std::vector<Revocation>& all, const TrainName& train, const tuf::Targets& terms) {
        const std::string path = fmt::format("trains/{}/revoked/dbx-append.auth", to_text(train));
        const auto target = terms.targets.find(path);
        if (target == terms.targets.end()) return;
        Revocation revocation{.train = to_text(train), .update = {}, .fault = {}};
        // Firmware's matter is none of the upgrade's: without it the node goes on.
        try {
            revocation.update = verified(path, target->second, most_revocation);
        } catch (const Error& error) {
            revocation.fault = error.message();
        }
        all.push_back(std::move(revocation));
    }

    // ---- Releases ----

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
        const auto found = updater_->find(path);
        if (!found) refuse(version, "there is no such release", fmt::format("is it in the repository, and is the newest bundle of train {} imported?", to_text(version.train)));
        const std::string text = verified(path, found->target, most_document);
        ClusterRelease release = parse_cluster_release(text, path);
        if (release.release != version) refuse(version, fmt::format("what lies there is {}", to_text(release.release)), "get it from whoever cut it");
        return release;
    }

    // The bytes of a target, as it is signed.
    std::string verified(const std::string& path, const tuf::Target& target, std::uint64_t most) {
        if (target.length > most) throw Error(fmt::format("cannot read '{}': it has {} bytes, at most {} are expected", path, target.length, most), "get it from whoever cut it");
        std::string text = releases_.target(tuf::place_of(path, target, naming()), target.length);
        tuf::TargetCheck check(path, target);
        check.update(bytes_of(text));
        check.finish();
        return text;
    }

    [[nodiscard]] tuf::Naming naming() const { return updater_->trusted().root().consistent_snapshot ? tuf::Naming::consistent : tuf::Naming::plain; }

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
    Memory& memory_;
    const Question& question_;
    SecurityFloors floors_; // with what was learned
    ReleaseVersion running_;
    TrainName train_;
    std::optional<tuf::Updater> updater_; // of the run; another one where a site lets an expired manifest pass
    std::optional<bundle::StaleMedia> stale_;
    const tuf::Targets* terms_ = nullptr;
};

} // namespace

Look choose(Releases& releases, Memory& memory, const Question& question) { return Choosing(releases, memory, question).go(); }

bool is_allowed(const SecurityFloors& floors, std::string_view release) {
    const auto version = parse_release_version(release);
    if (!version) return true; // it belongs to no train
    const auto floor = floors.find(to_text(version->train));
    return floor == floors.end() || *version >= version_of(floor->second);
}

} // namespace ashlar::trust
