#include <releases/cut.hpp>

#include "judgement.hpp"
#include "kept_sources.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <deltas/image.hpp>
#include <documents/licences.hpp>
#include <evidence/self_description.hpp>
#include <pipeline/build.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/kept.hpp>
#include <publish/publish.hpp>
#include <store/roots.hpp>

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

namespace {

// Releases that get a delta: those that nodes most likely have.
constexpr std::size_t most_deltas = 3;

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
        : workshop_(workshop), office_(office), order_(order), desk_(office.requests(), order.keys), train_(workshop.train()), images_(office.images(to_text(order.release))), files_(office.cut(to_text(order.release)) / "files"), judgement_(workshop, office, order) {}

    std::variant<ClusterRelease, std::vector<requests::WantedSignature>> go() {
        judgement_.on_packages();
        fs::create_directories(files_);
        keep_lock();
        if (order_.sources == CutOrder::Sources::kept) sources_ = keep_sources(workshop_, order_.lock, to_text(order_.release));
        keep_inputs();
        keep_accounts();
        if (!std::ranges::all_of(train_.roles, [&](const std::string& role) { return is_built(role); })) judgement_.on_roots();
        for (const auto& role : train_.roles) build(role);
        desk_.remove_others(to_text(order_.release));
        if (auto wanted = desk_.wanted(); !wanted.empty()) return wanted;
        auto passed = judgement_.on_images();
        release_.components = std::move(passed.components);
        release_.accept = std::move(passed.accepted);
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
    void keep_accounts() const {
        fs::create_directories(images_);
        write_file(images_ / accounts_file, read_file(workshop_.recipes().path() / accounts_file), 0644, Durability::synced);
    }

    // ---- What nodes get ----

    // Whatever it is built from stays in the store, so that it can be built again when the archives have moved on.
    void keep_inputs() const {
        const std::string release = to_text(order_.release);
        auto blobs = pipeline::blobs_of(order_.lock);
        if (sources_) std::ranges::copy(sources_->blobs(), std::back_inserter(blobs));
        std::ranges::sort(blobs);
        const auto doubled = std::ranges::unique(blobs);
        blobs.erase(doubled.begin(), doubled.end());
        store::keep(workshop_.store(), pipeline::roots_name("release-" + release, office_.directory()), {.reason = "release " + release, .while_exists = {}, .blobs = std::move(blobs), .stages = {}});
    }

    [[nodiscard]] pipeline::Product product(const std::string& role) const { return pipeline::product_of(train_, role, images_); }

    [[nodiscard]] bool is_built(const std::string& role) const {
        const auto product = this->product(role);
        const auto lock = pipeline::restricted(order_.lock, pipeline::with_helpers(workshop_, {role}));
        return fs::exists(product.disk()) && read_file(product.lock()) == lock::to_text(lock);
    }
    void build(const std::string& role) {
        if (!is_built(role)) (void)pipeline::build_image(workshop_, order_.lock, role, desk_, images_);
    }

    [[nodiscard]] std::vector<std::unique_ptr<deltas::Image>> olds(const std::string& role) const {
        std::vector<std::unique_ptr<deltas::Image>> images;
        for (const auto& release : judgement_.origins()) {
            const std::string name = fmt::format("ashlar_{}_{}_{}", role, to_text(release), train_.architecture);
            const fs::path place = office_.images(to_text(release));
            if (images.size() < most_deltas && fs::exists(place / (name + ".raw"))) images.push_back(std::make_unique<deltas::Image>(name, place));
        }
        return images;
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
        add_evidence("licences", EvidenceKind::licences, documents::licence_texts(judgement_.library()));
        if (sources_) add_evidence("sources.json", EvidenceKind::sources, sources::to_text(sources_->list));
        if (auto notes = judgement_.notes()) add_evidence("notes.md", EvidenceKind::notes, *notes);
        sort(release_);
        add_evidence("jsonld", EvidenceKind::self_description, self_description());
        sort(release_);
    }
    void add_evidence(std::string_view ending, EvidenceKind kind, std::string_view text) {
        const fs::path file = files_ / fmt::format("ashlar_{}.{}", to_text(order_.release), ending);
        write_file(file, text);
        release_.evidence.push_back(named(file, kind));
    }
    [[nodiscard]] std::string self_description() {
        std::vector<evidence::Manifest> manifests;
        for (const auto& image : judgement_.images()) manifests.push_back(image.manifest);
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
                for (const auto& file : sources_->list.files()) {
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
    fs::path images_, files_;
    Judgement judgement_;
    std::optional<KeptSources> sources_;
    ClusterRelease release_;
};

} // namespace

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
