#include <service/entries.hpp>

#include <fmt/format.h>

namespace ashlar::service {

using journald::Entry;
using journald::Priority;
using upgrade::Journal;
using upgrade::Phase;

namespace {

// How an upgrade ended; `now` rests, and says how.
Entry ending_entry(const Journal& now) {
    const upgrade::Ending& ending = *now.ending;
    const bool installed = ending.text == upgrade::installed;
    Entry entry{installed ? installed_id : not_installed_id, fmt::format("{}: {}", ending.release, ending.text), {}, installed ? Priority::notice : Priority::warning};
    entry.fields = {{"ASHLAR_TARGET", ending.release}, {"ASHLAR_REASON", ending.text}};
    return entry;
}

Entry phase_entry(const Journal& now) {
    Entry entry{now.phase == Phase::resetting ? reset_id : phase_id, std::string(upgrade::sentence_of(now.phase)), {}, Priority::info};
    if (now.phase == Phase::resetting) entry.priority = Priority::notice;
    if (now.target && now.phase != Phase::resting) {
        entry.text += fmt::format(" ({} by {})", now.target->image.release, now.target->route.way);
        entry.fields = {{"ASHLAR_TARGET", now.target->image.release}, {"ASHLAR_WAY", now.target->route.way}};
    }
    return entry;
}

// The blocks go on coming, another way.
Entry refusal_entry(const Journal& now) {
    const upgrade::Target& target = *now.target;
    const upgrade::Refusal& refusal = target.refusals.back();
    return {way_refused_id,
            fmt::format("{} goes on by {}; {} is refused: {}", target.image.release, target.route.way, refusal.way, refusal.text),
            {{"ASHLAR_TARGET", target.image.release}, {"ASHLAR_WAY", target.route.way}, {"ASHLAR_REASON", refusal.text}},
            Priority::warning};
}

Entry notice_entry(const steps::FirmwareRevocation& one) {
    const bool obeyed = one.state == steps::FirmwareRevocation::State::obeyed;
    Entry entry{firmware_revocation_id,
                obeyed ? fmt::format("the firmware refuses {} revoked image{} of train {}", one.images, one.images == 1 ? "" : "s", one.train)
                       : fmt::format("the firmware does not refuse the revoked images of train {}: {}", one.train, one.text),
                {{"ASHLAR_TRAIN", one.train}},
                obeyed ? Priority::notice : Priority::warning};
    if (!obeyed) entry.fields.emplace_back("ASHLAR_REASON", one.text);
    return entry;
}

Entry notice_entry(const bundle::StaleMedia& word) {
    return {stale_media_id,
            fmt::format("serial {} of train {} has expired and is taken all the same, by the word of site {}: {}", word.serial, word.train, word.site, word.reason),
            {{"ASHLAR_TRAIN", word.train}, {"ASHLAR_SERIAL", fmt::format("{}", word.serial)}, {"ASHLAR_SITE", word.site}, {"ASHLAR_REASON", word.reason}},
            Priority::warning};
}

Entry with_place(Entry entry, Phase phase, const std::string& running) {
    entry.fields.emplace_back("ASHLAR_PHASE", upgrade::name_of(phase));
    entry.fields.emplace_back("ASHLAR_RELEASE", running);
    return entry;
}

} // namespace

Entry ready_entry(const firstboot::Identity& identity, const std::string& hostname) {
    return {node_ready_id, fmt::format("{}: {} {} ready", hostname, identity.role, identity.release), {{"ASHLAR_ROLE", identity.role}, {"ASHLAR_RELEASE", identity.release}}};
}

std::optional<Entry> entry_of(const Journal& before, const Journal& now, const std::string& running) {
    const bool ended = now.phase == Phase::resting && now.ending && now.ending != before.ending;
    if (ended) return with_place(ending_entry(now), now.phase, running);
    const bool refused = now.phase == Phase::writing && before.target && now.target && now.target->refusals.size() > before.target->refusals.size();
    if (refused) return with_place(refusal_entry(now), now.phase, running);
    if (now.phase == before.phase) return std::nullopt;
    return with_place(phase_entry(now), now.phase, running);
}

Entry entry_of(const steps::Notice& notice, const std::string& running) {
    Entry entry = std::visit([](const auto& one) { return notice_entry(one); }, notice);
    entry.fields.emplace_back("ASHLAR_RELEASE", running);
    return entry;
}

Entry site_alarm_entry(const std::string& text, const std::string& running) { return {site_alarm_id, text, {{"ASHLAR_RELEASE", running}}, Priority::warning}; }

Entry not_kept_entry(const std::string& fault, const std::string& running) {
    return {not_kept_id, "the node's releases are not kept: " + fault, {{"ASHLAR_RELEASE", running}}, Priority::error};
}

} // namespace ashlar::service
