#include <requests/request.hpp>

#include "error_of.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <confirmation/confirmation.hpp>
#include <signing/authenticode.hpp>
#include <signing/base64.hpp>
#include <signing/pcr.hpp>
#include <signing/uefi_variables.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::requests;
using testing::ElementsAre;
namespace fs = std::filesystem;

namespace {

const std::string root = R"({"_type":"root","consistent_snapshot":true,"expires":"2028-11-30T00:00:00Z","keys":{"aa":{"keytype":"ed25519","keyval":{"public":"00"},"scheme":"ed25519"}},)"
                         R"("roles":{"root":{"keyids":["aa","bb"],"threshold":2},"targets":{"keyids":["aa"],"threshold":1}},"spec_version":"1.0.31","version":3,)"
                         R"("x-ashlar-bundle":{"keyids":["bb"],"threshold":1},"x-ashlar-issued":"2026-11-30T08:00:00Z"})";

Holder ed25519() {
    static const auto key = std::make_shared<const SigningKey>(SigningKey::generate(SignatureScheme::ed25519));
    return std::shared_ptr<const MessageSigner>(key);
}
Holder other_ed25519() {
    static const auto key = std::make_shared<const SigningKey>(SigningKey::generate(SignatureScheme::ed25519));
    return std::shared_ptr<const MessageSigner>(key);
}
Holder p384() {
    static const auto key = std::make_shared<const SigningKey>(SigningKey::generate(SignatureScheme::ecdsa_p384));
    return std::shared_ptr<const MessageSigner>(key);
}
Holder rsa() {
    static const auto key = std::make_shared<const PrivateKey>(PrivateKey::generate(RsaBits::rsa2048));
    return std::shared_ptr<const Signer>(key);
}

Bytes bytes(std::string_view text) {
    const ByteView view = bytes_of(text);
    return {view.begin(), view.end()};
}

SigningRequest request_for(std::string_view metadata, const Holder& holder = ed25519()) {
    return make_request(Kind::metadata, "root metadata, version 3", public_half(holder), "root", bytes(metadata));
}
SigningRequest policy() { return make_request(Kind::pcr_policy, "phase 'enter-initrd'", public_half(rsa()), "pcr", Bytes(32, std::byte{0xab})); }

std::string refused(const std::string& text) {
    return error_of([&] { (void)parse_request(text, "a"); });
}
std::string refusal(std::string_view cause) { return fmt::format("cannot read the signing request 'a': {}\n  hint: ask for it again where it comes from", cause); }

// A request whose JSON was changed.
std::string with(const SigningRequest& request, const std::function<void(Json&)>& change) {
    Json json = parse_json(text_of(request), "request");
    change(json);
    return pretty(json);
}

} // namespace

TEST(SigningRequest, HasOneText) {
    const SigningRequest request = request_for(root);
    EXPECT_EQ(text_of(request), fmt::format("{{\n  \"format\": 1,\n  \"key\": \"{}\",\n  \"kind\": \"metadata\",\n  \"message\": \"{}\",\n  \"role\": \"root\",\n"
                                            "  \"scheme\": \"ed25519\",\n  \"subject\": \"root metadata, version 3\"\n}}\n",
                                            fingerprint(public_half(ed25519())).hex(), base64(bytes_of(root))));
    EXPECT_EQ(parse_request(text_of(request), "a"), request);
    EXPECT_EQ(parse_request(text_of(policy()), "a"), policy());
}

TEST(SigningRequest, OtherTextsAreRefused) {
    const SigningRequest request = request_for(root);
    const std::string text = text_of(request);
    EXPECT_EQ(refused(""), refusal("it is not JSON"));
    EXPECT_EQ(refused("[]\n"), refusal("it is not an object"));
    EXPECT_EQ(refused(text + " "), refusal("it is not in the one form that it may have"));
    EXPECT_EQ(refused(parse_json(text, "a").dump()), refusal("it is not in the one form that it may have"));
    std::string twice = text;
    EXPECT_EQ(refused(twice.insert(1, "\n  \"format\": 1,")), refusal("it is not in the one form that it may have"));
    EXPECT_EQ(refused(with(request, [](Json& json) { json["urgent"] = true; })), refusal("unknown key 'urgent'"));
    EXPECT_EQ(refused(with(request, [](Json& json) { json["format"] = 2; })), refusal("its format is 2, this program reads 1"));
    for (const char* key : {"format", "kind", "subject", "scheme", "key", "role", "message"}) {
        EXPECT_EQ(refused(with(request, [&](Json& json) { json.erase(key); })), refusal(fmt::format("'{}' is missing", key)));
        if (key != std::string("format")) {
            EXPECT_EQ(refused(with(request, [&](Json& json) { json[key] = 7; })), refusal(fmt::format("'{}' is no text", key)));
        }
    }
    EXPECT_EQ(refused(with(request, [](Json& json) { json["kind"] = "anything"; })), refusal("'anything' is no kind of request"));
    EXPECT_EQ(refused(with(request, [](Json& json) { json["key"] = "ab"; })), refusal("'key' is no SHA-256 digest"));
    EXPECT_EQ(refused(with(request, [](Json& json) { json["message"] = "*"; })), refusal("'message' is no base64"));
    EXPECT_EQ(refused(with(request, [](Json& json) { json["message"] = ""; })), refusal("'message' is no base64"));
    for (const std::string& subject : {std::string(), std::string(201, 'a'), std::string("\x1b[2J"), std::string("Grüße")})
        EXPECT_EQ(refused(with(request, [&](Json& json) { json["subject"] = subject; })), refusal("'subject' is not 1 to 200 characters of printable ASCII"));
    for (const std::string& role : {std::string(), std::string(65, 'a'), std::string("a b"), std::string("../a")})
        EXPECT_EQ(refused(with(request, [&](Json& json) { json["role"] = role; })), refusal("'role' is not 1 to 64 letters, digits, '.', '-' and '_'"));
    EXPECT_EQ(refused(std::string(most_request_bytes + 1, ' ')), refusal("it has more than 8388608 bytes"));
    EXPECT_EQ(error_of([] { (void)request_for(std::string(most_message_bytes + 1, ' ')); }),
              "cannot make the signing request 'root metadata, version 3': its message has 5000001 bytes, not 1 to 5000000");
}

// A key for images must not come to sign what something else would take for an image, and the other way round.
TEST(SigningRequest, SchemesAndMessagesBelongToKinds) {
    const auto scheme = [](const SigningRequest& request, const char* name) { return refused(with(request, [&](Json& json) { json["scheme"] = name; })); };
    for (const char* name : {"rsa-pkcs1v15-sha256", "rsassa-pss-sha256", "none", ""}) EXPECT_EQ(scheme(request_for(root), name), refusal(fmt::format("'{}' is no scheme for metadata", name)));
    EXPECT_EQ(scheme(policy(), "ed25519"), refusal("'ed25519' is no scheme for pcr-policy"));
    SigningRequest changed = policy();
    changed.role = "";
    EXPECT_EQ(error_of([&] { (void)text_of(changed); }), "cannot write the signing request 'phase 'enter-initrd'': 'role' is not 1 to 64 letters, digits, '.', '-' and '_'");
    const auto message = [](Kind kind, std::string_view text) {
        return error_of([&] { (void)make_request(kind, "a", public_half(rsa()), "db", bytes(text)); });
    };
    EXPECT_EQ(message(Kind::authenticode, "anything"), "cannot make the signing request 'a': its message is not what Authenticode signs");
    EXPECT_EQ(message(Kind::pcr_policy, "anything"), "cannot make the signing request 'a': its message is not a TPM policy digest of 32 bytes");
    EXPECT_EQ(message(Kind::uefi_variable, "anything"), "cannot make the signing request 'a': its message is not an update of PK, KEK, db or dbx");
    EXPECT_EQ(message(Kind::metadata, root), "cannot make the signing request 'a': 'rsa-pkcs1v15-sha256' is no scheme for metadata");
    EXPECT_EQ(error_of([] { (void)make_request(Kind::pcr_policy, "a", public_half(ed25519()), "pcr", Bytes(32)); }),
              "cannot make the signing request 'a': 'ed25519' is no scheme for pcr-policy");
}

// ---- What it says ------------------------------------------------------------------------------

TEST(Describe, Root) {
    EXPECT_THAT(describe(request_for(root)),
                ElementsAre("root metadata, version 3, expires 2028-11-30T00:00:00Z, issued 2026-11-30T08:00:00Z", "role root: 2 of 2 keys: aa, bb",
                            "role targets: 1 of 1 key: aa", "role bundle: 1 of 1 key: bb", "key aa: ed25519"));
}

TEST(Describe, TargetsAndWhomTheyDelegateTo) {
    const std::string text = R"({"_type":"targets","delegations":{"keys":{"cc":{"scheme":"ecdsa-sha2-nistp256"}},"roles":[{"keyids":["cc"],"name":"train-R1",)"
                             R"("paths":["trains/R1/*/*","trains/R1/*"],"terminating":true,"threshold":1}]},"expires":"2027-11-30T00:00:00Z","targets":{},"version":1})";
    EXPECT_THAT(describe(request_for(text)),
                ElementsAre("targets metadata, version 1, expires 2027-11-30T00:00:00Z", "0 targets", "delegates trains/R1/*/* trains/R1/* to train-R1, 1 of 1 key: cc",
                            "key cc: ecdsa-sha2-nistp256"));
}

TEST(Describe, ATrainsReleasesFloorAndRevocations) {
    const std::string text = R"({"_type":"targets","expires":"2028-06-30T00:00:00Z","targets":{)"
                             R"("trains/R1/R1.0/release.json":{"custom":{"channel":"stable","release":"R1.0"},"hashes":{},"length":1},"trains/R1/R1.0/uki.efi":{"hashes":{},"length":1}},)"
                             R"("version":7,"x-ashlar-train":{"revoked":{"R1.1":"loses data\\ now"},"security_floor":"R1.0","train":"R1"}})";
    EXPECT_THAT(describe(request_for(text)),
                ElementsAre("targets metadata, version 7, expires 2028-06-30T00:00:00Z", "train R1, nothing older than R1.0 is installed", "revoked: R1.1 (loses data\\x5c now)", "2 targets",
                            "release R1.0, channel stable: trains/R1/R1.0/release.json"));
}

TEST(Describe, SnapshotAndBundle) {
    EXPECT_THAT(describe(request_for(R"({"_type":"snapshot","expires":"a","meta":{"targets.json":{"version":2}},"version":3})")),
                ElementsAre("snapshot metadata, version 3, expires a", "targets.json version 2"));
    EXPECT_THAT(describe(request_for(R"({"_type":"bundle","expires":"a","meta":{"train-R1.json":{"version":2}},"targets":["a","b"],"train":"R1","version":3})")),
                ElementsAre("bundle metadata, version 3, expires a", "train R1, 2 targets", "train-R1.json version 2"));
}

TEST(Describe, AConfirmationNamesItsKeyAndItsImages) {
    const auto by = [](const Holder& holder) {
        return confirmation::Confirmation{.release = parse_release_version("R1.0").value(),
                                          .document = sha256("release.json"),
                                          .images = {{.role = "base", .architecture = "amd64", .root_hash = sha256("root"), .uki = sha256("uki")}},
                                          .ashlar = "0.1.0",
                                          .issued = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)),
                                          .key = std::get<VerifyingKey>(public_half(holder))};
    };
    const auto request = [&](const Holder& named, const Holder& asked) { return make_request(Kind::confirmation, "release R1.0", public_half(asked), "rebuilder", bytes(confirmation::message_of(by(named)))); };
    for (const Holder& holder : {ed25519(), p384()}) {
        EXPECT_EQ(describe(request(holder, holder)), confirmation::describe(by(holder)));
        EXPECT_EQ(parse_request(text_of(request(holder, holder)), "a"), request(holder, holder));
    }
    EXPECT_EQ(error_of([&] { (void)request(ed25519(), other_ed25519()); }), "cannot make the signing request 'release R1.0': its message is a confirmation by another key");
    EXPECT_EQ(error_of([&] { (void)make_request(Kind::confirmation, "a", public_half(ed25519()), "rebuilder", bytes(root)); }), "cannot make the signing request 'a': its message is not a confirmation of a release");
    EXPECT_EQ(error_of([&] { (void)make_request(Kind::metadata, "a", public_half(ed25519()), "root", bytes(confirmation::message_of(by(ed25519())))); }),
              "cannot make the signing request 'a': its message is of a type that is not known: 'confirmation'");
    EXPECT_EQ(error_of([&] { (void)make_request(Kind::confirmation, "a", public_half(rsa()), "rebuilder", bytes(confirmation::message_of(by(ed25519())))); }),
              "cannot make the signing request 'a': 'rsa-pkcs1v15-sha256' is no scheme for confirmation");
}

// Canonical JSON has the line feeds of a PEM as they are.
TEST(Describe, AKeyThatIsAPem) {
    const std::string text = "{\"_type\":\"targets\",\"delegations\":{\"keys\":{\"cc\":{\"keyval\":{\"public\":\"-----BEGIN PUBLIC KEY-----\nMFkw\n\"},\"scheme\":\"ecdsa-sha2-nistp256\"}},\"roles\":[]},"
                             "\"expires\":\"2027-11-30T00:00:00Z\",\"targets\":{},\"version\":1}";
    EXPECT_THAT(describe(request_for(text)), ElementsAre("targets metadata, version 1, expires 2027-11-30T00:00:00Z", "0 targets", "key cc: ecdsa-sha2-nistp256"));
    EXPECT_EQ(parse_request(text_of(request_for(text)), "a"), request_for(text));
}

// What is shown must be what every other reader reads, and must not reach the terminal as anything but text.
TEST(Describe, RefusesWhatIsNotWhatItSeems) {
    const auto cause = [](std::string_view text) {
        const std::string error = error_of([&] { (void)request_for(text); });
        return error.substr(std::min(error.size(), std::string("cannot make the signing request 'root metadata, version 3': ").size()));
    };
    EXPECT_EQ(cause("no JSON"), "its message is not JSON");
    EXPECT_EQ(cause("[]"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"_type": "root"})"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"version":1,"_type":"root"})"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"_type":"root","_type":"snapshot"})"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"_type":"root","version":1.5})"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"_type":"\u001b[2J"})"), "its message is not canonical JSON");
    EXPECT_EQ(cause(R"({"\n":1,"_type":"root"})"), "its message is not canonical JSON");
    EXPECT_EQ(cause("{\"_type\":\"ro\\/ot\"}"), "its message is not canonical JSON");
    EXPECT_EQ(cause("{\"_type\":\"a\x1b\"}"), "its message is not canonical JSON");
    EXPECT_EQ(cause("{\"_type\":\"root\"}\n"), "its message is not JSON");
    EXPECT_EQ(cause(std::string(100000, '[') + std::string(100000, ']')), "its message is not JSON");
    EXPECT_EQ(cause(R"({"version":1})"), "its message has no text '_type'");
    EXPECT_EQ(cause(R"({"_type":"mirrors","version":1})"), "its message is of a type that is not known: 'mirrors'");
    EXPECT_EQ(cause(R"({"_type":"root","expires":"a","version":1})"), "its message has no 'roles' as it should be");
    EXPECT_EQ(cause(R"({"_type":"root","expires":"a","version":-1})"), "its message has no number 'version'");
    EXPECT_EQ(describe(request_for("{\"_type\":\"snapshot\",\"expires\":\"\u202e\",\"meta\":{},\"version\":1}")).front(), "snapshot metadata, version 1, expires \\xe2\\x80\\xae");
}

TEST(Describe, FirmwaresMessages) {
    EXPECT_THAT(describe(policy()), ElementsAre("a state of the TPM in which it releases the secrets of a node", fmt::format("policy digest: {}", to_hex(Bytes(32, std::byte{0xab})))));
    const Guid owner = *Guid::from_text("6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55");
    const VariableUpdate update{SecureBootVariable::forbidden, VariableWrite::append, Time(std::chrono::seconds(1'700'000'000)), signature_lists({{}, {{owner, sha256("image")}}})};
    EXPECT_THAT(describe(make_request(Kind::uefi_variable, "a", public_half(rsa()), "KEK", message_of(update))),
                ElementsAre("adds to dbx, time 2023-11-14T22:13:20Z", fmt::format("image {}", sha256("image").hex())));
}

// ---- Answers -----------------------------------------------------------------------------------

namespace {

std::string unusable(std::string_view cause) { return fmt::format("cannot use the answer 'a': {}\n  hint: sign the request again", cause); }

} // namespace

TEST(SigningAnswer, FitsItsRequest) {
    for (const auto& [request, holder] : {std::pair(request_for(root), ed25519()), std::pair(request_for(root, p384()), p384()), std::pair(policy(), rsa())}) {
        const std::string text = text_of(request);
        const SigningAnswer answer = make_answer(text, holder, "a");
        EXPECT_EQ(parse_answer(text_of(answer), "a"), answer);
        EXPECT_EQ(check_answer(text_of(answer), text, public_half(holder), "a"), answer.signature);
    }
}

TEST(SigningAnswer, IsRefusedForAnythingElse) {
    const std::string text = text_of(request_for(root));
    const SigningAnswer answer = make_answer(text, ed25519(), "a");
    const auto cause = [&](const SigningAnswer& given, const std::string& request, const Holder& holder) {
        return error_of([&] { (void)check_answer(text_of(given), request, public_half(holder), "a"); });
    };
    const std::string own = fingerprint(public_half(ed25519())).hex(), other = fingerprint(public_half(other_ed25519())).hex();
    const std::string changed = with(request_for(root), [](Json& json) { json["subject"] = "something harmless"; });
    EXPECT_EQ(cause(answer, changed, ed25519()), unusable("it is for another request, or the request was changed"));
    EXPECT_EQ(cause(answer, text, other_ed25519()), unusable(fmt::format("its request asks for the key {}, not {}", own, other)));
    EXPECT_EQ(cause(answer, text, rsa()), unusable(fmt::format("its request asks for the key {}, not {}", own, fingerprint(public_half(rsa())).hex())));
    SigningAnswer by_another = make_answer(text_of(request_for(root, other_ed25519())), other_ed25519(), "a");
    by_another.request = answer.request;
    EXPECT_EQ(cause(by_another, text, ed25519()), unusable(fmt::format("it is by the key {}, not {}", other, own)));
    by_another.key = answer.key;
    EXPECT_EQ(cause(by_another, text, ed25519()), unusable("its signature is not right"));
    SigningAnswer tampered = answer;
    tampered.signature[0] ^= std::byte{1};
    EXPECT_EQ(cause(tampered, text, ed25519()), unusable("its signature is not right"));
    EXPECT_EQ(error_of([&] { (void)make_answer(text, other_ed25519(), "a"); }),
              fmt::format("cannot answer the signing request 'a': it asks for another key, root {}\n  hint: name that key", own));
}

TEST(SigningAnswer, OtherTextsAreRefused) {
    const std::string text = text_of(make_answer(text_of(request_for(root)), ed25519(), "a"));
    const auto cause = [](const std::string& given) { return error_of([&] { (void)parse_answer(given, "a"); }); };
    const auto said = [](std::string_view why) { return fmt::format("cannot read the signing answer 'a': {}\n  hint: sign the request again", why); };
    EXPECT_EQ(cause("{"), said("it is not JSON"));
    EXPECT_EQ(cause(text + "\n"), said("it is not in the one form that it may have"));
    EXPECT_EQ(cause(std::string(most_answer_bytes + 1, ' ')), said("it has more than 65536 bytes"));
    Json json = parse_json(text, "a");
    json["comment"] = "";
    EXPECT_EQ(cause(pretty(json)), said("unknown key 'comment'"));
    json.erase("comment");
    json.erase("signature");
    EXPECT_EQ(cause(pretty(json)), said("'signature' is missing"));
}

// What a build attaches is what came back, and it is what a key at hand would have given.
TEST(SigningAnswer, IsAttachedToWhatAsked) {
    const auto signer = std::get<std::shared_ptr<const Signer>>(rsa());
    const auto& key = dynamic_cast<const PrivateKey&>(*signer);
    const Time start{std::chrono::seconds(1'700'000'000)};
    const Identity identity{signer, make_self_signed(key, {"Example", "Example signing", CertificateUse::code_signing, start, start + std::chrono::years(10)})};
    const auto answered = [&](Kind kind, Bytes message) {
        const std::string text = text_of(make_request(kind, "a", public_half(rsa()), "db", std::move(message)));
        return check_answer(text_of(make_answer(text, rsa(), "a")), text, signer->public_key(), "a");
    };
    const std::string file = read_file(fs::path(ASHLAR_SOURCE_DIR) / "tests/fuzz/corpus/pe/stub.efi");
    const Bytes image = bytes(file);
    EXPECT_EQ(attach_authenticode(image, identity.certificate, answered(Kind::authenticode, request_authenticode(image, "image").message), "image"),
              sign_authenticode(image, identity, "image"));

    const VariableUpdate update{SecureBootVariable::allowed, VariableWrite::replace, start, signature_lists({{{*Guid::from_text("6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55"), identity.certificate}}, {}})};
    EXPECT_EQ(attach_variable(update, identity.certificate, answered(Kind::uefi_variable, message_of(update))), sign_variable(update, identity));

    const PcrPolicy policy_of_phase{"enter-initrd", 0, sha256("pcr"), sha256("policy"), sha256(sha256("policy").bytes())};
    const auto& digest = policy_of_phase.policy.bytes();
    EXPECT_EQ(attach_pcr_signatures({policy_of_phase}, signer->public_key(), {answered(Kind::pcr_policy, {digest.begin(), digest.end()})}), sign_pcr_policies({policy_of_phase}, *signer));
}

namespace {

// A token whose private key is not the one that its public key says.
class Mistaken final : public MessageSigner {
public:
    [[nodiscard]] VerifyingKey verifying_key() const override { return std::get<VerifyingKey>(public_half(ed25519())); }
    [[nodiscard]] Bytes sign(ByteView message) const override { return std::get<std::shared_ptr<const MessageSigner>>(other_ed25519())->sign(message); }
};

} // namespace

TEST(SigningAnswer, WhatATokenGivesIsChecked) {
    EXPECT_EQ(error_of([] { (void)make_answer(text_of(request_for(root)), std::shared_ptr<const MessageSigner>(std::make_shared<Mistaken>()), "a"); }),
              "cannot answer the signing request 'a': what the key gave is not its signature\n  hint: does its public half in the token belong to it?");
}

RC_GTEST_PROP(SigningRequest, NoChangedByteIsAccepted, ()) {
    static const std::string text = text_of(request_for(root)), answer = text_of(make_answer(text, ed25519(), "a"));
    const bool in_answer = *rc::gen::arbitrary<bool>();
    std::string changed = in_answer ? answer : text;
    const auto at = *rc::gen::inRange<std::size_t>(0, changed.size());
    changed[at] = static_cast<char>(changed[at] ^ (1 << *rc::gen::inRange(0, 8)));
    RC_ASSERT_THROWS_AS((void)check_answer(in_answer ? changed : answer, in_answer ? text : changed, public_half(ed25519()), "a"), Error);
}

// ---- Files -------------------------------------------------------------------------------------

TEST(RequestFiles, AreThoseOfADirectoryByName) {
    const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-requests-");
    for (const char* name : {"b.request.json", "a.request.json", "a.answer.json", "notes.txt"}) write_file(directory.path() / name, "");
    EXPECT_THAT(request_files(directory.path()), ElementsAre(directory.path() / "a.request.json", directory.path() / "b.request.json"));
    EXPECT_EQ(answer_path("x/a.request.json"), "x/a.answer.json");
    EXPECT_EQ(error_of([] { (void)answer_path("x/a.json"); }), "cannot use the signing request 'x/a.json': its name does not end in .request.json");
    write_file(directory.path() / "large", std::string(most_answer_bytes + 5, 'a'));
    EXPECT_EQ(read_answer(directory.path() / "large").size(), most_answer_bytes + 1);
}
