#include <deltas/erofs.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <map>
#include <random>

using namespace ashlar;
using namespace ashlar::deltas;
using testing::Contains;
using testing::Key;
namespace fs = std::filesystem;

namespace {

std::string noise(std::size_t size, unsigned seed) {
    std::mt19937 engine(seed); // NOLINT: the same bytes each time
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine());
    return bytes;
}

// A tree with what makes layouts differ: sizes around a block, many entries, links, attributes, depth.
struct ErofsTest : testing::Test {
    TemporaryDirectory dir{fs::temp_directory_path()};
    std::map<std::string, std::string> files;

    void add(const std::string& path, std::size_t size) {
        files[path] = noise(size, static_cast<unsigned>(files.size()));
        fs::create_directories((dir.path() / "tree" / path).parent_path());
        write_file(dir.path() / "tree" / path, files[path]);
    }
    void SetUp() override {
        for (const std::size_t size : {1U, 100U, 4000U, 4095U, 4096U, 4097U, 8191U, 8192U, 12345U, 300'000U}) add("sizes/" + std::to_string(size), size);
        for (int i = 0; i < 400; ++i) add("many/file-with-a-long-name-" + std::to_string(i), 10);
        add("a/b/c/d/e/deep", 5000);
        fs::create_symlink("sizes/1", dir.path() / "tree/link");
        fs::create_hard_link(dir.path() / "tree/sizes/12345", dir.path() / "tree/zz-again");
        write_file(dir.path() / "tree/empty", "");
    }

    std::string image() {
        run_checked({.argv = {"mkfs.erofs", "--quiet", "-T0", dir.path() / "image", dir.path() / "tree"}});
        return read_file(dir.path() / "image");
    }
    static std::string contents(const std::string& image, const PlacedFile& file) {
        std::string text;
        for (const Extent& extent : file.extents) text += image.substr(extent.offset, extent.size);
        return text;
    }
    static std::string refusal(const std::string& image) {
        try {
            (void)placed_files(bytes_of(image), "i");
            return "accepted";
        } catch (const Error& error) {
            return error.message();
        }
    }
};

} // namespace

TEST_F(ErofsTest, EveryFileLiesWhereItIsSaidToLie) {
    const std::string bytes = image();
    std::map<std::string, std::string> found;
    for (const PlacedFile& file : placed_files(bytes_of(bytes), "i")) found[file.path] = contents(bytes, file);
    EXPECT_EQ(found.size(), files.size()) << "a hard link once, nothing for links and empty files";
    for (const auto& [path, text] : files) {
        ASSERT_THAT(found, Contains(Key(path)));
        EXPECT_EQ(found[path], text) << path;
    }
}

TEST_F(ErofsTest, OtherFileSystemsAreRefused) {
    EXPECT_EQ(refusal(std::string(8192, '\0')), "cannot read the file system of 'i': it is no EROFS");
    EXPECT_EQ(refusal("short"), "cannot read the file system of 'i': it points behind its end");
    run_checked({.argv = {"mkfs.erofs", "--quiet", "-T0", "-zlz4", dir.path() / "packed", dir.path() / "tree"}});
    const std::string packed = refusal(read_file(dir.path() / "packed"));
    EXPECT_THAT(packed, testing::AnyOf("cannot read the file system of 'i': it has compressed files",
                                       "cannot read the file system of 'i': it uses features that are not read here"));
}

// Wherever a byte is wrong: an Error or an answer, never a read outside.
TEST_F(ErofsTest, DamageIsAnErrorOrAnAnswer) {
    const std::string good = image();
    std::mt19937 engine(7); // NOLINT: the same bytes each time
    for (int i = 0; i < 300; ++i) {
        std::string bad = good;
        for (int flips = 0; flips < 20; ++flips) bad[1024 + engine() % (bad.size() - 1024) % 40'000] = static_cast<char>(engine());
        EXPECT_NE(refusal(bad), "");
    }
    for (std::size_t size = 0; size < good.size(); size += 1021) EXPECT_NE(refusal(good.substr(0, size)), "");
}
