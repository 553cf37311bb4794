#include <rescue/export.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <csignal>
#include <sys/resource.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

class Export : public testing::Test {
protected:
    Export() {
        fs::create_directories(stick());
        fs::create_directories(directory.path() / "journal/0123");
        write_file(directory.path() / "journal/0123/system.journal", "LPKSHHRH");
        write_file(directory.path() / "status.json", "{}\n");
    }
    [[nodiscard]] fs::path stick() const { return directory.path() / "stick"; }
    [[nodiscard]] std::vector<rescue::Source> sources() const {
        return {{directory.path() / "journal", "journal"}, {directory.path() / "status.json", "status.json"}, {directory.path() / "missing", "pstore"}};
    }
    [[nodiscard]] std::vector<std::string> on_stick() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(stick())) names.push_back(entry.path().lexically_relative(stick()).native());
        return names;
    }
    TemporaryDirectory directory{testing::TempDir()};
};

TEST_F(Export, IsOneFileWithAllThatIsThere) {
    EXPECT_EQ(rescue::archive_name("node-1", std::chrono::sys_seconds(std::chrono::seconds(1795546800))), "logs-node-1-20261124T190000Z.tar.gz");
    const fs::path file = rescue::write_archive(stick(), "logs.tar.gz", sources(), directory.path());
    EXPECT_EQ(file, stick() / "ashlar/logs.tar.gz");
    EXPECT_EQ(run_checked({.argv = {"tar", "-tzf", file.native()}}), "journal/\njournal/0123/\njournal/0123/system.journal\nstatus.json\n");
    EXPECT_EQ(run_checked({.argv = {"tar", "-xOzf", file.native(), "journal/0123/system.journal"}}), "LPKSHHRH");
    EXPECT_THAT(on_stick(), testing::UnorderedElementsAre("ashlar", "ashlar/logs.tar.gz"));
}

TEST_F(Export, OfNothingIsAnError) {
    EXPECT_THROW((void)rescue::write_archive(stick(), "logs.tar.gz", {{directory.path() / "missing", "pstore"}}, directory.path()), Error);
    EXPECT_TRUE(on_stick().empty());
}

// As on a stick that takes no more.
TEST_F(Export, LeavesNothingBehindWhenItDoesNotFit) {
    std::string noise(std::size_t{1} << 20U, '\0');
    unsigned state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    write_file(directory.path() / "journal/0123/system.journal", noise);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{65536, before.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    std::string message = "no error";
    try {
        (void)rescue::write_archive(stick(), "logs.tar.gz", sources(), directory.path());
    } catch (const Error& error) {
        message = error.message();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, SIG_DFL);
    EXPECT_THAT(message, testing::StartsWith("cannot write the logs: "));
    EXPECT_THAT(on_stick(), testing::ElementsAre("ashlar"));
}

// procfs takes no new directory, as a stick that is mounted read-only does not.
TEST_F(Export, SaysThatNothingCanBeWritten) {
    try {
        (void)rescue::write_archive("/proc/self", "logs.tar.gz", sources(), directory.path());
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), testing::StartsWith("cannot create '/proc/self/ashlar': "));
    }
}

} // namespace
