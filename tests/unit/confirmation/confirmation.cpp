#include <confirmation/confirmation.hpp>

#include "cluster_releases.hpp"
#include "error_of.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::confirmation;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

const SigningKey& key(SignatureScheme scheme = SignatureScheme::ed25519) {
    static const SigningKey ed25519 = SigningKey::generate(SignatureScheme::ed25519), p256 = SigningKey::generate(SignatureScheme::ecdsa_p256), p384 = SigningKey::generate(SignatureScheme::ecdsa_p384);
    return scheme == SignatureScheme::ed25519 ? ed25519 : scheme == SignatureScheme::ecdsa_p256 ? p256 : p384;
}

Confirmation of(const SigningKey& signer = key()) {
    const ClusterRelease release = samples::cluster_release("R1.0");
    return {.release = release.release,
            .document = sha256(cluster_release_text(release)),
            .images = images_of(release),
            .ashlar = "0.1.0",
            .issued = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)),
            .key = signer.verifying_key()};
}
std::string signed_by(const SigningKey& signer, const Confirmation& confirmation) { return text_of(confirmation, signer.sign(bytes_of(message_of(confirmation)))); }

std::string refused(const std::string& text) {
    return error_of([&] { (void)parse(text, "a.json"); });
}
std::string refusal(std::string_view cause) { return fmt::format("cannot use the confirmation 'a.json': {}\n  hint: ask whoever built the release again for another one", cause); }

// Signed with one thing changed.
std::string with(const std::function<void(Json&)>& change) {
    tuf::Envelope envelope{.signed_part = json_of(of()), .signatures = {}};
    change(envelope.signed_part);
    envelope.signatures = {{key_id(key().verifying_key()).hex(), key().sign(bytes_of(envelope.signed_bytes()))}};
    return tuf::text_of(envelope);
}

} // namespace

TEST(Confirmation, ReadsBackWithEveryKindOfKey) {
    for (const auto scheme : {SignatureScheme::ed25519, SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384})
        EXPECT_EQ(parse(signed_by(key(scheme), of(key(scheme))), "a.json"), of(key(scheme))) << name_of(scheme);
}

TEST(Confirmation, IsTheFormatThatItsPageDescribes) {
    const Json json = parse_json(signed_by(key(), of()), "a.json");
    const Json& part = json.at("signed");
    EXPECT_EQ(json.at("signatures").at(0).at("keyid"), sha256(key().verifying_key().der()).hex());
    EXPECT_EQ(part.at("_type"), "confirmation");
    EXPECT_EQ(part.at("format"), 1);
    EXPECT_EQ(part.at("release"), "R1.0");
    EXPECT_EQ(part.at("release_document"), "sha256:" + sha256(cluster_release_text(samples::cluster_release("R1.0"))).hex());
    EXPECT_EQ(part.at("issued"), "2026-11-30T00:00:00Z");
    EXPECT_EQ(part.at("key"), (Json{{"scheme", "ed25519"}, {"public", to_hex(key().verifying_key().der())}}));
    EXPECT_EQ(part.at("images").at(0), (Json{{"role", "compute"}, {"architecture", "amd64"}, {"root_hash", "sha256:" + sha256("ashlar_compute_R1.0_amd64 root").hex()},
                                             {"uki", "sha256:" + sha256("ashlar_compute_R1.0_amd64.efi").hex()}}));
    EXPECT_EQ(part.at("images").at(1).at("role"), "control");
}

TEST(Confirmation, IsReadStrictly) {
    EXPECT_EQ(refused(with([](Json& json) { json["colour"] = "red"; })), refusal("it has not the members of a confirmation, and no others"));
    EXPECT_EQ(refused(with([](Json& json) { json["images"][0]["disk"] = "x"; })), refusal("it has not the members of a confirmation, and no others"));
    EXPECT_EQ(refused(with([](Json& json) { json["images"] = "all"; })), refusal("it has not the members of a confirmation, and no others"));
    for (const char* member : {"_type", "format", "release", "release_document", "images", "ashlar", "issued", "key"})
        EXPECT_EQ(refused(with([&](Json& json) { json.erase(member); })), refusal("it has not the members of a confirmation, and no others")) << member;
    EXPECT_EQ(refused(with([](Json& json) { json["_type"] = "targets"; })), refusal("it is something else"));
    EXPECT_EQ(refused(with([](Json& json) { json["format"] = 2; })), refusal("this program reads format 1 and no other"));
    EXPECT_EQ(refused(with([](Json& json) { json["release"] = "R1"; })), refusal("'release' is none"));
    EXPECT_EQ(refused(with([](Json& json) { json["release_document"] = sha256("x").hex(); })), refusal("'release_document' is none"));
    EXPECT_EQ(refused(with([](Json& json) { json["issued"] = "yesterday"; })), refusal("'issued' is none"));
    EXPECT_EQ(refused(with([](Json& json) { json["images"] = Json::array(); })), refusal("it names no image"));
    EXPECT_EQ(refused(with([](Json& json) { json["ashlar"] = "\x1b[2J"; })), refusal("its version of ashlar is none"));
    EXPECT_EQ(refused(with([](Json& json) { json["images"][0]["role"] = ""; })), refusal("a role or an architecture has no name that it may have"));
    EXPECT_EQ(refused(with([](Json& json) { std::swap(json["images"][0], json["images"][1]); })), refusal("its images are not sorted by role and architecture, each once"));
    EXPECT_EQ(refused(with([](Json& json) { json["images"][1] = json["images"][0]; })), refusal("its images are not sorted by role and architecture, each once"));
    EXPECT_EQ(refused(with([](Json& json) { json["key"]["scheme"] = "rot13"; })), refusal("'scheme' is none"));
    EXPECT_EQ(refused(std::string(most_bytes + 1, ' ')), refusal("it has more than 262144 bytes"));
    EXPECT_THAT(refused("{}"), StartsWith("cannot read 'a.json': "));
}

TEST(Confirmation, IsSignedOnceByTheKeyThatItNames) {
    const std::string text = signed_by(key(), of());
    const auto reader = [](const std::string& from) { return tuf::parse_envelope(from, "a.json"); };
    tuf::Envelope envelope = reader(text);
    envelope.signatures.front().bytes = key(SignatureScheme::ecdsa_p256).sign(bytes_of(message_of(of())));
    EXPECT_EQ(refused(tuf::text_of(envelope)), refusal("its signature is not right"));
    envelope = reader(text);
    envelope.signatures.push_back({key_id(key(SignatureScheme::ecdsa_p256).verifying_key()).hex(), {}});
    EXPECT_EQ(refused(tuf::text_of(envelope)), refusal("it is not signed once, by the key that it names"));
    envelope.signatures.clear();
    EXPECT_EQ(refused(tuf::text_of(envelope)), refusal("it is not signed once, by the key that it names"));
    EXPECT_EQ(refused(text + "\n"), refusal("it is not in the one form that it may have"));
}

TEST(Confirmation, NoByteOfItCanBeChanged) {
    const std::string text = signed_by(key(), of());
    for (std::size_t at = 0; at < text.size(); ++at)
        for (const int bit : {0, 1, 4, 6}) {
            std::string changed = text;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            ASSERT_NE(refused(changed), "no error") << "byte " << at << ", bit " << bit;
        }
}

TEST(Confirmation, ItsMessageHasOneForm) {
    const std::string message = message_of(of());
    EXPECT_EQ(read_message(message, "message"), of());
    EXPECT_EQ(error_of([&] { (void)read_message(message + " ", "message"); }), "cannot use the confirmation 'message': it is not canonical JSON\n  hint: ask whoever built the release again for another one");
}

TEST(Confirmation, SaysWhatIsSigned) {
    EXPECT_THAT(describe(of()), ElementsAre("release R1.0 was built again and is the same bytes, says ashlar 0.1.0, 2026-11-30T00:00:00Z", "release.json: sha256:" + of().document.hex(),
                                            "signed by the key " + key_id(key().verifying_key()).hex() + " (ed25519)",
                                            "image compute amd64: root hash sha256:" + sha256("ashlar_compute_R1.0_amd64 root").hex(), "image compute amd64: UKI sha256:" + sha256("ashlar_compute_R1.0_amd64.efi").hex(),
                                            "image control amd64: root hash sha256:" + sha256("ashlar_control_R1.0_amd64 root").hex(), "image control amd64: UKI sha256:" + sha256("ashlar_control_R1.0_amd64.efi").hex()));
}

TEST(Confirmation, HasAFileOfItsKeysName) {
    const std::string name = file_name_of(key().verifying_key());
    EXPECT_EQ(name, "confirmation." + sha256(key().verifying_key().der()).hex() + ".json");
    EXPECT_EQ(key_id_in(name), key_id(key().verifying_key()));
    for (const char* other : {"release.json", "confirmation.json", "confirmation..json", "confirmation.ab.json", "ashlar_R1.0.lock"}) EXPECT_FALSE(key_id_in(other)) << other;
}
