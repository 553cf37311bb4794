#include <releases/rebuild.hpp>

#include <releases/office.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <evidence/manifest.hpp>
#include <image/published_signer.hpp>
#include <lock/lock.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/stale_lock.hpp>
#include <tuf/updater.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view document_file = "release.json";
// What the second build makes, and is compared.
constexpr std::array compared{FileKind::uki, FileKind::manifest, FileKind::spdx, FileKind::cyclonedx, FileKind::packages, FileKind::lock, FileKind::tree};

std::string train_of(const ReleaseVersion& release) { return to_text(release.train); }

// The root that is trusted and those that follow it, each signed by the one before.
std::map<Digest, fs::path> chain_from(const fs::path& repository, std::string_view root, const tuf::Trusted& newest) {
    std::map<Digest, fs::path> chain;
    tuf::Trusted walk(root, newest.now());
    for (auto version = walk.root().version;; ++version) {
        const fs::path file = repository / "metadata" / tuf::file_name_of("root", version);
        if (!fs::exists(file)) break;
        const std::string text = read_file(file);
        if (version > walk.root().version) walk.update_root(text);
        else if (text != root) break;
        chain.emplace(sha256(text), file);
        if (version == newest.root().version) break;
    }
    return chain;
}

} // namespace

PublishedRelease::PublishedRelease(const fs::path& repository, std::string_view root, const ReleaseVersion& release, Time now) : version_(release), repository_(repository), digest_(sha256("")) {
    const TemporaryDirectory memory(fs::temp_directory_path(), "ashlar-rebuild-");
    tuf::DirectoryStore store(memory.path());
    store.save("root", root);
    tuf::DirectoryRepository source(repository / "metadata");
    tuf::Updater updater(source, store, {.now = now, .train = train_of(release), .stale = {}});
    updater.refresh();
    const tuf::Targets& train = updater.role(tuf::role_of_train(train_of(release)));
    const std::string folder = target_path(release, "");
    for (const auto& [path, target] : train.targets)
        if (path.starts_with(folder)) targets_.emplace(path.substr(folder.size()), target);
    if (!targets_.contains(document_file))
        throw Error(fmt::format("cannot rebuild {}: '{}' has no such release", to_text(release), repository.native()), "`ashlar release list` shows what there is where it was cut; is the copy of the repository old?");
    if (train.train)
        if (const auto why = train.train->revoked.find(to_text(release)); why != train.train->revoked.end())
            throw Error(fmt::format("cannot rebuild {}: it is revoked: {}", to_text(release), why->second), "nobody installs it any more");
    const std::string text = this->text(document_file);
    digest_ = sha256(text);
    document_ = parse_cluster_release(text, target_path(release, document_file));
    first_root_ = tuf::Trusted(root, now).root().version;
    roots_ = chain_from(repository, root, updater.trusted());
}

std::string PublishedRelease::text(std::string_view file) const {
    const auto target = targets_.find(file);
    const auto refuse = [&](std::string_view cause) { return Error(fmt::format("cannot read '{}': {}", file, cause), "get the repository again from where it is published"); };
    if (target == targets_.end()) throw refuse("the release's metadata does not name it");
    const std::string path = target_path(version_, file);
    const fs::path place = repository_ / "targets" / tuf::place_of(path, target->second, tuf::Naming::consistent);
    if (!fs::exists(place)) throw refuse(fmt::format("'{}' is not there", place.native()));
    std::string text = read_file(place);
    tuf::TargetCheck check(path, target->second);
    check.update(bytes_of(text));
    check.finish();
    return text;
}

fs::path PublishedRelease::root_file(const Digest& digest) const {
    if (const auto found = roots_.find(digest); found != roots_.end()) return found->second;
    throw Error(fmt::format("cannot find the root of release metadata that the images bring, sha256:{}: it is not among the trusted one, version {}, and those that follow it", digest.hex(), first_root_),
                "when the images are older than that root, trust an older one: --root FILE");
}

namespace {

class Rebuilding {
public:
    Rebuilding(pipeline::Workshop& workshop, const PublishedRelease& release) : workshop_(workshop), release_(release), name_(to_text(release.document().release)), lock_(lock_of_release()), store_(workshop) {}

    std::vector<Rebuilt> go(const std::vector<std::string>& roles) {
        std::vector<const ReleaseImage*> images;
        for (const auto& role : roles) images.push_back(&image_of(role));
        require_this_train();
        fetch(roles);
        std::vector<Rebuilt> all;
        for (const auto* image : images) all.push_back(while_doing(fmt::format("building '{}' of {} again", image->role, name_), [&] { return rebuild(*image); }));
        return all;
    }

private:
    [[nodiscard]] lock::Lock lock_of_release() const {
        for (const auto& file : release_.document().evidence)
            if (file.kind == EvidenceKind::lock) return lock::parse(release_.text(file.file), file.file);
        throw Error(fmt::format("cannot rebuild {}: it has no lock among its evidence", name_), "only what names its inputs can be built again");
    }
    [[nodiscard]] const ReleaseImage& image_of(const std::string& role) const {
        if (const auto* image = release_.document().image(role, lock_.architecture)) return *image;
        std::vector<std::string> names;
        for (const auto& image : release_.document().images) names.push_back(image.role);
        throw Error(fmt::format("cannot rebuild the role '{}' of {}: it has {}", role, name_, join(names, ", ")), "leave out --role for all of them");
    }
    void require_this_train() const {
        const auto& train = workshop_.train();
        if (train.name == lock_.train && train.architecture == lock_.architecture) return;
        throw Error(fmt::format("cannot rebuild {}: its lock is of train {} for {}, the recipes are of {} for {}", name_, lock_.train, lock_.architecture, train.name, train.architecture), "check out the recipes of the release");
    }

    // Packages by their digests, from wherever; what Ashlar makes itself is compiled again.
    void fetch(const std::vector<std::string>& roles) {
        const auto roots = pipeline::with_helpers(workshop_, roles);
        pipeline::StageTimer timer(workshop_.profile(), workshop_.renderer(), "", "fetch");
        pipeline::make_fetcher(workshop_).packages(workshop_.train(), without_outputs(), roots);
    }
    [[nodiscard]] lock::Lock without_outputs() const {
        lock::Lock lock = lock_;
        const auto is_output = [&](std::size_t place) { return lock_.outputs.contains(lock_.packages.at(place).name); };
        for (auto& [role, places] : lock.roles) std::erase_if(places, is_output);
        return lock;
    }

    Rebuilt rebuild(const ReleaseImage& image) {
        Rebuilt result{.role = image.role, .architecture = image.architecture, .root_hash = image.index.root_hash, .differences = {}};
        const pipeline::Product published = published_files(image);
        const auto manifest = evidence::parse_manifest(read_file(published.manifest()), published.manifest().filename().native());
        const fs::path root = manifest.trusted_root ? release_.root_file(*manifest.trusted_root) : fs::path();
        pipeline::Workshop again = store_.workshop(name_, root);
        const lock::Lock lock = pipeline::restricted(lock_, pipeline::with_helpers(again, {image.role}));
        pipeline::refuse_stale_lock(again.recipes().load_role(image.role), lock_, again.store());
        if (auto daemon = pipeline::compare_daemon(again, lock)) { // of which the image cannot be built
            result.differences.push_back(*std::move(daemon));
            return result;
        }
        const std::string uki = read_file(published.uki());
        const image::PublishedSigner signer(bytes_of(uki), published.uki().filename().native());
        const pipeline::Product made = pipeline::remake_image(again, lock_, image.role, signer, manifest.artefacts.at("disk"), store_.space() / "made");
        result.differences = pipeline::compare_files(published, made, again.recipes().load_role(image.role).overlays);
        compare_root(image, evidence::parse_manifest(read_file(made.manifest()), "manifest").root_hash, result.differences);
        return result;
    }
    // A root file system can differ where its record does not.
    static void compare_root(const ReleaseImage& image, const Digest& made, std::vector<pipeline::Difference>& differences) {
        if (made == image.index.root_hash || std::ranges::any_of(differences, [](const pipeline::Difference& one) { return one.what.starts_with('/'); })) return;
        differences.push_back({"root file system", "", fmt::format("the root hash is {}, then {}, though the same files are in it: other tools", image.index.root_hash.hex(), made.hex())});
    }
    [[nodiscard]] pipeline::Product published_files(const ReleaseImage& image) const {
        const fs::path place = store_.space() / "published" / image.role;
        fs::create_directories(place);
        for (const auto kind : compared) {
            const auto file = std::ranges::find(image.files, kind, &ImageFile::kind);
            if (file == image.files.end()) throw Error(fmt::format("cannot rebuild '{}' of {}: it has no file of kind '{}'", image.role, name_, to_string(kind)), "only what is published can be compared");
            const std::string text = release_.text(file->file);
            if (sha256(text) != file->sha256) throw Error(fmt::format("cannot rebuild '{}' of {}: '{}' is not what release.json says", image.role, name_, file->file), "tell whoever cut the release");
            write_file(place / file->file, text);
        }
        return {.directory = place, .base = evidence::base_name(image.role, name_, image.architecture)};
    }

    pipeline::Workshop& workshop_;
    const PublishedRelease& release_;
    std::string name_;
    lock::Lock lock_;
    pipeline::EmptyStore store_;
};

} // namespace

std::vector<Rebuilt> rebuild(pipeline::Workshop& workshop, const PublishedRelease& release, const std::vector<std::string>& roles) { return Rebuilding(workshop, release).go(roles); }

confirmation::Confirmation confirmation_for(const PublishedRelease& release, const VerifyingKey& key, Time now) {
    return {.release = release.document().release, .document = release.digest(), .images = confirmation::images_of(release.document()), .ashlar = ASHLAR_VERSION, .issued = now, .key = key};
}

} // namespace ashlar::releases
