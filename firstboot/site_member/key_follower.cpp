#include <site_member/key_follower.hpp>

#include <site/key.hpp>

namespace ashlar::site_member {

namespace {

Secret beacon_key_of(const site::SiteKey& key) { return key.derive(site::beacon_key_info, site::SiteKey::size); }

} // namespace

Secret beacon_key_of(const node::SiteFiles& files) {
    const auto key = files.key();
    return key ? beacon_key_of(*key) : Secret(files.ticket()->beacon.text());
}

std::optional<membership::FormerKeys> former_keys_of(const node::SiteFiles& files) {
    if (const auto key = files.former_key()) return membership::FormerKeys{beacon_key_of(*key), key->derive(site::enrolment_key_info, site::SiteKey::size)};
    if (const auto ticket = files.former_ticket()) return membership::FormerKeys{Secret(ticket->beacon.text()), std::nullopt};
    return std::nullopt;
}

key_rotation::Held held_by(const node::SiteFiles& files) {
    const auto former = former_keys_of(files);
    return {site::key_id_of(beacon_key_of(files)), former ? std::optional(site::key_id_of(former->beacon_key)) : std::nullopt};
}

key_rotation::Has kind_of(const node::SiteFiles& files) { return files.key() ? key_rotation::Has::key : key_rotation::Has::ticket; }

std::optional<std::map<std::string, std::string>> followed(const node::SiteFiles& files, const key_rotation::Told& told) {
    const auto held = held_by(files);
    const auto next = key_rotation::next(held, told);
    if (next == key_rotation::Next::nothing) return std::nullopt;
    std::map<std::string, std::string> kept;
    const auto keep = [&](std::string_view name, const std::optional<std::string>& text) {
        if (text) kept.emplace(name, *text);
    };
    const auto own = [&](std::string_view name) {
        const auto found = files.texts.find(std::string(name));
        return found == files.texts.end() ? std::nullopt : std::optional(found->second);
    };
    if (next == key_rotation::Next::drop) {
        keep(node::key_file, own(node::key_file));
        keep(node::ticket_file, own(node::ticket_file));
        return kept;
    }
    if (told.site_key) keep(node::key_file, std::string(told.site_key->text()));
    else keep(node::ticket_file, std::string(told.ticket->text()));
    if (told.former == held.key) {
        const auto key = own(node::key_file);
        keep(node::former_key_file, key);
        if (!key) keep(node::former_ticket_file, own(node::ticket_file));
    }
    return kept;
}

} // namespace ashlar::site_member
