#include <node/reset.hpp>

#include <base/file.hpp>

#include <filesystem>

#include <gmock/gmock.h>

using namespace ashlar;

namespace {

TEST(ResetObstacle, IsWhatAnEncryptedVarCouldNotBeMadeAnewFor) {
    const Json plain{{"hostname", "node-1"}}, encrypted{{"encryption", {{"key", "sha256:0f"}, {"site_key", "pem"}}}}, old{{"encryption", {{"key", "sha256:0f"}}}};
    EXPECT_EQ(node::reset_obstacle(plain, false), "");
    EXPECT_EQ(node::reset_obstacle(encrypted, true), "");
    EXPECT_EQ(node::reset_obstacle(encrypted, false), "/var is encrypted, and the machine has no TPM that would open a new one");
    EXPECT_EQ(node::reset_obstacle(old, true), "its state lacks the site's public key, to which a new recovery key would be sealed");
}

// Nothing of the site's key is left where a medium had it, however often it is tried.
TEST(SiteFilesOfAMedium, AreErasedBeforeTheyAreRemoved) {
    const TemporaryDirectory esp(testing::TempDir(), "esp-");
    const auto directory = esp.path() / "ashlar";
    EXPECT_FALSE(node::erase_site_files(directory));
    std::filesystem::create_directory(directory);
    write_file(directory / "site.key", "secret\n");
    std::filesystem::create_hard_link(directory / "site.key", esp.path() / "the same bytes");
    write_file(esp.path() / "loader.conf", "stays");
    EXPECT_TRUE(node::erase_site_files(directory));
    EXPECT_FALSE(std::filesystem::exists(directory));
    EXPECT_EQ(read_file(esp.path() / "the same bytes"), std::string(7, '\0'));
    EXPECT_EQ(read_file(esp.path() / "loader.conf"), "stays");
    EXPECT_FALSE(node::erase_site_files(directory));
}

} // namespace
