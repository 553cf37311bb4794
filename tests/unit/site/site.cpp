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

TEST(Site, NeedsANameAndAWordAboutEncryption) {
    const auto site = read("[site]\nname = \"berlin-1\"\n[install]\nencryption = \"off\"\n");
    EXPECT_EQ(site.name, "berlin-1");
    EXPECT_EQ(site.disk.wipe, site::Wipe::if_blank);
    EXPECT_TRUE(site.disk.buses.empty());
    EXPECT_EQ(site.place, site::Place::other_disk);
    EXPECT_EQ(site.encryption, site::Encryption::off);
    EXPECT_EQ(site.secure_boot, site::SecureBoot::as_it_is);
    EXPECT_EQ(site.access, site::Access{});
}

TEST(Site, TakesEverythingThatTheFormatHas) {
    const PublicKey key = PrivateKey::generate(RsaBits::rsa2048).public_key();
    const auto site = read("[site]\nname = \"berlin-1\"\n[install]\nrecovery_key = \"\"\"\n" + key.pem() + R"("""
encryption = "require"
secure_boot = "enrol"
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
[access]
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 anna", "ssh-rsa AAAAB3Nz"]
ssh_ca = ["ecdsa-sha2-nistp256 AAAAE2Vj"]
break_glass = ["sk-ssh-ed25519@openssh.com AAAAGnNr break-glass"]
)");
    EXPECT_EQ(site.encryption, site::Encryption::require);
    EXPECT_EQ(site.secure_boot, site::SecureBoot::enrol);
    EXPECT_EQ(site.recovery_key, key);
    EXPECT_THAT(site.access.ssh_keys, ElementsAre("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 anna", "ssh-rsa AAAAB3Nz"));
    EXPECT_THAT(site.access.ssh_ca, ElementsAre("ecdsa-sha2-nistp256 AAAAE2Vj"));
    EXPECT_THAT(site.access.break_glass, ElementsAre("sk-ssh-ed25519@openssh.com AAAAGnNr break-glass"));
    EXPECT_EQ(site.disk.wipe, site::Wipe::if_ours);
    EXPECT_THAT(site.disk.buses, ElementsAre(site::Bus::nvme, site::Bus::sata));
    EXPECT_EQ(site.disk.model, "SAMSUNG MZ*");
    EXPECT_EQ(site.disk.min_size, std::uint64_t{200} << 30U);
    EXPECT_EQ(site.requirements.memory, std::uint64_t{4} << 30U);
    EXPECT_EQ(site.requirements.processors, 2U);
    EXPECT_TRUE(site.requirements.tpm);
}

TEST(Site, SaysAllThatIsWrongAtOnce) {
    EXPECT_EQ(error_of("[site]\nname = \"Berlin\"\n[install]\nencryption = \"off\"\nwip = \"always\"\n[install.disk]\nbus = [\"nvm\"]\nmin_size = \"2 TiB\"\nmax_size = \"1 TB\"\n"),
              R"(site.toml:2:8: 'Berlin' is not a site name
  2 | name = "Berlin"
    |        ^~~~~~~~
write lower-case letters, digits and '-', such as "berlin-1"

site.toml:5:1: unknown key 'wip'
  5 | wip = "always"
    | ^~~
did you mean 'wipe'?

site.toml:7:8: 'nvm' is not a bus
  7 | bus = ["nvm"]
    |        ^~~~~
write one of nvme, sata, sas, scsi, virtio, usb, mmc, fibre-channel, iscsi

site.toml:9:12: '1 TB' is not a size
  9 | max_size = "1 TB"
    |            ^~~~~~
write a whole number and KiB, MiB, GiB or TiB, such as "96 MiB")");
}

TEST(Site, WithoutANameIsNone) {
    EXPECT_EQ(error_of("[install]\nencryption = \"off\"\n"), R"(site.toml: missing table [site]
a site needs a name: name = "berlin-1")");
}

TEST(Site, NoDiskFitsASizeThatIsTurnedAround) {
    EXPECT_EQ(error_of("[site]\nname = \"a\"\n[install]\nencryption = \"off\"\n[install.disk]\nmin_size = \"2 TiB\"\nmax_size = \"1 TiB\"\n"), R"(site.toml:7:1: 'max_size' is smaller than 'min_size'
  7 | max_size = "1 TiB"
    | ^~~~~~~~
no disk can match both)");
}

// Encryption is on where nothing else is said, and then there must be a way back.
TEST(Site, WithoutARecoveryKeyIsNotEncrypted) {
    EXPECT_EQ(error_of("[site]\nname = \"a\"\n[install]\n"), R"(site.toml:3:1: missing key 'recovery_key': without it a lost TPM takes the data of its node with it
  3 | [install]
    | ^~~~~~~~~
write the site's public key (PEM), or encryption = "off")");
    EXPECT_THAT(error_of("[site]\nname = \"a\"\n[install]\nencryption = \"require\"\nrecovery_key = \"secret\"\n"),
                testing::StartsWith("site.toml:5:16: cannot read the public key 'recovery_key': "));
}

TEST(Site, InPlaceChoosesNoDisk) {
    EXPECT_EQ(read("[site]\nname = \"a\"\n[install]\nencryption = \"off\"\nin_place = true\n").place, site::Place::in_place);
    EXPECT_EQ(error_of("[site]\nname = \"a\"\n[install]\nencryption = \"off\"\nin_place = true\nwipe = \"always\"\n"), R"(site.toml:6:1: 'wipe' is about another disk, and 'in_place' means the one that was started from
  6 | wipe = "always"
    | ^~~~
leave one of them out)");
}

// A private key, an option, two lines: each would be another promise than the page makes.
TEST(Site, LetsInWhoseKeyIsOne) {
    for (const std::string line : {"-----BEGIN OPENSSH PRIVATE KEY-----", "command=\\\"sh\\\" ssh-ed25519 AAAA", "ssh-ed25519 AAAA\\nssh-ed25519 AAAA", "ssh-ed25519", "ssh-dss AAAA", "ssh-ed25519 ?"})
        EXPECT_THAT(error_of("[site]\nname = \"a\"\n[install]\nencryption = \"off\"\n[access]\nssh_keys = [\"" + line + "\"]\n"),
                    testing::HasSubstr("this is not an SSH public key")) << line;
}

} // namespace
