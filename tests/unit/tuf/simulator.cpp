#include "simulator.hpp"

#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::tuf::test {

namespace {

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

} // namespace

SharedKey new_key(SignatureScheme scheme) { return std::make_shared<const SigningKey>(SigningKey::generate(scheme)); }

Time day(int days) { return *time_of("2026-11-30T08:00:00Z") + std::chrono::days(days); }

std::string error_of(const std::function<void()>& body) try {
    body();
    return "";
} catch (const Error& error) {
    return first_line(error.what());
}

// ---- the repository ----------------------------------------------------------------------------

Simulator::Simulator() {
    root.consistent_snapshot = true;
    root.bundle = Role{};
    root.issued = targets.issued = day(-10);
    root.expires = day(730);
    targets.expires = day(365);
    snapshot.expires = day(7);
    timestamp.expires = day(1);
    bundle.expires = day(180);
    bundle.issued = day(-1);
    bundle.train = "R1";
    for (const auto* name : {"root", "root", "root", "targets", "snapshot", "timestamp", "bundle"}) {
        signers[name].push_back(new_key());
        const Key key = key_of(signers[name].back()->verifying_key());
        role(name).key_ids.push_back(key.id);
        root.keys.emplace(key.id, key);
    }
    root.root.threshold = 2;
    delegate("train-R0", "trains/R0/*/*", "trains/R0/R0.3/release.json");
    delegate("train-R1", "trains/R1/*/*", "trains/R1/R1.0/release.json");
    delegate("site-berlin", "site/berlin/*", "site/berlin/extension.raw");
    delegated["train-R0"].train = TrainTerms{.train = "R0"};
    delegated["train-R1"].train = TrainTerms{.train = "R1", .security_floor = "R1.0"};
    publish_root();
    for (const auto& [name, role] : delegated) publish_delegated(name);
    publish_release();
    publish_bundle();
}

void Simulator::delegate(const std::string& name, const std::string& paths, const std::string& path) {
    signers[name] = {new_key()};
    const Key key = key_of(signers[name].front()->verifying_key());
    targets.keys.emplace(key.id, key);
    targets.delegations.push_back({.name = name, .role = {{key.id}, 1}, .terminating = true, .paths = {paths}});
    Targets& role = delegated[name];
    role.expires = day(365);
    role.targets.emplace(path, target(path));
}

Target Simulator::target(std::string_view bytes, Json custom) { return {.length = bytes.size(), .hashes = {{"sha256", sha256(bytes).hex()}}, .custom = std::move(custom)}; }

Role& Simulator::role(std::string_view name) {
    if (name == "root") return root.root;
    if (name == "targets") return root.targets;
    if (name == "snapshot") return root.snapshot;
    if (name == "timestamp") return root.timestamp;
    return *root.bundle;
}

std::optional<std::string> Simulator::metadata(std::string_view name, std::uint64_t most) {
    asked.emplace_back(name);
    const auto found = files.find(name);
    if (found == files.end()) return std::nullopt;
    if (found->second.size() > most) throw MetadataError(Fault::endless, fmt::format("cannot read '{}': it is longer than {} bytes", name, most));
    return found->second;
}

std::string Simulator::signed_text(const Json& signed_part, const std::vector<SharedKey>& by) const {
    Envelope envelope{.signed_part = signed_part};
    for (const auto& signer : by) sign(envelope, *signer);
    return text_of(envelope);
}

std::string Simulator::text(const std::string& role) const { return latest_.at(role); }

void Simulator::put(const std::string& role, std::uint64_t version, const std::string& text) {
    const bool versioned = role == "root" || (root.consistent_snapshot && role != "timestamp" && !role.starts_with("bundle-"));
    files[versioned ? file_name_of(role, version) : file_name_of(role)] = text;
    latest_[role] = text;
}

void Simulator::publish_root() {
    ++root.version;
    std::vector<SharedKey> by = signers["root"];
    by.insert(by.end(), former_root_signers_.begin(), former_root_signers_.end());
    put("root", root.version, signed_text(json_of(root), by));
    former_root_signers_.clear();
}

void Simulator::publish_targets() {
    ++targets.version;
    put("targets", targets.version, signed_text(json_of(targets), signers["targets"]));
    snapshot.meta["targets.json"] = bundle.meta["targets.json"] = file_meta_of(text("targets"), targets.version);
}

void Simulator::publish_delegated(const std::string& name) {
    Targets& role = delegated[name];
    ++role.version;
    put(name, role.version, signed_text(json_of(role), signers[name]));
    snapshot.meta[name + ".json"] = bundle.meta[name + ".json"] = file_meta_of(text(name), role.version);
}

void Simulator::publish_snapshot() {
    ++snapshot.version;
    put("snapshot", snapshot.version, signed_text(json_of(snapshot), signers["snapshot"]));
    timestamp.snapshot = file_meta_of(text("snapshot"), snapshot.version);
}

void Simulator::publish_timestamp() {
    ++timestamp.version;
    put("timestamp", timestamp.version, signed_text(json_of(timestamp), signers["timestamp"]));
}

void Simulator::publish_bundle() {
    ++bundle.version;
    bundle.targets = {"trains/R1/R1.0/release.json"};
    put("bundle-R1", bundle.version, signed_text(json_of(bundle), signers["bundle"]));
}

void Simulator::publish_release() {
    publish_targets();
    publish_snapshot();
    publish_timestamp();
}

void Simulator::rotate(const std::string& name) {
    if (name == "root") former_root_signers_ = signers[name];
    Role& role = this->role(name);
    role.key_ids.clear();
    for (auto& signer : signers[name]) {
        signer = new_key();
        const Key key = key_of(signer->verifying_key());
        root.keys.emplace(key.id, key);
        role.key_ids.push_back(key.id);
    }
}

// ---- the client --------------------------------------------------------------------------------

std::optional<std::string> MemoryStore::load(std::string_view role) const {
    const auto found = files.find(role);
    return found == files.end() ? std::nullopt : std::optional(found->second);
}

std::string Client::refresh() {
    fault.reset();
    repository.asked.clear();
    try {
        Updater(repository, store, options).refresh();
        return "";
    } catch (const MetadataError& error) {
        fault = error.fault();
        return first_line(error.what());
    }
}

std::string Client::find(std::string_view path) {
    fault.reset();
    repository.asked.clear();
    try {
        Updater updater(repository, store, options);
        updater.refresh();
        const auto found = updater.find(path);
        return found ? found->role : "";
    } catch (const MetadataError& error) {
        fault = error.fault();
        return first_line(error.what());
    }
}

std::uint64_t Client::version(const std::string& role) const {
    const auto text = store.load(role);
    return text ? parse_envelope(*text, role).signed_part.at("version").get<std::uint64_t>() : 0;
}

} // namespace ashlar::tuf::test
