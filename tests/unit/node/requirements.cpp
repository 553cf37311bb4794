#include <node/install.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

// A machine with two processors and 4 GB of memory, of which the firmware kept a little.
class Requirements : public testing::Test {
protected:
    Requirements() {
        for (const char* name : {"proc", "sys/devices/system/cpu/cpu0", "sys/devices/system/cpu/cpu1", "sys/devices/system/cpu/cpufreq"})
            fs::create_directories(root / name);
        write_file(root / "proc/meminfo", "MemTotal:        3900000 kB\nMemFree: 1 kB\n");
    }
    TemporaryDirectory directory{testing::TempDir()};
    fs::path root = directory.path();
};

TEST_F(Requirements, ThatAreMetSayNothing) {
    EXPECT_THAT(node::unmet({}, root), IsEmpty());
    EXPECT_THAT(node::unmet({.requirements = {.memory = std::uint64_t{4} << 30U, .processors = 2}}, root), IsEmpty());
}

TEST_F(Requirements, ThatAreNotAreAllNamed) {
    EXPECT_THAT(node::unmet({.requirements = {.memory = std::uint64_t{8} << 30U, .processors = 4, .tpm = true}}, root),
                ElementsAre("the machine has 4.0 GB of memory, 8.6 GB are required", "the machine has 2 processors, 4 are required",
                            "the machine has no TPM, one is required"));
    fs::create_directories(root / "sys/class/tpm/tpm0");
    EXPECT_THAT(node::unmet({.requirements = {.tpm = true}}, root), IsEmpty());
}

// Only the second version of TPMs has signed policies.
TEST_F(Requirements, OfEncryptionAreATpm) {
    EXPECT_THAT(node::unmet({.encryption = site::Encryption::if_possible}, root), IsEmpty());
    EXPECT_THAT(node::unmet({.encryption = site::Encryption::require}, root), ElementsAre("the machine has no TPM 2.0, and encryption is \"require\""));
    fs::create_directories(root / "sys/class/tpmrm/tpmrm0");
    EXPECT_THAT(node::unmet({.encryption = site::Encryption::require}, root), IsEmpty());
}

TEST_F(Requirements, OfTheSiteAreATpmToo) {
    site::Site site;
    site.trust.require_tpm = true;
    EXPECT_THAT(node::unmet(site, root), ElementsAre("the machine has no TPM 2.0, and the site takes nodes with one only"));
    fs::create_directories(root / "sys/class/tpmrm/tpmrm0");
    EXPECT_THAT(node::unmet(site, root), IsEmpty());
}

} // namespace
