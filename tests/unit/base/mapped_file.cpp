#include <base/mapped_file.hpp>

#include <base/file.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <unistd.h>

using namespace ashlar;

namespace {

TEST(MappedFile, HasTheBytesAndZerosToTheEndOfThePage) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    write_file(directory.path() / "file", "stone");
    const MappedFile file(directory.path() / "file");
    EXPECT_EQ(file.text(), "stone");
    EXPECT_EQ(file.bytes().size(), 5U);
    EXPECT_EQ(file.pages().size(), static_cast<std::size_t>(::getpagesize()));
    EXPECT_TRUE(std::ranges::all_of(file.pages().subspan(5), [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(MappedFile, OfNothingIsEmpty) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    write_file(directory.path() / "file", "");
    const MappedFile file(directory.path() / "file");
    EXPECT_TRUE(file.bytes().empty());
    EXPECT_TRUE(file.pages().empty());
}

} // namespace
