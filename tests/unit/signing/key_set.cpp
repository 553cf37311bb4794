#include "samples.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <signing/authenticode.hpp>
#include <signing/image_signer.hpp>
#include <signing/key_set.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

const KeySetRequest request{"Example", samples::start, samples::end};
const Time now = samples::start + std::chrono::days(1);

// Made once, copied by whoever changes it: four RSA keys take a moment.
const fs::path& made() {
    static const TemporaryDirectory dir(fs::temp_directory_path());
    static const fs::path path = [] {
        create_key_set(dir.path() / "keys", request);
        return dir.path() / "keys";
    }();
    return path;
}

struct Copy {
    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path keys = dir.path() / "keys";
    Copy() { fs::copy(made(), keys); }
};

unsigned mode_of(const fs::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

const Bytes& file(const std::vector<VariableFile>& files, std::string_view name) {
    return std::ranges::find(files, name, &VariableFile::name)->contents;
}

std::vector<std::string> names(const std::vector<VariableFile>& files) {
    std::vector<std::string> found;
    for (const VariableFile& one : files) found.push_back(one.name);
    return found;
}

} // namespace

TEST(KeySet, IsPrivateAndComplete) {
    EXPECT_EQ(mode_of(made()), 0700);
    for (const char* name : {"PK.key", "KEK.key", "db.key", "pcr.key"}) EXPECT_EQ(mode_of(made() / name), 0600) << name;
    const EnrolmentKeys keys = load_enrolment_keys(made(), now);
    EXPECT_EQ(keys.platform_key.certificate.subject(), "O = Example, CN = Example Platform Key");
    EXPECT_EQ(keys.key_exchange.certificate.subject(), "O = Example, CN = Example Key Exchange Key");
    EXPECT_EQ(keys.db.subject(), "O = Example, CN = Example Image Signing");
    EXPECT_EQ(keys.db.not_before(), samples::start);
    EXPECT_EQ(keys.db.not_after(), samples::end);
    EXPECT_EQ(load_build_keys(made(), now).db, keys.db);
}

TEST(KeySet, IsNeverOverwritten) {
    EXPECT_EQ(samples::error_of([] { create_key_set(made(), request); }),
              "cannot make the key set '" + made().string() +
                  "': it is there already\n  hint: images signed by the old keys need them; name another directory");
}

TEST(KeySet, SignsWhatSbverifyAccepts) {
    const BuildKeys keys = load_build_keys(made(), now);
    const Bytes image = sign_authenticode(samples::efi_image(), {keys.db_key, keys.db}, "image");
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "image.efi", text_of(image));
    EXPECT_TRUE(run({.argv = {"sbverify", "--cert", made() / "db.pem", dir.path() / "image.efi"}}).ok());
}

TEST(KeySet, NamesEverythingThatIsMissing) {
    const Copy copy;
    fs::remove(copy.keys / "db.pem");
    fs::remove(copy.keys / "pcr.key");
    const std::string path = copy.keys.string();
    EXPECT_EQ(samples::error_of([&] { (void)load_build_keys(copy.keys, now); }),
              "cannot load the key set '" + path + "': db.pem, pcr.key are missing\n  hint: `ashlar key new --keys '" + path +
                  "'` makes a key set; --keys names another");
    EXPECT_EQ(samples::error_of([&] { (void)load_enrolment_keys(copy.keys, now); }),
              "cannot load the key set '" + path + "': db.pem is missing\n  hint: `ashlar key new --keys '" + path +
                  "'` makes a key set; --keys names another");
}

TEST(KeySet, ABuildNeedsNeitherPkNorKek) {
    const Copy copy;
    for (const char* name : {"PK.key", "PK.pem", "KEK.key", "KEK.pem", "owner"}) fs::remove(copy.keys / name);
    EXPECT_NO_THROW((void)load_build_keys(copy.keys, now));
}

// Each of the two private keys may be elsewhere, whatever the other does.
TEST(KeySet, PrivateKeysMayBeElsewhereWhereSomebodyAsksForSignatures) {
    const Copy copy;
    const auto loaded = [&] { return load_build_keys(copy.keys, now, PrivateHalves::may_be_elsewhere); };
    EXPECT_TRUE(loaded().db_key && loaded().pcr_key);
    fs::remove(copy.keys / "db.key");
    EXPECT_TRUE(!loaded().db_key && loaded().pcr_key);
    EXPECT_EQ(loaded().db, load_build_keys(made(), now).db);
    EXPECT_EQ(samples::error_of([&] { (void)load_build_keys(copy.keys, now); }),
              "cannot load the key set '" + copy.keys.string() + "': db.key is missing\n  hint: where private keys are elsewhere, `ashlar build --requests DIR` "
              "asks for signatures; --keys names another key set");
    fs::remove(copy.keys / "pcr.key");
    EXPECT_TRUE(!loaded().db_key && !loaded().pcr_key);
    EXPECT_EQ(loaded().pcr, load_build_keys(made(), now).pcr);
}

TEST(KeySet, WhatIsPublicIsCheckedWithoutThePrivateKeys) {
    const Copy copy;
    const auto refused = [&](Time when) { return samples::error_of([&] { (void)load_build_keys(copy.keys, when, PrivateHalves::may_be_elsewhere); }); };
    fs::copy_file(copy.keys / "KEK.pem", copy.keys / "db.pem", fs::copy_options::overwrite_existing);
    EXPECT_TRUE(refused(now).starts_with("cannot use the certificate '" + (copy.keys / "db.pem").string() + "': it belongs to another key than '"));
    fs::remove(copy.keys / "db.key");
    EXPECT_TRUE(refused(samples::end + std::chrono::seconds(1)).starts_with("cannot use the certificate '" + (copy.keys / "db.pem").string() + "': it expired at 2033-11-14 08:25:20 UTC\n"));
    fs::copy_file(copy.keys / "db.pem", copy.keys / "pcr.pem", fs::copy_options::overwrite_existing);
    EXPECT_TRUE(refused(now).starts_with("cannot read the public key '" + (copy.keys / "pcr.pem").string() + "'")) << refused(now);
    fs::remove(copy.keys / "db.pem");
    fs::remove(copy.keys / "pcr.pem");
    EXPECT_TRUE(refused(now).starts_with("cannot load the key set '" + copy.keys.string() + "': db.pem, pcr.pem are missing\n"));
}

TEST(KeysAtHand, SignWhatTheyCan) {
    BuildKeys keys = load_build_keys(made(), now);
    keys.pcr_key = nullptr;
    const KeysAtHand signer(keys);
    const Bytes message(3, std::byte{7});
    EXPECT_EQ(signer.sign(ImageSignature::pcr_policy, "a", {message}), std::nullopt);
    const auto signatures = signer.sign(ImageSignature::authenticode, "a", {message, message});
    ASSERT_EQ(signatures.value().size(), 2U);
    EXPECT_TRUE(keys.db.public_key().verifies(sha256(message), signatures->front()));
    EXPECT_FALSE(keys.pcr.verifies(sha256(message), signatures->front()));
}

TEST(KeySet, RefusesAKeyThatOthersMayRead) {
    const Copy copy;
    fs::permissions(copy.keys / "db.key", fs::perms(0640));
    const std::string path = copy.keys / "db.key";
    EXPECT_EQ(samples::error_of([&] { (void)load_build_keys(copy.keys, now); }),
              "cannot load the private key '" + path + "': its mode 0640 lets others than its owner use it\n  hint: chmod 600 '" +
                  path + "'; if others could read it, make a new key");
}

TEST(KeySet, RefusesAnotherKeysCertificate) {
    const Copy copy;
    fs::copy_file(copy.keys / "KEK.pem", copy.keys / "db.pem", fs::copy_options::overwrite_existing);
    EXPECT_EQ(samples::error_of([&] { (void)load_build_keys(copy.keys, now); }),
              "cannot use the certificate '" + (copy.keys / "db.pem").string() + "': it belongs to another key than '" +
                  (copy.keys / "db.key").string() + "'\n  hint: put the key and the certificate that were made together beside each other");
}

TEST(KeySet, RefusesCertificatesOutsideTheirTime) {
    const std::string path = made() / "db.pem";
    EXPECT_EQ(samples::error_of([] { (void)load_build_keys(made(), samples::end + std::chrono::seconds(1)); }),
              "cannot use the certificate '" + path + "': it expired at 2033-11-14 08:25:20 UTC\n  hint: make a new key set "
              "with `ashlar key new`, or name the one that is in use");
    EXPECT_EQ(samples::error_of([] { (void)load_build_keys(made(), samples::start - std::chrono::seconds(1)); }),
              "cannot use the certificate '" + path + "': it is not valid before 2023-11-14 22:13:20 UTC\n  hint: make a new key "
              "set with `ashlar key new`, or name the one that is in use");
}

TEST(PrivateKeyFile, EncryptedNeedsItsPassphrase) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const std::string path = dir.path() / "encrypted.key";
    run_checked({.argv = {"openssl", "genpkey", "-algorithm", "RSA", "-aes-256-cbc", "-pass", "pass:right", "-out", path}});
    fs::permissions(path, fs::perms(0600));
    EXPECT_EQ(samples::error_of([&] { (void)PrivateKey::load(path); }),
              "cannot load the private key '" + path + "': it is encrypted and no passphrase was given\n  hint: give its "
              "passphrase, or a key file without one");
    EXPECT_EQ(samples::error_of([&] { (void)PrivateKey::load(path, "wrong"); }),
              "cannot load the private key '" + path + "': the passphrase is wrong\n  hint: give its passphrase");
    EXPECT_NO_THROW((void)PrivateKey::load(path, "right"));
}

TEST(PrivateKeyFile, RefusesOtherContents) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const std::string path = dir.path() / "key";
    write_file(path, samples::identity().certificate.pem(), 0600);
    EXPECT_EQ(samples::error_of([&] { (void)PrivateKey::load(path); }),
              "cannot load the private key '" + path + "': there is no private key in PEM form in it\n  hint: name a PEM file with an RSA key");
    fs::remove(path);
    run_checked({.argv = {"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path}});
    fs::permissions(path, fs::perms(0600));
    EXPECT_EQ(samples::error_of([&] { (void)PrivateKey::load(path); }),
              "cannot load the private key '" + path + "': it is not an RSA key of 2048 bits or more\n  hint: firmware verifies "
              "nothing else reliably");
}

TEST(Certificate, SameKeyAndRequestGiveSameBytes) {
    EXPECT_EQ(samples::identity(0).certificate.der(), samples::identity(0).certificate.der());
    EXPECT_NE(samples::identity(0).certificate.der(), samples::identity(1).certificate.der());
}

TEST(VariableFiles, HoldOurKeysAndTheVendors) {
    const EnrolmentKeys keys = load_enrolment_keys(made(), now);
    const auto vendors = load_vendor_certificates(fs::path(ASHLAR_SOURCE_DIR) / "recipes/keys/uefi", VendorTrust::option_roms);
    const auto files = make_variable_files(keys, vendors, {}, now);
    EXPECT_EQ(names(files), (std::vector<std::string>{"PK.auth", "PK.esl", "KEK.auth", "KEK.esl", "db.auth", "db.esl"}));
    const SignatureDatabase db = parse_signature_lists(file(files, "db.esl"), "db");
    ASSERT_EQ(db.certificates.size(), 3);
    EXPECT_EQ(db.certificates[0], (TrustedCertificate{keys.owner, keys.db}));
    EXPECT_EQ(db.certificates[1].owner.text(), "77fa9abd-0359-4d32-bd60-28f4e78f784b");
    EXPECT_EQ(parse_signature_lists(file(files, "KEK.esl"), "KEK").certificates.size(), 1);
    EXPECT_EQ(file(make_variable_files(keys, vendors, {}, now), "db.auth"), file(files, "db.auth")) << "same bytes each time";
}

TEST(VariableFiles, RevokeImagesByHash) {
    const EnrolmentKeys keys = load_enrolment_keys(made(), now);
    const Digest revoked = request_authenticode(samples::efi_image(), "old").image;
    const auto files = make_variable_files(keys, {}, {revoked}, now);
    EXPECT_EQ(parse_signature_lists(file(files, "dbx.esl"), "dbx").hashes, (std::vector<ListedHash>{{keys.owner, revoked}}));
    const Bytes update = make_revocation(keys, {revoked}, now);
    EXPECT_EQ(file(files, "dbx-append.auth"), update);
    EXPECT_TRUE(std::ranges::equal(ByteView(update).last(file(files, "dbx.esl").size()), file(files, "dbx.esl")));
    EXPECT_NE(update, file(files, "dbx.auth")) << "one appends, the other replaces";
    EXPECT_EQ(samples::error_of([&] { (void)make_revocation(keys, {}, now); }), "cannot make a revocation: no image is named");
}

// KEK.key belongs on another machine.
TEST(RevocationKeys, NeedNoPrivateKey) {
    const Copy copy;
    EXPECT_NE(load_revocation_keys(copy.keys, now).signer, nullptr);
    fs::remove(copy.keys / "KEK.key");
    const RevocationKeys keys = load_revocation_keys(copy.keys, now);
    EXPECT_EQ(keys.signer, nullptr);
    EXPECT_EQ(keys.key_exchange, load_enrolment_keys(made(), now).key_exchange.certificate);
    run_checked({.argv = {"openssl", "genpkey", "-algorithm", "RSA", "-aes-256-cbc", "-pass", "pass:x", "-out", copy.keys / "KEK.key"}});
    fs::permissions(copy.keys / "KEK.key", fs::perms(0600));
    EXPECT_EQ(load_revocation_keys(copy.keys, now).signer, nullptr) << "encrypted: a request asks for it";
    fs::remove(copy.keys / "KEK.pem");
    fs::remove(copy.keys / "owner");
    EXPECT_THAT(samples::error_of([&] { (void)load_revocation_keys(copy.keys, now); }), testing::HasSubstr("KEK.pem, owner are missing"));
}
