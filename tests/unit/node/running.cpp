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

} // namespace
