// Verifying: every blob's bytes against its name.

#include <store/verification.hpp>

#include <base/error.hpp>

#include <fstream>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::store;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

struct VerificationTest : testing::Test {
    TemporaryDirectory dir{fs::temp_directory_path()};
    Store store{dir.path() / "store"};
    std::unique_ptr<Renderer> renderer = make_renderer(ProgressStyle::quiet, 2);

    void spoil(const std::string& text) {
        const fs::path path = store.blob_path(store.insert_text(text));
        fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
        std::ofstream(path, std::ios::app) << "!";
    }
    std::vector<std::string> lines(Repair repair) {
        std::vector<std::string> found;
        for (const auto& one : verify(store, repair, *renderer).damaged) found.push_back(one.path.native() + ": " + one.cause);
        return found;
    }
    static std::string blob(const std::string& hex) { return "blobs/" + hex.substr(0, 2) + "/" + hex; }
};

} // namespace

TEST_F(VerificationTest, NamesWhatIsDamagedAndMovesItOnlyWhenAsked) {
    store.insert_text("good");
    spoil("spoiled");
    const std::string line = blob(sha256("spoiled").hex()) + ": SHA-256 is " + sha256("spoiled!").hex();
    EXPECT_THAT(lines(Repair::no), ElementsAre(line));
    EXPECT_THAT(lines(Repair::aside), ElementsAre(line));
    EXPECT_THAT(lines(Repair::no), IsEmpty());
    EXPECT_FALSE(store.find(sha256("spoiled")));
    EXPECT_TRUE(store.find(sha256("good")));
    const fs::path aside = fs::directory_iterator(store.root() / "quarantine")->path();
    EXPECT_THAT(aside.filename().native(), testing::StartsWith(sha256("spoiled").hex() + "."));
    EXPECT_EQ(read_file(aside), "spoiled!");
}

TEST_F(VerificationTest, WhatBearsNoProperNameIsDamaged) {
    const std::string hex(64, 'a');
    fs::create_directories(store.root() / "blobs/aa/" / hex);
    fs::create_directories(store.root() / "blobs/bb");
    write_file(store.root() / "blobs/bb/stray", "x");
    write_file(store.root() / "blobs/bb" / sha256("y").hex(), "y");
    fs::create_directories(store.root() / "stages/unpack/short");
    fs::create_directories(store.root() / "stages/unpack" / hex);
    const std::string y = sha256("y").hex();
    EXPECT_THAT(lines(Repair::aside), ElementsAre("blobs/aa/" + hex + ": not a regular file", "blobs/bb/" + y + ": not the name of a blob",
                                                  "blobs/bb/stray: not the name of a blob", "stages/unpack/" + hex + ": has no directory 'output'",
                                                  "stages/unpack/short: not the name of a result"));
    EXPECT_THAT(lines(Repair::no), IsEmpty());
}

TEST_F(VerificationTest, CountsWhatItRead) {
    store.insert_text("one");
    store.insert_text("three");
    (void)store.stage("unpack", sha256("key"), [](const fs::path&) {});
    const Verified verified = verify(store, Repair::no, *renderer);
    EXPECT_EQ(verified.objects, 3U);
    EXPECT_EQ(verified.bytes, 8U);
}
