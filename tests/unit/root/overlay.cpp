#include <root/overlay.hpp>

#include <root/verify.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Overlay : public testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(root / "usr/lib");
        fs::create_directories(root / "etc");
        fs::create_directory_symlink("usr/lib", root / "lib");
        write_file(root / "etc/passwd", "root:x:0:0::/:/bin/sh\netcd:x:114:114::/:/bin/sh\n");
        write_file(root / "etc/group", "root:x:0:\netcd:x:114:\n");
        role.name = "test";
    }
    void file(const fs::path& path, std::string_view text = "x", unsigned mode = 0644) const {
        fs::create_directories(path.parent_path());
        write_file(path, text, mode);
    }
    void unit(const std::string& name, const char* text = "[Install]\nWantedBy=multi-user.target\n") const {
        file(root / "usr/lib/systemd/system" / name, text);
    }
    std::string preset_error(const std::string& service) {
        const auto source = toml::source_from_text("roles/test.toml", "services = [\"" + service + "\"]\n");
        role.services = {service};
        role.places.set(recipe::Element::service, service, {source, 1, 13, service.size() + 2});
        try {
            apply_presets(root, role);
        } catch (const Error& error) {
            return error.render();
        }
        return "no error";
    }
    struct stat status(const std::string& path) const {
        struct stat info {};
        if (::lstat((root / path).c_str(), &info) != 0) throw system_error("read", path);
        return info;
    }

    TemporaryDirectory directory{"/tmp", "overlay-"};
    fs::path root = directory.path() / "root", first = directory.path() / "first", second = directory.path() / "second";
    recipe::Role role;
};

} // namespace

TEST_F(Overlay, OwnersModesAndTimesAreNotTheWorkingCopys) {
    file(first / "usr/lib/app/tool", "#!/bin/sh\n", 0700);
    file(first / "etc/app.conf", "a", 0600);
    fs::create_symlink("/dev/null", first / "etc/off");
    ::chown((first / "etc/app.conf").c_str(), 5, 5);
    role.overlays = {first};
    apply_overlays(root, role, 1000);
    EXPECT_EQ(status("usr/lib/app/tool").st_mode & 07777U, 0755U);
    EXPECT_EQ(status("usr/lib/app").st_mode & 07777U, 0755U);
    EXPECT_EQ(status("etc/app.conf").st_mode & 07777U, 0644U);
    EXPECT_EQ(status("etc/app.conf").st_uid, 0U);
    for (const char* path : {"usr/lib/app/tool", "usr/lib/app", "etc/app.conf", "etc/off"}) EXPECT_EQ(status(path).st_mtime, 1000) << path;
    EXPECT_EQ(fs::read_symlink(root / "etc/off"), "/dev/null");
}

TEST_F(Overlay, LaterOnesWinAndLinksOfTheRootAreFollowed) {
    file(first / "lib/app", "first");
    file(second / "usr/lib/app", "second");
    role.overlays = {first, second};
    apply_overlays(root, role, 1000);
    EXPECT_EQ(read_file(root / "usr/lib/app"), "second");
    EXPECT_TRUE(fs::is_symlink(root / "lib"));
}

TEST_F(Overlay, NeverWritesThroughALink) {
    file(root / "etc/target", "kept");
    fs::create_symlink("target", root / "etc/link");
    file(first / "etc/link", "new");
    role.overlays = {first};
    apply_overlays(root, role, 1000);
    EXPECT_EQ(read_file(root / "etc/target"), "kept");
    EXPECT_EQ(read_file(root / "etc/link"), "new");
}

TEST_F(Overlay, FollowsLinksInsideTheRootOnly) {
    fs::create_directory_symlink("/usr/lib", root / "etc/absolute");
    fs::create_directory_symlink("../../../../../../usr/lib", root / "etc/climbing");
    file(first / "etc/absolute/a");
    file(first / "etc/climbing/b");
    role.overlays = {first};
    apply_overlays(root, role, 1000);
    EXPECT_TRUE(fs::exists(root / "usr/lib/a"));
    EXPECT_TRUE(fs::exists(root / "usr/lib/b"));
}

TEST_F(Overlay, TheRecipeGivesOwnersAndModes) {
    file(first / "etc/etcd.env");
    role.overlays = {first};
    role.files = {{.path = "/etc/etcd.env", .owner = "root:etcd", .mode = 0640}};
    apply_overlays(root, role, 1000);
    EXPECT_EQ(status("etc/etcd.env").st_gid, 114U);
    EXPECT_EQ(status("etc/etcd.env").st_mode & 07777U, 0640U);
}

TEST_F(Overlay, AnUnknownOwnerIsAnErrorAtItsPlace) {
    file(first / "etc/x");
    role.overlays = {first};
    role.files = {{.path = "/etc/x", .owner = "root:nobody-here", .mode = {}}};
    const auto source = toml::source_from_text("roles/test.toml", "files = [{ path = \"/etc/x\" }]\n");
    role.places.set(recipe::Element::file, "/etc/x", {source, 1, 19, 8});
    try {
        apply_overlays(root, role, 1000);
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.render(), testing::StartsWith("roles/test.toml:1:19: the root has no account 'root:nobody-here'\n"));
    }
}

TEST_F(Overlay, AFileWhereADirectoryIsIsAnError) {
    file(first / "usr/lib");
    role.overlays = {first};
    EXPECT_THROW(apply_overlays(root, role, 1000), Error);
}

TEST(PresetLine, KnowsInstances) {
    EXPECT_EQ(preset_lines({"getty@tty1.service", "ssh.service", "getty@ttyS0.service", "a@x.y.timer"}), "enable getty@.service tty1 ttyS0\n"
                                                                                                  "enable ssh.service\n"
                                                                                                  "enable a@.timer x.y\n");
}

TEST_F(Overlay, AServiceThatIsNotThereIsAnErrorAtItsPlace) {
    unit("chrony.service");
    EXPECT_EQ(preset_error("chrony.servce"), "roles/test.toml:1:13: no package or overlay of the role has the unit 'chrony.servce'\n"
                                             "  1 | services = [\"chrony.servce\"]\n"
                                             "    |             ^~~~~~~~~~~~~~~\n"
                                             "did you mean 'chrony.service'?");
}

TEST_F(Overlay, AMaskedServiceCannotBeEnabled) {
    unit("a.service");
    fs::create_directories(root / "etc/systemd/system");
    fs::create_symlink("/dev/null", root / "etc/systemd/system/a.service");
    EXPECT_THAT(preset_error("a.service"), HasSubstr("unit 'a.service' is masked by '/etc/systemd/system/a.service'"));
}

TEST_F(Overlay, AStaticServiceCannotBeEnabled) {
    unit("a@.service", "[Service]\nExecStart=/bin/true\n");
    EXPECT_THAT(preset_error("a@1.service"), HasSubstr("unit 'a@1.service' cannot be enabled: it has no [Install] section"));
}

TEST(ParseVerify, ReadsDpkgsLines) {
    EXPECT_THAT(parse_verify("missing   c /etc/a b\n??5??????   /usr/bin/x\nmissing     /var/lib\n"),
                ElementsAre(Deviation{"/etc/a b", "missing", true}, Deviation{"/usr/bin/x", "??5??????", false},
                            Deviation{"/var/lib", "missing", false}));
}
