#include <releases/office.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <releases/confirmations.hpp>
#include <tuf/trusted.hpp>
#include <tuf/updater.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 3> channels{"edge", "candidate", "stable"};
constexpr std::string_view document = "release.json";

Channel channel_named(std::string_view name, std::string_view path) {
    const auto found = std::ranges::find(channels, name);
    if (found == channels.end()) throw Error(fmt::format("cannot read '{}': its channel is '{}'", path, name), "channels are edge, candidate and stable");
    return static_cast<Channel>(found - channels.begin());
}

std::string text_in(const Json& custom, const char* key) {
    const auto found = custom.is_object() ? custom.find(key) : custom.end();
    return custom.is_object() && found != custom.end() && found->is_string() ? found->get<std::string>() : std::string();
}

tuf::TrainTerms& terms_of(tuf::Targets& targets, const std::string& train) {
    if (!targets.train) targets.train = tuf::TrainTerms{.train = train, .security_floor = {}, .revoked = {}};
    return *targets.train;
}

std::vector<Listed> listed_in(const tuf::Targets& targets, Listed::State state) {
    std::vector<Listed> all;
    const auto floor = targets.train && targets.train->security_floor ? parse_release_version(*targets.train->security_floor) : std::nullopt;
    for (const auto& [path, target] : targets.targets) {
        if (!path.ends_with(std::string("/") + std::string(document))) continue;
        const auto release = parse_release_version(text_in(target.custom, "release"));
        if (!release) throw Error(fmt::format("cannot read '{}': its 'custom' names no release", path));
        Listed one{.release = *release, .channel = channel_named(text_in(target.custom, "channel"), path), .revoked = {}, .state = state, .digest = target.sha256()};
        if (targets.train)
            if (const auto why = targets.train->revoked.find(to_text(*release)); why != targets.train->revoked.end()) one.revoked = why->second;
        one.below_floor = floor && *release < *floor;
        all.push_back(std::move(one));
    }
    std::ranges::sort(all, {}, &Listed::release);
    return all;
}

std::optional<tuf::Targets> proposed(const Office& office, const std::string& role) {
    const auto signed_part = office.desk().proposed(role);
    return signed_part ? std::optional(tuf::targets_of({.signed_part = *signed_part, .signatures = {}}, role + ".json")) : std::nullopt;
}

tuf::Target& target_of(tuf::Targets& targets, const ReleaseVersion& release) {
    const auto found = targets.targets.find(target_path(release, document));
    if (found == targets.targets.end()) throw Error(fmt::format("cannot find release {}", to_text(release)), "`ashlar release list` shows what there is");
    return found->second;
}

void refuse_unconfirmed(const Office& office, const ReleaseVersion& release) {
    const Tally tally = releases::tally(office, release);
    if (tally.is_reached()) return;
    const std::string name = to_text(release);
    throw Error(fmt::format("cannot promote {} to stable: {} of the {} rebuilders that it needs have confirmed it; not yet: {}", name, tally.confirmed.size(), tally.threshold, join(tally.missing, ", ")),
                fmt::format("each of them runs `ashlar rebuild {} --key FILE`; `ashlar release confirm FILE` takes what that writes", name));
}

void refuse_revoked(const tuf::Targets& targets, const ReleaseVersion& release) {
    if (!targets.train) return;
    if (const auto why = targets.train->revoked.find(to_text(release)); why != targets.train->revoked.end())
        throw Error(fmt::format("cannot promote {}: it is revoked: {}", to_text(release), why->second), "cut another release");
}

} // namespace

Office::Office(fs::path directory, const fs::path& keys)
    : directory_(std::move(directory)), policy_(authority::Policy::load(keys)), repository_(directory_ / "repository"), desk_(directory_ / "desk", policy_, repository_) {}

store::Claim Office::claim() const {
    fs::create_directories(directory_);
    return store::Claim::wait(directory_ / "lock");
}

std::string_view to_string(Channel channel) noexcept { return channels[static_cast<std::size_t>(channel)]; }

std::string target_path(const ReleaseVersion& release, std::string_view file) { return fmt::format("trains/{}/{}/{}", to_text(release.train), to_text(release), file); }

std::vector<Listed> list(const Office& office, const std::string& train) {
    const std::string role = tuf::role_of_train(train);
    if (const auto waiting = proposed(office, role)) {
        auto all = listed_in(*waiting, Listed::State::proposed);
        const auto published = office.repository().targets(role);
        for (auto& one : all)
            if (published && published->targets.contains(target_path(one.release, document))) one.state = Listed::State::published;
        return all;
    }
    const auto published = office.repository().targets(role);
    return published ? listed_in(*published, Listed::State::published) : std::vector<Listed>{};
}

std::vector<std::string> trains(const Office& office) {
    std::vector<std::string> names;
    for (const auto& role : office.policy().roles())
        if (role.name.starts_with("train-")) names.push_back(role.name.substr(6));
    std::ranges::sort(names);
    return names;
}

std::optional<std::string> target_text(const Office& office, const std::string& train, const std::string& path) {
    const std::string role = tuf::role_of_train(train);
    for (const auto& targets : {proposed(office, role), office.repository().targets(role)}) {
        if (!targets) continue;
        const auto found = targets->targets.find(path);
        if (found == targets->targets.end()) continue;
        std::string text = read_file(office.repository().target_file(path, found->second));
        if (sha256(text) != found->second.sha256()) throw Error(fmt::format("cannot read '{}': its bytes are not those that were signed", path), "the repository is damaged: get it from a mirror");
        return text;
    }
    return std::nullopt;
}

std::optional<std::string> target_text(const Office& office, const ReleaseVersion& release, std::string_view file) {
    return target_text(office, to_text(release.train), target_path(release, file));
}

ClusterRelease load(const Office& office, const ReleaseVersion& release) {
    if (const auto text = target_text(office, release, document)) return parse_cluster_release(*text, target_path(release, document));
    throw Error(fmt::format("cannot find release {}", to_text(release)), "`ashlar release list` shows what there is");
}

std::string sources_folder(const ReleaseVersion& release) { return fmt::format("trains/{}/sources/", to_text(release.train)); }

std::string source_path(const ReleaseVersion& release, const sources::File& file, const tuf::Targets& targets) {
    std::string path = sources_folder(release) + file.file;
    const auto there = targets.targets.find(path);
    if (there == targets.targets.end() || there->second.sha256() == file.sha256) return path;
    return fmt::format("{}{}.{}", sources_folder(release), file.sha256.hex(), file.file);
}

std::optional<sources::List> sources_of(const Office& office, const ReleaseVersion& release) {
    for (const auto& file : load(office, release).evidence)
        if (file.kind == EvidenceKind::sources) return sources::parse(target_text(office, release, file.file).value(), target_path(release, file.file));
    return std::nullopt;
}

void require_images_as_released(const Office& office, const ReleaseVersion& release) {
    const fs::path place = office.images(to_text(release));
    for (const auto& image : load(office, release).images)
        for (const auto& file : image.files) {
            if (file.kind != FileKind::manifest && file.kind != FileKind::tree) continue;
            const bool there = fs::exists(place / file.file);
            if (there && sha256_of_file(place / file.file) == file.sha256) continue;
            throw Error(fmt::format("cannot compare with {}: '{}' {}", to_text(release), (place / file.file).native(), there ? "is not the one that was released" : "is not there"),
                        fmt::format("put it back from the repository, where it is {}", office.repository().directory().native() + "/targets/" + target_path(release, fmt::format("{}.{}", file.sha256.hex(), file.file))));
        }
}

std::optional<ReleaseVersion> compared_with(const Office& office, const ClusterRelease& release) {
    std::optional<ReleaseVersion> newest;
    for (const auto& train : trains(office))
        for (const auto& one : list(office, train))
            if (!one.revoked && !one.below_floor && std::holds_alternative<StepAllowed>(step_from(to_text(one.release), release)) && fs::exists(office.images(to_text(one.release))))
                newest = std::max(newest, std::optional(one.release));
    return newest;
}

std::string notes_of(const Office& office, const ReleaseVersion& release) {
    for (const auto& file : load(office, release).evidence)
        if (file.kind == EvidenceKind::notes) return target_text(office, release, file.file).value();
    throw Error(fmt::format("cannot show the notes of {}: it has none", to_text(release)), "no release came before it");
}

void edit(const Office& office, const std::string& train, Time now, const std::function<void(tuf::Targets&)>& change) {
    const std::string role = tuf::role_of_train(train);
    auto targets = proposed(office, role);
    if (!targets) targets = office.repository().targets(role);
    if (!targets) targets.emplace();
    static_cast<tuf::Common&>(*targets) = authority::next(office.repository(), office.policy().role(role), now);
    (void)terms_of(*targets, train);
    change(*targets);
    office.desk().propose(role, tuf::json_of(*targets));
}

void promote(const Office& office, const ReleaseVersion& release, Channel to, Time now) {
    edit(office, to_text(release.train), now, [&](tuf::Targets& targets) {
        auto& target = target_of(targets, release);
        refuse_revoked(targets, release);
        const Channel from = channel_named(text_in(target.custom, "channel"), target_path(release, document));
        if (to <= from) throw Error(fmt::format("cannot promote {} to {}: it is in {}", to_text(release), to_string(to), to_string(from)), "channels follow each other: edge, candidate, stable; `ashlar release revoke` takes one back");
        if (to == Channel::stable && from == Channel::edge) throw Error(fmt::format("cannot promote {} to stable: it is in edge", to_text(release)), fmt::format("first `ashlar release promote {} candidate`", to_text(release)));
        if (to == Channel::stable) refuse_unconfirmed(office, release);
        target.custom["channel"] = to_string(to);
    });
}

void revoke(const Office& office, const ReleaseVersion& release, const std::string& reason, Time now) {
    edit(office, to_text(release.train), now, [&](tuf::Targets& targets) {
        (void)target_of(targets, release);
        terms_of(targets, to_text(release.train)).revoked.insert_or_assign(to_text(release), reason);
    });
}

void raise_floor(const Office& office, const ReleaseVersion& floor, Time now) {
    edit(office, to_text(floor.train), now, [&](tuf::Targets& targets) {
        (void)target_of(targets, floor);
        auto& there = terms_of(targets, to_text(floor.train)).security_floor;
        const auto old = there ? parse_release_version(*there) : std::nullopt;
        if (old && floor < *old) throw Error(fmt::format("cannot lower the security floor of {} from {} to {}", to_text(floor.train), *there, to_text(floor)), "a floor is only raised: nodes keep the highest that they have seen");
        there = to_text(floor);
    });
}

} // namespace ashlar::releases
