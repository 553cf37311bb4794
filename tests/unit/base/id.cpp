#include <base/id.hpp>

#include <type_traits>

#include <gtest/gtest.h>

namespace ashlar {
namespace {

TEST(Id, IsThirtyTwoLowerCaseDigitsAndNothingElse) {
    const auto id = NodeId::parse("00112233445566778899aabbccddeeff");
    ASSERT_TRUE(id);
    EXPECT_EQ(id->text(), "00112233445566778899aabbccddeeff");
    EXPECT_FALSE(NodeId::parse("00112233445566778899AABBCCDDEEFF"));
    EXPECT_FALSE(NodeId::parse("00112233445566778899aabbccddee"));
    EXPECT_FALSE(NodeId::parse("00112233445566778899aabbccddeeff00"));
    EXPECT_FALSE(NodeId::parse("00112233-4455-6677-8899-aabbccddee"));
    EXPECT_FALSE(NodeId::parse(""));
}

TEST(Id, OfOneKindIsNoneOfAnother) {
    static_assert(!std::is_convertible_v<NodeId, SiteId>);
    EXPECT_NE(SiteId::random(), SiteId::random());
}

} // namespace
} // namespace ashlar
