#include <upgrade/journal.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::upgrade {

namespace {

Error malformed(std::string_view cause) {
    return Error(fmt::format("cannot read the upgrade journal: {}", cause), "`ashlarctl recover` begins a new one; the node runs on as it is");
}

Json json_of(const Installed& image) { return {{"release", image.release}, {"root_hash", image.root_hash.hex()}}; }

Digest digest_at(const Json& json, const char* key) {
    const auto digest = Digest::from_hex(json.at(key).get<std::string>());
    if (!digest) throw malformed(fmt::format("'{}' is no digest", key));
    return *digest;
}

Installed installed_from(const Json& json) { return {json.at("release").get<std::string>(), digest_at(json, "root_hash")}; }

Json json_of(const Source& source) {
    Json json{{"location", source.location}, {"proxy", source.proxy}, {"certificates", source.certificates}};
    if (!source.release.empty()) json["release"] = source.release;
    return json;
}

Source source_from(const Json& json) {
    return {json.at("location").get<std::string>(), json.at("proxy").get<std::string>(), json.at("certificates").get<std::string>(), json.value("release", "")};
}

Json json_of(const Route& route) { return {{"way", route.way}, {"stream", route.stream}, {"download", route.download}}; }

Route route_from(const Json& json) { return {json.at("way").get<std::string>(), json.at("stream").get<std::string>(), json.at("download").get<std::uint64_t>()}; }

// The way that is gone stands beside the rest; what is empty is left out.
Json json_of(const Target& target) {
    Json json = json_of(target.route);
    json.update({{"image", json_of(target.image)}, {"root_size", target.root_size}, {"salt", target.salt}, {"uuid", target.uuid}, {"uki", target.uki.hex()}});
    if (!target.folder.empty()) json["folder"] = target.folder;
    if (target.tries != usual_tries) json["tries"] = target.tries;
    for (const Route& other : target.others) json["others"].push_back(json_of(other));
    for (const Refusal& refusal : target.refusals) json["refusals"].push_back({{"way", refusal.way}, {"text", refusal.text}});
    return json;
}

Target target_from(const Json& json) {
    std::vector<Route> others;
    for (const Json& other : json.value("others", Json::array())) others.push_back(route_from(other));
    std::vector<Refusal> refusals;
    for (const Json& refusal : json.value("refusals", Json::array())) refusals.push_back({refusal.at("way").get<std::string>(), refusal.at("text").get<std::string>()});
    return {.image = installed_from(json.at("image")),
            .root_size = json.at("root_size").get<std::uint64_t>(),
            .salt = json.at("salt").get<std::string>(),
            .uuid = json.at("uuid").get<std::string>(),
            .uki = digest_at(json, "uki"),
            .folder = json.value("folder", ""),
            .tries = json.value("tries", usual_tries),
            .route = route_from(json),
            .others = std::move(others),
            .refusals = std::move(refusals)};
}

Json json_of(const Progress& progress) { return {{"root_hash", progress.root_hash.hex()}, {"stream", progress.stream}, {"operations", progress.operations}}; }

Progress progress_from(const Json& json) { return {digest_at(json, "root_hash"), json.at("stream").get<std::string>(), json.at("operations").get<std::uint64_t>()}; }

Phase phase_from(const std::string& name) {
    const auto phase = phase_named(name);
    if (!phase) throw malformed(fmt::format("there is no phase '{}'", name));
    return *phase;
}

Journal parsed(const Json& json) {
    Journal journal{.phase = phase_from(json.at("phase").get<std::string>()),
                    .source = source_from(json.at("source")),
                    .after = json.at("restart").get<bool>() ? After::restart : After::wait,
                    .attempts = json.at("attempts").get<unsigned>()};
    if (json.contains("origin")) journal.origin = installed_from(json.at("origin"));
    if (json.contains("target")) journal.target = target_from(json.at("target"));
    if (json.contains("progress")) journal.progress = progress_from(json.at("progress"));
    if (json.contains("ending")) journal.ending = Ending{json.at("ending").at("release").get<std::string>(), json.at("ending").at("text").get<std::string>()};
    constexpr std::array without_target{Phase::resting, Phase::checking, Phase::returning, Phase::leaving, Phase::resetting};
    const bool needs_target = std::ranges::find(without_target, journal.phase) == without_target.end();
    if (needs_target && (!journal.target || !journal.origin)) throw malformed(fmt::format("the phase '{}' has no target", name_of(journal.phase)));
    return journal;
}

} // namespace

Json to_json(const Journal& journal) {
    Json json{{"phase", name_of(journal.phase)}, {"source", json_of(journal.source)}, {"restart", journal.after == After::restart}, {"attempts", journal.attempts}};
    if (journal.origin) json["origin"] = json_of(*journal.origin);
    if (journal.target) json["target"] = json_of(*journal.target);
    if (journal.progress) json["progress"] = json_of(*journal.progress);
    if (journal.ending) json["ending"] = {{"release", journal.ending->release}, {"text", journal.ending->text}};
    return json;
}

Journal journal_from(const Json& json) {
    Journal journal;
    try {
        journal = parsed(json);
    } catch (const Json::exception& failure) {
        throw malformed(failure.what());
    }
    if (to_json(journal) != json) throw malformed("it has members that this release does not know");
    return journal;
}

Event wake(const Journal& journal, const Facts& facts) {
    if (journal.target && facts.running == journal.target->image) return Event::woke_new;
    if (journal.origin && facts.running != *journal.origin) return Event::woke_other;
    const bool tried = journal.phase == Phase::armed || journal.phase == Phase::trying || journal.phase == Phase::blessing;
    const bool over = facts.target_entry != Facts::Entry::usable || (journal.target && journal.attempts > journal.target->tries);
    return tried && over ? Event::woke_fallen : Event::woke_same;
}

bool is_trial(const Journal& journal, const Digest& running) {
    const bool tried = journal.phase == Phase::arming || journal.phase == Phase::armed || journal.phase == Phase::trying || journal.phase == Phase::blessing;
    return tried && journal.target && journal.target->image.root_hash == running;
}

Start count(Journal& journal, const Digest& running) {
    if (!is_trial(journal, running)) return Start::usual;
    return ++journal.attempts > journal.target->tries ? Start::one_too_many : Start::trial;
}

} // namespace ashlar::upgrade
