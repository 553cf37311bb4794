#include <roster/audit.hpp>

#include <base/random.hpp>
#include <base/text.hpp>
#include <signing/json_object.hpp>
#include <tuf/metadata.hpp>

#include <array>

namespace ashlar::audit {

namespace {

constexpr std::string_view prefix = "/audit/";
constexpr JsonDocument document{.kind = "record", .name = "audit", .remedy = ""};

std::string key_of(const Entry& entry) {
    std::array<std::byte, 8> mark{};
    fill_with_random(mark);
    return fmt::format("{}{:012}-{}", prefix, entry.time.time_since_epoch().count(), to_hex(mark));
}

std::string text_of(const Entry& entry) {
    return tuf::canonical_json({{"format", 1}, {"time", entry.time.time_since_epoch().count()}, {"who", entry.who}, {"what", entry.what}, {"about", entry.about}, {"text", entry.text}});
}

Entry entry_from(std::string_view text) {
    const Json json = parse_strict_json(text, "audit");
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Entry entry{.time = Time(std::chrono::seconds(object.number("time"))), .who = object.text("who"), .what = object.text("what"), .about = object.at("about").get<std::string>(), .text = object.at("text").get<std::string>()};
    object.finish();
    return entry;
}

} // namespace

Addition addition(const Entry& entry) {
    const std::string key = key_of(entry);
    return {.condition = {etcd::Condition::Of::created, key, 0}, .put = {key, text_of(entry)}};
}

void add(etcd::Client& client, const Entry& entry) {
    const auto [condition, put] = addition(entry);
    (void)client.commit({condition}, {put});
}

std::vector<Entry> read(etcd::Client& client) {
    std::vector<Entry> entries;
    for (const auto& pair : client.range(std::string(prefix)).pairs) entries.push_back(entry_from(pair.value));
    return entries;
}

std::vector<Entry> newest(etcd::Client& client, std::size_t most) {
    std::vector<Entry> entries;
    for (const auto& pair : client.last(std::string(prefix), most).pairs) entries.push_back(entry_from(pair.value));
    return entries;
}

} // namespace ashlar::audit
