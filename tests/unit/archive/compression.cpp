#include <archive/compression.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using archive::Compression;
namespace fs = std::filesystem;

namespace {

class CompressionTest : public testing::Test {
protected:
    // "Package: 0\n…", long enough for several blocks of every decoder.
    static std::string text() {
        std::string text;
        for (int i = 0; i < 60000; ++i) text += "Package: " + std::to_string(i * 7919 % 60013) + "\n";
        return text;
    }
    fs::path compressed_by(std::vector<std::string> command, const std::string& contents) {
        const fs::path path = dir_.path() / command.at(0);
        write_file(path, run_checked({.argv = std::move(command), .input = contents}));
        return path;
    }
    // The message of the Error, or "" when there is none.
    std::string failure(const fs::path& from, std::uint64_t limit = 1 << 30) {
        try {
            archive::decompress_file(from, out(), limit);
        } catch (const Error& error) {
            EXPECT_FALSE(fs::exists(out())) << "half a file stayed";
            return error.message();
        }
        return {};
    }
    [[nodiscard]] fs::path out() const { return dir_.path() / "out"; }

    TemporaryDirectory dir_{fs::temp_directory_path()};
};

} // namespace

TEST_F(CompressionTest, DecompressesWhatTheToolsMake) {
    const std::vector<std::pair<std::vector<std::string>, Compression>> tools = {
        {{"gzip", "-c"}, Compression::gzip},
        {{"xz", "-c"}, Compression::xz},
        {{"zstd", "-c", "-q"}, Compression::zstd},
        {{"bzip2", "-c"}, Compression::bzip2},
        {{"cat"}, Compression::none},
    };
    for (const auto& [command, compression] : tools) {
        const auto result = archive::decompress_file(compressed_by(command, text()), out());
        EXPECT_EQ(read_file(out()), text()) << command[0];
        EXPECT_EQ(result.compression, compression) << command[0];
        EXPECT_EQ(result.size, text().size());
        EXPECT_EQ(result.sha256, sha256(text()));
        fs::remove(out());
    }
}

TEST_F(CompressionTest, AnEmptyFileAndAnEmptyStreamGiveAnEmptyFile) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"cat"}, {"xz", "-c"}, {"gzip", "-c"}, {"zstd", "-c", "-q"}}) {
        EXPECT_EQ(archive::decompress_file(compressed_by(command, ""), out()).size, 0U) << command[0];
        EXPECT_EQ(fs::file_size(out()), 0U);
        fs::remove(out());
    }
}

TEST_F(CompressionTest, ATruncatedStreamIsAnError) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"gzip", "-c"}, {"xz", "-c"}, {"zstd", "-c", "-q"}}) {
        const fs::path path = compressed_by(command, text());
        fs::resize_file(path, fs::file_size(path) / 2);
        EXPECT_THAT(failure(path), testing::StartsWith("cannot decompress '" + path.native() + "': ")) << command[0];
    }
}

TEST_F(CompressionTest, ADamagedStreamIsAnError) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"xz", "-c"}, {"zstd", "-c", "-q"}}) {
        const fs::path path = compressed_by(command, text());
        std::string bytes = read_file(path);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
        write_file(path, bytes);
        EXPECT_THAT(failure(path), testing::StartsWith("cannot decompress '" + path.native() + "': ")) << command[0];
    }
}

TEST_F(CompressionTest, MoreThanTheLimitIsAnError) {
    const fs::path path = compressed_by({"xz", "-c"}, text());
    EXPECT_EQ(failure(path, 1000), "cannot decompress '" + path.native() + "': more than 1000 bytes come out");
    EXPECT_EQ(failure(path, text().size()), "");
}

TEST_F(CompressionTest, NeverOverwrites) {
    const fs::path path = compressed_by({"xz", "-c"}, "new");
    write_file(out(), "old");
    EXPECT_THROW(archive::decompress_file(path, out()), Error);
    EXPECT_EQ(read_file(out()), "old");
}

TEST_F(CompressionTest, ZstdBytesDoNotDependOnThreads) {
    const fs::path from = dir_.path() / "from";
    std::string big;
    for (int i = 0; i < 8; ++i) big += text();
    write_file(from, big);
    archive::compress_zstd(from, dir_.path() / "one", 3, 1);
    archive::compress_zstd(from, dir_.path() / "four", 3, 4);
    EXPECT_EQ(read_file(dir_.path() / "one"), read_file(dir_.path() / "four"));
    EXPECT_EQ(run_checked({.argv = {"zstd", "-dc", "-q", dir_.path() / "one"}}), big) << "the tool agrees";
    EXPECT_EQ(archive::decompress_file(dir_.path() / "one", out()).sha256, sha256(big));
}

TEST_F(CompressionTest, SmallFilesInMemory) {
    const std::string packed = read_file(compressed_by({"gzip", "-c"}, text()));
    EXPECT_EQ(archive::decompress(std::as_bytes(std::span(packed)), "changelog.gz"), text());
    EXPECT_EQ(archive::decompress({}, "nothing"), "");
    try {
        (void)archive::decompress(std::as_bytes(std::span(packed)), "changelog.gz", 1000);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot decompress 'changelog.gz': more than 1000 bytes come out");
    }
    EXPECT_THROW((void)archive::decompress(std::as_bytes(std::span(packed)).first(packed.size() / 2), "changelog.gz"), Error);
}
