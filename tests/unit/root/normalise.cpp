#include <root/normalise.hpp>

#include <root/capture.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::int64_t epoch = 1700000000;

class Normalise : public testing::Test {
protected:
    void SetUp() override { fs::create_directory(root / "etc"); }
    void file(const std::string& name, std::string_view text = "x", unsigned mode = 0644) const {
        fs::create_directories((root / name).parent_path());
        write_file(root / name, text, mode);
    }
    [[nodiscard]] bool exists(const std::string& name) const { return fs::exists(fs::symlink_status(root / name)); }
    [[nodiscard]] std::string var_lines() const { return read_file(root / var_lines_file); }

    TemporaryDirectory directory{"/tmp", "normalise-"};
    fs::path root = directory.path();
};

constexpr const char* head = "# What packages had in /var, for a node's own /var: tmpfiles.d(5). Owners are of the ledger of accounts.\n"
                             "f /var/.updated 0644 0 0 -\n";

} // namespace

TEST_F(Normalise, RemovesWhatTellsMachinesApart) {
    for (const char* name : {"etc/hostname", "etc/passwd-", "etc/.pwd.lock", "etc/ssh/ssh_host_rsa_key", "etc/a/b.conf.dpkg-old",
                             "etc/openvswitch/conf.db", "etc/resolv.conf", "run/x", "tmp/y", "vmlinuz"})
        file(name);
    for (const char* name : {"etc/hosts", "etc/ssh/sshd_config", "usr/share/doc/etc/hostname"}) file(name);
    file("etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0444);
    normalise(root, epoch);
    for (const char* name : {"etc/hostname", "etc/passwd-", "etc/.pwd.lock", "etc/ssh/ssh_host_rsa_key", "etc/a/b.conf.dpkg-old",
                             "etc/openvswitch/conf.db", "etc/resolv.conf", "run/x", "tmp/y", "vmlinuz"})
        EXPECT_FALSE(exists(name)) << name;
    for (const char* name : {"etc/hosts", "etc/ssh/sshd_config", "usr/share/doc/etc/hostname", "run", "tmp"}) EXPECT_TRUE(exists(name)) << name;
    EXPECT_EQ(read_file(root / "etc/machine-id"), "");
}

TEST_F(Normalise, PointsTheResolverWhereThereIsOne) {
    file("etc/resolv.conf", "nameserver 192.0.2.1\n");
    file("usr/lib/systemd/systemd-resolved");
    normalise(root, epoch);
    EXPECT_EQ(fs::read_symlink(root / "etc/resolv.conf"), "../run/systemd/resolve/stub-resolv.conf");
}

TEST_F(Normalise, TurnsVarIntoLines) {
    fs::create_directories(root / "var/lib/app/with space");
    ::chmod((root / "var/lib/app").c_str(), 02750);
    ::chown((root / "var/lib/app").c_str(), 110, 111);
    file("var/lib/app/state", "content", 0600);
    file("var/lib/app/100%", "");
    fs::create_symlink("/run", root / "var/run");
    file("var/log/dpkg.log");
    file("var/cache/debconf/config.dat");
    file("var/lib/systemd/catalog/database", "catalog");
    normalise(root, epoch);
    EXPECT_EQ(var_lines(), std::string(head) +
                               "d /var/cache 0755 0 0 -\n"
                               "d /var/cache/debconf 0755 0 0 -\n"
                               "d /var/lib 0755 0 0 -\n"
                               "d /var/lib/app 2750 110 111 -\n"
                               "f /var/lib/app/100%% 0644 0 111 -\n" // the group of a set-gid directory
                               "C /var/lib/app/state 0600 0 111 - /usr/share/factory/var/lib/app/state\n"
                               "d \"/var/lib/app/with space\" 0755 0 0 -\n"
                               "d /var/lib/systemd 0755 0 0 -\n"
                               "d /var/lib/systemd/catalog 0755 0 0 -\n"
                               "L+ /var/lib/systemd/catalog/database - - - - /usr/share/factory/var/lib/systemd/catalog/database\n"
                               "d /var/log 0755 0 0 -\n"
                               "L /var/run - - - - /run\n");
    EXPECT_TRUE(fs::is_empty(root / "var"));
    EXPECT_EQ(read_file(root / "usr/share/factory/var/lib/app/state"), "content");
    struct stat info {};
    ASSERT_EQ(::stat((root / "usr/share/factory/var/lib/app/state").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Normalise, LeavesPathsToThePackagesOwnLines) {
    file("usr/lib/tmpfiles.d/app.conf", "d /var/lib/app 0700 app app -\na+ /var/lib/other - - - - u:app:rwx\n");
    fs::create_directories(root / "var/lib/app");
    fs::create_directories(root / "var/lib/other");
    normalise(root, epoch);
    EXPECT_EQ(var_lines(), std::string(head) + "d /var/lib 0755 0 0 -\nd /var/lib/other 0755 0 0 -\n");
}

TEST_F(Normalise, RepeatedItAddsWhatIsNew) {
    fs::create_directories(root / "var/lib/a b");
    normalise(root, epoch);
    const std::string first = var_lines();
    normalise(root, epoch);
    EXPECT_EQ(var_lines(), first);
    fs::create_directories(root / "var/lib/zz");
    normalise(root, epoch);
    EXPECT_EQ(var_lines(), first + "d /var/lib/zz 0755 0 0 -\n");
    file("etc/tmpfiles.d/overlay.conf", "d /var/lib/zz 0700 - - -\n");
    normalise(root, epoch);
    EXPECT_EQ(var_lines(), first);
}

TEST_F(Normalise, MovesDpkgsDatabaseUnderUsr) {
    file("var/lib/dpkg/status", "");
    file("var/lib/dpkg/status-old", "");
    file("var/lib/dpkg/info/format", "1\n");
    normalise(root, epoch);
    EXPECT_TRUE(exists("usr/lib/sysimage/dpkg/info/format"));
    EXPECT_FALSE(exists("usr/lib/sysimage/dpkg/status-old"));
    EXPECT_THAT(var_lines(), HasSubstr("L /var/lib/dpkg - - - - /usr/lib/sysimage/dpkg\n"));
}

TEST_F(Normalise, SaysThatNothingNeedsAnUpdate) {
    normalise(root, epoch);
    struct stat info {};
    ASSERT_EQ(::stat((root / "etc/.updated").c_str(), &info), 0);
    EXPECT_EQ(info.st_mtime, epoch);
}

TEST_F(Normalise, ARootWithoutEtcGetsNone) {
    fs::remove(root / "etc");
    fs::create_directories(root / "var/lib");
    normalise(root, epoch);
    EXPECT_FALSE(exists("etc"));
    EXPECT_EQ(var_lines(), std::string(head) + "d /var/lib 0755 0 0 -\n");
}

TEST_F(Normalise, SecretsAreRefusedWithTheirPackage) {
    file("etc/app/server.pem", "junk\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n");
    file("etc/shadow", "root:$y$hash:1::::::\nbin:!*:1::::::\n", 0640);
    file("usr/lib/thing/.erlang.cookie", "COOKIE");
    file("usr/share/doc/example.key", "-----BEGIN PRIVATE KEY-----\n");
    file("usr/share/doc/public.pem", "-----BEGIN PUBLIC KEY-----\n");
    file("etc/machine-id", "");
    file("var/lib/dpkg/status", "Package: app\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
    file("var/lib/dpkg/info/app.list", "/.\n/etc\n/etc/app\n/etc/app/server.pem\n/usr/share/doc/example.key\n");
    try {
        refuse_secrets(capture(root, epoch));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(),
                  "cannot put secrets into an image, every node would share them:\n"
                  "    /etc/app/server.pem: a private key (package 'app')\n"
                  "    /etc/shadow: a password (of no package: made by a script or an overlay)\n"
                  "    /usr/lib/thing/.erlang.cookie: an Erlang cookie (of no package: made by a script or an overlay)\n"
                  "  hint: make them on the node, and add what packages leave behind to the normaliser's table");
    }
}

TEST_F(Normalise, ACleanRootHasNoSecrets) {
    file("etc/shadow", "root:*:::::::\nsshd:!*:::::::\nbin:!:::::::\n", 0640);
    file("etc/machine-id", "");
    EXPECT_NO_THROW(refuse_secrets(capture(root, epoch)));
}
