// Keys in SoftHSM's token, which each test process makes for itself.

#include <token/token.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

#include <p11-kit/p11-kit.h>

using namespace ashlar;
using namespace ashlar::token;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

namespace {

constexpr const char* module_path = "/usr/lib/softhsm/libsofthsm2.so";

void must(CK_RV code) {
    if (code != CKR_OK) throw std::runtime_error(fmt::format("PKCS #11: {:#x}", code));
}

// Makes keys as the tools of a token would.
class Maker {
public:
    explicit Maker(std::string_view token) : functions_(p11_kit_module_load(module_path, 0)) {
        if (functions_ == nullptr) throw std::runtime_error("no SoftHSM");
        must(p11_kit_module_initialize(functions_));
        must(functions_->C_OpenSession(slot_of(token), CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session_));
        must(functions_->C_Login(session_, CKU_USER, text("1234"), 4));
    }
    Maker(const Maker&) = delete;
    Maker& operator=(const Maker&) = delete;
    ~Maker() {
        p11_kit_module_finalize(functions_);
        p11_kit_module_release(functions_);
    }

    enum class Half { kept, removed };
    void curve(const char* label, const char* id, CK_MECHANISM_TYPE type, const char* parameters_hex, Half half = Half::kept) {
        Bytes parameters = *from_hex(parameters_hex);
        generate(label, id, type, {{CKA_EC_PARAMS, parameters.data(), parameters.size()}}, half);
    }
    void rsa(const char* label, const char* id, CK_ULONG bits) {
        unsigned char exponent[] = {1, 0, 1};
        generate(label, id, CKM_RSA_PKCS_KEY_PAIR_GEN, {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}}, Half::kept);
    }

private:
    static unsigned char* text(const char* text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text)); }
    CK_SLOT_ID slot_of(std::string_view label) {
        CK_SLOT_ID slots[8];
        CK_ULONG count = 8;
        must(functions_->C_GetSlotList(CK_TRUE, slots, &count));
        for (CK_ULONG i = 0; i < count; ++i) {
            CK_TOKEN_INFO info{};
            must(functions_->C_GetTokenInfo(slots[i], &info));
            if (std::string_view(reinterpret_cast<const char*>(info.label), label.size()) == label) return slots[i];
        }
        throw std::runtime_error("no such token");
    }
    void generate(const char* label, const char* id, CK_MECHANISM_TYPE type, std::vector<CK_ATTRIBUTE> publics, Half half) {
        CK_BBOOL yes = CK_TRUE;
        std::vector<CK_ATTRIBUTE> privates{{CKA_SIGN, &yes, sizeof yes}};
        for (auto* attributes : {&publics, &privates}) {
            attributes->push_back({CKA_TOKEN, &yes, sizeof yes});
            attributes->push_back({CKA_LABEL, text(label), std::string_view(label).size()});
            attributes->push_back({CKA_ID, text(id), std::string_view(id).size()});
        }
        CK_MECHANISM mechanism{type, nullptr, 0};
        CK_OBJECT_HANDLE public_key = 0, private_key = 0;
        must(functions_->C_GenerateKeyPair(session_, &mechanism, publics.data(), publics.size(), privates.data(), privates.size(), &public_key, &private_key));
        if (half == Half::removed) must(functions_->C_DestroyObject(session_, public_key));
    }

    CK_FUNCTION_LIST* functions_;
    CK_SESSION_HANDLE session_ = 0;
};

constexpr const char* p256 = "06082a8648ce3d030107";
constexpr const char* p384 = "06052b81040022";

// Two tokens; the other has nothing in it.
class TokenTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-token-");
        place_ = directory.path();
        fs::create_directory(place_ / "tokens");
        write_file(place_ / "softhsm2.conf", fmt::format("directories.tokendir = {}\nlog.level = ERROR\n", (place_ / "tokens").native()));
        ::setenv("SOFTHSM2_CONF", (place_ / "softhsm2.conf").c_str(), 1);
        for (const char* label : {"ashlar", "other"})
            run_checked({.argv = {"softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "12345678"}});
        Maker maker("ashlar");
        maker.curve("root", "1", CKM_EC_EDWARDS_KEY_PAIR_GEN, "06032b6570");
        maker.curve("train-R1", "2", CKM_EC_KEY_PAIR_GEN, p256);
        maker.curve("targets", "3", CKM_EC_KEY_PAIR_GEN, p384);
        maker.rsa("db", "4", 2048);
        maker.rsa("short", "5", 1024);
        maker.curve("twice", "6", CKM_EC_KEY_PAIR_GEN, p256);
        maker.curve("twice", "7", CKM_EC_KEY_PAIR_GEN, p256);
        maker.curve("half", "8", CKM_EC_KEY_PAIR_GEN, p256, Maker::Half::removed);
        maker.curve("p521", "9", CKM_EC_KEY_PAIR_GEN, "06052b81040023");
    }

    static Uri uri(std::string_view object) { return Uri::parse(fmt::format("pkcs11:token=ashlar;{}?module-path={}", object, module_path)); }
    static std::string error_of(const std::function<void()>& body) {
        try {
            body();
        } catch (const Error& error) {
            std::string text = error.render();
            const std::string module = fmt::format("?module-path={}", module_path);
            for (std::size_t at = 0; (at = text.find(module)) != text.npos;) text.erase(at, module.size());
            return text;
        }
        return "no error";
    }
    static std::string refusal(std::string_view object, const char* pin = "1234") {
        return error_of([&] { (void)open_key(uri(object), Secret(pin)); });
    }

    static inline fs::path place_;
    const Secret pin_{"1234"};
};

} // namespace

TEST_F(TokenTest, MessagesAreSignedAsByAKeyInAFile) {
    const std::pair<const char*, SignatureScheme> keys[] = {{"object=root", SignatureScheme::ed25519}, {"object=train-R1", SignatureScheme::ecdsa_p256}, {"object=targets", SignatureScheme::ecdsa_p384}};
    for (const auto& [object, scheme] : keys) {
        const auto signer = open_message_signer(uri(object), pin_);
        const VerifyingKey key = signer->verifying_key();
        EXPECT_EQ(key.scheme(), scheme) << object;
        // Numbers with zeros in front come by chance.
        for (int i = 0; i < 40; ++i) {
            const std::string message = fmt::format("message {}", i);
            EXPECT_TRUE(key.verifies(bytes_of(message), signer->sign(bytes_of(message)))) << object;
        }
    }
}

TEST_F(TokenTest, RsaKeysSignForFirmware) {
    const auto signer = open_signer(uri("object=db"), pin_);
    EXPECT_EQ(signer->public_key().bits(), 2048U);
    EXPECT_TRUE(signer->public_key().verifies(sha256("an image"), signer->sign(sha256("an image"))));
    EXPECT_FALSE(signer->public_key().verifies(sha256("an image"), signer->sign(sha256("another"))));
    EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Signer>>(open_key(uri("object=db"), pin_)));
    EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const MessageSigner>>(open_key(uri("object=root"), pin_)));
}

TEST_F(TokenTest, SeveralKeysAreOpenAtOnce) {
    const auto one = open_message_signer(uri("object=root"), pin_);
    {
        const auto other = open_message_signer(uri("object=targets"), pin_);
        EXPECT_TRUE(other->verifying_key().verifies(bytes_of("a"), other->sign(bytes_of("a"))));
    }
    EXPECT_TRUE(one->verifying_key().verifies(bytes_of("a"), one->sign(bytes_of("a"))));
}

TEST_F(TokenTest, TheKeyMustBeOneAndThere) {
    EXPECT_EQ(refusal("object=train-R2"), "cannot use 'pkcs11:token=ashlar;object=train-R2': the token 'ashlar' has no such private key\n"
                                          "  hint: it has 'db', 'half', 'p521', 'root', 'short', 'targets', 'train-R1', 'twice', 'twice'");
    EXPECT_EQ(refusal("object=twice"), "cannot use 'pkcs11:token=ashlar;object=twice': 2 private keys match it\n  hint: add one of these to it: id=%36, id=%37");
    EXPECT_EQ(refusal("object=twice;id=%37"), "no error");
    EXPECT_EQ(refusal("object=root;id=%37"), "cannot use 'pkcs11:token=ashlar;object=root;id=%37': the token 'ashlar' has no such private key\n"
                                             "  hint: it has 'db', 'half', 'p521', 'root', 'short', 'targets', 'train-R1', 'twice', 'twice'");
    EXPECT_EQ(refusal("object=half"), "cannot use 'pkcs11:token=ashlar;object=half': its public key is not in the token\n  hint: put the public key into the token, under the same id");
}

TEST_F(TokenTest, TheKeyMustBeOfTheRightKind) {
    EXPECT_EQ(error_of([&] { (void)open_message_signer(uri("object=db"), pin_); }),
              "cannot sign messages with 'pkcs11:token=ashlar;object=db': it is an RSA key\n  hint: metadata wants an Ed25519, P-256 or P-384 key");
    EXPECT_EQ(error_of([&] { (void)open_signer(uri("object=root"), pin_); }),
              "cannot sign for firmware with 'pkcs11:token=ashlar;object=root': it is no RSA key\n  hint: firmware verifies nothing else reliably");
    EXPECT_EQ(refusal("object=short"), "cannot use 'pkcs11:token=ashlar;object=short': it is an RSA key of 1024 bits, not of 2048 or more");
    EXPECT_EQ(refusal("object=p521"), "cannot use 'pkcs11:token=ashlar;object=p521': it is neither an Ed25519, nor a P-256 or P-384, nor an RSA key");
}

TEST_F(TokenTest, TheTokenMustBeOneAndThere) {
    const auto cause = [&](const std::string& text) { return error_of([&] { (void)open_key(Uri::parse(text), pin_); }); };
    const std::string module = fmt::format("?module-path={}", module_path);
    EXPECT_EQ(cause("pkcs11:token=lost;object=root" + module), "cannot find the token of 'pkcs11:token=lost;object=root': no PKCS #11 module has it\n"
                                                               "  hint: is it plugged in, and does p11-kit know its module? module-path= in the URI names one");
    EXPECT_THAT(cause("pkcs11:object=root" + module), testing::StartsWith("cannot use 'pkcs11:object=root': 2 tokens match it\n  hint: add serial= to it: "));
    // As Debian's package sets p11-kit up.
    EXPECT_EQ(cause("pkcs11:token=ashlar;object=root"), "no error");
    EXPECT_EQ(cause("pkcs11:token=ashlar;object=root?module-name=softhsm2"), "no error");
    EXPECT_THAT(cause("pkcs11:token=ashlar;object=root?module-name=absent"), testing::StartsWith("cannot find the token of "));
    EXPECT_EQ(cause("pkcs11:token=ashlar?module-path=/usr/lib/absent.so"), "cannot load the PKCS #11 module '/usr/lib/absent.so': it is not there, or no such module");
    EXPECT_EQ(cause("pkcs11:token=other;object=root" + module), "cannot use 'pkcs11:token=other;object=root': the token 'other' has no such private key\n  hint: it has no private key");
}

TEST_F(TokenTest, AWrongPinIsSaidAndNotQuoted) {
    EXPECT_EQ(refusal("object=root", "98765"), "cannot log in to the token 'ashlar': the PIN is wrong\n  hint: most tokens lock themselves after three wrong PINs");
    EXPECT_EQ(refusal("object=root"), "no error");
}

TEST_F(TokenTest, KeysAreListed) {
    const auto entries = list_keys(Uri::parse(fmt::format("pkcs11:token=ashlar?module-path={}", module_path)), pin_);
    std::vector<std::string> lines;
    for (const Entry& entry : entries) lines.push_back(fmt::format("{} {}{}", entry.label, entry.kind, entry.fingerprint ? "" : " ?"));
    EXPECT_THAT(lines, ElementsAre("db rsa-pkcs1v15-sha256", "half ecdsa-sha2-nistp256 ?", "p521 unknown ?", "root ed25519", "short rsa-pkcs1v15-sha256", "targets ecdsa-sha2-nistp384",
                                   "train-R1 ecdsa-sha2-nistp256", "twice ecdsa-sha2-nistp256", "twice ecdsa-sha2-nistp256"));
    const Uri named = Uri::parse(entries.at(3).uri + "?module-path=" + module_path);
    EXPECT_EQ(sha256(open_message_signer(named, pin_)->verifying_key().der()), entries.at(3).fingerprint);
    EXPECT_EQ(list_keys(uri("object=twice"), pin_).size(), 2U);
}

// ---- URIs --------------------------------------------------------------------------------------

TEST(TokenUri, NoPinIsTakenFromIt) {
    try {
        (void)Uri::parse("pkcs11:token=ashlar;object=root?pin-value=98765");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot use 'pkcs11:…': there is a PIN in it, which everybody on this machine can read\n"
                                  "  hint: leave pin-value out: the PIN is asked for, or read from --pin-file");
    }
}

TEST(TokenUri, NamesAPrivateKeyAndWhereItsPinIs) {
    EXPECT_EQ(Uri::parse("pkcs11:token=a").pin_file(), std::nullopt);
    EXPECT_EQ(Uri::parse("pkcs11:token=a?pin-source=file:/run/pin").pin_file(), "/run/pin");
    EXPECT_EQ(Uri::parse("pkcs11:token=a?pin-source=file:///run/pin").pin_file(), "/run/pin");
    const auto cause = [](const char* text) {
        try {
            (void)Uri::parse(text);
        } catch (const Error& error) {
            return error.message();
        }
        return std::string("no error");
    };
    EXPECT_EQ(cause("pkcs11:token=a?pin-source=|cat"), "cannot use 'pkcs11:token=a?pin-source=|cat': its pin-source is no file");
    EXPECT_EQ(cause("root.key"), "cannot use 'root.key': it is no PKCS #11 URI");
    EXPECT_EQ(cause("pkcs11:token=%zz"), "cannot use 'pkcs11:token=%zz': it is no PKCS #11 URI");
    EXPECT_EQ(cause("pkcs11:token=a?pinvalue=98765"), "cannot use 'pkcs11:token=a?…': it has an attribute that is not known");
    EXPECT_EQ(cause("pkcs11:tokn=a"), "cannot use 'pkcs11:tokn=a': it has an attribute that is not known");
    EXPECT_EQ(cause("pkcs11:token=a;type=cert"), "cannot use 'pkcs11:token=a;type=cert': it names something else than a private key");
    EXPECT_EQ(cause("pkcs11:token=a;type=private"), "no error");
}
