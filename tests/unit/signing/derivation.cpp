#include <signing/hkdf.hpp>
#include <signing/hmac.hpp>

#include <base/text.hpp>
#include <error_of.hpp>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

std::string code(std::string_view key, std::string_view text) { return hmac_sha256(bytes_of(key), bytes_of(text)).hex(); }

// RFC 4231, test cases 1, 2 and 6.
TEST(Hmac, IsThatOfTheStandard) {
    EXPECT_EQ(code(std::string(20, '\x0b'), "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(code("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(code(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKeyAndAnEmptyText) {
    EXPECT_EQ(code("", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, CodesAreComparedAsWholes) {
    EXPECT_TRUE(same_code(bytes_of("code"), bytes_of("code")));
    EXPECT_FALSE(same_code(bytes_of("code"), bytes_of("core")));
    EXPECT_FALSE(same_code(bytes_of("code"), bytes_of("cod")));
    EXPECT_FALSE(same_code({}, {}));
}

// RFC 5869, test case 3; the second by the formulas of the RFC.
TEST(Hkdf, IsThatOfTheStandard) {
    const std::string key(22, '\x0b');
    EXPECT_EQ(to_hex(hkdf_sha256(bytes_of(key), "", 42)), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    EXPECT_EQ(to_hex(hkdf_sha256(bytes_of(key), "ashlar beacon 1", 32)), "42474783ba474e9d03574ddc3c97b0f92e7b30aa83eaf375636a488402a335c5");
}

TEST(Hkdf, GivesEachUseItsOwn) {
    EXPECT_NE(hkdf_sha256(bytes_of("key"), "ashlar beacon 1", 32), hkdf_sha256(bytes_of("key"), "ashlar enrolment 1", 32));
}

TEST(Hkdf, DerivesNothingFromNothing) {
    EXPECT_EQ(error_of([] { (void)hkdf_sha256({}, "ashlar beacon 1", 32); }), "cannot derive 'HKDF-SHA256': the key is empty");
    EXPECT_EQ(error_of([] { (void)hkdf_sha256(bytes_of("key"), "", 8161); }), "cannot derive 'HKDF-SHA256': more than 8160 bytes are wanted");
}

} // namespace
} // namespace ashlar
