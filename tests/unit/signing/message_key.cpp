// Keys that sign messages, judged by openssl(1) as well.

#include "samples.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/message_key.hpp>
#include <signing/raw_key.hpp>
#include <signing/secret.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ashlar;
namespace fs = std::filesystem;
using samples::error_of;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr SignatureScheme all_schemes[] = {SignatureScheme::ed25519, SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384,
                                           SignatureScheme::rsa_pss};
const ByteView message = bytes_of("what is signed");

const SigningKey& key(SignatureScheme scheme) {
    static const std::array<SigningKey, 4> keys{SigningKey::generate(SignatureScheme::ed25519), SigningKey::generate(SignatureScheme::ecdsa_p256),
                                                SigningKey::generate(SignatureScheme::ecdsa_p384), SigningKey::generate(SignatureScheme::rsa_pss)};
    return keys.at(static_cast<std::size_t>(scheme));
}

struct Directory {
    TemporaryDirectory directory{fs::temp_directory_path(), "ashlar-keys-"};
    [[nodiscard]] fs::path operator/(std::string_view name) const { return directory.path() / name; }
    // The error's text as if the file lay in the current directory.
    [[nodiscard]] std::string error(const std::function<void()>& body) const {
        std::string text = error_of(body);
        const std::string prefix = directory.path().native() + "/";
        for (std::size_t at = 0; (at = text.find(prefix)) != text.npos;) text.erase(at, prefix.size());
        return text;
    }
};

std::string openssl(std::vector<std::string> words) {
    words.insert(words.begin(), "openssl");
    return run_checked({.argv = std::move(words)});
}

} // namespace

TEST(MessageKey, SchemesHaveTheNamesOfTuf) {
    EXPECT_EQ(name_of(SignatureScheme::ed25519), "ed25519");
    EXPECT_EQ(name_of(SignatureScheme::ecdsa_p256), "ecdsa-sha2-nistp256");
    EXPECT_EQ(name_of(SignatureScheme::ecdsa_p384), "ecdsa-sha2-nistp384");
    EXPECT_EQ(name_of(SignatureScheme::rsa_pss), "rsassa-pss-sha256");
    for (const auto scheme : all_schemes) EXPECT_EQ(scheme_named(name_of(scheme)), scheme);
    EXPECT_EQ(scheme_named("ecdsa-sha2-nistp521"), std::nullopt);
    EXPECT_EQ(scheme_named(""), std::nullopt);
}

TEST(MessageKey, SignsWhatItsPublicHalfVerifies) {
    for (const auto scheme : all_schemes) {
        const VerifyingKey known = key(scheme).verifying_key();
        Bytes signature = key(scheme).sign(message);
        EXPECT_TRUE(known.verifies(message, signature)) << name_of(scheme);
        EXPECT_FALSE(known.verifies(bytes_of("what is signet"), signature));
        EXPECT_FALSE(known.verifies(message, {}));
        EXPECT_FALSE(known.verifies(message, bytes_of("no signature")));
        Bytes longer = signature;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(known.verifies(message, longer)) << name_of(scheme);
        signature[signature.size() / 2] ^= std::byte{1};
        EXPECT_FALSE(known.verifies(message, signature));
        EXPECT_FALSE(SigningKey::generate(SignatureScheme::ed25519).verifying_key().verifies(message, key(scheme).sign(message)));
    }
}

// RFC 8032, 7.1, test 3.
TEST(MessageKey, Ed25519VerifiesTheSpecificationsExample) {
    const Bytes point = *from_hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    const Bytes signature = *from_hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    const VerifyingKey known = VerifyingKey::from_ed25519(point, "example");
    EXPECT_EQ(known.ed25519(), point);
    EXPECT_TRUE(known.verifies(*from_hex("af82"), signature));
    EXPECT_FALSE(known.verifies(*from_hex("af83"), signature));
}

TEST(MessageKey, OpensslVerifiesWhatIsSignedHere) {
    const Directory directory;
    write_file(directory / "message", text_of(message));
    for (const auto scheme : all_schemes) {
        write_file(directory / "key.pem", key(scheme).verifying_key().pem());
        write_file(directory / "signature", text_of(key(scheme).sign(message)));
        std::vector<std::string> words{"pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", directory / "key.pem", "-in", directory / "message", "-sigfile", directory / "signature"};
        if (scheme == SignatureScheme::ecdsa_p384) words.insert(words.end(), {"-digest", "sha384"});
        if (scheme == SignatureScheme::rsa_pss) words.insert(words.end(), {"-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss"});
        EXPECT_EQ(openssl(words), "Signature Verified Successfully\n") << name_of(scheme);
    }
}

TEST(MessageKey, PssIsVerifiedWithAnyLengthOfSalt) {
    const Directory directory;
    write_file(directory / "message", text_of(message));
    key(SignatureScheme::rsa_pss).save_new(directory / "key", std::nullopt);
    for (const char* salt : {"rsa_pss_saltlen:0", "rsa_pss_saltlen:32", "rsa_pss_saltlen:max"}) {
        openssl({"pkeyutl", "-sign", "-rawin", "-digest", "sha256", "-inkey", directory / "key", "-in", directory / "message", "-out", directory / "signature", "-pkeyopt",
                 "rsa_padding_mode:pss", "-pkeyopt", salt});
        EXPECT_TRUE(key(SignatureScheme::rsa_pss).verifying_key().verifies(message, bytes_of(read_file(directory / "signature")))) << salt;
    }
}

TEST(MessageKey, OneKeyHasOneForm) {
    const Directory directory;
    key(SignatureScheme::ecdsa_p256).save_new(directory / "key", std::nullopt);
    const VerifyingKey known = key(SignatureScheme::ecdsa_p256).verifying_key();
    for (const std::vector<std::string>& form : {std::vector<std::string>{"-conv_form", "compressed"}, {"-param_enc", "explicit"}}) {
        std::vector<std::string> words{"ec", "-in", directory / "key", "-pubout", "-out", directory / "public"};
        words.insert(words.end(), form.begin(), form.end());
        openssl(words);
        const std::string pem = read_file(directory / "public");
        EXPECT_NE(pem, known.pem());
        EXPECT_EQ(VerifyingKey::from_pem(pem, SignatureScheme::ecdsa_p256, "other form"), known) << form[1];
    }
    EXPECT_EQ(VerifyingKey::from_der(known.der(), known.scheme(), "same"), known);
    EXPECT_EQ(VerifyingKey::from_pem(known.pem(), known.scheme(), "same"), known);
}

TEST(MessageKey, PublicKeysOfOtherKindsAreRefused) {
    const VerifyingKey ed25519 = key(SignatureScheme::ed25519).verifying_key();
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_der(ed25519.der(), SignatureScheme::ecdsa_p256, "a"); }),
              "cannot read the public key 'a': it is not an elliptic-curve key on P-256");
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_der(key(SignatureScheme::ecdsa_p384).verifying_key().der(), SignatureScheme::ecdsa_p256, "a"); }),
              "cannot read the public key 'a': it is not an elliptic-curve key on P-256");
    Bytes longer = ed25519.der();
    longer.push_back(std::byte{0});
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_der(longer, SignatureScheme::ed25519, "a"); }),
              "cannot read the public key 'a': it is not one SubjectPublicKeyInfo");
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_pem("nothing", SignatureScheme::ed25519, "a"); }),
              "cannot read the public key 'a': there is none in PEM form in it");
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_ed25519(bytes_of("short"), "a"); }), "cannot read the public key 'a': it has 5 bytes, not 32");
    EXPECT_EQ(error_of([&] { (void)key(SignatureScheme::ecdsa_p256).verifying_key().ed25519(); }),
              "cannot use a public key as an Ed25519 key: it is an elliptic-curve key on P-256");
    const Directory directory;
    openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", directory / "short", "-quiet"});
    const std::string pem = openssl({"pkey", "-in", directory / "short", "-pubout"});
    EXPECT_EQ(error_of([&] { (void)VerifyingKey::from_pem(pem, SignatureScheme::rsa_pss, "a"); }),
              "cannot read the public key 'a': it is not an RSA key of 2048 bits or more");
}

// ---- Files -------------------------------------------------------------------------------------

TEST(MessageKey, FilesComeBack) {
    for (const auto scheme : all_schemes) {
        const Directory directory;
        key(scheme).save_new(directory / "plain", std::nullopt);
        key(scheme).save_new(directory / "encrypted", "correct horse");
        EXPECT_EQ(SigningKey::load(directory / "plain").verifying_key(), key(scheme).verifying_key());
        EXPECT_EQ(SigningKey::load(directory / "encrypted", "correct horse").verifying_key(), key(scheme).verifying_key());
        EXPECT_FALSE(is_encrypted(directory / "plain"));
        EXPECT_TRUE(is_encrypted(directory / "encrypted"));
    }
}

TEST(MessageKey, AnEncryptedFileIsPkcs8WithScrypt) {
    const Directory directory;
    key(SignatureScheme::ed25519).save_new(directory / "key", "correct horse");
    struct stat info {};
    ASSERT_EQ(::stat((directory / "key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    EXPECT_THAT(read_file(directory / "key"), testing::StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    const std::string structure = openssl({"asn1parse", "-in", directory / "key"});
    EXPECT_THAT(structure, testing::AllOf(HasSubstr(":PBES2"), HasSubstr(":scrypt"), HasSubstr(":aes-256-cbc")));
    write_file(directory / "passphrase", "correct horse");
    EXPECT_EQ(openssl({"pkey", "-in", directory / "key", "-passin", "file:" + (directory / "passphrase").native(), "-pubout"}), key(SignatureScheme::ed25519).verifying_key().pem());
}

TEST(MessageKey, FilesThatAreRefused) {
    const Directory directory;
    const auto load = [&](const char* name, std::optional<std::string_view> passphrase = std::nullopt) {
        return directory.error([&, passphrase] { (void)SigningKey::load(directory / name, passphrase); });
    };
    key(SignatureScheme::ed25519).save_new(directory / "encrypted", "correct horse");
    EXPECT_EQ(load("encrypted"), "cannot load the private key 'encrypted': it is encrypted and no passphrase was given\n"
                                 "  hint: give its passphrase, or a key file without one");
    for (const std::string_view wrong : {"wrong horse", ""})
        EXPECT_EQ(load("encrypted", wrong), "cannot load the private key 'encrypted': the passphrase is wrong\n  hint: give its passphrase");
    key(SignatureScheme::ed25519).save_new(directory / "open", std::nullopt);
    fs::permissions(directory / "open", fs::perms(0640));
    EXPECT_EQ(load("open"), "cannot load the private key 'open': its mode 0640 lets others than its owner use it\n"
                            "  hint: chmod 600 'open'; if others could read it, make a new key");
    EXPECT_EQ(directory.error([&] { (void)is_encrypted(directory / "open"); }), load("open"));
    write_file(directory / "nothing", "nothing\n", 0600);
    EXPECT_EQ(load("nothing"), "cannot load the private key 'nothing': there is no private key in PEM form in it\n  hint: name a PEM file with one key");
    openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", directory / "p521"});
    EXPECT_EQ(load("p521"), "cannot load the private key 'p521': it is neither Ed25519, nor on P-256 or P-384, nor RSA with 2048 bits or more\n"
                            "  hint: make a key of one of these kinds");
    EXPECT_EQ(load("absent"), "cannot open 'absent': No such file or directory");
    write_file(directory / "large", std::string(Secret::most + 1, 'a'), 0600);
    EXPECT_EQ(load("large"), "cannot read 'large': it is larger than 64 KiB");
}

TEST(MessageKey, NoFileIsWrittenOver) {
    const Directory directory;
    const auto save = [&](std::optional<std::string_view> passphrase) {
        return directory.error([&, passphrase] { key(SignatureScheme::ed25519).save_new(directory / "key", passphrase); });
    };
    EXPECT_EQ(save(""), "cannot write the private key 'key': its passphrase is empty\n  hint: give one, or none at all");
    EXPECT_EQ(save(std::nullopt), "no error");
    EXPECT_EQ(save("correct horse"), "cannot create 'key': File exists");
}

TEST(MessageKey, NoSecretIsInAnErrorsText) {
    const Directory directory;
    key(SignatureScheme::ed25519).save_new(directory / "plain", std::nullopt);
    const std::string pem = read_file(directory / "plain");
    const std::string secret = pem.substr(pem.find('\n') + 1, 64);
    // Cut, doubled, mixed up: whatever OpenSSL says about it.
    for (const std::string& broken : {pem.substr(0, 70), secret, pem.substr(0, pem.find('\n') + 1) + "AAAA" + secret + "\n-----END PRIVATE KEY-----\n"}) {
        write_file(directory / "broken", broken, 0600);
        EXPECT_THAT(directory.error([&] { (void)SigningKey::load(directory / "broken", "correct horse"); }),
                    testing::AllOf(testing::StartsWith("cannot load the private key 'broken': "), Not(HasSubstr("horse")), Not(HasSubstr(secret.substr(0, 8)))));
    }
}

// ---- Raw forms ---------------------------------------------------------------------------------

TEST(RawKey, PointsAndNumbersBecomeKeys) {
    for (const auto scheme : {SignatureScheme::ed25519, SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384}) {
        const VerifyingKey known = key(scheme).verifying_key();
        const std::size_t size = scheme == SignatureScheme::ed25519 ? 32 : scheme == SignatureScheme::ecdsa_p256 ? 65 : 97;
        EXPECT_EQ(key_from_point(scheme, ByteView(known.der()).last(size), "token"), known);
    }
    Bytes outside(65, std::byte{1});
    outside[0] = std::byte{4};
    EXPECT_EQ(error_of([&] { (void)key_from_point(SignatureScheme::ecdsa_p256, outside, "token"); }),
              "cannot read the public key 'token': it is not one SubjectPublicKeyInfo");
}

TEST(RawKey, AnEcdsaSignatureIsTwoNumbers) {
    const Bytes halves = *from_hex("00000001" "80000000");
    EXPECT_EQ(to_hex(ecdsa_signature(halves)), "300a" "020101" "02050080000000");
    EXPECT_EQ(error_of([&] { (void)ecdsa_signature(ByteView(halves).first(7)); }), "cannot read an ECDSA signature: its 7 bytes are not two numbers of one length");
    EXPECT_EQ(digest_for(SignatureScheme::ecdsa_p384, message).size(), 48U);
}

// ---- Secrets -----------------------------------------------------------------------------------

TEST(Secret, IsTheLineOfAFile) {
    const Directory directory;
    const auto line = [&](std::string_view text, unsigned mode = 0600) {
        write_file(directory / "pin", text, mode);
        return directory.error([&] { EXPECT_EQ(Secret::line_of(directory / "pin").text(), "1234"); });
    };
    EXPECT_EQ(line("1234\n"), "no error");
    EXPECT_EQ(line("1234"), "no error");
    EXPECT_EQ(line("1234\n", 0644), "cannot read the secret in 'pin': its mode 0644 lets others than its owner use it\n  hint: chmod 600 'pin'");
    for (const char* nothing : {"", "\n"})
        EXPECT_EQ(line(nothing), "cannot read the secret in 'pin': it is empty\n  hint: write the passphrase or PIN into it, and nothing else");
    EXPECT_EQ(line("1234\n5678\n"), "cannot read the secret in 'pin': it has more than one line\n  hint: write the passphrase or PIN into it, and nothing else");
}

// A child that has a secret in it is aborted where dumps are allowed.
TEST(Secret, NoDumpIsLeft) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const Secret secret("1234");
        rlimit limit{};
        ::getrlimit(RLIMIT_CORE, &limit);
        if (limit.rlim_cur > 1) ::_exit(1);
        std::abort();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
    EXPECT_FALSE(WCOREDUMP(status));
}
