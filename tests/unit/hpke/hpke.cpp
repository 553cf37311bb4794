// Sealing to a node's key, judged by the test vectors of RFC 9180; the node's own key.

#include "hpke_suite.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/base64.hpp>
#include <signing/digest.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::HasSubstr;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// PKCS #8 (RFC 5208) of a P-256 key, from its 32 bytes.
SigningKey key_of(std::string_view scalar) {
    Bytes der = hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420");
    append(der, hex(scalar));
    return SigningKey::from_secret(Secret("-----BEGIN PRIVATE KEY-----\n" + base64(der) + "\n-----END PRIVATE KEY-----\n"), "vector");
}

struct Vector {
    hpke::Suite suite;
    std::string_view ephemeral, receiver, encapsulated, sealed;
};
// RFC 9180, A.3.1 and A.5.1, sequence number 0.
constexpr Vector vectors[] = {
    {{0x0001, 16, EVP_aes_128_gcm},
     "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
     "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
     "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
     "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434"},
    {{0x0003, 32, EVP_chacha20_poly1305},
     "7550253e1147aae48839c1f8af80d2770fb7a4c763afe7d0afa7e0f42a5b3689",
     "a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b",
     "04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824fc1559eac6fb9e3c70cd3193968994e7fe9781aa103f5b50e934b5b2f387e381291",
     "6469c41c5c81d3aa85432531ecf6460ec945bde1eb428cb2fedf7a29f5a685b4ccb0d057f03ea2952a27bb458b"},
};
constexpr std::string_view vector_info = "Ode on a Grecian Urn", vector_plain = "Beauty is truth, truth beauty", vector_aad = "Count-0";

class ToNode : public testing::Test {
protected:
    const SigningKey key = SigningKey::generate(site_scheme);
    const Secret secret{"the authority's key"};
    const Bytes sealed = seal_to_node(key.verifying_key(), "purpose", secret);

    [[nodiscard]] std::optional<std::string> opened(ByteView bytes) const {
        const auto plain = unseal(key, "purpose", bytes);
        return plain ? std::optional(std::string(plain->text())) : std::nullopt;
    }
};

} // namespace

TEST(Hpke, GivesTheBytesOfRfc9180) {
    for (const Vector& vector : vectors) {
        const SigningKey receiver = key_of(vector.receiver);
        const Bytes sealed = hpke::seal(vector.suite, key_of(vector.ephemeral), receiver.verifying_key(), vector_info, bytes_of(vector_aad), bytes_of(vector_plain));
        EXPECT_EQ(to_hex(sealed), std::string(vector.encapsulated) + std::string(vector.sealed));
    }
}

TEST(Hpke, OpensTheBytesOfRfc9180) {
    for (const Vector& vector : vectors) {
        Bytes sealed = hex(vector.encapsulated);
        append(sealed, hex(vector.sealed));
        const auto plain = hpke::open(vector.suite, key_of(vector.receiver), vector_info, bytes_of(vector_aad), sealed);
        ASSERT_TRUE(plain);
        EXPECT_EQ(plain->text(), vector_plain);
        EXPECT_FALSE(hpke::open(vector.suite, key_of(vector.receiver), vector_info, bytes_of("Count-1"), sealed));
        EXPECT_FALSE(hpke::open(hpke::aes_256_gcm, key_of(vector.receiver), vector_info, bytes_of(vector_aad), sealed));
    }
}

TEST_F(ToNode, OpensWithItsKey) { EXPECT_EQ(opened(sealed), "the authority's key"); }

TEST_F(ToNode, IsOtherBytesEachTime) { EXPECT_NE(seal_to_node(key.verifying_key(), "purpose", secret), sealed); }

TEST_F(ToNode, DoesNotOpenWithAnotherKeyOrForAnotherPurpose) {
    EXPECT_FALSE(unseal(SigningKey::generate(site_scheme), "purpose", sealed));
    EXPECT_FALSE(unseal(key, "another purpose", sealed));
    EXPECT_FALSE(unseal(key, "", sealed));
}

TEST_F(ToNode, DoesNotOpenWhenAnyByteIsAnother) {
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        Bytes changed = sealed;
        changed[at] ^= std::byte{0x01};
        EXPECT_FALSE(opened(changed)) << at;
    }
}

TEST_F(ToNode, DoesNotOpenWhenCutOffOrLonger) {
    for (std::size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(opened(ByteView(sealed).first(size))) << size;
    Bytes longer = sealed;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(opened(longer));
}

TEST_F(ToNode, KeepsNothingAsWell) { EXPECT_EQ(opened(seal_to_node(key.verifying_key(), "purpose", Secret(""))), ""); }

TEST_F(ToNode, WantsAKeyOnP256) {
    EXPECT_THROW((void)seal_to_node(SigningKey::generate(SignatureScheme::ed25519).verifying_key(), "purpose", secret), Error);
    EXPECT_THROW((void)unseal(SigningKey::generate(SignatureScheme::ecdsa_p384), "purpose", sealed), Error);
}

TEST(SigningKeySecret, IsTheSameKeyAgain) {
    const SigningKey key = SigningKey::generate(site_scheme);
    const SigningKey again = SigningKey::from_secret(key.secret(), "kept");
    EXPECT_EQ(again.verifying_key(), key.verifying_key());
    EXPECT_TRUE(key.verifying_key().verifies(bytes_of("message"), again.sign(bytes_of("message"))));
}

TEST(SigningKeySecret, ThatIsNoneIsRefusedWithoutItsText) {
    try {
        (void)SigningKey::from_secret(Secret("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), "kept");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot read the private key 'kept': there is none in PEM form in it");
    }
}

TEST(NodeIdOfAKey, IsTheBeginOfItsDigest) {
    const VerifyingKey key = SigningKey::generate(site_scheme).verifying_key();
    EXPECT_EQ(node_id_of(key).text(), sha256(key.der()).hex().substr(0, 32));
    EXPECT_NE(node_id_of(key), node_id_of(SigningKey::generate(site_scheme).verifying_key()));
}
