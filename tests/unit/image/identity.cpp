#include <image/architecture.hpp>
#include <image/identifiers.hpp>

#include <signing/verity.hpp>
#include <image/os_release.hpp>

#include <base/os_release.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

namespace ashlar::image {
namespace {

using testing::Contains;
using testing::Pair;

TEST(Identifiers, AreNameBasedVersion8) {
    const auto guid = guid_named("erofs:base");
    EXPECT_EQ(guid, guid_named("erofs:base"));
    EXPECT_NE(guid, guid_named("erofs:control"));
    EXPECT_EQ(guid.text()[14], '8');
    EXPECT_THAT(std::string("89ab"), testing::HasSubstr(guid.text().substr(19, 1)));
}

TEST(Identifiers, PartitionsOfARootHashAreItsHalves) {
    const auto hash = Digest::from_hex("00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef").value();
    EXPECT_EQ(data_partition_of(hash).text(), "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(hash_partition_of(hash).text(), "01234567-89ab-cdef-0123-456789abcdef");
}

TEST(Architecture, KnowsTheNamesOfItsEfiFiles) {
    EXPECT_EQ(architecture("amd64").fallback_path(), "EFI/BOOT/BOOTX64.EFI");
    EXPECT_EQ(architecture("arm64").fallback_path(), "EFI/BOOT/BOOTAA64.EFI");
    EXPECT_EQ(architecture("amd64").loader_path(), "EFI/systemd/systemd-bootx64.efi");
    EXPECT_EQ(architecture("arm64").stub_source(), "usr/lib/systemd/boot/efi/linuxaa64.efi.stub");
}

TEST(Architecture, UnknownOneIsNamed) {
    try {
        static_cast<void>(architecture("s390x"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot make an image for 's390x': the architecture is not known\n"
                                  "  hint: images can be made for amd64 and arm64");
    }
}

TEST(OsRelease, IdentityReplacesAndKeepsTheRest) {
    const auto text = identify("PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\nIMAGE_ID=other\n# a comment\n",
                               "base", "R0.3");
    EXPECT_EQ(text, "ID=debian\n# a comment\nPRETTY_NAME=\"Ashlar base "
                    "R0.3\"\nIMAGE_ID=ashlar\nIMAGE_VERSION=R0.3\nVARIANT_ID=base\n");
    EXPECT_EQ(identify(text, "base", "R0.3"), text);
}

TEST(OsRelease, ValuesLoseTheirQuotes) {
    const auto fields =
        parse_os_release("A=bare\nB=\"say \\\"hi\\\" \\$5\"\nC='single \\'\n\n# comment\n", "os-release");
    EXPECT_THAT(fields, Contains(Pair("A", "bare")));
    EXPECT_THAT(fields, Contains(Pair("B", "say \"hi\" $5")));
    EXPECT_THAT(fields, Contains(Pair("C", "single \\")));
}

TEST(OsRelease, ALineThatIsNoAssignmentIsNamed) {
    for (const auto* text : {"ID=debian\nnonsense\n", "ID=debian\nlower=1\n", "ID=debian\nA=\"open\n"}) {
        try {
            static_cast<void>(parse_os_release(text, "usr/lib/os-release"));
            FAIL() << text;
        } catch (const Error& error) {
            EXPECT_THAT(error.message(),
                        testing::StartsWith("cannot read 'usr/lib/os-release': line 2 is not KEY=value: "));
        }
    }
}

} // namespace
} // namespace ashlar::image
