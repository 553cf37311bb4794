#include <bundle/stale_media.hpp>

#include <base/error.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

constexpr std::string_view type = "stale-media";
constexpr std::size_t members = 7;

Error refusal(std::string_view name, std::string_view cause, std::string hint = {}) { return Error(fmt::format("cannot use '{}': {}", name, cause), std::move(hint)); }

bool is_name(std::string_view name) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
    return !name.empty() && name.size() <= 64 && name.front() != '.' && std::ranges::all_of(name, allowed);
}

// It is shown on terminals and stands in the log.
bool is_reason(std::string_view text) {
    return !text.empty() && text.size() <= 200 && text.front() != ' ' && text.back() != ' ' && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

void check(const StaleMedia& word, std::string_view name) {
    if (!is_name(word.train)) throw refusal(name, "its train has no name that a train may have");
    if (!is_name(word.site)) throw refusal(name, "its site has no name that a site may have");
    if (word.serial == 0) throw refusal(name, "serials begin at 1");
    if (!is_reason(word.reason)) throw refusal(name, "its reason is not 1 to 200 characters of printable ASCII");
    if (word.expires <= word.issued || word.expires - word.issued > longest_stale_media)
        throw refusal(name, "it is not valid for more than no time and at most 30 days", "make another when it has expired");
}

Time time_in(const Json& json, const char* key, std::string_view name) {
    const auto time = tuf::time_of(json.at(key).get_ref<const std::string&>());
    if (!time) throw refusal(name, fmt::format("'{}' is not a time", key));
    return *time;
}

StaleMedia read(const Json& json, std::string_view name) {
    if (!json.is_object() || json.size() != members) throw refusal(name, "it has not the members of a word on stale media, and no others");
    if (!json.at("serial").is_number_unsigned()) throw refusal(name, "its serial is not a number");
    return {.train = json.at("train").get<std::string>(),
            .serial = json.at("serial").get<std::uint64_t>(),
            .site = json.at("site").get<std::string>(),
            .issued = time_in(json, "issued", name),
            .expires = time_in(json, "expires", name),
            .reason = json.at("reason").get<std::string>()};
}

StaleMedia word_of(const tuf::Envelope& envelope, std::string_view name) {
    if (envelope.type() != type) throw refusal(name, fmt::format("it is of type '{}', not '{}'", envelope.type(), type));
    try {
        StaleMedia word = read(envelope.signed_part, name);
        check(word, name);
        return word;
    } catch (const Json::exception&) {
        throw refusal(name, "it has not the members of a word on stale media, and no others");
    }
}

// One key of the site is enough, whatever its extensions need.
tuf::Role role_of(const StaleMedia& word, const tuf::Targets& targets, std::string_view name) {
    const auto found = std::ranges::find(targets.delegations, "site-" + word.site, &tuf::DelegatedRole::name);
    if (found == targets.delegations.end())
        throw refusal(name, fmt::format("there is no role 'site-{}'", word.site), "the holders of the targets role delegate to a site");
    return {found->role.key_ids, 1};
}

// Targets, if the holders of root's targets role have signed them.
std::optional<tuf::Targets> signed_targets(const std::optional<std::string>& text, const tuf::Root& root) {
    if (!text) return std::nullopt;
    const tuf::Envelope envelope = tuf::parse_envelope(*text, "targets.json");
    try {
        tuf::verify_threshold(envelope, root.targets, root.keys, "targets.json");
    } catch (const tuf::MetadataError&) { // of keys that root has replaced
        return std::nullopt;
    }
    return tuf::targets_of(envelope, "targets.json");
}

} // namespace

Json json_of(const StaleMedia& word) {
    check(word, "the word on stale media");
    return {{"_type", type},
            {"train", word.train},
            {"serial", word.serial},
            {"site", word.site},
            {"issued", tuf::text_of(word.issued)},
            {"expires", tuf::text_of(word.expires)},
            {"reason", word.reason}};
}

StaleMedia verify_stale_media(std::string_view text, std::string_view name, const tuf::Targets& targets, Time now) {
    if (text.size() > most_stale_media_bytes) throw refusal(name, fmt::format("it has more than {} bytes", most_stale_media_bytes));
    const tuf::Envelope envelope = tuf::parse_envelope(text, name);
    StaleMedia word = word_of(envelope, name);
    tuf::verify_threshold(envelope, role_of(word, targets, name), targets.keys, name);
    if (word.expires <= now) throw refusal(name, fmt::format("it has expired: {}", tuf::text_of(word.expires)), "ask the site for another");
    return word;
}

StaleMedia stale_media_for(const tuf::Bundle& manifest, std::string_view text, std::string_view name, const tuf::Root& root, const std::vector<std::optional<std::string>>& targets, Time now) {
    std::optional<tuf::Targets> newest;
    for (const auto& one : targets)
        if (auto read = signed_targets(one, root); read && (!newest || read->version > newest->version)) newest = std::move(read);
    if (!newest) throw refusal(name, "there are no targets that say who speaks for a site");
    StaleMedia word = verify_stale_media(text, name, *newest, now);
    if (word.train != manifest.train || word.serial != manifest.version)
        throw refusal(name, fmt::format("it is for serial {} of train {}, and this is serial {} of train {}", word.serial, word.train, manifest.version, manifest.train));
    return word;
}

std::string stale_media_name(std::string_view train) { return fmt::format("stale-media-{}.json", train); }

} // namespace ashlar::bundle
