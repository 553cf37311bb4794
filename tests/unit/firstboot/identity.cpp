#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <firstboot/identity.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

class IdentityTest : public testing::Test {
protected:
    void os_release(std::string_view text) {
        fs::create_directories(root.path() / "usr/lib");
        write_file(root.path() / "usr/lib/os-release", text);
    }
    std::string failure() {
        try {
            (void)firstboot::read_identity(root.path());
        } catch (const Error& error) {
            std::string text = error.message();
            return text.replace(text.find(root.path().native()), root.path().native().size(), "ROOT");
        }
        return "none";
    }
    TemporaryDirectory root{fs::temp_directory_path()};
};

} // namespace

TEST_F(IdentityTest, ComesFromTheImageAndIsWrittenAsJson) {
    os_release("NAME=\"Debian GNU/Linux\"\n# comment\nIMAGE_ID=ashlar\nVARIANT_ID='control'\nIMAGE_VERSION=R0.3\n");
    const auto identity = firstboot::read_identity(root.path());
    EXPECT_EQ(identity.role, "control");
    EXPECT_EQ(identity.boot_id.size(), 32U);
    const auto written = parse_json(read_file(firstboot::write_identity(root.path(), identity)), "identity.json");
    EXPECT_EQ(written["release"], "R0.3");
    EXPECT_EQ(written["format"], 1);
}

TEST_F(IdentityTest, AnotherDistributionIsRefused) {
    os_release("IMAGE_ID=other\nVARIANT_ID=base\nIMAGE_VERSION=R0.3\n");
    EXPECT_EQ(failure(), "cannot identify 'ROOT/usr/lib/os-release': IMAGE_ID is 'other', not 'ashlar'");
}

TEST_F(IdentityTest, AMissingOrMalformedFieldIsNamed) {
    os_release("IMAGE_ID=ashlar\nVARIANT_ID=\"ba se\"\n");
    EXPECT_EQ(failure(), "cannot identify 'ROOT/usr/lib/os-release': VARIANT_ID is missing or malformed");
    os_release("");
    EXPECT_EQ(failure(), "cannot identify 'ROOT/usr/lib/os-release': IMAGE_ID is missing or malformed");
}
