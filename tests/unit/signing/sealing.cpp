#include <signing/base64.hpp>
#include <signing/sealing.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

using namespace ashlar;

namespace {

// The command that docs/guides/recovery.md gives to the operator.
std::string opened(const PrivateKey& key, ByteView sealed) {
    const TemporaryDirectory directory{testing::TempDir()};
    key.save_new(directory.path() / "key");
    write_file(directory.path() / "sealed", text_of(sealed));
    return run_checked({.argv = {"openssl", "pkeyutl", "-decrypt", "-inkey", (directory.path() / "key").native(), "-in", (directory.path() / "sealed").native(),
                                 "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"}});
}

TEST(Sealing, IsOpenedByOpenssl) {
    const auto key = PrivateKey::generate(RsaBits::rsa2048), other = PrivateKey::generate(RsaBits::rsa2048);
    const std::string secret(64, 'x');
    const Bytes sealed = seal(key.public_key(), bytes_of(secret));
    EXPECT_EQ(sealed.size(), 256U);
    EXPECT_EQ(opened(key, sealed), secret);
    EXPECT_THROW((void)opened(other, sealed), Error);
    EXPECT_NE(seal(key.public_key(), bytes_of(secret)), sealed);
}

TEST(Sealing, IsForShortSecrets) {
    const auto key = PrivateKey::generate(RsaBits::rsa2048);
    EXPECT_EQ(opened(key, seal(key.public_key(), bytes_of(std::string(190, 'x')))), std::string(190, 'x'));
    EXPECT_THROW((void)seal(key.public_key(), bytes_of(std::string(191, 'x'))), Error);
}

TEST(Base64, IsWhatTheStandardSays) {
    EXPECT_EQ(base64(bytes_of("foob")), "Zm9vYg==");
    EXPECT_EQ(base64({}), "");
    EXPECT_EQ(text_of(from_base64("Zm9vYg==").value()), "foob");
    for (const char* text : {"", "Zm9", "Zm9v*g==", "Zm9vYg="}) EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

} // namespace
