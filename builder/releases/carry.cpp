#include <releases/carry.hpp>
#include <releases/revocation.hpp>

#include <base/error.hpp>
#include <confirmation/confirmation.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::releases {

namespace {

class Carrying {
public:
    Carrying(const Office& office, const CarryOrder& order) : office_(office), order_(order), train_(to_text(order.release.train)) {}

    bool go() {
        tuf::Bundle bundle;
        bundle.train = train_;
        for (const auto& role : {std::string("targets"), tuf::role_of_train(train_)}) bundle.meta.emplace(role + ".json", meta_of(role));
        bundle.targets = targets();
        const auto& policy = office_.policy().role("bundle");
        static_cast<tuf::Common&>(bundle) = {.version = serial() + 1, .expires = order_.now + policy.lifetime, .issued = order_.now};
        Json manifest = tuf::json_of(bundle);
        if (!order_.roles.empty()) manifest["roles"] = order_.roles;
        if (order_.sources == CarryOrder::Sources::yes) manifest["sources"] = sources_;
        if (is_published(manifest, policy)) return false;
        const std::string role = "bundle-" + train_;
        // Who has signed it already need not do so again.
        if (const auto there = office_.desk().proposed(role); !there || said_by(*there) != said_by(manifest)) office_.desk().propose(role, manifest);
        return true;
    }

    CarriedSources sources() {
        CarriedSources carried;
        const auto list = require_sources();
        const auto is_carried = [&](const sources::Source& source) { return order_.roles.empty() || std::ranges::any_of(source.roles, [&](const auto& role) { return order_.roles.contains(role); }); };
        carried.packages = static_cast<std::size_t>(std::ranges::count_if(list.sources, is_carried));
        const auto there = sources_of_the_site();
        for (const auto& file : list.files(order_.roles)) {
            ++carried.files;
            carried.bytes += file.size;
            if (!there.contains(file.sha256)) carried.carried += file.size;
        }
        return carried;
    }

private:
    [[nodiscard]] std::uint64_t serial() const { return office_.repository().version("bundle-" + train_).value_or(0); }

    [[nodiscard]] tuf::FileMeta meta_of(const std::string& role) const {
        const auto version = office_.repository().version(role);
        if (!version) throw Error(fmt::format("cannot make a bundle of {}: '{}' is not published", train_, role), "are signatures missing? `ashlar release attach`");
        return tuf::file_meta_of(*office_.repository().text(role), *version);
    }
    [[nodiscard]] const tuf::Targets& published() {
        if (!published_) published_ = office_.repository().targets(tuf::role_of_train(train_));
        return *published_; // meta_of() has seen it
    }

    std::vector<std::string> targets() {
        const ClusterRelease release = require_published(order_.release);
        std::vector<std::string> paths{target_path(order_.release, "release.json")};
        for (const auto& image : release.images)
            if (order_.roles.empty() || order_.roles.contains(image.role))
                for (const auto& file : image.files) paths.push_back(target_path(order_.release, file.file));
        for (const auto& file : release.evidence) paths.push_back(target_path(order_.release, file.file));
        if (order_.sources == CarryOrder::Sources::yes) add_sources(paths);
        if (order_.since) leave_out_what_the_site_has(paths);
        add_confirmations(paths);
        if (const std::string revoked = revocation_path(train_); published().targets.contains(revoked)) paths.push_back(revoked);
        std::ranges::sort(paths);
        return paths;
    }
    // What others say of it, for whoever wants to know on the other side.
    void add_confirmations(std::vector<std::string>& paths) {
        const std::string folder = target_path(order_.release, "");
        for (const auto& [path, target] : published().targets)
            if (path.starts_with(folder) && confirmation::key_id_in(std::string_view(path).substr(folder.size()))) paths.push_back(path);
    }
    ClusterRelease require_published(const ReleaseVersion& version) {
        if (!published().targets.contains(target_path(version, "release.json")))
            throw Error(fmt::format("cannot make a bundle of {}: it is not published", to_text(version)), "`ashlar release list` shows what there is; are signatures missing?");
        ClusterRelease release = load(office_, version);
        for (const auto& role : order_.roles)
            if (std::ranges::none_of(release.images, [&](const ReleaseImage& image) { return image.role == role; }))
                throw Error(fmt::format("cannot make a bundle: {} has no role '{}'", to_text(version), role), "`ashlar release show` names its images");
        return release;
    }
    [[nodiscard]] sources::List require_sources() const {
        if (auto list = sources_of(office_, order_.release)) return std::move(*list);
        throw Error(fmt::format("cannot carry the sources of {}: it was cut without them", to_text(order_.release)), "`ashlar release cut RELEASE --sources` keeps them; a release that is published is not changed: cut the next one so");
    }
    void add_sources(std::vector<std::string>& paths) {
        for (const auto& file : require_sources().files(order_.roles)) sources_.push_back(source_path(order_.release, file, published()));
        std::ranges::sort(sources_);
        paths.insert(paths.end(), sources_.begin(), sources_.end());
    }
    // It has those of its release, if that has any: who gets sources got them then, too.
    [[nodiscard]] std::set<Digest> sources_of_the_site() const {
        std::set<Digest> digests;
        const auto list = order_.since ? sources_of(office_, *order_.since) : std::nullopt;
        if (!list) return digests;
        for (const auto& file : list->files()) digests.insert(file.sha256);
        return digests;
    }

    // The release's own document always comes along: it is what says how many of the rest there are.
    void leave_out_what_the_site_has(std::vector<std::string>& paths) const {
        std::set<Digest> digests;
        const auto old = office_.repository().targets(tuf::role_of_train(to_text(order_.since->train)));
        const std::string folder = target_path(*order_.since, "");
        if (!old || !old->targets.contains(target_path(*order_.since, "release.json")))
            throw Error(fmt::format("cannot make a bundle since {}: there is no such release", to_text(*order_.since)), "`ashlar release list` shows what there is");
        for (const auto& [path, target] : old->targets)
            if (path.starts_with(folder)) digests.insert(target.sha256());
        if (order_.sources == CarryOrder::Sources::yes) digests.merge(sources_of_the_site());
        std::erase_if(paths, [&](const std::string& path) { return !path.ends_with("/release.json") && digests.contains(published_->targets.at(path).sha256()); });
    }

    // Without what each manifest has anew.
    static Json said_by(Json manifest) {
        for (const char* key : {"version", "expires", "x-ashlar-issued"}) manifest.erase(key);
        return manifest;
    }
    [[nodiscard]] bool is_published(const Json& wanted, const authority::RolePolicy& policy) const {
        const auto there = office_.repository().bundle(train_);
        if (!there || there->expires - order_.now < policy.lifetime / 2) return false;
        return said_by(tuf::parse_envelope(*office_.repository().text("bundle-" + train_), "bundle").signed_part) == said_by(wanted);
    }

    const Office& office_;
    const CarryOrder& order_;
    std::string train_;
    std::optional<tuf::Targets> published_;
    std::vector<std::string> sources_; // paths of all source files of the release, carried or not
};

} // namespace

CarriedSources carried_sources(const Office& office, const CarryOrder& order) { return Carrying(office, order).sources(); }

bool propose_manifest(const Office& office, const CarryOrder& order) { return Carrying(office, order).go(); }

} // namespace ashlar::releases
