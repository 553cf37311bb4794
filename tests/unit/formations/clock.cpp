#include <formations/clock.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>

namespace ashlar::formations {
namespace {

Time at(std::int64_t second) { return Time(std::chrono::seconds(second)); }

TEST(Clock, IsBelievedByWhatIsKnown) {
    const Time newest = at(1000);
    EXPECT_FALSE(time_is_sane({.now = at(999), .is_own = true, .synchronised = true}, newest, true)) << "before what was signed";
    EXPECT_FALSE(time_is_sane({.now = at(999), .is_own = false, .synchronised = false}, newest, false));
    EXPECT_FALSE(time_is_sane({.now = at(1000), .is_own = true, .synchronised = false}, newest, true)) << "somebody keeps time, and has not been heard";
    EXPECT_TRUE(time_is_sane({.now = at(1000), .is_own = true, .synchronised = true}, newest, true));
    EXPECT_TRUE(time_is_sane({.now = at(1000), .is_own = true, .synchronised = false}, newest, false)) << "nobody keeps time";
    EXPECT_TRUE(time_is_sane({.now = at(1000), .is_own = false, .synchronised = false}, newest, true)) << "a container has its machine's";
}

TEST(Clock, OfAContainerIsNotItsOwn) {
    const TemporaryDirectory root(std::filesystem::temp_directory_path());
    std::filesystem::create_directories(root.path() / "proc/1");
    const auto with = [&](const std::string& text) {
        write_file(root.path() / "proc/1/status", text);
        return read_clock(root.path()).is_own;
    };
    EXPECT_TRUE(with("Name:\tsystemd\nCapEff:\t0\nCapBnd:\t000001ffffffffff\n"));
    EXPECT_FALSE(with("Name:\tsystemd\nCapEff:\t000001ffffffffff\nCapBnd:\t000001fff4ffffff\n"));
    EXPECT_TRUE(with("nothing of it\n")) << "the stricter answer";
    EXPECT_GE(read_clock(root.path()).now, at(1'700'000'000));
}

TEST(Clock, AnImageSaysWhenItWasMade) {
    const TemporaryDirectory root(std::filesystem::temp_directory_path());
    std::filesystem::create_directories(root.path() / "usr/lib");
    write_file(root.path() / "usr/lib/os-release", "");
    std::filesystem::last_write_time(root.path() / "usr/lib/os-release", std::chrono::file_clock::from_sys(at(1'790'000'000)));
    EXPECT_EQ(image_time(root.path()), at(1'790'000'000));
}

} // namespace
} // namespace ashlar::formations
