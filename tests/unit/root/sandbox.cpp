#include <root/sandbox.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <filesystem>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::HasSubstr;

namespace {

// This machine's programs, read-only: any Linux has what these tests run.
Sandbox host_programs() { return {.root = "/", .mode = RootMode::assembled}; }

Outcome shell(const Sandbox& sandbox, const std::string& script) { return run(sandbox.enter({"sh", "-c", script})); }

struct Folder {
    TemporaryDirectory directory{"/tmp", "sandbox-"};
    fs::path path = directory.path();
};

} // namespace

TEST(Sandbox, PassesOutputErrorsAndExitCode) {
    const Outcome outcome = shell(host_programs(), "echo out; echo err >&2; exit 7");
    EXPECT_EQ(outcome.output, "out\n");
    EXPECT_EQ(outcome.errors, "err\n");
    EXPECT_EQ(outcome.exit_code, 7);
}

TEST(Sandbox, ADeathBySignalIsAnExitCode) { EXPECT_EQ(shell(host_programs(), "kill -9 $$").exit_code, 128 + 9); }

TEST(Sandbox, FeedsInput) {
    Command command = host_programs().enter({"cat"});
    command.input = "text";
    EXPECT_EQ(run_checked(command), "text");
}

TEST(Sandbox, MoreOutputThanAPipeHolds) {
    EXPECT_EQ(shell(host_programs(), "head -c 1000000 /dev/zero").output.size(), 1000000U);
}

TEST(Sandbox, APipedProgramWorks) {
    const Folder folder;
    Sandbox sandbox = host_programs();
    sandbox.binds.push_back({folder.path, folder.path, Access::read_write});
    PipedChild child(sandbox.enter({"sh", "-c", "cat > " + (folder.path / "copy").native()}));
    write_all(child.input(), std::string(300000, 'x'), "pipe");
    child.finish();
    EXPECT_EQ(fs::file_size(folder.path / "copy"), 300000U);
}

TEST(Sandbox, HasAWorldOfItsOwn) {
    EXPECT_EQ(shell(host_programs(), "hostname").output, "localhost\n");
    EXPECT_EQ(shell(host_programs(), "umask").output, "0022\n");
    EXPECT_EQ(shell(host_programs(), "pwd").output, "/\n");
    EXPECT_EQ(shell(host_programs(), "echo /run/* /tmp/*").output, "/run/lock /tmp/*\n");
    EXPECT_EQ(shell(host_programs(), "echo /dev/*").output,
              "/dev/fd /dev/full /dev/null /dev/ptmx /dev/pts /dev/random /dev/shm /dev/stderr /dev/stdin /dev/stdout "
              "/dev/tty /dev/urandom /dev/zero\n");
    EXPECT_EQ(shell(host_programs(), "for fd in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$fd && printf $fd; done").output, "012");
    EXPECT_EQ(shell(host_programs(), "env | sort").output, "HOME=/root\nLC_ALL=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nTZ=UTC0\n");
}

TEST(Sandbox, HasNoNetwork) {
    EXPECT_EQ(shell(host_programs(), "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").output, "lo\n");
    EXPECT_EQ(shell(host_programs(), "cat /sys/class/net/lo/flags /proc/net/route 2>/dev/null").output, "");
}

TEST(Sandbox, SeesOnlyItsOwnProcesses) { EXPECT_EQ(shell(host_programs(), "echo /proc/[0-9]*").output, "/proc/1 /proc/2\n"); }

TEST(Sandbox, KillsWhatAProgramLeavesBehind) {
    // Would run for a minute, holding the pipe.
    EXPECT_EQ(shell(host_programs(), "sleep 60 & echo started").output, "started\n");
}

TEST(Sandbox, TheRootIsReadOnlyWhenAssembled) {
    EXPECT_NE(shell(host_programs(), "touch /usr/bin/new").exit_code, 0);
    EXPECT_FALSE(fs::exists("/usr/bin/new"));
}

TEST(Sandbox, BindsReadOnlyAndReadWrite) {
    const Folder folder;
    Sandbox sandbox = host_programs();
    sandbox.binds = {{folder.path, "/srv/writable/deep", Access::read_write}, {folder.path, "/usr/share/ashlar-test/fixed", Access::read_only}};
    EXPECT_EQ(shell(sandbox, "echo new > /srv/writable/deep/file && cat /usr/share/ashlar-test/fixed/file && ls -d /usr/share/doc").output,
              "new\n/usr/share/doc\n");
    EXPECT_NE(shell(sandbox, "touch /usr/share/ashlar-test/fixed/file2").exit_code, 0);
    EXPECT_EQ(read_file(folder.path / "file"), "new\n");
    EXPECT_FALSE(fs::exists("/srv/writable"));
    EXPECT_FALSE(fs::exists("/usr/share/ashlar-test"));
}

TEST(Sandbox, BindsAFileOverAFile) {
    const Folder folder;
    write_file(folder.path / "name", "other\n");
    Sandbox sandbox = host_programs();
    sandbox.binds = {{folder.path / "name", "/etc/hostname"}};
    EXPECT_EQ(shell(sandbox, "cat /etc/hostname").output, "other\n");
}

TEST(Sandbox, SyncAnswersAtOnceOrIsReal) {
    const char* script = "import os,errno\n"
                         "try:\n os.fsync(os.pipe()[0]); print('ignored')\n"
                         "except OSError: print('real')\n";
    Sandbox sandbox = host_programs();
    EXPECT_EQ(run_checked(sandbox.enter({"python3", "-c", script})), "ignored\n");
    sandbox.sync = Sync::real;
    EXPECT_EQ(run_checked(sandbox.enter({"python3", "-c", script})), "real\n");
}

TEST(Sandbox, InPlaceWritesStay) {
    const Folder folder;
    for (const char* name : {"dev", "proc", "run", "tmp", "usr", "data"}) fs::create_directory(folder.path / name);
    for (const char* name : {"bin", "lib", "lib64", "sbin"}) fs::create_directory_symlink(fs::path("usr") / name, folder.path / name);
    Sandbox sandbox{.root = folder.path, .binds = {{"/usr", "/usr"}}};
    EXPECT_EQ(shell(sandbox, "echo here > /data/file; echo gone > /tmp/file").exit_code, 0);
    EXPECT_EQ(read_file(folder.path / "data/file"), "here\n");
    EXPECT_TRUE(fs::is_empty(folder.path / "tmp"));
    EXPECT_TRUE(fs::is_empty(folder.path / "usr"));
}

TEST(Sandbox, InPlaceNeedsItsMountPoints) {
    const Folder folder;
    for (const char* name : {"dev", "proc", "run"}) fs::create_directory(folder.path / name);
    try {
        (void)Sandbox{.root = folder.path}.enter({"true"});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot enter '" + folder.path.native() + "': it has no '/tmp' to mount on");
    }
}

TEST(Sandbox, AMissingSourceIsNamed) {
    Sandbox sandbox = host_programs();
    sandbox.binds = {{"/no/such/thing", "/srv"}};
    try {
        (void)sandbox.enter({"true"});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot bind '/no/such/thing': No such file or directory");
    }
}

TEST(Sandbox, AMissingProgramIsNamed) {
    try {
        (void)run(host_programs().enter({"no-such-program"}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot start 'no-such-program': No such file or directory");
    }
}

TEST(Sandbox, AStepThatFailsIsNamed) {
    const Folder folder;
    fs::create_directory(folder.path / "held");
    Sandbox sandbox = host_programs();
    // The second mount point would have to be made in a read-only bind.
    sandbox.binds = {{folder.path, "/srv/a"}, {folder.path / "held", "/srv/a/b"}};
    try {
        (void)run(sandbox.enter({"true"}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot start 'true': Read-only file system\n  while making the directory '/srv/a/b' of the sandbox");
    }
}

TEST(ToolsRoot, ShowsDirectoriesAtTheSamePath) {
    const Folder folder;
    Command command = ToolsRoot("/").command({"sh", "-c", "echo made > made"}, {folder.path});
    command.directory = folder.path;
    run_checked(command);
    EXPECT_EQ(read_file(folder.path / "made"), "made\n");
}

TEST(OverlayMount, KeepsTheLowerDirectoryUntouched) {
    const Folder folder;
    for (const char* name : {"lower", "upper", "work", "merged"}) fs::create_directory(folder.path / name);
    write_file(folder.path / "lower/file", "old");
    write_file(folder.path / "lower/gone", "old");
    {
        const OverlayMount overlay({folder.path / "lower"}, folder.path / "upper", folder.path / "work", folder.path / "merged");
        write_file(overlay.path() / "file", "new");
        fs::remove(overlay.path() / "gone");
        EXPECT_EQ(read_file(overlay.path() / "file"), "new");
        EXPECT_FALSE(fs::exists(overlay.path() / "gone"));
    }
    EXPECT_EQ(read_file(folder.path / "lower/file"), "old");
    EXPECT_EQ(read_file(folder.path / "lower/gone"), "old");
    EXPECT_TRUE(fs::is_empty(folder.path / "merged"));
}
