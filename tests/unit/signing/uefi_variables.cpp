#include "samples.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/uefi_variables.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

const Guid owner = *Guid::from_text("6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55");
const fs::path vendor_directory = fs::path(ASHLAR_SOURCE_DIR) / "recipes/keys/uefi";

SignatureDatabase one_certificate() { return {{{owner, samples::identity().certificate}}, {}}; }

std::vector<std::string> subjects(const std::vector<TrustedCertificate>& certificates) {
    std::vector<std::string> found;
    for (const auto& one : certificates) found.push_back(one.certificate.subject().substr(one.certificate.subject().find("CN = ") + 5));
    return found;
}

constexpr std::size_t auth_header = 16 + 24; // EFI_TIME and WIN_CERTIFICATE_UEFI_GUID

// The SignedData of an .auth file, in the ContentInfo that general tools want.
Bytes pkcs7_of(ByteView auth) {
    const std::size_t size = *little_endian_at<std::uint32_t>(auth, 16) - 24;
    Bytes wrapped = *from_hex("3082000006092a864886f70d010702a0820000");
    put_little_endian(std::span(wrapped), 2, static_cast<std::uint16_t>((size + 15) >> 8 | ((size + 15) & 0xff) << 8));
    put_little_endian(std::span(wrapped), 17, static_cast<std::uint16_t>(size >> 8 | (size & 0xff) << 8));
    append(wrapped, auth.subspan(auth_header, size));
    return wrapped;
}

} // namespace

TEST(SignatureLists, AreWhatSbsiglistMakes) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "db.der", text_of(samples::identity().certificate.der()));
    run_checked({.argv = {"sbsiglist", "--owner", owner.text(), "--type", "x509", "--output", dir.path() / "db.esl", dir.path() / "db.der"}});
    EXPECT_EQ(text_of(signature_lists(one_certificate())), read_file(dir.path() / "db.esl"));

    write_file(dir.path() / "hash", text_of(sha256("image").bytes()));
    run_checked({.argv = {"sbsiglist", "--owner", owner.text(), "--type", "sha256", "--output", dir.path() / "dbx.esl", dir.path() / "hash"}});
    EXPECT_EQ(text_of(signature_lists({{}, {{owner, sha256("image")}}})), read_file(dir.path() / "dbx.esl"));
}

TEST(SignatureLists, AreReadBack) {
    const SignatureDatabase database{{{owner, samples::identity(0).certificate}, {owner, samples::identity(1).certificate}},
                                     {{owner, sha256("one")}, {owner, sha256("two")}}};
    EXPECT_EQ(parse_signature_lists(signature_lists(database), "db"), database);
    EXPECT_EQ(parse_signature_lists({}, "db"), SignatureDatabase{});
}

TEST(SignatureLists, HashesAreFoundAmongOtherKinds) {
    Bytes lists = signature_lists({{{owner, samples::identity().certificate}}, {{owner, sha256("one")}, {owner, sha256("two")}}});
    Bytes foreign = signature_lists({{}, {{owner, sha256("of another kind")}}});
    foreign[0] ^= std::byte{1};
    append(foreign, lists);
    EXPECT_EQ(listed_hashes(foreign, "dbx"), (std::vector<Digest>{sha256("one"), sha256("two")}));
    EXPECT_EQ(samples::error_of([&] { (void)listed_hashes(ByteView(foreign).first(foreign.size() - 1), "dbx"); }),
              "cannot read the signature lists of 'dbx': the sizes of a list contradict each other");
}

TEST(AuthenticatedVariable, GivesItsListsBack) {
    const Bytes lists = signature_lists({{}, {{owner, sha256("one")}}});
    const Bytes auth = sign_variable({SecureBootVariable::forbidden, VariableWrite::append, samples::start, lists}, samples::identity());
    EXPECT_EQ(text_of(lists_of_update(auth, "dbx.auth")), text_of(lists));
    const auto refusal = [](const Bytes& bytes) { return samples::error_of([&] { (void)lists_of_update(bytes, "dbx.auth"); }); };
    EXPECT_EQ(refusal({auth.begin(), auth.begin() + 39}), "cannot read 'dbx.auth': it ends inside its header");
    EXPECT_EQ(refusal({auth.begin(), auth.end() - static_cast<std::ptrdiff_t>(lists.size()) - 1}), "cannot read 'dbx.auth': its signature is longer than it is");
    for (const std::size_t at : {20U, 22U, 24U, 39U}) {
        Bytes changed = auth;
        changed[at] ^= std::byte{1};
        EXPECT_EQ(refusal(changed), "cannot read 'dbx.auth': it is not a signed update of a firmware's variable") << at;
    }
}

TEST(SignatureLists, RefusesDamage) {
    Bytes lists = signature_lists(one_certificate());
    Bytes cut(lists.begin(), lists.end() - 1);
    EXPECT_EQ(samples::error_of([&] { (void)parse_signature_lists(cut, "db"); }),
              "cannot read the signature lists of 'db': the sizes of a list contradict each other");
    EXPECT_EQ(samples::error_of([&] { (void)parse_signature_lists(ByteView(lists).first(20), "db"); }),
              "cannot read the signature lists of 'db': a list ends inside its header");
    lists[0] = std::byte{0};
    EXPECT_EQ(samples::error_of([&] { (void)parse_signature_lists(lists, "db"); }),
              "cannot read the signature lists of 'db': a list of kind a5c05900-94e4-4aa7-87b5-ab155c2bf072 is not known here");
}

RC_GTEST_PROP(SignatureListsProperty, AnyBytesAreReadOrRefused, ()) {
    Bytes lists = signature_lists({{{owner, samples::identity().certificate}}, {{owner, sha256("one")}}});
    for (int i = 0; i < 4; ++i)
        lists[*rc::gen::inRange<std::size_t>(0, lists.size())] = static_cast<std::byte>(*rc::gen::inRange(0, 256));
    try {
        (void)parse_signature_lists(lists, "db");
    } catch (const Error&) {
    }
}

TEST(AuthenticatedVariable, OpensslVerifiesItOverWhatFirmwareHashes) {
    const Bytes lists = signature_lists(one_certificate());
    const Bytes auth = sign_variable({SecureBootVariable::allowed, VariableWrite::replace, samples::start, lists}, samples::identity());
    EXPECT_EQ(to_hex(ByteView(auth).first(16)), "e7070b0e160d14000000000000000000") << "2023-11-14 22:13:20";
    EXPECT_TRUE(std::ranges::equal(ByteView(auth).last(lists.size()), lists));

    // Name in UTF-16 without its end, vendor GUID, attributes, time, data.
    Bytes hashed = *from_hex("64006200cbb219d73a3d9645a3bcdad00e67656f27000000");
    append(hashed, ByteView(auth).first(16));
    append(hashed, lists);
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "content", text_of(hashed));
    write_file(dir.path() / "signature", text_of(pkcs7_of(auth)));
    write_file(dir.path() / "ca.pem", samples::identity().certificate.pem());
    const std::vector<std::string> verify{"openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in", dir.path() / "signature",
                                          "-content", dir.path() / "content", "-noverify", "-out", "/dev/null"};
    EXPECT_TRUE(run({.argv = verify}).ok());
    hashed.back() ^= std::byte{1};
    write_file(dir.path() / "content", text_of(hashed));
    EXPECT_FALSE(run({.argv = verify}).ok());
}

TEST(AuthenticatedVariable, DependsOnNameAndWrite) {
    const Bytes lists = signature_lists(one_certificate());
    const auto request = [&](SecureBootVariable variable, VariableWrite write) {
        return request_variable({variable, write, samples::start, lists});
    };
    EXPECT_NE(request(SecureBootVariable::allowed, VariableWrite::replace), request(SecureBootVariable::forbidden, VariableWrite::replace));
    EXPECT_NE(request(SecureBootVariable::forbidden, VariableWrite::append), request(SecureBootVariable::forbidden, VariableWrite::replace));
}

TEST(AuthenticatedVariable, RefusesAnAnswerOfAnotherKey) {
    const VariableUpdate update{SecureBootVariable::allowed, VariableWrite::replace, samples::start, {}};
    const Bytes answer = samples::key(1)->sign(request_variable(update));
    EXPECT_EQ(samples::error_of([&] { (void)attach_variable(update, samples::identity(0).certificate, answer); }),
              "cannot attach the signature to 'db': it is not the signature of 'O = Example, CN = Example signing 0' over this "
              "request\n  hint: sign the request again with the key of that certificate");
}

TEST(VendorCertificates, AreLoadedByTrust) {
    EXPECT_TRUE(load_vendor_certificates(vendor_directory, VendorTrust::none).allowed.empty());
    const auto roms = load_vendor_certificates(vendor_directory, VendorTrust::option_roms);
    EXPECT_EQ(subjects(roms.allowed),
              (std::vector<std::string>{"Microsoft Corporation UEFI CA 2011", "Microsoft Option ROM UEFI CA 2023"}));
    EXPECT_TRUE(roms.key_exchange.empty());
    const auto all = load_vendor_certificates(vendor_directory, VendorTrust::everything);
    EXPECT_EQ(all.allowed.size(), 5);
    EXPECT_EQ(subjects(all.key_exchange),
              (std::vector<std::string>{"Microsoft Corporation KEK CA 2011", "Microsoft Corporation KEK 2K CA 2023"}));
}

// Pinned, because whoever swaps a file here gets into every db. SHA-256 of the DER.
TEST(VendorCertificates, AreTheVendorsOwn) {
    const auto all = load_vendor_certificates(vendor_directory, VendorTrust::everything);
    std::vector<std::string> fingerprints;
    for (const auto* list : {&all.allowed, &all.key_exchange})
        for (const auto& one : *list) fingerprints.push_back(one.certificate.fingerprint().hex());
    EXPECT_EQ(fingerprints, (std::vector<std::string>{
                                "48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507",
                                "e5be3e64c6e66a281457ecdece0d6d0787577aad2a3a0144262c10c14ba8d8f1",
                                "f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901",
                                "e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961",
                                "076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330",
                                "a1117f516a32cefcba3f2d1ace10a87972fd6bbe8fe0d0b996e09e65d802a503",
                                "3cd3f0309edae228767a976dd40d9f4affc4fbd5218f2e8cc3c9dd97e8ac6f9d"}));
}

TEST(VendorCertificates, AMissingFileIsAnError) {
    EXPECT_EQ(samples::error_of([] { (void)load_vendor_certificates("/nonexistent", VendorTrust::option_roms); }),
              "cannot open '/nonexistent/microsoft-uefi-ca-2011.pem': No such file or directory");
}

TEST(VariableMessage, IsReadBack) {
    using enum SecureBootVariable;
    for (const auto variable : {platform_key, key_exchange, allowed, forbidden})
        for (const auto write : {VariableWrite::replace, VariableWrite::append}) {
            const VariableUpdate update{variable, write, samples::start, signature_lists(one_certificate())};
            const Bytes message = message_of(update);
            EXPECT_EQ(sha256(message), request_variable(update));
            const VariableUpdate read = parse_variable_message(message, "message");
            EXPECT_EQ(read.variable, variable);
            EXPECT_EQ(read.write, write);
            EXPECT_EQ(read.time, samples::start);
            EXPECT_EQ(read.lists, update.lists);
        }
}

TEST(VariableMessage, AnythingElseIsRefused) {
    const Bytes message = message_of({SecureBootVariable::forbidden, VariableWrite::append, samples::start, signature_lists({{}, {{owner, sha256("image")}}})});
    const std::size_t list = 28 + 48;
    for (std::size_t size = 0; size < message.size(); ++size) {
        if (size == message.size() - list) continue; // an empty dbx is one as well
        EXPECT_NE(samples::error_of([&] { (void)parse_variable_message(ByteView(message).first(size), "message"); }), "no error") << size;
    }
    const auto changed = [&](std::size_t at, std::byte to) {
        Bytes bytes = message;
        bytes[at] = to;
        return samples::error_of([&] { (void)parse_variable_message(bytes, "message"); });
    };
    const std::size_t attributes = 6 + 16, time = attributes + 4;
    const std::string refused = "cannot read 'message': it is not an update of PK, KEK, db or dbx";
    EXPECT_EQ(changed(0, std::byte{'x'}), refused);
    EXPECT_EQ(changed(10, std::byte{0}), refused);              // in another vendor's name
    EXPECT_EQ(changed(attributes, std::byte{0x07}), refused);   // not authenticated
    EXPECT_EQ(changed(time + 2, std::byte{13}), refused);       // the 13th month
    EXPECT_EQ(changed(time + 8, std::byte{1}), refused);        // nanoseconds
}
