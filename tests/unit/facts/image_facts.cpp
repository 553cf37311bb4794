#include <facts/image_facts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using root::EntryType;

pipeline::EntryRecord file(std::string path, unsigned mode) { return {.path = std::move(path), .mode = mode, .sha256 = sha256("x")}; }
pipeline::EntryRecord link(std::string path, std::string target) { return {.path = std::move(path), .type = EntryType::symlink, .mode = 0777, .target = std::move(target)}; }

evidence::Manifest manifest() {
    const Digest digest = sha256("x");
    return {.role = "base", .release = "R0.1", .train = "R0", .architecture = "amd64", .ashlar = "0.1.0", .lock = digest, .root_hash = digest, .kernel = "6.12", .unsigned_uki = digest,
            .authenticode = digest, .artefacts = {{"disk", {"ashlar_base_R0.1_amd64.raw", digest, 1}}},
            .packages = {{"bash", "5.2", "amd64", "bash", "5.2", digest, {"root"}}, {"busybox", "1.37", "amd64", "busybox", "1.37", digest, {"initrd"}}}};
}

facts::ImageFacts with(const pipeline::TreeRecord& tree) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    const auto base = directory.path() / "ashlar_base_R0.1_amd64";
    write_file(base.native() + ".manifest.json", evidence::to_text(manifest()));
    write_file(base.native() + ".tree.json", pipeline::to_text(tree));
    return facts::read_image(base);
}

std::string refusal_of(const std::filesystem::path& base) {
    try {
        (void)facts::read_image(base);
        return "no error";
    } catch (const Error& error) {
        return error.render();
    }
}

std::vector<std::string> paths_of(const std::vector<const pipeline::EntryRecord*>& entries) {
    std::vector<std::string> paths;
    for (const auto* entry : entries) paths.push_back(entry->path);
    return paths;
}

TEST(ImageFacts, KnowPackagesOfTheRoot) {
    const auto facts = with({});
    EXPECT_EQ(facts.package("bash")->version, "5.2");
    EXPECT_EQ(facts.package("busybox"), nullptr);
    EXPECT_EQ(facts.package("zsh"), nullptr);
}

TEST(ImageFacts, FindEntriesAndSetIdFiles) {
    const auto facts = with({file("usr/bin/sudo", 04755), file("usr/bin/chage", 02755), file("usr/bin/ls", 0755), {.path = "var/mail", .type = EntryType::directory, .mode = 02775}});
    EXPECT_EQ(facts.entry("usr/bin/ls")->mode, 0755u);
    EXPECT_EQ(facts.entry("usr/bin/l"), nullptr);
    EXPECT_THAT(paths_of(facts.set_id_files()), ElementsAre("usr/bin/chage", "usr/bin/sudo"));
}

TEST(ImageFacts, UnitsThatStartByThemselves) {
    const auto facts = with({link("etc/systemd/system/multi-user.target.wants/ssh.service", "/usr/lib/systemd/system/ssh.service"),
                             link("usr/lib/systemd/system/sockets.target.wants/dbus.socket", "../dbus.socket"),
                             link("etc/systemd/system/x.target.requires/getty@tty1.service", "/usr/lib/systemd/system/getty@.service"),
                             link("etc/systemd/system/timers.target.wants/a.timer", "/usr/lib/systemd/system/a.timer"),
                             link("etc/systemd/system/sshd.service", "/usr/lib/systemd/system/ssh.service"),
                             link("usr/lib/systemd/system/a.target.wants/off.service", "../off.service"),
                             link("etc/systemd/system/off.service", "/dev/null"),
                             link("etc/systemd/system/b.target.wants/none.service", "/dev/null"),
                             link("usr/share/x.wants/y.service", "z"),
                             file("usr/lib/systemd/system/ssh.service", 0644)});
    EXPECT_THAT(facts.started_units(), ElementsAre("dbus.socket", "getty@tty1.service", "ssh.service"));
    EXPECT_THAT(with({}).started_units(), IsEmpty());
}

TEST(ImageFacts, AreReadFromTheFilesBesideAnImage) {
    const auto facts = with({file("usr/bin/sudo", 04755)});
    EXPECT_EQ(facts.manifest, manifest());
    EXPECT_EQ(facts.tree.size(), 1u);
    EXPECT_EQ(facts.name(), "ashlar_base_R0.1_amd64");
}

TEST(ImageFacts, OfSomethingElse) {
    EXPECT_EQ(refusal_of("/nonexistent/image"), "cannot compare '/nonexistent/image': there is no manifest beside it\n  hint: keep the files of a build together");
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    const auto base = directory.path() / "image";
    write_file(base.native() + ".manifest.json", evidence::to_text(manifest()));
    EXPECT_EQ(refusal_of(base), "cannot compare '" + base.native() + "': there is no record of its root ('.tree.json') beside it\n  hint: keep the files of a build together");
}

} // namespace
