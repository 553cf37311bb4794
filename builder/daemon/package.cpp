#include <daemon/package.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <root/sandbox.hpp>

#include <fmt/format.h>

#include <regex>
#include <fcntl.h>
#include <sys/stat.h>

namespace ashlar::daemon {

namespace fs = std::filesystem;

namespace {

// 2026-01-01. The package is a function of source and root alone: no time of building, and none of the
// archive, which would make another package of it several times a day.
constexpr std::int64_t package_time = 1767225600;

using Steps = std::vector<std::vector<std::string>>;

// The tests are compiled without optimisation: they run once.
const Steps compile_steps{
    {"cmake", "-S", "/source", "-B", "/scratch/build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_INSTALL_PREFIX=/usr",
     "-DCMAKE_CXX_COMPILER=/usr/bin/g++", "-DCMAKE_C_COMPILER=/usr/bin/gcc", "-DASHLAR_BUILDER=OFF"},
    {"cmake", "--build", "/scratch/build"},
    {"ctest", "--test-dir", "/scratch/build", "--output-on-failure", "--no-tests=error"},
    {"cmake", "-E", "env", "DESTDIR=/scratch/package", "cmake", "--install", "/scratch/build", "--strip"}};
const Steps pack_steps{
    {"dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "--build", "/scratch/package", "/scratch/ashlard.deb"}};

// "project(ashlar VERSION 0.1.0 …)"
std::string project_version(const fs::path& source) {
    static const std::regex declaration(R"(project\(ashlar VERSION ([0-9.]+))");
    const fs::path path = source / "CMakeLists.txt";
    const std::string text = read_file(path);
    std::smatch found;
    if (!std::regex_search(text, found, declaration))
        throw Error(fmt::format("cannot read the version of '{}': it does not say project(ashlar VERSION …)", path.native()));
    return found[1];
}

// Work is done at the same paths inside whatever they are outside: no path reaches the program.
class Workbench {
public:
    Workbench(const PackageInput& input, const fs::path& work, fs::path log) : log_(std::move(log)) {
        sandbox_.root = input.build_root;
        sandbox_.mode = root::RootMode::assembled;
        for (const fs::path& part : source_parts())
            sandbox_.binds.push_back({input.source / part, "/source" / part});
        sandbox_.binds.push_back({work, "/scratch", root::Access::read_write});
    }

    void run(std::vector<std::string> argv) const {
        Command command = sandbox_.enter(std::move(argv));
        command.environment->emplace_back("SOURCE_DATE_EPOCH", fmt::format("{}", package_time));
        command.log = log_;
        run_checked(command);
    }

private:
    root::Sandbox sandbox_;
    fs::path log_;
};

void stamp(const fs::path& tree) {
    const timespec when{.tv_sec = package_time, .tv_nsec = 0};
    const timespec times[] = {when, when};
    for (const auto& entry : fs::recursive_directory_iterator(tree))
        if (::utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
            throw system_error("stamp", entry.path().native());
}

} // namespace

const std::vector<fs::path>& source_parts() {
    // Of the tests those that the build root can run: cmake takes what is there.
    static const std::vector<fs::path> parts{"CMakeLists.txt", "cmake", "base", "signing", "firstboot",
                                             "tests/unit/base", "tests/unit/firstboot", "tests/unit/state", "tests/unit/disks",
                                             "tests/unit/site", "tests/unit/node", "tests/unit/bootmenu",
                                             "tests/unit/upgrade", "tests/unit/control", "tests/unit/ctl",
                                             "tests/unit/service", "tests/unit/journald", "tests/unit/rescue"};
    return parts;
}

std::string control_text(const fs::path& source, const std::string& architecture) {
    std::string text = read_file(source / "firstboot/package/control");
    const std::size_t first_line_end = text.find('\n') + 1;
    return text.insert(first_line_end, fmt::format("Version: {}\nArchitecture: {}\n", project_version(source), architecture));
}

std::string procedure() {
    std::string text = fmt::format("time {}", package_time);
    for (const auto& steps : {compile_steps, pack_steps})
        for (const auto& step : steps) text += "\n" + join(step, " ");
    return text;
}

void make_package(const PackageInput& input, const fs::path& work, const fs::path& log, const fs::path& output) {
    const Workbench bench(input, work, log);
    for (const auto& step : compile_steps) bench.run(step);

    const fs::path package = work / "package";
    fs::create_directories(package / "DEBIAN");
    write_file(package / "DEBIAN/control", control_text(input.source, input.architecture));
    stamp(package);
    for (const auto& step : pack_steps) bench.run(step);
    std::error_code failure;
    fs::rename(work / "ashlard.deb", output, failure);
    if (failure) throw system_error("rename", output.native(), failure.value());
}

} // namespace ashlar::daemon
