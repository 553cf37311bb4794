#include <machine/firmware.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::machine;
using testing::ElementsAre;

namespace {

// An empty store as firmware builds ship it: a volume header of 72 bytes, a store header, erased flash.
Bytes blank_store(std::size_t size) {
    Bytes store(size, std::byte{0xff});
    const auto put = [&](std::size_t at, ByteView bytes) { std::copy(bytes.begin(), bytes.end(), store.begin() + static_cast<std::ptrdiff_t>(at)); };
    put(0x28, bytes_of("_FVH"));
    put_little_endian<std::uint16_t>(store, 0x30, 0x48);
    put(0x48, Guid::from_text("aaf32c78-947b-439a-a180-2e144ec37792")->efi_bytes());
    put_little_endian<std::uint32_t>(store, 0x48 + 16, static_cast<std::uint32_t>(size - 0x48));
    store[0x48 + 20] = std::byte{0x5a};
    store[0x48 + 21] = std::byte{0xfe};
    return store;
}

const PrivateKey& key() {
    static const auto made = PrivateKey::generate(RsaBits::rsa2048);
    return made;
}
TrustedCertificate certificate(std::string name) {
    const CertificateRequest request{"Test", std::move(name), CertificateUse::code_signing, Time{}, Time{std::chrono::hours(24 * 36500)}};
    return {*Guid::from_text("5a3c1e50-0000-4000-8000-000000000001"), make_self_signed(key(), request)};
}
EnrolledKeys keys() { return {certificate("PK"), {{certificate("KEK")}, {}}, {{certificate("db")}, {}}, {}}; }

std::string failure(ByteView store) {
    try {
        (void)enrol(store, "OVMF_VARS.fd", keys());
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

TEST(Enrol, PutsTheFirmwareIntoUserMode) {
    const auto store = enrol(blank_store(65536), "blank", keys());
    EXPECT_EQ(store.size(), 65536U);
    EXPECT_THAT(variable_names(store, "store"), ElementsAre("PK", "KEK", "db", "SecureBootEnable", "CustomMode"));
}

TEST(Enrol, WritesForbiddenImagesOnlyWhenThereAreSome) {
    auto with = keys();
    with.forbidden.hashes.push_back({certificate("db").owner, sha256("an image")});
    EXPECT_THAT(variable_names(enrol(blank_store(65536), "blank", with), "store"),
                ElementsAre("PK", "KEK", "db", "dbx", "SecureBootEnable", "CustomMode"));
}

TEST(Enrol, LaysVariablesOutAsFirmwareReadsThem) {
    const auto store = enrol(blank_store(65536), "blank", keys());
    const std::size_t first = 0x48 + 28;
    EXPECT_EQ(little_endian_at<std::uint16_t>(store, first), 0x55aa);
    EXPECT_EQ(store[first + 2], std::byte{0x3f}); // added
    EXPECT_EQ(little_endian_at<std::uint32_t>(store, first + 4), 0x27U); // non-volatile, boot, run time, authenticated
    EXPECT_EQ(little_endian_at<std::uint16_t>(store, first + 16), 1970);
    EXPECT_EQ(little_endian_at<std::uint32_t>(store, first + 36), 6U); // "PK" and its end in UTF-16
    const auto lists = signature_lists({{keys().platform_key}, {}});
    EXPECT_EQ(little_endian_at<std::uint32_t>(store, first + 40), lists.size());
    EXPECT_TRUE(std::equal(lists.begin(), lists.end(), store.begin() + static_cast<std::ptrdiff_t>(first + 60 + 6)));
    EXPECT_EQ((first + 60 + 6 + lists.size() + 3) / 4 * 4 % 4, 0U);
}

TEST(Enrol, ChangesNothingBehindTheVariables) {
    const auto blank = blank_store(65536);
    const auto store = enrol(blank, "blank", keys());
    EXPECT_TRUE(std::equal(store.begin() + 32768, store.end(), blank.begin() + 32768));
}

TEST(Enrol, IsDeterminedByItsArguments) { EXPECT_EQ(enrol(blank_store(65536), "blank", keys()), enrol(blank_store(65536), "blank", keys())); }

TEST(Enrol, RefusesWhatIsNoEmptyStore) {
    const std::string hint = "\n  hint: is it the OVMF_VARS file that belongs to the firmware?";
    EXPECT_EQ(failure({}), "cannot read the firmware variables 'OVMF_VARS.fd': it is no firmware volume" + hint);
    EXPECT_EQ(failure(Bytes(65536)), "cannot read the firmware variables 'OVMF_VARS.fd': it is no firmware volume" + hint);
    EXPECT_EQ(failure(ByteView(blank_store(65536)).first(4096)), "cannot read the firmware variables 'OVMF_VARS.fd': it is too short" + hint);
    auto other = blank_store(65536);
    other[0x48] = {};
    EXPECT_EQ(failure(other), "cannot read the firmware variables 'OVMF_VARS.fd': it does not hold authenticated variables" + hint);
    EXPECT_EQ(failure(enrol(blank_store(65536), "blank", keys())), "cannot read the firmware variables 'OVMF_VARS.fd': it is not empty" + hint);
    EXPECT_EQ(failure(blank_store(512)), "cannot enrol 'PK': no room is left in 'OVMF_VARS.fd'");
}

TEST(Enrol, TakesTheStoreThatTheInstalledFirmwareShips) {
    const auto firmware = find_firmware();
    const auto blank = read_file(firmware.variables);
    EXPECT_THAT(variable_names(enrol(bytes_of(blank), firmware.variables.native(), keys()), "store"), testing::Contains("SecureBootEnable"));
}

TEST(FindFirmware, SaysWhichPackageToInstall) {
    const TemporaryDirectory empty(std::filesystem::temp_directory_path());
    try {
        (void)find_firmware({empty.path()});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot find UEFI firmware 'OVMF_CODE_4M.secboot.fd': it is not in " + empty.path().native() +
                                      "\n  hint: install the package ovmf");
    }
}

TEST(LoadEnrolledKeys, NeedsNoPrivateKey) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path());
    for (const auto* name : {"PK", "KEK", "db"}) write_file(directory.path() / (std::string(name) + ".pem"), certificate(name).certificate.pem());
    write_file(directory.path() / "owner", "5a3c1e50-0000-4000-8000-000000000001\n");
    const auto loaded = load_enrolled_keys(directory.path());
    EXPECT_EQ(loaded.platform_key, certificate("PK"));
    EXPECT_THAT(loaded.key_exchange.certificates, ElementsAre(certificate("KEK")));
    EXPECT_THAT(loaded.allowed.certificates, ElementsAre(certificate("db")));
}

} // namespace
