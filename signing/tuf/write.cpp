#include <tuf/metadata.hpp>

namespace ashlar::tuf {

namespace {

constexpr const char* spec_version = "1.0.33";

Json common(const Common& common, const char* type) {
    Json json{{"_type", type}, {"spec_version", spec_version}, {"version", common.version}, {"expires", text_of(common.expires)}};
    if (common.issued) json["x-ashlar-issued"] = text_of(*common.issued);
    return json;
}

Json json_of(const Role& role) { return {{"keyids", role.key_ids}, {"threshold", role.threshold}}; }

Json json_of(const Keys& keys) {
    Json json = Json::object();
    for (const auto& [id, key] : keys) json[id] = key.value;
    return json;
}

Json json_of(const FileMeta& meta) {
    Json json{{"version", meta.version}};
    if (meta.length) json["length"] = *meta.length;
    if (!meta.hashes.empty()) json["hashes"] = meta.hashes;
    return json;
}

Json json_of(const std::map<std::string, FileMeta, std::less<>>& meta) {
    Json json = Json::object();
    for (const auto& [file, each] : meta) json[file] = json_of(each);
    return json;
}

Json json_of(const Target& target) {
    Json json{{"length", target.length}, {"hashes", target.hashes}};
    if (!target.custom.is_null()) json["custom"] = target.custom;
    return json;
}

Json json_of(const DelegatedRole& role) {
    Json json = json_of(role.role);
    json["name"] = role.name;
    json["terminating"] = role.terminating;
    if (role.path_hash_prefixes.empty()) json["paths"] = role.paths;
    else json["path_hash_prefixes"] = role.path_hash_prefixes;
    return json;
}

Json json_of(const TrainTerms& terms) {
    Json json{{"train", terms.train}, {"revoked", Json::object()}};
    if (terms.security_floor) json["security_floor"] = *terms.security_floor;
    for (const auto& [release, why] : terms.revoked) json["revoked"][release] = why;
    return json;
}

Json delegations_of(const Targets& targets) {
    Json roles = Json::array();
    for (const auto& role : targets.delegations) roles.push_back(json_of(role));
    return {{"keys", json_of(targets.keys)}, {"roles", std::move(roles)}};
}

} // namespace

Json json_of(const Root& root) {
    Json json = common(root, "root");
    json["consistent_snapshot"] = root.consistent_snapshot;
    json["keys"] = json_of(root.keys);
    json["roles"] = {{"root", json_of(root.root)}, {"targets", json_of(root.targets)}, {"snapshot", json_of(root.snapshot)}, {"timestamp", json_of(root.timestamp)}};
    if (root.bundle) json["x-ashlar-bundle"] = json_of(*root.bundle);
    return json;
}

Json json_of(const Timestamp& timestamp) {
    Json json = common(timestamp, "timestamp");
    json["meta"] = {{"snapshot.json", json_of(timestamp.snapshot)}};
    return json;
}

Json json_of(const Snapshot& snapshot) {
    Json json = common(snapshot, "snapshot");
    json["meta"] = json_of(snapshot.meta);
    return json;
}

Json json_of(const Targets& targets) {
    Json json = common(targets, "targets");
    json["targets"] = Json::object();
    for (const auto& [path, target] : targets.targets) json["targets"][path] = json_of(target);
    if (!targets.delegations.empty()) json["delegations"] = delegations_of(targets);
    if (targets.train) json["x-ashlar-train"] = json_of(*targets.train);
    return json;
}

Json json_of(const Bundle& bundle) {
    Json json = common(bundle, "bundle");
    json["train"] = bundle.train;
    json["meta"] = json_of(bundle.meta);
    json["targets"] = bundle.targets;
    return json;
}

FileMeta file_meta_of(std::string_view text, std::uint64_t version) {
    return {.version = version, .length = text.size(), .hashes = {{"sha256", sha256(text).hex()}}};
}

} // namespace ashlar::tuf
