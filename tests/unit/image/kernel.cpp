#include "trees.hpp"

#include <image/kernel.hpp>

#include <gmock/gmock.h>

namespace ashlar::image {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using trees::error_of;
using trees::Forest;

constexpr std::string_view version = "6.12.1-cloud-amd64";

std::string module_path(std::string_view name) {
    return "usr/lib/modules/6.12.1-cloud-amd64/kernel/" + std::string(name);
}

TEST(Kernel, IsFoundInEitherPlace) {
    Forest boot;
    boot.file("boot/vmlinuz-6.12.1", "boot");
    EXPECT_EQ(find_kernel(boot.tree()).version, "6.12.1");
    boot.file("usr/lib/modules/6.12.1/vmlinuz", "modules");
    EXPECT_EQ(read_file(find_kernel(boot.tree()).image), "modules");
}

TEST(Kernel, NoneAndSeveralAreErrors) {
    EXPECT_EQ(error_of([] { static_cast<void>(find_kernel({})); }),
              "cannot find the kernel: the root has neither boot/vmlinuz-* nor usr/lib/modules/*/vmlinuz\n"
              "  hint: name a kernel package in the role: kernel.package = \"linux-image-cloud-amd64\"");
    Forest two;
    two.file("boot/vmlinuz-6.1").file("boot/vmlinuz-6.12");
    EXPECT_EQ(error_of([&] { static_cast<void>(find_kernel(two.tree())); }),
              "cannot choose the kernel: the root has both 6.1 and 6.12\n"
              "  hint: a role has one kernel; see `ashlar why` for what pulls in the other");
}

TEST(Kernel, ModuleInformationIsRead) {
    using namespace std::string_literals;
    const auto text =
        "license=GPL\0depends=libata,scsi-mod\0softdep=pre: crc32c post: xts\0firmware=a/b.bin\0firmware=c.bin\0alias=pci:x=1\0"s;
    const auto module = parse_module_information(text);
    EXPECT_THAT(module.depends, ElementsAre("libata", "scsi_mod"));
    EXPECT_THAT(module.soft_depends, ElementsAre("crc32c", "xts"));
    EXPECT_THAT(module.firmware, ElementsAre("a/b.bin", "c.bin"));
}

class ModuleTree : public testing::Test {
protected:
    ModuleTree() {
        forest.file("usr/lib/modules/6.12.1-cloud-amd64/modules.builtin",
                    "kernel/drivers/nvme/host/nvme.ko\nkernel/lib/crc-t10dif.ko\n");
        add("sd_mod.ko", {"depends=scsi_mod,crc-t10dif"});
        add("scsi_mod.ko", {"depends="});
        add("dm-verity.ko", {"depends=dm_bufio", "softdep=pre: sha256 reed_solomon"});
        add("dm-bufio.ko", {"depends="});
        add("reed_solomon.ko", {"depends="});
        add("ice.ko", {"depends=", "firmware=intel/ice/ddp/ice.pkg"});
        add("brcmfmac.ko", {"depends=", "firmware=brcm/brcmfmac*-sdio.*.bin"});
        forest.file("usr/lib/firmware/brcm/brcmfmac43430-sdio.x.bin.xz");
    }
    void add(std::string_view name, const std::vector<std::string>& information) {
        forest.file(module_path(name), trees::module(information));
    }
    [[nodiscard]] std::map<std::string, Module> closure(const std::vector<std::string>& wanted) const {
        return Modules(forest.tree_view(), version).closure(wanted);
    }

    struct Kept : Forest {
        const root::Tree& tree_view() const { return kept = tree(); }
        mutable root::Tree kept;
    } forest;
};

TEST_F(ModuleTree, DependenciesFollow) {
    EXPECT_THAT(closure({"sd_mod"}), ElementsAre(Key("scsi_mod"), Key("sd_mod")));
    EXPECT_THAT(closure({"dm-verity"}), ElementsAre(Key("dm_bufio"), Key("dm_verity"), Key("reed_solomon")));
    EXPECT_EQ(closure({"sd-mod"}).at("sd_mod").path, module_path("sd_mod.ko"));
}

// Whoever computes crc32c on this processor, and whoever does on any.
TEST_F(ModuleTree, ASoftDependencyMayBeAnAlias) {
    add("libcrc32c.ko", {"depends=", "softdep=pre: crc32c"});
    add("crc32c-intel.ko", {"depends="});
    add("crc32c_generic.ko", {"depends="});
    forest.file("usr/lib/modules/6.12.1-cloud-amd64/modules.alias", "# Aliases\nalias crc32c crc32c_intel\nalias pci:v*d* ice\nalias crc32c crc32c_generic\n");
    EXPECT_THAT(closure({"libcrc32c"}), ElementsAre(Key("crc32c_generic"), Key("crc32c_intel"), Key("libcrc32c")));
}

TEST_F(ModuleTree, BuiltInOnesNeedNothing) {
    EXPECT_THAT(closure({"nvme"}), IsEmpty());
    const Modules modules(forest.tree_view(), version);
    EXPECT_EQ(modules.where("crc_t10dif"), Modules::Where::built_in);
    EXPECT_EQ(modules.where("sd-mod"), Modules::Where::loadable);
    EXPECT_EQ(modules.where("nonsense"), Modules::Where::absent);
}

TEST_F(ModuleTree, AWrongNameIsRefusedWithTheRightOne) {
    EXPECT_EQ(error_of([&] { static_cast<void>(closure({"dm_verty"})); }),
              "cannot find kernel module 'dm_verty': kernel 6.12.1-cloud-amd64 has no such module, neither loadable "
              "nor built in\n"
              "  hint: did you mean 'dm_verity'?");
}

TEST_F(ModuleTree, MissingFirmwareIsNamedUnlessWaived) {
    const Modules modules(forest.tree_view(), version);
    const auto all = modules.all();
    EXPECT_EQ(all.size(), 7U);
    EXPECT_THAT(modules.missing_firmware(all, {}), ElementsAre(Pair("ice", ElementsAre("intel/ice/ddp/ice.pkg"))));
    EXPECT_EQ(describe(modules.missing_firmware(all, {})), "module 'ice' lacks intel/ice/ddp/ice.pkg\n");
    EXPECT_THAT(modules.missing_firmware(all, std::vector<std::string>{"ice"}), IsEmpty());
    EXPECT_THAT(modules.firmware_files(all), ElementsAre("usr/lib/firmware/brcm/brcmfmac43430-sdio.x.bin.xz"));
}

TEST_F(ModuleTree, AModuleThatIsNoElfIsNamed) {
    forest.file(module_path("bad.ko"), "not an ELF file");
    EXPECT_EQ(error_of([&] { static_cast<void>(Modules(forest.tree_view(), version).all()); }),
              "cannot read kernel module 'usr/lib/modules/6.12.1-cloud-amd64/kernel/bad.ko': it is no 64-bit ELF file");
}

} // namespace
} // namespace ashlar::image
