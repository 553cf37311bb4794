// The recipes of this tree, as they are.

#include <recipe/directory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

using namespace ashlar;
using testing::Contains;
using testing::ElementsAre;

namespace {

recipe::RecipeDirectory shipped() { return recipe::RecipeDirectory(ASHLAR_SOURCE_DIR "/recipes"); }

} // namespace

TEST(ShippedRecipes, HaveTheirNames) {
    EXPECT_THAT(shipped().roles(),
                ElementsAre("allinone", "base", "build", "compute", "control", "hardware", "hyperconverged", "initrd", "manager", "network", "probe", "probe-initrd", "storage", "tools"));
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

TEST(ShippedComponents, AreReadFromDebiansVersions) {
    const auto components = shipped().load_components();
    const auto line = [&](std::string_view name, std::string_view package_version) {
        const auto* component = components.component(name);
        return component ? rules::line_of(*component, components.rule_of(*component), rules::upstream_version(package_version)).value_or("(none)") : "(no component)";
    };
    // Debian 12, 13 and what came after.
    EXPECT_EQ(line("nova", "2:26.2.2-1~deb12u5"), "2022.2");
    EXPECT_EQ(line("nova", "2:31.0.0-6+deb13u3"), "2025.1");
    EXPECT_EQ(line("nova", "2:34.0.0-1"), "2026.2");
    for (const auto& [name, version] : std::map<std::string, std::string>{{"keystone", "2:27.0.0-3"}, {"glance", "2:30.0.0-3"}, {"placement", "13.0.0-2"}, {"neutron", "2:26.0.0-9"},
                                                                          {"cinder", "2:26.0.0-2"}, {"heat", "1:24.0.0-3"}, {"octavia", "16.0.0-2"}, {"barbican", "1:20.0.0-2"},
                                                                          {"designate", "1:20.0.0-2"}, {"horizon", "3:25.3.0-5"}})
        EXPECT_EQ(line(name, version), "2025.1") << name;
    EXPECT_EQ(line("ceph", "18.2.7+ds-1"), "18");
    EXPECT_EQ(line("ovn", "25.03.0-1"), "25.03");
    EXPECT_EQ(line("rabbitmq", "4.0.5-6"), "4.0");
    EXPECT_EQ(line("mariadb", "1:11.8.9-0+deb13u1"), "11.8");
    EXPECT_EQ(line("galera", "26.4.23-1"), "26");
    EXPECT_EQ(line("etcd", "3.5.16-4+b5"), "3.5");
    EXPECT_EQ(line("kubernetes", "1.33.4-1"), "1.33");
}

// What Debian 13 has is kept as long as Debian 13 is.
TEST(ShippedComponents, HaveAnEnd) {
    const auto components = shipped().load_components();
    for (const auto& [name, line] : std::map<std::string, std::string>{{"nova", "2025.1"}, {"ceph", "18"}, {"ovn", "25.03"}, {"rabbitmq", "4.0"}, {"mariadb", "11.8"}, {"etcd", "3.5"}, {"galera", "26"}}) {
        const auto& component = *components.component(name);
        EXPECT_EQ(rules::maintained_until(component, components.rule_of(component), line), parse_day("2028-08-09")) << name;
    }
}

TEST(ShippedFormations, FitTheRolesThatCarryThem) {
    EXPECT_NO_THROW(shipped().check_formations());
    EXPECT_THAT(shipped().load_role("control").formations, testing::IsSupersetOf({"chrony", "etcd", "memcached"}));
}
