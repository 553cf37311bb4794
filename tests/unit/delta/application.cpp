#include "roots.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::delta;
using namespace ashlar::delta::test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

// Old: a b c d; new: a' 0 c d n, one operation of each kind.
struct ApplicationTest : testing::Test {
    const std::string a = block_of(1), b = block_of(2), c = block_of(3), d = block_of(4), n = block_of(5);
    std::string changed = [this] {
        std::string text = a;
        text[100] = 'x';
        return text;
    }();
    TemporaryDirectory dir{fs::temp_directory_path()};
    const std::string old_bytes = a + b + c + d, new_bytes = changed + zeros(1) + c + d + n;
    Root old{dir.path() / "old", old_bytes}, wanted{dir.path() / "new", new_bytes};
    fs::path file = dir.path() / "file.delta";

    Header header() const { return {.old = old.as_old(), .root_hash = wanted.hash(), .size = wanted.size(), .verity = verity}; }

    std::uint64_t write() const {
        Writer writer(file, header());
        Compressor compressor(19);
        writer.add(operation(Kind::patch, changed, 0, block_size), compressor.pack(bytes_of(changed), bytes_of(a)));
        writer.add(operation(Kind::zero, zeros(1)), {});
        writer.add(operation(Kind::copy, c + d, 2 * block_size, 2 * block_size), {});
        writer.add(operation(Kind::data, n), compressor.pack(bytes_of(n)));
        return writer.finish(std::nullopt);
    }
};

} // namespace

TEST_F(ApplicationTest, MakesTheNewRootOfOneOperationOfEachKind) {
    const std::uint64_t size = write();
    EXPECT_EQ(size, fs::file_size(file));
    FileSource source(file);
    const Stream stream(source);
    EXPECT_EQ(stream.header().old->root_hash, old.hash());
    EXPECT_EQ(stream.header().root_hash, wanted.hash());
    EXPECT_EQ(stream.header().verity.salt, verity.salt);
    EXPECT_EQ(stream.header().verity.uuid, verity.uuid);
    Slot slot(dir.path() / "slot", wanted.size());
    std::vector<std::size_t> seen;
    std::uint64_t fetched = 0;
    apply(stream, old.data(), slot.extent(), 0, [&](const Progress& progress) {
        seen.push_back(progress.operations);
        fetched = progress.fetched;
    });
    EXPECT_EQ(slot.bytes(), new_bytes);
    EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(fetched, stream.payload_from(0));
    EXPECT_EQ(stream.head_size() + fetched, size);
}

TEST_F(ApplicationTest, GoesOnAtAnyOperation) {
    write();
    FileSource source(file);
    const Stream stream(source);
    for (std::size_t cut = 0; cut <= stream.operations().size(); ++cut) {
        Slot slot(dir.path() / "slot", wanted.size());
        struct Cut {};
        try {
            apply(stream, old.data(), slot.extent(), 0, [&](const Progress& progress) {
                if (progress.operations == cut) throw Cut();
            });
        } catch (const Cut&) {
        }
        apply(stream, old.data(), slot.extent(), cut, ignore);
        EXPECT_EQ(slot.bytes(), new_bytes) << "cut after " << cut;
    }
}

TEST_F(ApplicationTest, AnotherOldRootIsFoundBeforeItsBytesAreWritten) {
    write();
    FileSource source(file);
    const Stream stream(source);
    std::string other_bytes = old_bytes;
    other_bytes[2 * block_size] = static_cast<char>(other_bytes[2 * block_size] ^ 1);
    const Root other(dir.path() / "other", other_bytes);
    Slot slot(dir.path() / "slot", wanted.size());
    const std::string before = slot.bytes();
    EXPECT_EQ(message_of([&] { apply(stream, other.data(), slot.extent(), 0, ignore); }),
              "cannot make bytes 8192 to 16384 of the new root: the result has another digest");
    EXPECT_EQ(slot.bytes().substr(2 * block_size), before.substr(2 * block_size));
    EXPECT_THROW(apply(stream, other.data(), slot.extent(), 0, ignore), Refused);
}
