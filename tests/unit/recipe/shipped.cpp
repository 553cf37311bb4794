// The recipes of this tree, as they are.

#include <recipe/directory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

using namespace ashlar;
using testing::Contains;
using testing::ElementsAre;

namespace {

recipe::RecipeDirectory shipped() { return recipe::RecipeDirectory(ASHLAR_SOURCE_DIR "/recipes"); }

} // namespace

TEST(ShippedRecipes, HaveTheirNames) {
    EXPECT_THAT(shipped().roles(),
                ElementsAre("base", "build", "control", "hardware", "initrd", "probe", "probe-initrd", "tools"));
    EXPECT_THAT(shipped().trains(), ElementsAre("R0"));
}

TEST(ShippedRecipes, AllLoadAndFitTheirTrain) {
    const auto directory = shipped();
    for (const auto& train_name : directory.trains()) {
        const auto train = directory.load_train(train_name);
        for (const auto& name : directory.roles()) {
            const auto role = directory.load_role(name);
            EXPECT_FALSE(role.wanted().empty()) << name;
            recipe::require_compatible(role, train);
        }
    }
}

TEST(ShippedRecipes, AChildHasWhatItsParentHas) {
    const auto hardware = shipped().load_role("hardware");
    EXPECT_THAT(hardware.lineage, ElementsAre("base", "hardware"));
    EXPECT_EQ(hardware.kernel->package, "linux-image-amd64");
    EXPECT_THAT(hardware.kernel->command_line, Contains("systemd.import_credentials=no"));
    EXPECT_THAT(hardware.kernel->initrd_modules, Contains("erofs"));
    EXPECT_THAT(hardware.kernel->initrd_modules, Contains("megaraid_sas"));
    EXPECT_THAT(hardware.packages, Contains("openssh-server"));
    EXPECT_EQ(hardware.limits.root, 1536ull << 20);
    EXPECT_EQ(hardware.initrd, "initrd");
}

TEST(ShippedRecipes, PlacesLeadBackToTheWord) {
    const auto control = shipped().load_role("control");
    EXPECT_TRUE(
        control.where(recipe::Element::package, "openssh-server").source->name().ends_with("recipes/roles/base.toml"));
    EXPECT_TRUE(
        control.where(recipe::Element::state, "/etc/ceph").source->name().ends_with("recipes/roles/control.toml"));
    EXPECT_EQ(control.where(recipe::Element::package, "nothing").line, 0u);
}

TEST(ShippedRecipes, KeysOfTheTrainAreThere) {
    const auto train = shipped().load_train("R0");
    ASSERT_EQ(train.archives.size(), 2u);
    for (const auto& archive : train.archives)
        for (const auto& key : archive.keys) EXPECT_TRUE(std::filesystem::is_regular_file(key)) << key;
}
