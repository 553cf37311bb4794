#include <base/error.hpp>
#include <base/file.hpp>
#include <firstboot/firmware_tables.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

using std::string_literals::operator""s;

// A structure of type 11 with its fixed part of five bytes.
std::string table(const std::vector<std::string>& strings) {
    auto out = "\x0b\x05\x00\x01"s;
    out += static_cast<char>(strings.size());
    for (const auto& text : strings) out += text + '\0';
    return out + '\0';
}

std::vector<std::string> strings_of(std::string_view structure) {
    return firstboot::smbios_strings(std::as_bytes(std::span(structure.data(), structure.size())));
}

class FirmwareTablesTest : public testing::Test {
protected:
    void entry(const std::string& name, const std::string& raw) {
        fs::create_directories(sys.path() / "firmware/dmi/entries" / name);
        write_file(sys.path() / "firmware/dmi/entries" / name / "raw", raw);
    }
    [[nodiscard]] std::vector<std::string> found() const { return firstboot::command_line_strings(sys.path()); }
    TemporaryDirectory sys{fs::temp_directory_path()};
};

} // namespace

TEST(SmbiosStrings, FollowTheFixedPart) {
    EXPECT_THAT(strings_of(table({"one", "io.systemd.credential:a=b"})), ElementsAre("one", "io.systemd.credential:a=b"));
    EXPECT_THAT(strings_of(table({})), IsEmpty());
}

TEST(SmbiosStrings, SurviveTablesThatMakeNoSense) {
    EXPECT_THAT(strings_of(""), IsEmpty());
    EXPECT_THAT(strings_of("\x0b\x05"s), IsEmpty());
    EXPECT_THAT(strings_of("\x0b\xff\x00\x01 text"s), IsEmpty()); // longer than it is
    EXPECT_THAT(strings_of("\x0b\x00\x00\x01 text"s), IsEmpty()); // shorter than its own head
    EXPECT_THAT(strings_of("\x0b\x05\x00\x01\x01no end"s), ElementsAre("no end"));
}

TEST_F(FirmwareTablesTest, OnlyCommandLinesAreFound) {
    entry("11-0", table({"Dell System", "io.systemd.credential:a=b"}));
    EXPECT_THAT(found(), IsEmpty());
    entry("11-1", table({"harmless", "io.systemd.stub.kernel-cmdline-extra=roothash=00"}));
    entry("11-2", table({"io.systemd.boot.kernel-cmdline-extra=quiet"}));
    EXPECT_THAT(found(), ElementsAre("io.systemd.boot.kernel-cmdline-extra=quiet", "io.systemd.stub.kernel-cmdline-extra=roothash=00"));
}

TEST_F(FirmwareTablesTest, OtherTypesAreNotRead) {
    fs::create_directories(sys.path() / "firmware/dmi/entries/1-0");
    entry("110-0", table({"io.systemd.stub.kernel-cmdline-extra=x"}));
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(FirmwareTablesTest, AMachineWithoutSmbiosHasNone) { EXPECT_THAT(found(), IsEmpty()); }

TEST_F(FirmwareTablesTest, ATableThatCannotBeReadIsNotTakenForAnEmptyOne) {
    fs::create_directories(sys.path() / "firmware/dmi/entries/11-0");
    EXPECT_THROW((void)found(), Error);
}
