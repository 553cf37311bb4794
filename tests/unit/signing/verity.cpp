#include <signing/verity.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/bytes.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fcntl.h>
#include <functional>
#include <random>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view uuid_text = "6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55";

VerityParameters parameters(std::string_view salt_hex = "00112233") {
    return {*Guid::from_text(uuid_text), *from_hex(salt_hex)};
}

std::string noise(std::size_t size) {
    std::mt19937 engine(42); // NOLINT: the same bytes each time
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine());
    return bytes;
}

struct Judged {
    std::string root;
    std::string tree;
};

Judged veritysetup_format(const fs::path& data, const fs::path& hash, const std::string& salt_hex) {
    const std::string output = run_checked({.argv = {"/usr/sbin/veritysetup", "format", "--salt=" + salt_hex,
                                                     "--uuid=" + std::string(uuid_text), data, hash}});
    const std::string_view label = "Root hash:";
    const std::string_view line = std::string_view(output).substr(output.find(label) + label.size());
    return {std::string(trim(line.substr(0, line.find('\n')))), read_file(hash)};
}

void flip(const fs::path& path, std::size_t offset) {
    std::string bytes = read_file(path);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    write_file(path, bytes);
}

std::optional<VerityFault> fault_of_tree(const fs::path& data, const fs::path& hash, const Digest& root) {
    const Fd data_fd = open_file(data, O_RDONLY), hash_fd = open_file(hash, O_RDONLY);
    return verify_verity_tree({data_fd.get(), 0, fs::file_size(data), "data"}, {hash_fd.get(), 0, fs::file_size(hash), "tree"}, root, parameters());
}

std::string message_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.message();
    }
    return "no error";
}

} // namespace

class VerityAgainstVeritysetup : public testing::TestWithParam<std::tuple<std::size_t, std::string>> {};

TEST_P(VerityAgainstVeritysetup, SameTreeAndRootHash) {
    const auto& [blocks, salt] = GetParam();
    const TemporaryDirectory dir(fs::temp_directory_path());
    const fs::path data = dir.path() / "data", ours = dir.path() / "ours", theirs = dir.path() / "theirs";
    write_file(data, noise(blocks * verity_block));

    const Digest root = write_verity(data, ours, parameters(salt == "-" ? "" : salt));
    const Judged judged = veritysetup_format(data, theirs, salt);

    EXPECT_EQ(root.hex(), judged.root);
    EXPECT_EQ(read_file(ours).substr(0, judged.tree.size()), judged.tree);
    EXPECT_EQ(fs::file_size(ours), verity_size(blocks * verity_block));
    EXPECT_TRUE(run({.argv = {"/usr/sbin/veritysetup", "verify", data, ours, root.hex()}}).ok());
    EXPECT_EQ(verify_verity(data, theirs, root, parameters(salt == "-" ? "" : salt)), std::nullopt);
}

// One block has no tree, 128 fill one hash block, 129 need two levels, 16385 three.
INSTANTIATE_TEST_SUITE_P(Sizes, VerityAgainstVeritysetup,
                         testing::Combine(testing::Values(1, 2, 127, 128, 129, 1000, 16384, 16385),
                                          testing::Values("-", "0011")));

TEST(Verity, LongestSaltAgreesWithVeritysetup) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "data", noise(3 * verity_block));
    std::string salt;
    for (int i = 0; i < 256; ++i) salt += "a5";
    const Digest root = write_verity(dir.path() / "data", dir.path() / "ours", parameters(salt));
    EXPECT_EQ(root.hex(), veritysetup_format(dir.path() / "data", dir.path() / "theirs", salt).root);
}

TEST(Verity, WorksInsideAnImageAtAnOffset) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const std::string data = noise(200 * verity_block);
    write_file(dir.path() / "data", data);
    const Digest expected = write_verity(dir.path() / "data", dir.path() / "tree", parameters());

    write_file(dir.path() / "disk", std::string(1 << 20, 'x') + data + std::string(1 << 20, 'y'));
    const Fd disk = open_file(dir.path() / "disk", O_RDWR);
    const FileExtent extent{disk.get(), 1 << 20, data.size(), "disk"};
    const std::uint64_t hash_offset = (1 << 20) + data.size() + 4096;
    EXPECT_EQ(write_verity(extent, disk.get(), hash_offset, parameters()), expected);

    const std::string written = read_file(dir.path() / "disk");
    EXPECT_EQ(written.substr(hash_offset, verity_size(data.size())), read_file(dir.path() / "tree"));
    EXPECT_EQ(written.substr(hash_offset - 4096, 4096), std::string(4096, 'y'));
    EXPECT_EQ(written.substr(hash_offset + verity_size(data.size()), 4096), std::string(4096, 'y'));
}

TEST(Verity, HeaderIsReadBack) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "data", noise(5 * verity_block));
    (void)write_verity(dir.path() / "data", dir.path() / "hash", parameters());
    const Fd fd = open_file(dir.path() / "hash", O_RDONLY);
    const VerityHeader header = read_verity_header({fd.get(), 0, fs::file_size(dir.path() / "hash"), "hash"});
    EXPECT_EQ(header.parameters.uuid.text(), uuid_text);
    EXPECT_EQ(to_hex(header.parameters.salt), "00112233");
    EXPECT_EQ(header.data_blocks, 5);
}

TEST(Verity, RefusesWhatIsNotWholeBlocks) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const std::string path = dir.path() / "data";
    write_file(path, noise(5000));
    EXPECT_EQ(message_of([&] { (void)write_verity(path, dir.path() / "hash", parameters()); }),
              "cannot make a hash tree of '" + path + "': 5000 bytes are not one or more whole blocks of 4096");
    write_file(path, "");
    EXPECT_EQ(message_of([&] { (void)write_verity(path, dir.path() / "hash", parameters()); }),
              "cannot make a hash tree of '" + path + "': 0 bytes are not one or more whole blocks of 4096");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "nothing half-written stays";
}

TEST(Verity, RefusesATruncatedTree) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const std::string data = dir.path() / "data", hash = dir.path() / "hash";
    write_file(data, noise(200 * verity_block));
    const Digest root = write_verity(data, hash, parameters());
    fs::resize_file(hash, 4096);
    EXPECT_EQ(message_of([&] { (void)verify_verity(data, hash, root, parameters()); }),
              "cannot verify '" + data + "': its hash tree '" + hash + "' has 4096 bytes, 16384 are needed");
}

TEST(Verity, RefusesAForeignSuperblock) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "hash", noise(4096));
    const Fd fd = open_file(dir.path() / "hash", O_RDONLY);
    EXPECT_EQ(message_of([&] { (void)read_verity_header({fd.get(), 0, 4096, "hash"}); }),
              "cannot read the verity superblock of 'hash': there is none");
}

RC_GTEST_PROP(VerityProperty, AnyFlippedByteIsFoundAndNamed, ()) {
    const auto blocks = *rc::gen::inRange<std::size_t>(1, 300);
    const TemporaryDirectory dir(fs::temp_directory_path());
    const fs::path data = dir.path() / "data", hash = dir.path() / "hash";
    write_file(data, noise(blocks * verity_block));
    const Digest root = write_verity(data, hash, parameters());
    RC_ASSERT(!verify_verity(data, hash, root, parameters()));

    const bool in_tree = *rc::gen::arbitrary<bool>();
    const fs::path& victim = in_tree ? hash : data;
    const auto offset = *rc::gen::inRange<std::size_t>(0, fs::file_size(victim));
    flip(victim, offset);
    const auto fault = verify_verity(data, hash, root, parameters());
    RC_ASSERT(fault.has_value());
    RC_ASSERT(fault->offset == offset / verity_block * verity_block);
    RC_ASSERT((fault->where == VerityFault::Where::data) == !in_tree);
    // A single block has no tree but the root hash.
    RC_ASSERT(fault_of_tree(data, hash, root).has_value() == (in_tree || blocks == 1));
}
