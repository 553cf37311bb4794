#include "reading.hpp"

#include <site/machine.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::site;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const Mac first = *Mac::parse("52:54:00:00:00:01"), second = *Mac::parse("52:54:00:00:00:02");
const Digest tpm = *Digest::from_hex(std::string(64, 'a'));

const Site& a_site() {
    static const Site site = read_text(head + "[[node]]\nname = \"n01\"\nserial = \"S1\"\n[[node]]\nname = \"n02\"\nmac = \"52:54:00:00:00:02\"\n[[node]]\nname = \"n03\"\nserial = \"S3\"\ntpm_ek = \"sha256:" + std::string(64, 'a') + "\"\n");
    return site;
}

std::string answer(const Machine& machine) {
    const auto found = node_of(a_site(), machine);
    if (const auto* node = std::get_if<const Node*>(&found)) return (*node)->name;
    const auto& none = std::get<NoNode>(found);
    std::string text = none.reason;
    for (const auto& detail : none.details) text += "\n" + detail;
    return text;
}

TEST(Machine, IsTheNodeOfWhichAllIsTrue) {
    EXPECT_EQ(answer({.serial = "S1", .macs = {first}}), "n01");
    EXPECT_EQ(answer({.serial = "", .macs = {first, second}}), "n02");
    EXPECT_EQ(answer({.serial = "S3", .macs = {}, .tpm_ek = tpm}), "n03");
}

TEST(Machine, ThatIsNoneSaysWhatItIs) {
    EXPECT_EQ(answer({.serial = "S9", .macs = {first}, .tpm_ek = tpm}), "no node of site.toml is this machine: serial number 'S9', ports 52:54:00:00:00:01, TPM sha256:" + std::string(64, 'a') +
                                                                         "\n'n03' has its TPM sha256:" + std::string(64, 'a') + ", but another serial number 'S3'");
    EXPECT_EQ(answer({}), "no node of site.toml is this machine: no serial number, no port, no TPM");
    EXPECT_EQ(answer({.serial = "S3"}), "no node of site.toml is this machine: serial number 'S3', no port, no TPM\n'n03' has its serial number 'S3', but another TPM sha256:" + std::string(64, 'a'));
}

TEST(Machine, ThatIsTwoIsNone) { EXPECT_EQ(answer({.serial = "S1", .macs = {second}}), "2 nodes of site.toml are this machine, and it can be one\n'n01'\n'n02'"); }

} // namespace
