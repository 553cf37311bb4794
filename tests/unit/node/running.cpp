#include <node/running.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;

namespace {

TEST(Running, IsWhatTheCommandLineSays) {
    const TemporaryDirectory root{testing::TempDir()};
    std::filesystem::create_directories(root.path() / "proc");
    const Digest hash = sha256("root");
    write_file(root.path() / "proc/cmdline", "quiet roothash=" + hash.hex() + " panic=10\n");
    EXPECT_EQ(node::running_root_hash(root.path()), hash);
    for (const std::string& line : {std::string("quiet\n"), std::string("roothash=12\n"), "xroothash=" + hash.hex() + "\n"}) {
        write_file(root.path() / "proc/cmdline", line);
        EXPECT_THROW((void)node::running_root_hash(root.path()), Error) << line;
    }
}

// The whole word, of a command line that is signed.
TEST(Running, IsRescueWhereTheCommandLineSaysSo) {
    const TemporaryDirectory root{testing::TempDir()};
    std::filesystem::create_directories(root.path() / "proc");
    write_file(root.path() / "proc/cmdline", "quiet systemd.unit=ashlar-rescue.target roothash=00\n");
    EXPECT_TRUE(node::is_rescue(root.path()));
    for (const char* line : {"quiet\n", "xsystemd.unit=ashlar-rescue.target\n", "systemd.unit=ashlar-rescue.targets\n", "rescue\n"}) {
        write_file(root.path() / "proc/cmdline", line);
        EXPECT_FALSE(node::is_rescue(root.path())) << line;
    }
}

// printf '1\0\0\0' | sha256sum; then 32 zeros and that through sha256sum.
TEST(Running, RescueIsMeasured) { EXPECT_EQ(node::rescue_pcr12().hex(), "43748966918e643dd9cafae7d08280f008126588ff7a6faedc9c38b745a71d66"); }

} // namespace
