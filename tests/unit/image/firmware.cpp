#include "trees.hpp"

#include <image/firmware.hpp>
#include <recipe/directory.hpp>

#include <gmock/gmock.h>

namespace ashlar::image {
namespace {

using trees::error_of;

class RoleWithModules : public testing::Test {
protected:
    RoleWithModules() {
        write("initrd", "kind = \"initrd\"\nsummary = \"The initrd\"\n");
        write("metal", "kind = \"node\"\n"
                       "summary = \"Servers of metal\"\n"
                       "initrd = \"initrd\"\n"
                       "waived_firmware = [\"cxgb4\", \"qla-nic\"]\n"
                       "\n"
                       "[kernel]\n"
                       "package = \"linux-image-amd64\"\n"
                       "initrd_modules = [\"nvme\", \"bnx2x\", \"nfp-pf\"]\n");
    }
    std::string refusal(const MissingFirmware& missing) {
        const auto role = recipe::RecipeDirectory(directory.path() / "recipes").load_role("metal");
        std::string text = error_of([&] { refuse_missing_firmware(role, missing); });
        const std::string prefix = directory.path().native() + "/";
        for (std::size_t at = 0; (at = text.find(prefix, at)) != text.npos;) text.erase(at, prefix.size());
        return text;
    }

private:
    void write(const std::string& role, const std::string& text) {
        std::filesystem::create_directories(directory.path() / "recipes/roles");
        write_file(directory.path() / "recipes/roles" / (role + ".toml"), text);
    }
    TemporaryDirectory directory{std::filesystem::temp_directory_path()};
};


TEST_F(RoleWithModules, IsRefusedAtEachModuleWhoseFirmwareIsMissing) {
    EXPECT_EQ(refusal({{"bnx2x", {"bnx2x/e1.fw", "bnx2x/e2.fw"}}, {"nfp_pf", {"netronome/nic.nffw"}}}),
              "recipes/roles/metal.toml:8:27: module 'bnx2x' lacks its firmware: bnx2x/e1.fw, bnx2x/e2.fw\n"
              "  8 | initrd_modules = [\"nvme\", \"bnx2x\", \"nfp-pf\"]\n"
              "    |                           ^~~~~~~\n"
              "add the package that has it, or waived_firmware = [\"bnx2x\"]\n"
              "\n"
              "recipes/roles/metal.toml:8:36: module 'nfp_pf' lacks its firmware: netronome/nic.nffw\n"
              "  8 | initrd_modules = [\"nvme\", \"bnx2x\", \"nfp-pf\"]\n"
              "    |                                    ^~~~~~~~\n"
              "add the package that has it, or waived_firmware = [\"nfp_pf\"]");
}

TEST_F(RoleWithModules, AModuleThatAnotherOneNeedsHasTheFileAsItsPlace) {
    EXPECT_EQ(refusal({{"mdio", {"phy.bin"}}}), "recipes/roles/metal.toml: module 'mdio' lacks its firmware: phy.bin\n"
                                                "add the package that has it, or waived_firmware = [\"mdio\"]");
}

TEST_F(RoleWithModules, WaivesFirmwareByEitherSpelling) {
    EXPECT_EQ(refusal({{"cxgb4", {"t4fw.bin"}}, {"qla_nic", {"q.bin"}}}), "no error");
}

} // namespace
} // namespace ashlar::image
