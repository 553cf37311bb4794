#include "samples.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <signing/authenticode.hpp>
#include <signing/pe.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t coff = 0x84, optional = 0x98, table = optional + 240;

// The error for the sample image after `change`.
std::string refusal_after(const std::function<void(Bytes&)>& change) {
    Bytes image = samples::efi_image();
    change(image);
    return samples::error_of([&] { (void)parse_pe(image, "x.efi"); });
}

template <typename Number>
auto put(std::size_t offset, Number number) {
    return [=](Bytes& image) { put_little_endian(std::span(image), offset, number); };
}

std::string refused(std::string_view cause) { return "cannot read the PE image 'x.efi': " + std::string(cause); }

Bytes sbsigned() {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "image.efi", text_of(samples::efi_image()));
    samples::key()->save_new(dir.path() / "db.key");
    write_file(dir.path() / "db.pem", samples::identity().certificate.pem());
    run_checked({.argv = {"sbsign", "--key", dir.path() / "db.key", "--cert", dir.path() / "db.pem", "--output",
                          dir.path() / "signed.efi", dir.path() / "image.efi"}});
    const std::string image = read_file(dir.path() / "signed.efi");
    return {bytes_of(image).begin(), bytes_of(image).end()};
}

} // namespace

TEST(Pe, ReadsSections) {
    const Bytes image = samples::efi_image();
    const PeLayout layout = parse_pe(image, "x.efi");
    ASSERT_EQ(layout.sections.size(), 3);
    EXPECT_EQ(layout.sections[0].name, ".text");
    EXPECT_EQ(layout.sections[0].virtual_address, 0x1000);
    EXPECT_EQ(layout.sections[0].virtual_size, 1);
    EXPECT_EQ(layout.sections[0].raw_size, 0x200);
    EXPECT_EQ(section_content(image, layout.sections[0]).size(), 1);
    EXPECT_TRUE(find_section(image, layout, ".sbat")->size() > 10);
    EXPECT_FALSE(find_section(image, layout, ".linux").has_value());
}

TEST(Pe, RefusesWhatIsNoEfiImage) {
    EXPECT_EQ(samples::error_of([] { (void)parse_pe({}, "x.efi"); }), refused("it ends inside its headers, at byte 0"));
    EXPECT_EQ(refusal_after(put(0, std::uint16_t{0x457f})), refused("it does not begin with 'MZ'"));
    EXPECT_EQ(refusal_after(put(60, std::uint32_t{0x40})), refused("it has no 'PE' header"));
    EXPECT_EQ(refusal_after(put(60, std::uint32_t{0xffffffff})), refused("it ends inside its headers, at byte 3072"));
    EXPECT_EQ(refusal_after(put(coff, std::uint16_t{0xaa64})), refused("it is not for x86-64"));
    EXPECT_EQ(refusal_after(put(optional, std::uint16_t{0x010b})), refused("it is not PE32+"));
    EXPECT_EQ(refusal_after(put(optional + 68, std::uint16_t{3})), refused("it is not an EFI image"));
    EXPECT_EQ(refusal_after(put(optional + 36, std::uint32_t{3})), refused("3 is no alignment"));
    EXPECT_EQ(refusal_after(put(optional + 108, std::uint32_t{4})), refused("its headers have no place for a certificate table"));
}

TEST(Pe, RefusesSectionsOutsideOfTheFileOrOverEachOther) {
    EXPECT_EQ(refusal_after(put(coff + 2, std::uint16_t{200})), refused("its headers do not hold its section table"));
    EXPECT_EQ(refusal_after(put(optional + 60, std::uint32_t{0x100000})), refused("its headers do not hold its section table"));
    EXPECT_EQ(refusal_after(put(table + 16, std::uint32_t{0xfffffff0})), refused("its section '.text' lies outside of it"));
    EXPECT_EQ(refusal_after(put(table + 20, std::uint32_t{0x10})), refused("its section '.text' lies outside of it"));
    EXPECT_EQ(refusal_after(put(table + 20, std::uint32_t{0x700})), refused("its sections '.text' and '.sbat' share bytes"));
    EXPECT_EQ(refusal_after(put(table + 12, std::uint32_t{0xffffffff})), refused("its section '.text' lies above 4 GiB"));
}

TEST(Pe, RefusesACertificateTableThatIsNotAtTheEnd) {
    const std::string cause = refused("its certificate table is not at its end");
    EXPECT_EQ(refusal_after(put(optional + 144, std::uint32_t{0x600})), cause) << "no size";
    EXPECT_EQ(refusal_after(put(optional + 148, std::uint32_t{8})), cause) << "no offset";
    Bytes image = append_certificate(samples::efi_image(), bytes_of("0"), "x.efi");
    image.resize(image.size() + 8);
    EXPECT_EQ(samples::error_of([&] { (void)parse_pe(image, "x.efi"); }), cause) << "bytes that no digest covers";
}

TEST(Pe, RefusesDamagedCertificateTables) {
    const Bytes image = append_certificate(samples::efi_image(), bytes_of("0"), "x.efi");
    const PeLayout layout = parse_pe(image, "x.efi");
    const auto error_with = [&](std::size_t at, auto number) {
        Bytes changed = image;
        put_little_endian(std::span(changed), layout.certificates_offset + at, number);
        return samples::error_of([&] { (void)certificate_table(changed, layout, "x.efi"); });
    };
    EXPECT_EQ(error_with(0, std::uint32_t{100}), refused("an entry of its certificate table does not fit into it"));
    EXPECT_EQ(error_with(0, std::uint32_t{0}), refused("an entry of its certificate table does not fit into it"));
    EXPECT_EQ(error_with(6, std::uint16_t{1}), refused("an entry of its certificate table is not PKCS #7"));
}

TEST(Pe, RefusesSectionsThatDoNotFit) {
    const auto error_of_adding = [](const std::vector<NewSection>& sections) {
        return samples::error_of([&] { (void)append_sections(samples::efi_image(), sections, "x.efi"); });
    };
    const Bytes content(8);
    EXPECT_EQ(error_of_adding({{".toolongname", content}}),
              "cannot add section '.toolongname' to the PE image 'x.efi': a name has 1 to 8 bytes");
    EXPECT_EQ(error_of_adding({{".empty", {}}}), "cannot add section '.empty' to the PE image 'x.efi': it is empty");
    EXPECT_EQ(error_of_adding(std::vector<NewSection>(40, {".many", content})),
              "cannot add section '.many' to the PE image 'x.efi': its headers are full");
    EXPECT_EQ(samples::error_of([&] {
                  (void)append_sections(append_certificate(samples::efi_image(), bytes_of("0"), "x.efi"), {{".new", content}}, "x.efi");
              }),
              "cannot change the PE image 'x.efi': it is signed\n  hint: use the unsigned image");
}

TEST(Pe, HasTheDigestAndChecksumThatSbsignGaveIt) {
    const Bytes theirs = sbsigned();
    const PeLayout layout = parse_pe(theirs, "x.efi");
    Bytes checked = theirs;
    set_checksum(checked, layout);
    EXPECT_EQ(checked, theirs);
    EXPECT_EQ(authenticode_digest(theirs, layout), request_authenticode(samples::efi_image(), "x.efi").image);
}

TEST(Pe, ObjdumpSeesOurSections) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const Bytes image = append_sections(samples::efi_image(), {{".osrel", bytes_of("ID=debian\n")}}, "x.efi");
    write_file(dir.path() / "x.efi", text_of(image));
    run_checked({.argv = {"objcopy", "--dump-section", ".osrel=" + (dir.path() / "osrel").string(), dir.path() / "x.efi"}});
    EXPECT_EQ(read_file(dir.path() / "osrel").substr(0, 10), "ID=debian\n");
}
