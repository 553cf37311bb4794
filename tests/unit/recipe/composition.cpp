#include <recipe/directory.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

using namespace ashlar;
using testing::ElementsAre;
using testing::Pair;
namespace fs = std::filesystem;

namespace {

class Composition : public testing::Test {
protected:
    void SetUp() override {
        write("recipes/roles/initrd.toml", "kind = \"initrd\"\nsummary = \"i\"\nservices = [\"a.service\"]\n");
        write("recipes/roles/base.toml", R"(kind = "node"
summary = "b"
packages = ["zebra", "apple=1.0"]
exclude = ["postfix"]
services = ["z.service"]
overlays = ["base"]
initrd = "initrd"
strict_providers = true
[kernel]
package = "linux-image-cloud-amd64"
command_line = ["console=ttyS0"]
initrd_modules = ["erofs"]
[limits]
root = "1 GiB"
uki = "96 MiB"
[providers]
mail-transport-agent = "exim4"
awk = "mawk"
)");
        write("recipes/roles/compute.toml", R"(extends = "base"
summary = "c"
packages = ["nova"]
components = ["non-free-firmware"]
overlays = ["compute"]
strict_providers = false
[kernel]
package = "linux-image-amd64"
command_line = ["quiet"]
microcode = ["intel-microcode"]
[limits]
root = "2 GiB"
[providers]
awk = "gawk"
[[state]]
path = "/etc/x"
owner = "root:root"
mode = "0700"
type = "file"
[[file]]
path = "/etc/secret"
mode = "0600"
)");
        write("overlays/base/etc/motd", "");
        write("overlays/compute/etc/secret", "");
    }

    void write(const fs::path& path, const std::string& text) {
        fs::create_directories((root_.path() / path).parent_path());
        write_file(root_.path() / path, text);
    }

    recipe::Role load(std::string_view name) {
        return recipe::RecipeDirectory(root_.path() / "recipes").load_role(name);
    }

    TemporaryDirectory root_{fs::temp_directory_path()};
};

} // namespace

TEST_F(Composition, JoinsListsAncestorsFirst) {
    const auto role = load("compute");
    EXPECT_THAT(role.lineage, ElementsAre("base", "compute"));
    EXPECT_THAT(role.packages, ElementsAre("zebra", "apple=1.0", "nova"));
    EXPECT_THAT(role.exclude, ElementsAre("postfix"));
    EXPECT_THAT(role.services, ElementsAre("z.service"));
    EXPECT_THAT(role.kernel->command_line, ElementsAre("console=ttyS0", "quiet"));
    EXPECT_THAT(role.overlays, ElementsAre(root_.path() / "overlays/base", root_.path() / "overlays/compute"));
}

TEST_F(Composition, ADescendantsSingleValuesReplace) {
    const auto role = load("compute");
    EXPECT_EQ(role.summary, "c");
    EXPECT_EQ(role.kind, recipe::Kind::node);
    EXPECT_EQ(role.kernel->package, "linux-image-amd64");
    EXPECT_FALSE(role.strict_providers);
    EXPECT_EQ(role.limits.root, 2ull << 30);
    EXPECT_EQ(role.limits.uki, 96ull << 20);
    EXPECT_EQ(role.limits.boot_partition, std::nullopt);
    EXPECT_THAT(role.providers, ElementsAre(Pair("awk", "gawk"), Pair("mail-transport-agent", "exim4")));
}

// Each role as it is written, and whatever is extended by one of a train: a node meets nodes of all of them.
TEST_F(Composition, TheTrainsRolesAreAGraph) {
    write("recipes/roles/hyperconverged.toml", "extends = \"compute\"\nsummary = \"h\"\n");
    write("recipes/roles/alone.toml", "extends = \"base\"\nsummary = \"a\"\n");
    const recipe::RecipeDirectory directory(root_.path() / "recipes");
    recipe::Train train;
    train.roles = {"hyperconverged"};
    const formation::RoleGraph::Parents parents{{"base", {}}, {"compute", {"base"}}, {"hyperconverged", {"compute"}}};
    EXPECT_EQ(directory.role_graph(train, "base").parents(), parents);
    EXPECT_TRUE(directory.role_graph(train, "alone").knows("alone")) << "which is built, whatever the train says";
}

// What several of them have is there once, where it stands first.
TEST_F(Composition, ARoleMayExtendSeveral) {
    write("recipes/roles/storage.toml", "extends = \"base\"\nsummary = \"s\"\npackages = [\"ceph\", \"nova\"]\nservices = [\"s.service\"]\noverlays = [\"compute\"]\n[kernel]\npackage = \"linux-image-amd64\"\n");
    write("recipes/roles/hyperconverged.toml", "extends = [\"compute\", \"storage\"]\nsummary = \"h\"\npackages = [\"glue\"]\n");
    const auto role = load("hyperconverged");
    EXPECT_THAT(role.lineage, ElementsAre("base", "compute", "storage", "hyperconverged"));
    EXPECT_THAT(role.packages, ElementsAre("zebra", "apple=1.0", "nova", "ceph", "glue"));
    EXPECT_THAT(role.services, ElementsAre("z.service", "s.service"));
    EXPECT_THAT(role.overlays, ElementsAre(root_.path() / "overlays/base", root_.path() / "overlays/compute"));
    EXPECT_EQ(role.kernel->package, "linux-image-amd64") << "as both say";
    EXPECT_EQ(role.limits.root, 2ull << 30) << "which 'base' says too, and 'compute' extends that";
    recipe::Train train;
    train.roles = {"hyperconverged"};
    const formation::RoleGraph::Parents parents{{"base", {}}, {"compute", {"base"}}, {"storage", {"base"}}, {"hyperconverged", {"compute", "storage"}}};
    EXPECT_EQ(recipe::RecipeDirectory(root_.path() / "recipes").role_graph(train, "hyperconverged").parents(), parents);
}

TEST_F(Composition, TheParentAloneIsUntouched) {
    const auto role = load("base");
    EXPECT_THAT(role.lineage, ElementsAre("base"));
    EXPECT_EQ(role.kernel->package, "linux-image-cloud-amd64");
    EXPECT_TRUE(role.strict_providers);
    EXPECT_TRUE(role.state.empty());
}

TEST_F(Composition, TakesTablesAsWritten) {
    const auto role = load("compute");
    ASSERT_EQ(role.state.size(), 1u);
    EXPECT_EQ(role.state[0].path, "/etc/x");
    EXPECT_EQ(role.state[0].owner, "root:root");
    EXPECT_EQ(role.state[0].mode, 0700u);
    EXPECT_EQ(role.state[0].type, recipe::StateEntry::Type::file);
    ASSERT_EQ(role.files.size(), 1u);
    EXPECT_EQ(role.files[0].owner, "");
    EXPECT_EQ(role.files[0].mode, 0600u);
}

TEST_F(Composition, WhatIsWantedIsTheKernelMicrocodeAndPackages) {
    EXPECT_THAT(load("compute").wanted(),
                ElementsAre("linux-image-amd64", "intel-microcode", "zebra", "apple=1.0", "nova"));
    EXPECT_TRUE(load("initrd").wanted().empty());
}

TEST_F(Composition, ALaterStagePointsAtTheWord) {
    const auto role = load("compute");
    const auto text = [&](recipe::Element element, std::string_view name) {
        const std::string message = toml::SourceError(role.where(element, name), "no such thing").message();
        return message.substr(message.find("roles/"));
    };
    EXPECT_EQ(text(recipe::Element::package, "apple"), R"(roles/base.toml:3:22: no such thing
  3 | packages = ["zebra", "apple=1.0"]
    |                      ^~~~~~~~~~~)");
    EXPECT_EQ(text(recipe::Element::kernel, "linux-image-amd64"), R"(roles/compute.toml:8:11: no such thing
  8 | package = "linux-image-amd64"
    |           ^~~~~~~~~~~~~~~~~~~)");
    EXPECT_EQ(text(recipe::Element::initrd_module, "erofs"), R"(roles/base.toml:12:19: no such thing
  12 | initrd_modules = ["erofs"]
     |                   ^~~~~~~)");
    EXPECT_EQ(text(recipe::Element::limit, "root"), R"(roles/compute.toml:12:8: no such thing
  12 | root = "2 GiB"
     |        ^~~~~~~)");
    EXPECT_EQ(text(recipe::Element::provider, "awk"), R"(roles/compute.toml:14:1: no such thing
  14 | awk = "gawk"
     | ^~~)");
    EXPECT_EQ(text(recipe::Element::package, "nothing"), "roles/compute.toml: no such thing");
}

TEST_F(Composition, OtherFilesBesideTheRolesAreNoRoles) {
    write("recipes/roles/base.toml~", "");
    write("recipes/roles/note.txt", "");
    fs::create_directories(root_.path() / "recipes/roles/x.toml");
    EXPECT_THAT(recipe::RecipeDirectory(root_.path() / "recipes").roles(), ElementsAre("base", "compute", "initrd"));
}

TEST(RecipeDirectory, SaysWhatIsMissing) {
    TemporaryDirectory root(fs::temp_directory_path());
    try {
        recipe::RecipeDirectory directory(root.path());
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(),
                  "cannot find recipes in '" + root.path().string() + "': it has no directory 'roles'");
        EXPECT_EQ(error.hint(), "run ashlar in a directory that has recipes/, or name one with --recipes");
    }
}

TEST(ParseWish, TakesNameAndVersionApart) {
    EXPECT_EQ(recipe::parse_wish("etcd").name, "etcd");
    EXPECT_EQ(recipe::parse_wish("etcd").version, "");
    EXPECT_EQ(recipe::parse_wish("etcd=3.5").name, "etcd");
    EXPECT_EQ(recipe::parse_wish("etcd=3.5").version, "3.5");
}
