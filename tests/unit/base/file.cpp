#include <base/error.hpp>
#include <base/file.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
namespace fs = std::filesystem;

TEST(WriteFile, ReplacesAsAWhole) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "a", "one");
    write_file(dir.path() / "a", "two", 0600, Durability::synced);
    EXPECT_EQ(read_file(dir.path() / "a"), "two");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "no temporary file stays";
}

TEST(WriteFile, LeavesWhatWasThereWhenItsBodyFails) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    const auto path = directory.path() / "file";
    write_file(path, "before");
    const auto fail = [&](const Fd& file) {
        write_all(file.get(), std::string_view("half"), path.native());
        throw Error("the source ended");
    };
    EXPECT_THROW(write_file(path, fail), Error);
    EXPECT_EQ(read_file(path), "before");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(WriteFile, NamesTheFileThatFailed) {
    try {
        write_file("/nonexistent/a", "x");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot create '/nonexistent/a': No such file or directory");
    }
}

TEST(TemporaryDirectory, RemovesReadOnlyContents) {
    fs::path path;
    {
        const TemporaryDirectory dir(fs::temp_directory_path());
        path = dir.path();
        fs::create_directories(path / "locked/inner");
        fs::permissions(path / "locked", fs::perms::owner_read | fs::perms::owner_exec);
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST(Error, RendersMessageTrailAndHint) {
    Error error("cannot open 'x': gone", "make it");
    error.add_trail("reading the recipe");
    error.add_trail("reading the recipe");
    error.add_hint("ignored: the innermost knows best");
    EXPECT_EQ(error.render(), "cannot open 'x': gone\n  while reading the recipe\n  hint: make it");
}
