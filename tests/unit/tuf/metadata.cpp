#include "simulator.hpp"

#include <base/file.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::tuf;
using namespace ashlar::tuf::test;

namespace {

// ---- bytes -------------------------------------------------------------------------------------

TEST(CanonicalJson, IsThatOfTheSpecification) {
    EXPECT_EQ(canonical_json(parse_strict_json(R"( { "b" : [ 1 , -2 , true , false , null ] , "a" : { } , "A" : "x" } )", "x")), R"({"A":"x","a":{},"b":[1,-2,true,false,null]})");
    EXPECT_EQ(canonical_json(parse_strict_json(R"("\"\\\/\n\t\u0001ä€\ud83d\ude00")", "x")), "\"\\\"\\\\/\n\t\x01ä€😀\"");
    EXPECT_EQ(canonical_json(parse_strict_json(R"({"\uffff": 1, "\ud83d\ude00": 2, "z": 3, "": 4})", "x")), "{\"\":4,\"z\":3,\"\xef\xbf\xbf\":1,\"😀\":2}") << "by bytes, not by UTF-16";
    EXPECT_EQ(canonical_json(9223372036854775807), "9223372036854775807");
    EXPECT_EQ(error_of([] { (void)canonical_json(1.5); }), "cannot write 'canonical JSON': a number is not an integer");
}

TEST(Time, IsReadAsItIsWritten) {
    for (const auto* text : {"1970-01-01T00:00:00Z", "2026-11-30T08:00:00Z", "2028-02-29T23:59:59Z", "9999-12-31T23:59:59Z"}) EXPECT_EQ(text_of(*time_of(text)), text);
    EXPECT_EQ(time_of("2000-01-01T00:00:00Z")->time_since_epoch().count(), 946684800);
    for (const auto* text : {"", "2026-11-30", "2026-11-30T08:00:00", "2026-11-30T08:00:00z", "2026-11-30 08:00:00Z", "2026-11-30T08:00:00.5Z", "2026-11-30T08:00:00+00:00", "2027-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-30T24:00:00Z", "2026-11-30T08:60:00Z", "2026-11-30T08:00:60Z", "+026-11-30T08:00:00Z", "2026-11-30T08:00:00Z "})
        EXPECT_FALSE(time_of(text)) << text;
}

// ---- keys --------------------------------------------------------------------------------------

TEST(Key, IsWrittenAsMetadataHasIt) {
    const auto ed25519 = key_of(new_key()->verifying_key());
    EXPECT_EQ(ed25519.value.at("keytype"), "ed25519");
    EXPECT_EQ(ed25519.value.at("keyval").at("public").get<std::string>().size(), 64U);
    EXPECT_EQ(ed25519.id, sha256(canonical_json(ed25519.value)).hex());
    const auto p384 = key_of(new_key(SignatureScheme::ecdsa_p384)->verifying_key());
    EXPECT_EQ(p384.value.at("keytype"), "ecdsa");
    EXPECT_EQ(p384.value.at("scheme"), "ecdsa-sha2-nistp384");
    EXPECT_THAT(p384.value.at("keyval").at("public").get<std::string>(), testing::StartsWith("-----BEGIN PUBLIC KEY-----\n"));
    EXPECT_EQ(id_of(*p384.key), p384.id);
}

// ---- files -------------------------------------------------------------------------------------

template <typename Read>
std::string refusal(Json json, const std::function<void(Json&)>& change, Read read) {
    change(json);
    return error_of([&] { (void)read(Envelope{.signed_part = json}, "file"); });
}

TEST(Metadata, IsReadAsItWasWritten) {
    const Simulator site;
    const Envelope envelope = parse_envelope(site.text("root"), "root.json");
    EXPECT_EQ(text_of(envelope), site.text("root"));
    EXPECT_EQ(envelope.type(), "root");
    EXPECT_EQ(json_of(root_of(envelope, "root.json")), json_of(site.root));
    EXPECT_EQ(json_of(timestamp_of(parse_envelope(site.text("timestamp"), "t"), "t")), json_of(site.timestamp));
    EXPECT_EQ(json_of(snapshot_of(parse_envelope(site.text("snapshot"), "s"), "s")), json_of(site.snapshot));
    EXPECT_EQ(json_of(targets_of(parse_envelope(site.text("targets"), "t"), "t")), json_of(site.targets));
    EXPECT_EQ(json_of(targets_of(parse_envelope(site.text("train-R1"), "t"), "t")), json_of(site.delegated.at("train-R1")));
    EXPECT_EQ(json_of(bundle_of(parse_envelope(site.text("bundle-R1"), "b"), "b")), json_of(site.bundle));
}

TEST(Metadata, KeepsAPromotionBesideTheDigest) {
    Targets train;
    train.version = 1;
    train.targets.emplace("trains/R1/R1.0/release.json", Simulator::target("x", {{"release", "R1.0"}, {"channel", "stable"}}));
    const auto read = targets_of(Envelope{.signed_part = json_of(train)}, "train-R1.json");
    EXPECT_EQ(read.targets.begin()->second.custom.at("channel"), "stable");
    EXPECT_EQ(read.targets.begin()->second.sha256(), sha256("x"));
}

TEST(Metadata, KeepsWhatItDoesNotKnow) {
    Simulator site;
    Client client(site);
    Json json = json_of(site.root);
    json["version"] = 2;
    json["x-later"] = {{"a", 1}};
    json["roles"]["root"]["x-later"] = "b";
    json["roles"]["mirrors"] = "c";
    json["keys"][site.root.root.key_ids.front()]["x-later"] = 7;
    site.files["2.root.json"] = site.signed_text(json, site.signers["root"]);
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("root"), 2U);
}

TEST(Envelope, IsRefusedUnlessItIsOne) {
    const auto refused = [](std::string_view text) { return error_of([&] { (void)parse_envelope(text, "file"); }); };
    EXPECT_EQ(refused("[]"), "cannot read 'file': 'the file' is not an object");
    EXPECT_EQ(refused("{}"), "cannot read 'file': 'the file.signatures' is missing");
    EXPECT_EQ(refused(R"({"signatures": {}, "signed": {}})"), "cannot read 'file': 'the file.signatures' is no list");
    EXPECT_EQ(refused(R"({"signatures": []})"), "cannot read 'file': 'the file.signed' is missing");
    EXPECT_EQ(refused(R"({"signatures": [], "signed": []})"), "cannot read 'file': 'the file.signed' is not an object");
    EXPECT_EQ(refused(R"({"signatures": [1], "signed": {}})"), "cannot read 'file': 'signatures' is not an object");
    EXPECT_EQ(refused(R"({"signatures": [{"keyid": "a"}], "signed": {}})"), "cannot read 'file': 'signatures.sig' is missing");
    EXPECT_EQ(refused(R"({"signatures": [{"keyid": 1, "sig": ""}], "signed": {}})"), "cannot read 'file': 'signatures.keyid' is no text");
    EXPECT_EQ(refused(R"({"signatures": [], "signed": {}, "signed": {}})"), "cannot parse 'file': the member 'signed' stands there twice");
    try {
        (void)parse_envelope("{", "file");
    } catch (const MetadataError& error) {
        EXPECT_EQ(error.fault(), Fault::malformed);
        EXPECT_EQ(error.hint(), "is it release metadata, and complete?");
    }
}

TEST(Metadata, IsRefusedWhereItMeansNothing) {
    const Simulator site;
    const Json root = json_of(site.root), timestamp = json_of(site.timestamp), snapshot = json_of(site.snapshot), targets = json_of(site.targets), train = json_of(site.delegated.at("train-R1"));
    const auto of_root = [&](const std::function<void(Json&)>& change) { return refusal(root, change, root_of); };
    EXPECT_EQ(of_root([](Json&) {}), "");
    EXPECT_EQ(of_root([](Json& json) { json.erase("_type"); }), "cannot read 'file': 'signed._type' is missing");
    EXPECT_EQ(of_root([](Json& json) { json["spec_version"] = "2.0"; }), "cannot read 'file': 'signed.spec_version' is '2.0'; this program reads 1");
    EXPECT_EQ(of_root([](Json& json) { json["version"] = 0; }), "cannot read 'file': 'signed.version' is no number from 1 on");
    EXPECT_EQ(of_root([](Json& json) { json["version"] = -1; }), "cannot read 'file': 'signed.version' is no number from 1 on");
    EXPECT_EQ(of_root([](Json& json) { json["version"] = "1"; }), "cannot read 'file': 'signed.version' is no number from 1 on");
    EXPECT_EQ(of_root([](Json& json) { json.erase("expires"); }), "cannot read 'file': 'signed.expires' is missing");
    EXPECT_EQ(of_root([](Json& json) { json["expires"] = "never"; }), "cannot read 'file': 'signed.expires' is no time such as 2026-11-30T08:00:00Z");
    EXPECT_EQ(of_root([](Json& json) { json["x-ashlar-issued"] = json["expires"]; }), "cannot read 'file': 'signed.x-ashlar-issued' is not before 'expires'");
    EXPECT_EQ(of_root([](Json& json) { json["consistent_snapshot"] = 1; }), "cannot read 'file': 'signed.consistent_snapshot' is neither true nor false");
    EXPECT_EQ(of_root([](Json& json) { json["roles"].erase("snapshot"); }), "cannot read 'file': 'signed.roles.snapshot' is missing");
    EXPECT_EQ(of_root([](Json& json) { json["roles"]["root"]["keyids"] = "a"; }), "cannot read 'file': 'signed.roles.root.keyids' is no list");
    EXPECT_EQ(of_root([](Json& json) { json["roles"]["root"]["keyids"][0] = 1; }), "cannot read 'file': 'signed.roles.root.keyids' has a member that is no text");
    EXPECT_EQ(of_root([](Json& json) { json["x-ashlar-bundle"]["threshold"] = 0; }), "cannot read 'file': 'signed.x-ashlar-bundle.threshold' is no number from 1 on");
    EXPECT_EQ(of_root([](Json& json) { json["keys"] = Json{{"a", Json::object()}}; }), "cannot read 'file': 'signed.keys.a.keytype' is missing");
    EXPECT_EQ(refusal(timestamp, [](Json& json) { json["meta"] = Json::object(); }, timestamp_of), "cannot read 'file': 'signed.meta.snapshot.json' is missing");
    EXPECT_EQ(refusal(timestamp, [](Json& json) { json["meta"]["snapshot.json"]["length"] = -1; }, timestamp_of), "cannot read 'file': 'signed.meta.snapshot.json.length' is no number from 0 on");
    EXPECT_EQ(refusal(snapshot, [](Json& json) { json["meta"]["targets.json"]["hashes"] = Json::object(); }, snapshot_of), "cannot read 'file': 'signed.meta.targets.json.hashes' names none");
    EXPECT_EQ(refusal(snapshot, [](Json& json) { json["meta"]["targets.json"]["hashes"]["sha256"] = "XY"; }, snapshot_of), "cannot read 'file': 'signed.meta.targets.json.hashes.sha256' is no lower-case hexadecimal");
    EXPECT_EQ(refusal(train, [](Json& json) { json.erase("targets"); }, targets_of), "cannot read 'file': 'signed.targets' is missing");
    EXPECT_EQ(refusal(train, [](Json& json) { json["targets"].begin().value().erase("hashes"); }, targets_of), "cannot read 'file': 'signed.targets.trains/R1/R1.0/release.json.hashes' is missing");
    EXPECT_EQ(refusal(train, [](Json& json) { json["x-ashlar-train"].erase("revoked"); }, targets_of), "cannot read 'file': 'signed.x-ashlar-train.revoked' is missing");
    EXPECT_EQ(refusal(train, [](Json& json) { json["x-ashlar-train"]["train"] = "../R1"; }, targets_of), "cannot read 'file': 'signed.x-ashlar-train.train' is no name of a train");
    const auto of_delegation = [&](const std::function<void(Json&)>& change) { return refusal(targets, [&](Json& json) { change(json["delegations"]); }, targets_of); };
    EXPECT_EQ(of_delegation([](Json& json) { json["roles"][0]["name"] = "root"; }), "cannot read 'file': 'signed.delegations.roles.name' is 'root', which nobody can delegate to");
    EXPECT_EQ(of_delegation([](Json& json) { json["roles"][0]["name"] = json["roles"][1]["name"]; }), "cannot read 'file': 'signed.delegations.roles' has 'train-R1' twice");
    EXPECT_EQ(of_delegation([](Json& json) { json["roles"][0].erase("paths"); }), "cannot read 'file': 'signed.delegations.roles.paths' and 'path_hash_prefixes': one of the two must be there");
    EXPECT_EQ(of_delegation([](Json& json) { json["roles"][0]["path_hash_prefixes"] = Json::array(); }), "cannot read 'file': 'signed.delegations.roles.paths' and 'path_hash_prefixes': one of the two must be there");
    EXPECT_EQ(of_delegation([](Json& json) { json["roles"][0].erase("terminating"); }), "cannot read 'file': 'signed.delegations.roles.terminating' is missing");
    EXPECT_EQ(of_delegation([](Json& json) { json.erase("roles"); }), "cannot read 'file': 'signed.delegations.roles' is missing");
}

TEST(Bundle, IsRefusedWhereItMeansNothing) {
    const Simulator site;
    const auto refused = [&](const std::function<void(Json&)>& change) { return refusal(json_of(site.bundle), change, bundle_of); };
    EXPECT_EQ(refused([](Json&) {}), "");
    EXPECT_EQ(refused([](Json& json) { json.erase("train"); }), "cannot read 'file': 'signed.train' is missing");
    EXPECT_EQ(refused([](Json& json) { json["train"] = ""; }), "cannot read 'file': 'signed.train' is no name of a train");
    EXPECT_EQ(refused([](Json& json) { json["meta"].erase("targets.json"); }), "cannot read 'file': 'signed.meta' does not name 'targets.json'");
    EXPECT_EQ(refused([](Json& json) { json["meta"].erase("train-R1.json"); }), "cannot read 'file': 'signed.meta' does not name 'train-R1.json'");
    EXPECT_EQ(refused([](Json& json) { json["meta"]["targets.json"].erase("length"); }), "cannot read 'file': 'signed.meta' names 'targets.json' without its length and SHA-256");
    EXPECT_EQ(refused([](Json& json) { json["meta"]["targets.json"].erase("hashes"); }), "cannot read 'file': 'signed.meta' names 'targets.json' without its length and SHA-256");
    EXPECT_EQ(refused([](Json& json) { json["meta"]["targets.json"]["hashes"] = {{"sha512", "00"}}; }), "cannot read 'file': 'signed.meta' names 'targets.json' without its length and SHA-256");
    EXPECT_EQ(refused([](Json& json) { json["targets"] = {"b", "a"}; }), "cannot read 'file': 'signed.targets' is not sorted, or has one twice");
    EXPECT_EQ(refused([](Json& json) { json["targets"] = {"a", "a"}; }), "cannot read 'file': 'signed.targets' is not sorted, or has one twice");
    for (const std::string path : {"../a", "/a", "a//b", "a/./b", "", "a/"})
        EXPECT_EQ(refused([&](Json& json) { json["targets"] = Json::array({path}); }), fmt::format("cannot read 'file': 'signed.targets' has '{}', which is no plain relative path", path));
}

// ---- places and names --------------------------------------------------------------------------

TEST(Target, LiesWhereItsNameAndDigestSay) {
    const Target target = Simulator::target("x");
    const std::string digest = sha256("x").hex();
    EXPECT_EQ(place_of("trains/R1/R1.0/release.json", target, Naming::consistent), "trains/R1/R1.0/" + digest + ".release.json");
    EXPECT_EQ(place_of("file", target, Naming::consistent), digest + ".file");
    EXPECT_EQ(place_of("trains/R1/R1.0/release.json", target, Naming::plain), "trains/R1/R1.0/release.json");
    for (const std::string path : {"../x", "/etc/passwd", "a//b", "a/..", ""})
        EXPECT_EQ(error_of([&] { (void)place_of(path, target, Naming::plain); }), fmt::format("cannot place '{}': it is no plain relative path", path));
}

TEST(Target, MustHaveASha256) {
    const Target target{.length = 1, .hashes = {{"sha512", "00"}}};
    EXPECT_EQ(error_of([&] { (void)target.sha256(); }), "cannot verify 'target': its metadata names no SHA-256");
    EXPECT_EQ(error_of([&] { TargetCheck("x", target); }), "cannot verify 'target': its metadata names no SHA-256");
    EXPECT_EQ(error_of([&] { (void)Target{.length = 1, .hashes = {{"sha256", "00"}}}.sha256(); }), "cannot verify 'target': its metadata names no SHA-256");
}

TEST(Role, HasAFilesName) {
    EXPECT_EQ(file_name_of("train-R1"), "train-R1.json");
    EXPECT_EQ(file_name_of("train-R1", 7), "7.train-R1.json");
    EXPECT_EQ(file_name_of("../a/b"), "..%2Fa%2Fb.json");
    EXPECT_EQ(file_name_of("ä?#"), "%C3%A4%3F%23.json");
}

// ---- directories -------------------------------------------------------------------------------

TEST(DirectoryStore, KeepsOneFileARole) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    DirectoryStore store(directory.path());
    EXPECT_FALSE(store.load("root"));
    store.save("root", "1");
    store.save("root", "2");
    store.save("../x", "3");
    EXPECT_EQ(store.load("root"), "2");
    EXPECT_EQ(store.load("../x"), "3");
    EXPECT_EQ(read_file(directory.path() / "root.json"), "2");
    EXPECT_TRUE(std::filesystem::exists(directory.path() / "..%2Fx.json"));
    store.remove("root");
    store.remove("root");
    EXPECT_FALSE(store.load("root"));
}

TEST(DirectoryRepository, ReadsFilesUpToALength) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    write_file(directory.path() / "timestamp.json", "12345");
    std::filesystem::create_directory(directory.path() / "1.root.json");
    DirectoryRepository repository(directory.path());
    EXPECT_EQ(repository.metadata("timestamp.json", 5), "12345");
    EXPECT_EQ(repository.metadata("2.root.json", 5), std::nullopt);
    EXPECT_EQ(error_of([&] { (void)repository.metadata("timestamp.json", 4); }), fmt::format("cannot read '{}/timestamp.json': it is longer than 4 bytes", directory.path().native()));
    EXPECT_EQ(error_of([&] { (void)repository.metadata("1.root.json", 4); }), fmt::format("cannot read '{}/1.root.json': it is no file", directory.path().native()));
}

} // namespace
