#include "key.hpp"
#include "path.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

// ---- what several files have -------------------------------------------------------------------

// "1", "1.0", "1.0.34": a later 1.x adds, and another major number means something else.
bool is_version_1(std::string_view text) { return text == "1" || text.starts_with("1."); }

Fields opened(const Envelope& envelope, std::string_view type, std::string_view name) {
    Fields fields(envelope.signed_part, name, "signed");
    if (const auto& have = fields.text("_type"); have != type) fields.refuse("_type", fmt::format("is '{}', not '{}'", have, type));
    if (const auto& have = fields.text("spec_version"); !is_version_1(have)) fields.refuse("spec_version", fmt::format("is '{}'; this program reads 1", have));
    return fields;
}

void read_common(const Fields& fields, Common& common) {
    common.version = fields.positive("version");
    common.expires = fields.time("expires");
    if (fields.has("x-ashlar-issued")) common.issued = fields.time("x-ashlar-issued");
    if (common.issued && *common.issued >= common.expires) fields.refuse("x-ashlar-issued", "is not before 'expires'");
}

bool is_hex(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Hashes read_hashes(const Fields& fields) {
    Hashes hashes;
    const Fields all = fields.object("hashes");
    for (const auto& [algorithm, value] : all.json().items()) {
        const auto& hex = all.text(algorithm);
        if (!is_hex(hex)) all.refuse(algorithm, "is no lower-case hexadecimal");
        hashes.emplace(algorithm, hex);
    }
    if (hashes.empty()) fields.refuse("hashes", "names none");
    return hashes;
}

FileMeta read_file_meta(const Fields& fields) {
    FileMeta meta{.version = fields.positive("version")};
    if (fields.has("length")) meta.length = fields.number("length");
    if (fields.has("hashes")) meta.hashes = read_hashes(fields);
    return meta;
}

std::map<std::string, FileMeta, std::less<>> read_meta(const Fields& fields) {
    std::map<std::string, FileMeta, std::less<>> meta;
    const Fields all = fields.object("meta");
    for (const auto& [file, value] : all.json().items()) meta.emplace(file, read_file_meta(all.object(file)));
    return meta;
}

Role read_role(const Fields& fields) {
    Role role{.key_ids = fields.texts("keyids"), .threshold = fields.positive("threshold")};
    const std::set<std::string> ids(role.key_ids.begin(), role.key_ids.end());
    if (ids.size() != role.key_ids.size()) fields.refuse("keyids", "names a key twice");
    return role;
}

Keys read_keys(const Fields& fields) {
    Keys keys;
    const Fields all = fields.object("keys");
    for (const auto& [id, value] : all.json().items()) keys.emplace(id, read_key(id, all.object(id)));
    return keys;
}

// ---- targets -----------------------------------------------------------------------------------

Target read_target(const Fields& fields) {
    return {.length = fields.number("length"), .hashes = read_hashes(fields), .custom = fields.has("custom") ? fields.at("custom") : Json()};
}

bool is_top_level(std::string_view role) { return role == "root" || role == "targets" || role == "snapshot" || role == "timestamp"; }

DelegatedRole read_delegation(const Fields& fields) {
    DelegatedRole role{.name = fields.text("name"), .role = read_role(fields), .terminating = fields.boolean("terminating")};
    if (role.name.empty() || is_top_level(role.name)) fields.refuse("name", fmt::format("is '{}', which nobody can delegate to", role.name));
    const bool by_path = fields.has("paths");
    if (by_path == fields.has("path_hash_prefixes")) fields.refuse("paths", "and 'path_hash_prefixes': one of the two must be there");
    (by_path ? role.paths : role.path_hash_prefixes) = fields.texts(by_path ? "paths" : "path_hash_prefixes");
    return role;
}

void read_delegations(const Fields& fields, Targets& targets) {
    targets.keys = read_keys(fields);
    std::set<std::string, std::less<>> names;
    for (const Json& each : fields.list("roles")) {
        targets.delegations.push_back(read_delegation(Fields(each, fields.file(), fields.place_of("roles"))));
        if (const auto& name = targets.delegations.back().name; !names.insert(name).second) fields.refuse("roles", fmt::format("has '{}' twice", name));
    }
}

bool is_train(std::string_view name) {
    constexpr std::string_view marks = "._-";
    return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
    });
}

std::string read_train(const Fields& fields) {
    const auto& train = fields.text("train");
    if (!is_train(train)) fields.refuse("train", "is no name of a train");
    return train;
}

TrainTerms read_terms(const Fields& fields) {
    TrainTerms terms{.train = read_train(fields)};
    if (fields.has("security_floor")) terms.security_floor = fields.text("security_floor");
    const Fields revoked = fields.object("revoked");
    for (const auto& [release, why] : revoked.json().items()) terms.revoked.emplace(release, revoked.text(release));
    return terms;
}

// ---- bundle ------------------------------------------------------------------------------------

void check_bundled(const Bundle& bundle, const Fields& fields) {
    for (const auto& file : {std::string("targets.json"), fmt::format("train-{}.json", bundle.train)})
        if (!bundle.meta.contains(file)) fields.refuse("meta", fmt::format("does not name '{}'", file));
    for (const auto& [file, meta] : bundle.meta)
        if (!meta.length || !meta.hashes.contains("sha256")) fields.refuse("meta", fmt::format("names '{}' without its length and SHA-256", file));
    if (std::ranges::adjacent_find(bundle.targets, std::greater_equal<>()) != bundle.targets.end()) fields.refuse("targets", "is not sorted, or has one twice");
    for (const auto& path : bundle.targets)
        if (!is_plain_path(path)) fields.refuse("targets", fmt::format("has '{}', which is no plain relative path", path));
}

} // namespace

Root root_of(const Envelope& envelope, std::string_view name) {
    const Fields fields = opened(envelope, "root", name), roles = fields.object("roles");
    Root root;
    read_common(fields, root);
    root.consistent_snapshot = fields.has("consistent_snapshot") && fields.boolean("consistent_snapshot");
    root.keys = read_keys(fields);
    root.root = read_role(roles.object("root"));
    root.targets = read_role(roles.object("targets"));
    root.snapshot = read_role(roles.object("snapshot"));
    root.timestamp = read_role(roles.object("timestamp"));
    if (fields.has("x-ashlar-bundle")) root.bundle = read_role(fields.object("x-ashlar-bundle"));
    return root;
}

Timestamp timestamp_of(const Envelope& envelope, std::string_view name) {
    const Fields fields = opened(envelope, "timestamp", name);
    Timestamp timestamp;
    read_common(fields, timestamp);
    timestamp.snapshot = read_file_meta(fields.object("meta").object("snapshot.json"));
    return timestamp;
}

Snapshot snapshot_of(const Envelope& envelope, std::string_view name) {
    const Fields fields = opened(envelope, "snapshot", name);
    Snapshot snapshot;
    read_common(fields, snapshot);
    snapshot.meta = read_meta(fields);
    return snapshot;
}

Targets targets_of(const Envelope& envelope, std::string_view name) {
    const Fields fields = opened(envelope, "targets", name), all = fields.object("targets");
    Targets targets;
    read_common(fields, targets);
    for (const auto& [path, value] : all.json().items()) targets.targets.emplace_hint(targets.targets.end(), path, read_target(all.object(path)));
    if (fields.has("delegations")) read_delegations(fields.object("delegations"), targets);
    if (fields.has("x-ashlar-train")) targets.train = read_terms(fields.object("x-ashlar-train"));
    return targets;
}

Bundle bundle_of(const Envelope& envelope, std::string_view name) {
    const Fields fields = opened(envelope, "bundle", name);
    Bundle bundle;
    read_common(fields, bundle);
    bundle.train = read_train(fields);
    bundle.meta = read_meta(fields);
    bundle.targets = fields.texts("targets");
    check_bundled(bundle, fields);
    return bundle;
}

Digest Target::sha256() const {
    const auto found = hashes.find("sha256");
    const auto digest = found == hashes.end() ? std::nullopt : Digest::from_hex(found->second);
    if (!digest) throw MetadataError(Fault::mismatch, "cannot verify 'target': its metadata names no SHA-256", "Ashlar compares content by SHA-256 only: let whoever publishes the target name it");
    return *digest;
}

} // namespace ashlar::tuf
