#include <signing/cluster_release.hpp>

#include <signing/json_object.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <tuple>

#include <fmt/ranges.h>

namespace ashlar {

namespace {

constexpr int format = 1;
constexpr std::array<std::string_view, 9> file_kinds{"uki", "full", "delta", "manifest", "spdx", "cyclonedx", "packages", "lock", "tree"};
constexpr std::array<std::string_view, 5> evidence_kinds{"lock", "sources", "licences", "notes", "self-description"};

JsonDocument document_of(std::string_view name) { return {"release", name, "is it what `ashlar release cut` wrote, and complete?"}; }

// ---- Writing --------------------------------------------------------------------------------------

template <typename Items> Json list_of(const Items& items);

template <typename Kind> Json to_json(const NamedFile<Kind>& file) {
    return {{"file", file.file}, {"size", file.size}, {"sha256", file.sha256.hex()}, {"kind", to_string(file.kind)}};
}

Json to_json(const ReleaseImage& image) {
    return {{"role", image.role},
            {"architecture", image.architecture},
            {"manifest", image.manifest.hex()},
            {"index", json_of(image.index)},
            {"files", list_of(image.files)}};
}

Json to_json(const ReleaseComponent& component) {
    Json json{{"name", component.name},       {"version", component.version},
              {"package", component.package}, {"package_version", component.package_version},
              {"roles", component.roles},     {"maintainer", component.maintainer}};
    if (component.maintained_until) json["maintained_until"] = to_text(*component.maintained_until);
    return json;
}

Json to_json(const ReleaseVersion& version) { return to_text(version); }
Json to_json(const ReleaseOrigin& origin) { return to_text(origin); }
Json to_json(const Wave& wave) { return {{"roles", wave.roles}, {"gates", wave.gates}}; }
Json to_json(const Barrier& barrier) { return {{"name", barrier.name}, {"component", barrier.component}, {"summary", barrier.summary}}; }
Json to_json(const Acceptance& word) { return {{"rule", word.rule}, {"subject", word.subject}, {"reason", word.reason}}; }

template <typename Items> Json list_of(const Items& items) {
    Json list = Json::array();
    for (const auto& item : items) list.push_back(to_json(item));
    return list;
}

std::string text_of(const ClusterRelease& release) {
    return pretty({{"format", format},
                   {"release", to_text(release.release)},
                   {"train", to_text(release.release.train)},
                   {"epoch", release.epoch},
                   {"ashlar", release.ashlar},
                   {"support", {{"from", to_text(release.support.from)}, {"until", to_text(release.support.until)}}},
                   {"images", list_of(release.images)},
                   {"components", list_of(release.components)},
                   {"previous", list_of(release.previous)},
                   {"floors", list_of(release.floors)},
                   {"order", list_of(release.order)},
                   {"barriers", list_of(release.barriers)},
                   {"accept", list_of(release.accept)},
                   {"evidence", list_of(release.evidence)}});
}

// ---- Order ----------------------------------------------------------------------------------------

template <typename Items, typename... Members> void sort_by(Items& items, Members... members) {
    std::ranges::sort(items, {}, [=](const auto& item) { return std::tie(std::invoke(members, item)...); });
}

// ---- Reading --------------------------------------------------------------------------------------

class Reader {
public:
    Reader(const Json& json, const JsonDocument& document) : document_(document), top_(json, document, "the release") {}

    ClusterRelease read() {
        if (const auto have = top_.number("format"); have != format)
            throw document_.refusal(fmt::format("its format is {}, this program reads {}", have, format));
        ClusterRelease release{.release = version(top_, "release"), .epoch = epoch(), .ashlar = top_.text("ashlar"), .support = support()};
        if (top_.text("train") != to_text(release.release.train)) throw top_.refusal("'train' is not the release's");
        release.images = items<ReleaseImage>("images", "image", &Reader::image);
        release.components = items<ReleaseComponent>("components", "component", &Reader::component);
        for (const std::string& origin : top_.texts("previous")) release.previous.push_back(origin_of(origin));
        for (const std::string& floor : top_.texts("floors")) release.floors.push_back(version_of(floor, "floors"));
        release.order = items<Wave>("order", "wave", &Reader::wave);
        release.barriers = items<Barrier>("barriers", "barrier", &Reader::barrier);
        release.accept = items<Acceptance>("accept", "accepted word", &Reader::acceptance);
        release.evidence = items<EvidenceFile>("evidence", "evidence", &Reader::evidence);
        top_.finish();
        return release;
    }

private:
    template <typename Item> std::vector<Item> items(const std::string& key, std::string_view what, Item (Reader::*one)(JsonObject&, const std::string&)) {
        std::vector<Item> items;
        for (const Json& json : top_.list(key)) {
            const std::string place = fmt::format("{} {}", what, items.size() + 1);
            JsonObject object(json, document_, place);
            items.push_back((this->*one)(object, place));
            object.finish();
        }
        return items;
    }

    ReleaseVersion version_of(const std::string& text, std::string_view key) const {
        const auto version = parse_release_version(text);
        if (!version) throw top_.refusal(fmt::format("'{}': '{}' is no release, such as R1.0", key, text));
        return *version;
    }
    ReleaseOrigin origin_of(const std::string& text) const {
        const auto origin = parse_release_origin(text);
        if (!origin) throw top_.refusal(fmt::format("'previous': '{}' is neither a release nor a train", text));
        return *origin;
    }
    ReleaseVersion version(JsonObject& object, const std::string& key) const { return version_of(object.text(key), key); }

    Day day(JsonObject& object, const std::string& key) const {
        const auto day = parse_day(object.text(key));
        if (!day) throw object.refusal(fmt::format("'{}' is no day, such as 2028-06-30", key));
        return *day;
    }

    std::int64_t epoch() {
        const std::uint64_t seconds = top_.number("epoch");
        if (seconds > std::uint64_t{1} << 40) throw top_.refusal("'epoch' is too large");
        return static_cast<std::int64_t>(seconds);
    }

    Support support() {
        JsonObject object(top_.at("support"), document_, "support");
        const Support support{day(object, "from"), day(object, "until")};
        object.finish();
        return support;
    }

    template <typename Kind, std::size_t count>
    NamedFile<Kind> file(JsonObject& object, const std::array<std::string_view, count>& kinds) const {
        const std::string kind = object.text("kind");
        const auto found = std::ranges::find(kinds, kind);
        if (found == kinds.end()) throw object.refusal(fmt::format("'kind' is '{}', none of {}", kind, fmt::join(kinds, ", ")));
        return {object.plain_name("file"), object.number("size"), object.digest("sha256"), static_cast<Kind>(found - kinds.begin())};
    }

    EvidenceFile evidence(JsonObject& object, const std::string&) { return file<EvidenceKind>(object, evidence_kinds); }

    ReleaseImage image(JsonObject& object, const std::string& place) {
        ReleaseImage image{.role = object.text("role"), .architecture = object.text("architecture"), .manifest = object.digest("manifest"),
                           .index = release_index_of(object.at("index"), fmt::format("{}, {}", document_.name, place))};
        for (const Json& json : object.list("files")) {
            JsonObject member(json, document_, fmt::format("{}, file {}", place, image.files.size() + 1));
            image.files.push_back(file<FileKind>(member, file_kinds));
            member.finish();
        }
        return image;
    }

    ReleaseComponent component(JsonObject& object, const std::string&) {
        ReleaseComponent component{.name = object.text("name"),
                                   .version = object.text("version"),
                                   .package = object.text("package"),
                                   .package_version = object.text("package_version"),
                                   .roles = object.texts("roles"),
                                   .maintainer = object.text("maintainer")};
        if (object.has("maintained_until")) component.maintained_until = day(object, "maintained_until");
        return component;
    }

    Wave wave(JsonObject& object, const std::string&) { return {object.texts("roles"), object.texts("gates")}; }
    Barrier barrier(JsonObject& object, const std::string&) { return {object.text("name"), object.text("component"), object.text("summary")}; }
    Acceptance acceptance(JsonObject& object, const std::string&) { return {object.text("rule"), object.text("subject"), object.text("reason")}; }

    const JsonDocument& document_;
    JsonObject top_;
};

// ---- What must agree ------------------------------------------------------------------------------

class Check {
public:
    Check(const ClusterRelease& release, const JsonDocument& document) : release_(release), document_(document) {}

    void run() {
        if (release_.support.until < release_.support.from) refuse("its support ends before it begins");
        if (release_.images.empty()) refuse("it has no image");
        for (const ReleaseImage& image : release_.images) check(image);
        for (const EvidenceFile& file : release_.evidence) once(files_, file.file, "file");
        for (const ReleaseComponent& component : release_.components) check(component);
        for (const ReleaseOrigin& origin : release_.previous) check_previous(origin);
        for (const ReleaseVersion& floor : release_.floors) check_floor(floor);
        check_order();
        for (const Barrier& barrier : release_.barriers) once(barriers_, barrier.name, "barrier");
        for (const Acceptance& word : release_.accept) once(accepted_, fmt::format("{} {}", word.rule, word.subject), "accepted word");
    }

private:
    [[noreturn]] void refuse(std::string_view cause) const { throw document_.refusal(cause); }

    void once(std::set<std::string>& seen, const std::string& name, std::string_view what) const {
        if (!seen.insert(name).second) refuse(fmt::format("{} '{}' is named twice", what, name));
    }

    void check(const ReleaseImage& image) {
        once(images_, fmt::format("{}/{}", image.role, image.architecture), "image");
        roles_.insert(image.role);
        const ReleaseIndex& index = image.index;
        if (index.role != image.role || index.architecture != image.architecture || index.release != to_text(release_.release))
            refuse(fmt::format("the index of image '{}' is that of '{}' {} {}", image.role, index.role, index.release, index.architecture));
        for (const ImageFile& file : image.files) once(files_, file.file, "file");
        require(image, FileKind::manifest, std::nullopt, image.manifest);
        require(image, FileKind::uki, index.uki, index.uki_digest);
        for (const PublishedStream& delta : index.uki_deltas) require(image, FileKind::delta, delta.file, std::nullopt);
        for (const PublishedStream& stream : index.streams)
            require(image, stream.from ? FileKind::delta : FileKind::full, stream.file, std::nullopt);
    }

    void require(const ReleaseImage& image, FileKind kind, const std::optional<PublishedFile>& wanted, const std::optional<Digest>& digest) const {
        const bool found = std::ranges::any_of(image.files, [&](const ImageFile& file) {
            return file.kind == kind && (!wanted || (file.file == wanted->file && file.size == wanted->size)) && (!digest || file.sha256 == *digest);
        });
        if (!found)
            refuse(fmt::format("image '{}' has no file of kind '{}' {}", image.role, to_string(kind),
                               wanted ? fmt::format("that is '{}' of its index", wanted->file) : "with the digest of its 'manifest'"));
    }

    void check(const ReleaseComponent& component) {
        once(components_, component.name, "component");
        for (const std::string& role : component.roles)
            if (!roles_.contains(role)) refuse(fmt::format("component '{}' is in role '{}', of which there is no image", component.name, role));
    }

    void check_previous(const ReleaseOrigin& origin) {
        once(previous_, to_text(origin), "'previous'");
        const bool newer = origin.train > release_.release.train;
        if (newer || (origin.number && ReleaseVersion{origin.train, *origin.number} >= release_.release))
            refuse(fmt::format("'previous': '{}' is not older than {}", to_text(origin), to_text(release_.release)));
    }

    void check_floor(const ReleaseVersion& floor) {
        once(floors_, to_text(floor), "floor");
        if (floor >= release_.release) refuse(fmt::format("floor '{}' is not older than {}", to_text(floor), to_text(release_.release)));
    }

    void check_order() {
        std::set<std::string> placed;
        for (const Wave& wave : release_.order)
            for (const std::string& role : wave.roles) {
                if (!roles_.contains(role)) refuse(fmt::format("the order names role '{}', of which there is no image", role));
                once(placed, role, "role of the order");
            }
        for (const std::string& role : roles_)
            if (!release_.order.empty() && !placed.contains(role)) refuse(fmt::format("the order does not say when role '{}' has its turn", role));
    }

    const ClusterRelease& release_;
    const JsonDocument& document_;
    std::set<std::string> images_, roles_, files_, components_, previous_, floors_, barriers_, accepted_;
};

std::string names_of(const std::vector<ReleaseOrigin>& origins) {
    std::vector<std::string> names;
    for (const ReleaseOrigin& origin : origins) names.push_back(to_text(origin));
    return join(names, ", ");
}

} // namespace

std::string_view to_string(FileKind kind) noexcept { return file_kinds.at(static_cast<std::size_t>(kind)); }
std::string_view to_string(EvidenceKind kind) noexcept { return evidence_kinds.at(static_cast<std::size_t>(kind)); }

const ReleaseImage* ClusterRelease::image(std::string_view role, std::string_view architecture) const noexcept {
    const auto found = std::ranges::find_if(images, [&](const ReleaseImage& image) { return image.role == role && image.architecture == architecture; });
    return found == images.end() ? nullptr : &*found;
}

const ReleaseComponent* ClusterRelease::component(std::string_view name) const noexcept {
    const auto found = std::ranges::find(components, name, &ReleaseComponent::name);
    return found == components.end() ? nullptr : &*found;
}

void sort(ClusterRelease& release) {
    sort_by(release.images, &ReleaseImage::role, &ReleaseImage::architecture);
    for (ReleaseImage& image : release.images) sort_by(image.files, &ImageFile::file);
    sort_by(release.components, &ReleaseComponent::name);
    for (ReleaseComponent& component : release.components) std::ranges::sort(component.roles);
    std::ranges::sort(release.previous);
    std::ranges::sort(release.floors);
    sort_by(release.accept, &Acceptance::rule, &Acceptance::subject);
    sort_by(release.evidence, &EvidenceFile::file);
}

std::string cluster_release_text(ClusterRelease release) {
    sort(release);
    std::string text = text_of(release);
    (void)parse_cluster_release(text, to_text(release.release));
    return text;
}

ClusterRelease parse_cluster_release(std::string_view text, std::string_view name) {
    const JsonDocument document = document_of(name);
    const Json json = parse_json(text, name);
    ClusterRelease release = Reader(json, document).read();
    Check(release, document).run();
    sort(release);
    if (text_of(release) != text) throw document.refusal("it is not written as a release is: lists or keys are out of order, or there is other white space");
    return release;
}

Step step_from(std::string_view installed, const ClusterRelease& release) {
    const std::string target = to_text(release.release);
    const auto from = parse_release_version(installed);
    if (!from) return StepRefused{fmt::format("'{}' is no release", installed), "install the node anew, from a medium"};
    if (*from == release.release) return AlreadyInstalled{};
    if (*from > release.release)
        return StepRefused{fmt::format("{} is older than {}, which is installed", target, installed), "start the other slot to go back"};
    if (!release.floors.empty() && *from < release.floors.front()) {
        const std::string floor = to_text(release.floors.front());
        return StepRefused{fmt::format("{} is reached through {} only, and {} is older", target, floor, installed), fmt::format("install {} first", floor)};
    }
    if (release.previous.empty())
        return StepRefused{fmt::format("{} is for new nodes: no release leads to it", target), "install the node anew, from a medium"};
    if (std::ranges::none_of(release.previous, [&](const ReleaseOrigin& origin) { return origin.holds(*from); }))
        return StepRefused{fmt::format("{} is reached from {} only, not from {}", target, names_of(release.previous), installed),
                           fmt::format("install {}{} first", release.previous.back().number ? "" : "a release of ", to_text(release.previous.back()))};
    return StepAllowed{};
}

} // namespace ashlar
