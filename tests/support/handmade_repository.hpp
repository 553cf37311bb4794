#pragma once

// A small repository with keys of its own: one train, its releases, a manifest that carries them. docs/formats/trust.md.

#include <base/file.hpp>
#include <base/json.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/message_key.hpp>
#include <tuf/metadata.hpp>
#include <tuf/updater.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace ashlar {

class HandmadeRepository {
public:
    using Files = std::map<std::string, std::string>; // name → contents

    static constexpr Time usual{std::chrono::seconds(1796000000)}; // 2026-11-30

    explicit HandmadeRepository(std::filesystem::path where, Time when = usual) : directory(std::move(where)), issued(when) {
        root.version = targets.version = train.version = 1;
        root.expires = targets.expires = train.expires = issued + std::chrono::days(700);
        root.issued = targets.issued = train.issued = issued;
        root.consistent_snapshot = true;
        for (const SigningKey* key : {&root_key, &targets_key, &bundle_key, &online_key}) add(root.keys, *key);
        root.root = of(root_key);
        root.targets = of(targets_key);
        root.snapshot = root.timestamp = of(online_key);
        root.bundle = of(bundle_key);
        for (const SigningKey* key : {&train_key, &site_key}) add(targets.keys, *key);
        targets.delegations = {delegated("train-R1", "trains/R1/*/*", train_key), delegated("site-north", "site/north/*", site_key)};
        train.train = tuf::TrainTerms{.train = "R1", .security_floor = std::nullopt, .revoked = {}};
        publish_root();
    }

    // A release of role `base`, whose image consists of `files`; its release.json lists them. Gives the paths of all of it.
    std::vector<std::string> add_release(const std::string& release, const Files& files) {
        std::vector<std::string> paths;
        Json list = Json::array();
        for (const auto& [name, contents] : files) {
            paths.push_back(add_target(fmt::format("trains/R1/{}/{}", release, name), contents));
            list.push_back({{"file", name}, {"size", contents.size()}, {"sha256", sha256(contents).hex()}, {"kind", "full"}});
        }
        const Json json{{"format", 1},
                        {"release", release},
                        {"train", "R1"},
                        {"epoch", 1767225600},
                        {"support", {{"from", "2026-01-01"}, {"until", "2028-06-30"}}},
                        {"previous", {"R0"}},
                        {"images", {{{"role", "base"}, {"architecture", "amd64"}, {"files", list}}}},
                        {"evidence", Json::array()}};
        paths.push_back(add_target(fmt::format("trains/R1/{}/release.json", release), pretty(json)));
        std::ranges::sort(paths);
        return paths;
    }

    std::string add_target(const std::string& path, const std::string& contents) {
        const tuf::Target target{.length = contents.size(), .hashes = {{"sha256", sha256(contents).hex()}}, .custom = nullptr};
        train.targets[path] = target;
        const auto file = directory / "targets" / tuf::place_of(path, target, tuf::Naming::consistent);
        std::filesystem::create_directories(file.parent_path());
        write_file(file, contents);
        return path;
    }

    // Signs and writes what has changed, with a manifest of the next serial that carries `paths`.
    void publish(std::vector<std::string> paths) {
        ++serial;
        if (serial > 1) ++train.version;
        write_manifest(manifest_of(std::move(paths)));
    }

    tuf::Bundle manifest_of(std::vector<std::string> paths) {
        const std::string targets_text = write("targets", targets.version, tuf::json_of(targets), targets_key);
        const std::string train_text = write("train-R1", train.version, tuf::json_of(train), train_key);
        tuf::Bundle manifest;
        manifest.version = serial;
        manifest.issued = issued;
        manifest.expires = issued + std::chrono::days(180);
        manifest.train = "R1";
        manifest.meta = {{"targets.json", tuf::file_meta_of(targets_text, targets.version)}, {"train-R1.json", tuf::file_meta_of(train_text, train.version)}};
        std::ranges::sort(paths);
        manifest.targets = std::move(paths);
        return manifest;
    }
    void write_manifest(const tuf::Bundle& manifest) {
        Json json = tuf::json_of(manifest);
        json.update(more);
        write_signed("bundle-R1.json", json, {&bundle_key});
    }

    // The next root, with another key for bundles or the same.
    void rotate_bundle_key() {
        SigningKey next = SigningKey::generate(SignatureScheme::ed25519);
        add(root.keys, next);
        root.bundle = of(next);
        bundle_key = std::move(next);
        next_root();
    }
    void next_root() {
        ++root.version;
        publish_root();
    }
    void publish_root() { write_signed(fmt::format("{}.root.json", root.version), tuf::json_of(root), {&root_key}); }

    [[nodiscard]] std::filesystem::path root_file(unsigned version = 1) const { return directory / "metadata" / fmt::format("{}.root.json", version); }
    [[nodiscard]] Time now() const { return issued + std::chrono::days(1); }

    [[nodiscard]] static std::string signed_text(const Json& part, std::initializer_list<const MessageSigner*> keys) {
        tuf::Envelope envelope{part, {}};
        for (const MessageSigner* key : keys) tuf::sign(envelope, *key);
        return tuf::text_of(envelope);
    }
    void write_signed(const std::string& name, const Json& part, std::initializer_list<const MessageSigner*> keys) const {
        std::filesystem::create_directories(directory / "metadata");
        write_file(directory / "metadata" / name, signed_text(part, keys));
    }

    std::filesystem::path directory;
    SigningKey root_key = SigningKey::generate(SignatureScheme::ed25519), targets_key = SigningKey::generate(SignatureScheme::ed25519),
               train_key = SigningKey::generate(SignatureScheme::ed25519), bundle_key = SigningKey::generate(SignatureScheme::ed25519),
               online_key = SigningKey::generate(SignatureScheme::ed25519), site_key = SigningKey::generate(SignatureScheme::ed25519);
    tuf::Root root;
    tuf::Targets targets, train;
    std::uint64_t serial = 0;
    // Members of the manifest that only bundles have: "roles", "sources".
    Json more = Json::object();
    Time issued;

private:
    static void add(tuf::Keys& keys, const SigningKey& key) {
        tuf::Key one = tuf::key_of(key.verifying_key());
        const std::string id = one.id;
        keys.emplace(id, std::move(one));
    }
    static tuf::Role of(const SigningKey& key) { return {{tuf::id_of(key.verifying_key())}, 1}; }
    static tuf::DelegatedRole delegated(std::string name, std::string pattern, const SigningKey& key) {
        return {.name = std::move(name), .role = of(key), .terminating = true, .paths = {std::move(pattern)}, .path_hash_prefixes = {}};
    }
    std::string write(std::string_view role, std::uint64_t version, const Json& part, const SigningKey& key) const {
        std::string text = signed_text(part, {&key});
        write_file(directory / "metadata" / tuf::file_name_of(role, version), text);
        return text;
    }
};

} // namespace ashlar
