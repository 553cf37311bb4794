#include <releases/cut.hpp>

#include <authority/ceremony.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <cut/findings.hpp>
#include <deltas/image.hpp>
#include <diff/closed.hpp>
#include <diff/report.hpp>
#include <documents/library.hpp>
#include <documents/licences.hpp>
#include <evidence/self_description.hpp>
#include <facts/image_facts.hpp>
#include <pipeline/build.hpp>
#include <pipeline/daemon_stage.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/kept.hpp>
#include <policy/licences.hpp>
#include <policy/policy.hpp>
#include <publish/publish.hpp>
#include <recipe/components.hpp>
#include <root/accounts.hpp>
#include <store/roots.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

namespace {

// Releases that get a delta: those that nodes most likely have.
constexpr std::size_t most_deltas = 3;
constexpr std::string_view accounts_file = "accounts.toml";

// What lies beside an image and goes to those who have it.
struct Suffix {
    std::string_view suffix;
    FileKind kind;
};
constexpr std::array<Suffix, 6> beside{{{".manifest.json", FileKind::manifest},
                                        {".spdx.json", FileKind::spdx},
                                        {".cdx.json", FileKind::cyclonedx},
                                        {".packages", FileKind::packages},
                                        {".lock", FileKind::lock},
                                        {".tree.json", FileKind::tree}}};

template <typename Kind> NamedFile<Kind> named(const fs::path& file, Kind kind) {
    return {.file = file.filename().native(), .size = fs::file_size(file), .sha256 = sha256_of_file(file), .kind = kind};
}

class Cutting {
public:
    Cutting(pipeline::Workshop& workshop, const Office& office, const CutOrder& order)
        : workshop_(workshop), office_(office), order_(order), desk_(office.requests(), order.keys), train_(workshop.train()), components_(workshop.recipes().load_components()), images_(office.images(to_text(order.release))), files_(office.cut(to_text(order.release)) / "files") {}

    std::variant<ClusterRelease, std::vector<requests::WantedSignature>> go() {
        judge_packages();
        fs::create_directories(files_);
        keep_lock();
        if (order_.sources == CutOrder::Sources::kept) find_sources();
        keep_inputs();
        for (const auto& role : train_.roles) build(role);
        desk_.remove_others(to_text(order_.release));
        if (auto wanted = desk_.wanted(); !wanted.empty()) return wanted;
        keep_accounts();
        judge();
        for (const auto& role : train_.roles) release_.images.push_back(published(role));
        describe();
        propose();
        requests::remove_image_requests(office_.requests(), to_text(order_.release));
        return std::move(release_);
    }

private:
    void keep_lock() const {
        const fs::path file = office_.cut(to_text(order_.release)) / "lock";
        // Begun anew: what an earlier cut of that name wanted to be signed is not wanted any more.
        if (!fs::exists(file)) requests::remove_image_requests(office_.requests(), to_text(order_.release));
        write_file(file, lock::to_text(order_.lock), 0644, Durability::synced);
    }

    // What a later release's accounts are compared with.
    void keep_accounts() const { write_file(images_ / accounts_file, read_file(workshop_.recipes().path() / accounts_file), 0644, Durability::synced); }

    // ---- What the cut refuses ----

    // What needs no image to be seen is said before one is built.
    void judge_packages() {
        cut::ReleaseFacts planned{.release = to_text(order_.release), .images = {}, .accounts = {}};
        for (const auto& role : train_.roles) planned.images.push_back(planned_facts(role));
        (void)verdict_on(cut::package_findings(components_, planned, previous(), today()));
    }
    [[nodiscard]] facts::ImageFacts planned_facts(const std::string& role) const {
        const Digest none = sha256(""); // of what is not built
        facts::ImageFacts facts{.manifest = {.role = role, .lock = none, .root_hash = none, .unsigned_uki = none, .authenticode = none}, .tree = {}};
        for (const lock::Package* package : order_.lock.packages_of(role))
            facts.manifest.packages.push_back({package->name, package->version, package->architecture, package->source, package->source_version, package->sha256, {"root"}});
        return facts;
    }

    void judge() {
        const cut::ReleaseFacts now = facts_of(order_.release, images());
        auto verdict = verdict_on(cut::all_findings(components_, now, previous(), today()));
        for (const auto place : verdict.unused) workshop_.renderer().note(cut::unused_warning(train_.accept[place]));
        release_.components = cut::read_components(components_, now).components;
        release_.accept = std::move(verdict.used);
        obey_policy();
    }
    [[nodiscard]] cut::Verdict verdict_on(const std::vector<cut::Finding>& findings) const {
        auto verdict = cut::judge(findings, {train_.accept.begin(), train_.accept.end()});
        if (!verdict.refused.empty()) throw cut::refusal(to_text(order_.release), verdict.refused, fmt::format("recipes/trains/{}.toml", train_.name));
        return verdict;
    }
    const std::vector<cut::ReleaseFacts>& previous() {
        if (previous_) return *previous_;
        previous_.emplace();
        for (const auto& release : origins()) {
            if (!fs::exists(office_.images(to_text(release)))) continue;
            require_images_as_released(office_, release);
            previous_->push_back(facts_of(release, images_of(release)));
        }
        return *previous_;
    }
    [[nodiscard]] Day today() const { return std::chrono::floor<std::chrono::days>(order_.now); }

    // The train's policy: licences, and what may change.
    void obey_policy() {
        if (!train_.policy) return;
        const auto policy = policy::read_policy(*train_.policy);
        std::vector<policy::Finding> refused;
        const auto add = [&](std::vector<policy::Finding> found) { refused.insert(refused.end(), found.begin(), found.end()); };
        auto& library = this->library();
        if (policy.licences) {
            policy::Waivers waivers(policy.licences->waivers, to_text(std::chrono::floor<std::chrono::days>(order_.now)));
            add(policy::judge(*policy.licences, documents::licences_of(library), waivers));
            for (const auto& warning : policy::unused_warnings(waivers)) workshop_.renderer().note(warning);
        }
        if (policy.changes && difference()) add(diff::judge(*policy.changes, *difference()));
        if (refused.empty()) return;
        std::vector<std::string> causes;
        for (const auto& finding : refused) causes.push_back(fmt::format("{}: {}", finding.rule, finding.message));
        throw Error(fmt::format("cannot cut {}: {} refuses {}", to_text(order_.release), train_.policy->native(), join(causes, "; ")), "mend it, or write a waiver with its reason and its end into the policy");
    }

    // ---- What the packages say of themselves ----

    const std::vector<facts::ImageFacts>& images() {
        if (facts_.empty()) facts_ = images_of(order_.release);
        return facts_;
    }
    [[nodiscard]] std::vector<facts::ImageFacts> images_of(const ReleaseVersion& release) const {
        const fs::path place = office_.images(to_text(release));
        return facts::read_images(facts::find_images(place, place));
    }
    documents::Library& library() {
        if (library_) return *library_;
        std::vector<documents::Shelf> shelves;
        for (const auto& image : images()) shelves.push_back(diff::shelf_of(image));
        shelves.push_back(documents::shelf_of(workshop_.store()));
        return library_.emplace(diff::packages_of(images()), std::move(shelves));
    }
    // From the newest release from which nodes come; nothing for the first of all.
    const std::optional<diff::ReleaseDifference>& difference() {
        if (difference_) return difference_;
        for (const auto& release : origins()) {
            if (!fs::exists(office_.images(to_text(release)))) continue;
            difference_ = diff::compare_releases(images_of(release), images());
            break;
        }
        return difference_;
    }
    [[nodiscard]] std::optional<std::string> notes() {
        if (!difference()) return std::nullopt;
        const auto closed = diff::closed_vulnerabilities(*difference(), library());
        return diff::notes({*difference(), closed, std::nullopt});
    }

    [[nodiscard]] cut::ReleaseFacts facts_of(const ReleaseVersion& release, std::vector<facts::ImageFacts> images) const {
        cut::ReleaseFacts facts{.release = to_text(release), .images = std::move(images), .accounts = {}};
        const fs::path place = office_.images(facts.release);
        if (fs::exists(place / accounts_file)) facts.accounts = cut::accounts_of(root::Ledger::read(place / accounts_file, (place / accounts_file).native()));
        return facts;
    }
    static std::vector<fs::path> manifests_in(const fs::path& place) {
        std::vector<fs::path> manifests;
        for (const auto& entry : fs::directory_iterator(place))
            if (entry.path().native().ends_with(".manifest.json")) manifests.push_back(entry.path());
        std::ranges::sort(manifests);
        return manifests;
    }

    // ---- What nodes get ----

    // Whatever it is built from stays in the store, so that it can be built again when the archives have moved on.
    void keep_inputs() const {
        const std::string release = to_text(order_.release);
        auto blobs = pipeline::blobs_of(order_.lock);
        for (const auto& package : found_.packages)
            for (const auto& file : package.files) blobs.push_back(file.sha256);
        blobs.insert(blobs.end(), found_.indices.begin(), found_.indices.end());
        std::ranges::sort(blobs);
        const auto doubled = std::ranges::unique(blobs);
        blobs.erase(doubled.begin(), doubled.end());
        store::keep(workshop_.store(), "release-" + release, {.reason = "release " + release, .while_exists = {}, .blobs = std::move(blobs), .stages = {}});
    }

    // Before anything is built: what the archive has no more is not there an hour later either.
    void find_sources() {
        std::map<std::string, std::vector<const lock::Package*>> images;
        for (const auto& role : train_.roles)
            for (const auto& part : pipeline::parts_of(workshop_.recipes().load_role(role), train_, order_.lock)) images[role].insert(images[role].end(), part.packages.begin(), part.packages.end());
        const auto needs = sources::needs_of(images, workshop_.store(), pipeline::daemon_archive);
        auto fetcher = pipeline::make_fetcher(workshop_);
        found_ = fetcher.find_sources(train_, order_.lock, needs.wanted());
        sources_ = sources::list_of(to_text(order_.release), needs, found_.packages);
        say_how_much();
        fetcher.source_files(train_, order_.lock, found_);
    }
    void say_how_much() const {
        const auto files = sources_->files();
        std::uint64_t bytes = 0, missing = 0;
        for (const auto& file : files) {
            bytes += file.size;
            if (!workshop_.store().find(file.sha256)) missing += file.size;
        }
        workshop_.renderer().note(fmt::format("sources of {}: {} packages, {} files, {}, of which {} are to be fetched", to_text(order_.release), sources_->sources.size(), files.size(), human_bytes(bytes), human_bytes(missing)));
        for (const auto& one : sources_->left_out) workshop_.renderer().note(fmt::format("without the source of {} {}: {}", one.package, one.version, one.reason));
    }

    [[nodiscard]] pipeline::Product product(const std::string& role) const { return pipeline::product_of(train_, role, images_); }

    void build(const std::string& role) {
        const auto product = this->product(role);
        const auto lock = pipeline::restricted(order_.lock, pipeline::with_helpers(workshop_, {role}));
        if (fs::exists(product.disk()) && read_file(product.lock()) == lock::to_text(lock)) return;
        (void)pipeline::build_image(workshop_, order_.lock, role, desk_, images_);
    }

    // Releases from which one may come here, the newest first.
    [[nodiscard]] std::vector<ReleaseVersion> origins() const {
        std::vector<ReleaseVersion> from;
        for (const auto& train : trains(office_))
            for (const auto& one : list(office_, train))
                if (!one.revoked && !one.below_floor && one.release < order_.release && may_come_from(one.release)) from.push_back(one.release);
        std::ranges::sort(from, std::ranges::greater{});
        return from;
    }
    [[nodiscard]] std::vector<std::unique_ptr<deltas::Image>> olds(const std::string& role) const {
        std::vector<std::unique_ptr<deltas::Image>> images;
        for (const auto& release : origins()) {
            const std::string name = fmt::format("ashlar_{}_{}_{}", role, to_text(release), train_.architecture);
            const fs::path place = office_.images(to_text(release));
            if (images.size() < most_deltas && fs::exists(place / (name + ".raw"))) images.push_back(std::make_unique<deltas::Image>(name, place));
        }
        return images;
    }
    [[nodiscard]] bool may_come_from(const ReleaseVersion& release) const {
        const bool says_of_own = std::ranges::any_of(train_.previous, [&](const ReleaseOrigin& origin) { return origin.train == order_.release.train; });
        return (release.train == order_.release.train && !says_of_own) || std::ranges::any_of(train_.previous, [&](const ReleaseOrigin& origin) { return origin.holds(release); });
    }

    ReleaseImage published(const std::string& role) {
        const auto product = this->product(role);
        const ReleaseIndex index = index_of(role, product);
        ReleaseImage image{.role = role, .architecture = train_.architecture, .manifest = sha256_of_file(product.manifest()), .index = index, .files = {}};
        const auto take = [&](const std::string& file, FileKind kind) { image.files.push_back(named(files_ / file, kind)); };
        take(index.uki.file, FileKind::uki);
        for (const auto& stream : index.streams) take(stream.file.file, stream.from ? FileKind::delta : FileKind::full);
        for (const auto& stream : index.uki_deltas) take(stream.file.file, FileKind::delta);
        for (const auto& [suffix, kind] : beside) {
            const fs::path file = product.file(suffix);
            fs::copy_file(file, files_ / file.filename(), fs::copy_options::overwrite_existing);
            take(file.filename().native(), kind);
        }
        require_budget(image);
        return image;
    }
    // Its index is written last, so what it names is there.
    ReleaseIndex index_of(const std::string& role, const pipeline::Product& product) const {
        const fs::path file = files_ / release_index_name(role, train_.architecture);
        const deltas::Image now(product.disk(), images_);
        if (fs::exists(file)) {
            auto index = parse_release_index(read_file(file), file.native());
            if (index.root_hash == now.root_hash() && index.uki_digest == sha256_of_file(product.uki())) return index;
        }
        const auto before = olds(role);
        publish::Order order{.to = files_, .now = now, .olds = {}};
        for (const auto& old : before) order.olds.push_back(old.get());
        return publish::publish(order, workshop_.renderer());
    }
    void require_budget(const ReleaseImage& image) const {
        if (!train_.delta_budget) return;
        for (const auto& stream : image.index.streams)
            if (stream.from && stream.file.size > *train_.delta_budget)
                throw Error(fmt::format("cannot cut {}: '{}' has {}, the train's budget is {}", to_text(order_.release), stream.file.file, human_bytes(stream.file.size), human_bytes(*train_.delta_budget)),
                            "`ashlar delta OLD NEW` says what makes it large; or raise `budget` in the train");
    }

    void describe() {
        release_.release = order_.release;
        release_.epoch = order_.lock.epoch;
        release_.ashlar = ASHLAR_VERSION;
        release_.support = train_.support.value();
        release_.previous = train_.previous;
        // A train that says nothing else lets one come from all of its own releases.
        if (std::ranges::none_of(train_.previous, [&](const ReleaseOrigin& origin) { return origin.train == order_.release.train; })) release_.previous.push_back({order_.release.train, {}});
        release_.floors = train_.floors;
        release_.order = train_.order;
        release_.barriers = train_.barriers;
        add_evidence("lock", EvidenceKind::lock, lock::to_text(order_.lock));
        add_evidence("licences", EvidenceKind::licences, documents::licence_texts(library()));
        if (sources_) add_evidence("sources.json", EvidenceKind::sources, sources::to_text(*sources_));
        if (auto notes = this->notes()) add_evidence("notes.md", EvidenceKind::notes, *notes);
        sort(release_);
        add_evidence("jsonld", EvidenceKind::self_description, self_description());
        sort(release_);
    }
    void add_evidence(std::string_view ending, EvidenceKind kind, std::string_view text) {
        const fs::path file = files_ / fmt::format("ashlar_{}.{}", to_text(order_.release), ending);
        write_file(file, text);
        release_.evidence.push_back(named(file, kind));
    }
    [[nodiscard]] std::string self_description() const {
        std::vector<evidence::Manifest> manifests;
        for (const auto& file : manifests_in(images_)) manifests.push_back(evidence::parse_manifest(read_file(file), file.native()));
        return evidence::self_description({.release = release_, .manifests = std::move(manifests), .licences = {}});
    }

    void propose() const {
        std::map<std::string, tuf::Target> targets;
        const auto add = [&](const std::string& file) {
            const std::string path = target_path(order_.release, file);
            targets.emplace(path, office_.repository().add_target(path, files_ / file));
        };
        for (const auto& image : release_.images)
            for (const auto& file : image.files) add(file.file);
        for (const auto& file : release_.evidence) add(file.file);
        const std::string path = target_path(order_.release, "release.json");
        auto document = office_.repository().add_target_text(path, cluster_release_text(release_));
        document.custom = Json{{"release", to_text(order_.release)}, {"channel", to_string(Channel::edge)}};
        targets.emplace(path, std::move(document));
        edit(office_, to_text(order_.release.train), order_.now, [&](tuf::Targets& metadata) {
            for (auto& [name, target] : targets) metadata.targets.insert_or_assign(name, target);
            if (sources_)
                for (const auto& file : sources_->files()) {
                    const std::string place = source_path(order_.release, file, metadata);
                    metadata.targets.insert_or_assign(place, office_.repository().add_target(place, workshop_.store().blob_path(file.sha256)));
                }
        });
    }

    pipeline::Workshop& workshop_;
    const Office& office_;
    const CutOrder& order_;
    const requests::ImageDesk desk_;
    const recipe::Train& train_;
    const rules::Components components_;
    fs::path images_, files_;
    std::optional<std::vector<cut::ReleaseFacts>> previous_;
    fetch::Sources found_;
    std::optional<sources::List> sources_;
    std::vector<facts::ImageFacts> facts_;
    std::optional<documents::Library> library_;
    std::optional<diff::ReleaseDifference> difference_;
    ClusterRelease release_;
};

} // namespace

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

std::optional<lock::Lock> lock_of(const Office& office, const ReleaseVersion& release) {
    const fs::path file = office.cut(to_text(release)) / "lock";
    return fs::exists(file) ? std::optional(lock::parse(read_file(file), file.native())) : std::nullopt;
}

void remove_idle_requests(const Office& office) {
    for (const auto& waiting : requests::waiting_images(office.requests()))
        if (!fs::exists(office.cut(waiting.release) / "lock")) requests::remove_image_requests(office.requests(), waiting.release);
}

std::variant<ClusterRelease, std::vector<requests::WantedSignature>> cut(pipeline::Workshop& workshop, const Office& office, const CutOrder& order) { return Cutting(workshop, office, order).go(); }

} // namespace ashlar::releases
