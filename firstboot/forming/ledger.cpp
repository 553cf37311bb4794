#include <forming/ledger.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

std::string folder(std::string_view formation, std::string_view what) { return fmt::format("formations/{}/{}/", formation, what); }

Json json_of(const Holder& holder) { return {{"owner", holder.owner}, {"boot", holder.boot}, {"plan", holder.plan}, {"revision", holder.revision}}; }

Holder holder_from(const Json& json) {
    return {json.at("owner").get<std::string>(), json.at("boot").get<std::string>(), json.at("plan").get<std::string>(), json.at("revision").get<std::string>()};
}

template <typename Read> auto read_value(const std::string& key, const SiteStore::Entry& entry, Read read) {
    try {
        return Stored<decltype(read(Json()))>{read(parse_strict_json(entry.value, key)), entry.revision};
    } catch (const Json::exception&) {
        throw Error(fmt::format("cannot understand '{}' in the site's store", key), "a newer release may have written it: this node waits for its own upgrade");
    }
}

Marker marker_from(const Json& json) { return {holder_from(json), json.at("done").get<bool>()}; }
Enrolled enrolled_from(const Json& json) { return {json.at("name").get<std::string>(), json.at("address").get<std::string>()}; }

// What stands behind "formations/<formation>/", taken apart: "members" and the name.
void take(Ledger& ledger, const std::string& key, std::string_view rest, const SiteStore::Entry& entry) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return;
    const std::string_view what = rest.substr(0, slash);
    const std::string name(rest.substr(slash + 1));
    if (what == "once") ledger.once.emplace(name, read_value(key, entry, marker_from));
    else if (what == "members") ledger.members.emplace(name, read_value(key, entry, enrolled_from));
    else if (what == "facts") ledger.facts.emplace(name, entry.value);
    else if (what == "secrets") ledger.secrets.insert(name);
    else if (what == "settled") ledger.settled.insert(name);
}

} // namespace

Ledger read_ledger(const SiteStore& store, std::string_view formation) {
    Ledger ledger;
    const std::string prefix = fmt::format("formations/{}/", formation);
    for (const auto& [key, entry] : store.list(prefix)) take(ledger, key, std::string_view(key).substr(prefix.size()), entry);
    const std::string lock = key::lock(formation);
    const auto locks = store.list(lock);
    if (const auto found = locks.find(lock); found != locks.end()) ledger.lock = read_value(lock, found->second, holder_from);
    return ledger;
}

namespace key {
std::string once(std::string_view formation, std::string_view step) { return folder(formation, "once").append(step); }
std::string member(std::string_view formation, std::string_view node) { return folder(formation, "members").append(node); }
std::string fact(std::string_view formation, std::string_view fact) { return folder(formation, "facts").append(fact); }
std::string secret(std::string_view formation, std::string_view secret) { return folder(formation, "secrets").append(secret); }
std::string settled(std::string_view formation, std::string_view node) { return folder(formation, "settled").append(node); }
std::string lock(std::string_view formation) { return fmt::format("locks/{}", formation); }
} // namespace key

std::string to_text(const Holder& holder) { return json_of(holder).dump(); }

std::string to_text(const Marker& marker) {
    Json json = json_of(marker.holder);
    json["done"] = marker.is_done;
    return json.dump();
}

std::string to_text(const Enrolled& enrolled) { return Json{{"name", enrolled.name}, {"address", enrolled.address}}.dump(); }

} // namespace ashlar::forming
