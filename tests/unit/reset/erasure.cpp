// Erasing partitions: files in their place, and loop devices, which can discard.

#include <reset/erasure.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

using namespace ashlar;
using namespace ashlar::reset;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr std::size_t mib = 1U << 20U;

std::string program(const char* name) { return fs::exists(fs::path("/usr/sbin") / name) ? std::string("/usr/sbin/") + name : std::string("/sbin/") + name; }

class Erase : public testing::Test {
protected:
    // Of 40 MiB, with something in each block.
    Erase() {
        std::string content(40 * mib, 'x');
        write_file(file, content);
        write_file(key, "a passphrase");
    }
    void format_luks() const {
        run_checked({.argv = {program("cryptsetup"), "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", key.native(),
                              file.native()}});
    }
    [[nodiscard]] bool opens() const {
        return run({.argv = {program("cryptsetup"), "open", "--test-passphrase", "--key-file", key.native(), file.native()}}).ok();
    }
    [[nodiscard]] std::string piece(std::size_t from, std::size_t length) const { return read_file(file).substr(from, length); }
    Erasure erase(const fs::path& device, Content content) {
        return reset::erase(device, content, [this](std::string_view line) { said.emplace_back(line); });
    }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path file = directory.path() / "partition", key = directory.path() / "key";
    std::vector<std::string> said;
};

class Loop {
public:
    explicit Loop(const fs::path& file) : device_(trim(run_checked({.argv = {program("losetup"), "--find", "--show", file.native()}}))) {}
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() { (void)run({.argv = {program("losetup"), "--detach", device_}}); }
    [[nodiscard]] const std::string& device() const { return device_; }

private:
    std::string device_;
};

TEST_F(Erase, TakesEveryKeySlot) {
    format_luks();
    ASSERT_TRUE(opens());
    const std::string headers = piece(0, 32768);
    const Erasure erasure = erase(file, Content::encrypted);
    EXPECT_THAT(erasure.ways, ElementsAre(Way::crypto_erase, Way::overwrite_edges));
    EXPECT_EQ(erasure.bytes, 40 * mib);
    EXPECT_FALSE(erasure.no_discard.empty()); // a file is no device
    EXPECT_FALSE(opens());
    // Whoever kept the headers, and the passphrase, has nothing to open with them.
    const Fd copy = open_file(file, O_WRONLY);
    ASSERT_EQ(::pwrite(copy.get(), headers.data(), headers.size(), 0), static_cast<ssize_t>(headers.size()));
    EXPECT_EQ(run({.argv = {program("cryptsetup"), "luksUUID", file.native()}}).exit_code, 0);
    EXPECT_FALSE(opens());
}

TEST_F(Erase, MayBeDoneAgainAfterACut) {
    format_luks();
    const Fd half = open_file(file, O_WRONLY);
    const std::string nothing(4096, '\0');
    ASSERT_EQ(::pwrite(half.get(), nothing.data(), nothing.size(), 0), static_cast<ssize_t>(nothing.size()));
    EXPECT_THAT(erase(file, Content::encrypted).ways, ElementsAre(Way::crypto_erase, Way::overwrite_edges));
    EXPECT_THAT(erase(file, Content::encrypted).ways, ElementsAre(Way::crypto_erase, Way::overwrite_edges));
}

// The data of a volume with a longer header begin later.
TEST_F(Erase, FollowsTheHeaderToWhereTheDataBegin) {
    run_checked({.argv = {program("cryptsetup"), "luksFormat", "--batch-mode", "--type", "luks2", "--offset", std::to_string(24 * mib / 512), "--pbkdf", "pbkdf2",
                          "--pbkdf-force-iterations", "1000", "--key-file", key.native(), file.native()}});
    const std::string before = piece(20 * mib, 3 * mib);
    (void)erase(file, Content::encrypted);
    EXPECT_NE(piece(20 * mib, 3 * mib), before);
}

TEST_F(Erase, OverwritesAllWhereNothingIsEncryptedAndNothingCanBeDiscarded) {
    const Erasure erasure = erase(file, Content::plain);
    EXPECT_THAT(erasure.ways, ElementsAre(Way::overwrite));
    EXPECT_EQ(piece(0, 40 * mib), std::string(40 * mib, '\0'));
    EXPECT_THAT(said, testing::Contains(HasSubstr("overwriting /var: ")));
}

TEST_F(Erase, DiscardsWhereTheDeviceCan) {
    if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: a loop device needs root";
    {
        const Loop loop(file);
        const Erasure erasure = erase(loop.device(), Content::plain);
        EXPECT_THAT(erasure.ways, ElementsAre(Way::discard));
        EXPECT_EQ(erasure.no_discard, "");
    }
    EXPECT_EQ(piece(0, 40 * mib), std::string(40 * mib, '\0'));
    format_luks();
    {
        const Loop loop(file);
        EXPECT_THAT(erase(loop.device(), Content::encrypted).ways, ElementsAre(Way::crypto_erase, Way::discard));
    }
    EXPECT_FALSE(opens());
}

TEST_F(Erase, LeavesWhatSomebodyHasMounted) {
    if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: mounting needs root";
    run_checked({.argv = {program("mke2fs"), "-q", "-F", "-t", "ext4", file.native()}});
    const Loop loop(file);
    const fs::path place = directory.path() / "mounted";
    fs::create_directory(place);
    run_checked({.argv = {"mount", loop.device(), place.native()}});
    std::string message;
    try {
        (void)erase(loop.device(), Content::plain);
    } catch (const Error& error) {
        message = error.message();
    }
    run_checked({.argv = {"umount", place.native()}});
    EXPECT_THAT(message, HasSubstr("Device or resource busy"));
}

} // namespace
