#include <site/site.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;

namespace {

site::Site read(std::string text) { return site::read(toml::source_from_text("site.toml", std::move(text))); }

std::string error_of(std::string text) {
    try {
        (void)read(std::move(text));
        return "no error";
    } catch (const Error& error) {
        return error.render();
    }
}

TEST(Site, NeedsOnlyAName) {
    const auto site = read("[site]\nname = \"berlin-1\"\n");
    EXPECT_EQ(site.name, "berlin-1");
    EXPECT_EQ(site.disk.wipe, disks::Wipe::if_blank);
    EXPECT_TRUE(site.disk.buses.empty());
}

TEST(Site, TakesEverythingThatTheFormatHas) {
    const auto site = read(R"([site]
name = "berlin-1"
[install]
wipe = "if-ours"
[install.disk]
bus = ["nvme", "sata"]
model = "SAMSUNG MZ*"
serial = "S4EV*"
wwn = "eui.0025385*"
min_size = "200 GiB"
max_size = "2 TiB"
[install.require]
memory = "4 GiB"
processors = 2
tpm = true
)");
    EXPECT_EQ(site.disk.wipe, disks::Wipe::if_ours);
    EXPECT_THAT(site.disk.buses, ElementsAre(disks::Bus::nvme, disks::Bus::sata));
    EXPECT_EQ(site.disk.model, "SAMSUNG MZ*");
    EXPECT_EQ(site.disk.min_size, std::uint64_t{200} << 30U);
    EXPECT_EQ(site.requirements.memory, std::uint64_t{4} << 30U);
    EXPECT_EQ(site.requirements.processors, 2U);
    EXPECT_TRUE(site.requirements.tpm);
}

TEST(Site, SaysAllThatIsWrongAtOnce) {
    EXPECT_EQ(error_of("[site]\nname = \"Berlin\"\n[install]\nwip = \"always\"\n[install.disk]\nbus = [\"nvm\"]\nmin_size = \"2 TiB\"\nmax_size = \"1 TB\"\n"),
              R"(site.toml:2:8: 'Berlin' is not a site name
  2 | name = "Berlin"
    |        ^~~~~~~~
write lower-case letters, digits and '-', such as "berlin-1"

site.toml:4:1: unknown key 'wip'
  4 | wip = "always"
    | ^~~
did you mean 'wipe'?

site.toml:6:8: 'nvm' is not a bus
  6 | bus = ["nvm"]
    |        ^~~~~
write one of nvme, sata, sas, scsi, virtio, usb, mmc, fibre-channel, iscsi

site.toml:8:12: '1 TB' is not a size
  8 | max_size = "1 TB"
    |            ^~~~~~
write a whole number and KiB, MiB, GiB or TiB, such as "96 MiB")");
}

TEST(Site, WithoutANameIsNone) {
    EXPECT_EQ(error_of("[install]\nwipe = \"always\"\n"), R"(site.toml: missing table [site]
a site needs a name: name = "berlin-1")");
}

TEST(Site, NoDiskFitsASizeThatIsTurnedAround) {
    EXPECT_EQ(error_of("[site]\nname = \"a\"\n[install.disk]\nmin_size = \"2 TiB\"\nmax_size = \"1 TiB\"\n"), R"(site.toml:5:1: 'max_size' is smaller than 'min_size'
  5 | max_size = "1 TiB"
    | ^~~~~~~~
no disk can match both)");
}

} // namespace
