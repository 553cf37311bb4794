// Writes a repository for outside judges to read: every scheme that Ashlar signs with, all roles rotated once, delegations, and what
// Ashlar adds. tuf_make_repository DIR [COUNT]: metadata/, targets/, and root.json, the first one; the train names COUNT more
// targets, whose bytes are nowhere.

#include <base/error.hpp>
#include <base/file.hpp>
#include <tuf/updater.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::tuf;
namespace fs = std::filesystem;

namespace {

const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());

struct Writer {
    fs::path directory;
    Root root;
    std::map<std::string, std::vector<SigningKey>> keys{}; // by role
    std::map<std::string, FileMeta, std::less<>> meta{};

    std::string put(const std::string& file, const Json& signed_part, std::initializer_list<const std::vector<SigningKey>*> signers) const {
        Envelope envelope{.signed_part = signed_part};
        for (const auto* some : signers)
            for (const auto& key : *some) sign(envelope, key);
        const std::string text = text_of(envelope);
        write_file(directory / "metadata" / file, text);
        return text;
    }
    // New keys for a role, one of each scheme.
    std::vector<SigningKey> give(const std::string& name, Role& role, Keys& known, std::initializer_list<SignatureScheme> schemes) {
        std::vector<SigningKey> former = std::move(keys[name]);
        keys[name].clear();
        role = {.key_ids = {}, .threshold = schemes.size()};
        for (const auto scheme : schemes) {
            keys[name].push_back(SigningKey::generate(scheme));
            const Key key = key_of(keys[name].back().verifying_key());
            known.emplace(key.id, key);
            role.key_ids.push_back(key.id);
        }
        return former;
    }
    void put_targets(const std::string& role, const Targets& targets) {
        meta[role + ".json"] = file_meta_of(put(file_name_of(role, targets.version), json_of(targets), {&keys[role]}), targets.version);
    }
    void put_target(Targets& role, const std::string& path, const std::string& bytes, Json custom = nullptr) const {
        const Target target{.length = bytes.size(), .hashes = {{"sha256", sha256(bytes).hex()}}, .custom = std::move(custom)};
        const fs::path file = directory / "targets" / place_of(path, target, Naming::consistent);
        fs::create_directories(file.parent_path());
        write_file(file, bytes);
        role.targets.emplace(path, target);
    }
};

template <typename File>
File dated(std::uint64_t version, int days) {
    File file;
    file.version = version;
    file.expires = now + std::chrono::days(days);
    file.issued = now;
    return file;
}

void put_roots(Writer& writer) {
    using enum SignatureScheme;
    Root& root = writer.root;
    std::vector<SigningKey> former;
    for (root.version = 1; root.version <= 2; ++root.version) {
        former = writer.give("root", root.root, root.keys, {ed25519, ecdsa_p256, ecdsa_p384});
        writer.give("targets", root.targets, root.keys, {ed25519, ecdsa_p256});
        writer.give("snapshot", root.snapshot, root.keys, {ecdsa_p256});
        writer.give("timestamp", root.timestamp, root.keys, {ecdsa_p384});
        root.bundle.emplace();
        writer.give("bundle", *root.bundle, root.keys, {ed25519});
        const std::string text = writer.put(file_name_of("root", root.version), json_of(root), {&former, &writer.keys["root"]});
        if (root.version == 1) write_file(writer.directory / "root.json", text);
    }
}

DelegatedRole delegate(Writer& writer, Targets& parent, const std::string& name, const std::string& pattern, SignatureScheme scheme) {
    DelegatedRole role{.name = name, .terminating = true, .paths = {pattern}};
    writer.give(name, role.role, parent.keys, {scheme});
    return role;
}

void name_targets(Targets& train, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const auto file = fmt::format("trains/R1/R1.{}/ashlar_role-{}_R1.{}_amd64.full", i / 100, i % 100, i / 100);
        train.targets.emplace(file, Target{.length = 150'000'000 + i, .hashes = {{"sha256", sha256(file).hex()}}, .custom = {}});
    }
}

void put_repository(Writer& writer, unsigned count) {
    put_roots(writer);
    auto targets = dated<Targets>(1, 365), train = dated<Targets>(4, 365), site = dated<Targets>(1, 365);
    targets.delegations = {delegate(writer, targets, "train-R1", "trains/R1/*/*", SignatureScheme::ecdsa_p384), delegate(writer, targets, "site-berlin", "site/berlin/*", SignatureScheme::ed25519)};
    train.train = TrainTerms{.train = "R1", .security_floor = "R1.0", .revoked = {{"R1.1", "ä \"quoted\" \\ reason\nof two lines 😀"}}};
    writer.put_target(train, "trains/R1/R1.0/release.json", "{\"release\": \"R1.0\"}\n", {{"release", "R1.0"}, {"channel", "stable"}});
    name_targets(train, count);
    writer.put_target(site, "site/berlin/extension.raw", "an extension\n");
    writer.put_targets("train-R1", train);
    writer.put_targets("site-berlin", site);
    writer.put_targets("targets", targets);
    auto bundle = dated<Bundle>(1, 180);
    bundle.train = "R1";
    bundle.targets = {"trains/R1/R1.0/release.json"};
    for (const auto* file : {"targets.json", "train-R1.json"}) bundle.meta.emplace(file, writer.meta.at(file));
    writer.put("bundle-R1.json", json_of(bundle), {&writer.keys["bundle"]});
    auto snapshot = dated<Snapshot>(3, 7);
    snapshot.meta = writer.meta;
    auto timestamp = dated<Timestamp>(9, 1);
    timestamp.snapshot = file_meta_of(writer.put("3.snapshot.json", json_of(snapshot), {&writer.keys["snapshot"]}), 3);
    writer.put("timestamp.json", json_of(timestamp), {&writer.keys["timestamp"]});
}

} // namespace

int main(int argc, char** argv) try {
    if (argc < 2 || argc > 3) throw Error("cannot start 'make_repository': name one directory, and a number of targets");
    fs::create_directories(fs::path(argv[1]) / "metadata");
    Writer writer{.directory = argv[1], .root = dated<Root>(1, 730)};
    writer.root.consistent_snapshot = true;
    put_repository(writer, argc == 3 ? static_cast<unsigned>(std::stoul(argv[2])) : 0);
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
}
