// Authenticated encryption, against the vectors of the mode's own specification.

#include <signing/aead.hpp>

#include <base/file.hpp>
#include <base/text.hpp>
#include <error_of.hpp>
#include <signing/key.hpp>
#include <signing/sealing.hpp>

#include <gmock/gmock.h>

using namespace ashlar;

namespace {

Bytes hex(std::string_view text) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    return bytes;
}
Secret key_of(std::string_view text) { return Secret(text_of(hex(text))); }

// McGrew, Viega: The Galois/Counter Mode of Operation, appendix B, test case 16.
TEST(Aead, OpensWhatTheSpecificationSealed) {
    const Secret key = key_of("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    const Bytes context = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const Bytes sealed = hex("cafebabefacedbaddecaf888"
                             "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                             "76fc6ece0f4e1768cddf8853bb2d551b");
    EXPECT_EQ(decrypt(key, context, sealed), hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
    EXPECT_EQ(decrypt(key, {}, sealed), std::nullopt);
}

TEST(Aead, OpensItsOwnAndNothingElse) {
    const Secret key = key_of(std::string(64, '7')), other = key_of(std::string(64, '8'));
    const Bytes context = hex("0102"), plain = hex("00ff10");
    const Bytes sealed = encrypt(key, context, plain);
    EXPECT_EQ(decrypt(key, context, sealed), plain);
    EXPECT_EQ(decrypt(key, context, encrypt(key, context, {})), Bytes());
    EXPECT_NE(encrypt(key, context, plain), sealed);
    EXPECT_EQ(decrypt(other, context, sealed), std::nullopt);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        Bytes changed = sealed;
        changed[i] ^= std::byte{1};
        EXPECT_EQ(decrypt(key, context, changed), std::nullopt) << i;
        EXPECT_EQ(decrypt(key, context, ByteView(sealed).first(i)), std::nullopt) << i;
    }
    EXPECT_EQ(error_of([&] { (void)encrypt(Secret("short"), context, plain); }), "cannot encrypt: a key has 32 bytes");
}

TEST(OpeningKey, OpensWhatWasSealedToItsOtherHalf) {
    const TemporaryDirectory directory(testing::TempDir(), "key-");
    PrivateKey::generate(RsaBits::rsa2048).save_new(directory.path() / "one");
    PrivateKey::generate(RsaBits::rsa2048).save_new(directory.path() / "two");
    const auto one = OpeningKey::load(directory.path() / "one"), two = OpeningKey::load(directory.path() / "two");
    EXPECT_EQ(one.public_key(), PrivateKey::load(directory.path() / "one").public_key());
    Bytes sealed = seal(one.public_key(), bytes_of("secret"));
    ASSERT_TRUE(one.open(sealed));
    EXPECT_EQ(one.open(sealed)->text(), "secret");
    EXPECT_FALSE(two.open(sealed));
    sealed.back() ^= std::byte{1};
    EXPECT_FALSE(one.open(sealed));
    EXPECT_FALSE(one.open({}));
}

} // namespace
