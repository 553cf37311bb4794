#include <node/reset.hpp>

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

} // namespace
