#include <signing/guid.hpp>

#include <base/text.hpp>

#include <gtest/gtest.h>

using namespace ashlar;

TEST(Guid, TextAndBytes) {
    const auto guid = Guid::from_text("D719B2CB-3d3a-4596-A3BC-DAD00E67656F");
    ASSERT_TRUE(guid);
    EXPECT_EQ(guid->text(), "d719b2cb-3d3a-4596-a3bc-dad00e67656f");
    EXPECT_EQ(to_hex(guid->bytes()), "d719b2cb3d3a4596a3bcdad00e67656f");
    EXPECT_EQ(to_hex(guid->efi_bytes()), "cbb219d73a3d9645a3bcdad00e67656f") << "as in a signature list";
    EXPECT_EQ(Guid::from_efi_bytes(guid->efi_bytes()), *guid);
}

TEST(Guid, RefusesOtherText) {
    for (const char* text : {"", "d719b2cb3d3a4596a3bcdad00e67656f", "{719b2cb-3d3a-4596-a3bc-dad00e67656}",
                             "d719b2cb-3d3a-4596-a3bc-dad00e67656g", "d719b2cb-3d3a-4596-a3bcd-ad00e67656f",
                             "d719b2cb-3d3a-4596-a3bc-dad00e67656ff"})
        EXPECT_FALSE(Guid::from_text(text)) << text;
}
