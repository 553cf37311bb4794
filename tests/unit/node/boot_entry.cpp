#include "../../../firstboot/node/boot_entry.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr const char* printed = "BootCurrent: 0002\nTimeout: 0 seconds\nBootOrder: 0004,0000,0001,0002\n"
                                "Boot0000* UiApp\tFvVol(7cb8bdc9)/FvFile(462caa21)\n"
                                "Boot0002* Ashlar stick\tPciRoot(0x0)\n"
                                "Boot0003  Ashlar\tHD(1,GPT,8da21797-c5e7-8540-9b8d-b4bc3b7e779e,0x800,0x28000)/\\EFI\\systemd\\systemd-bootx64.efi\n"
                                "Boot000A* Ashlar\tHD(1,GPT,1da21797-c5e7-8540-9b8d-b4bc3b7e779e,0x800,0x28000)/\\EFI\\systemd\\systemd-bootx64.efi\n"
                                "MirroredPercentageAbove4G: 0.00\n";

TEST(BootEntry, OfOursIsKnownByItsLabel) {
    EXPECT_THAT(node::entries_labelled("Ashlar", printed), ElementsAre("0003", "000A"));
    EXPECT_THAT(node::entries_labelled("Windows", printed), IsEmpty());
}

} // namespace
