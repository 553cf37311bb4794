#pragma once

// PE/COFF images for EFI on x86-64 (Microsoft PE format, PE32+): reading them without trusting them,
// the Authenticode digest, appending sections and certificates.
//
// The images here come from packages, or from a disk somebody else may have written. parse_pe()
// checks every offset and size against the file once; what it returns can be used without checks.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

struct PeSection {
    std::string name; // at most 8 bytes, without the padding
    std::uint32_t virtual_size;
    std::uint32_t virtual_address;
    std::uint32_t raw_size;   // bytes in the file
    std::uint32_t raw_offset; // from the start of the file
    std::uint32_t characteristics;
};

struct PeLayout {
    std::uint32_t coff_offset;     // of the COFF header, after "PE\0\0"
    std::uint32_t optional_offset; // of the optional header
    std::uint32_t table_offset;    // of the section table
    std::uint32_t size_of_headers;
    std::uint32_t size_of_image;
    std::uint32_t section_alignment;
    std::uint32_t file_alignment;
    std::uint16_t dll_characteristics;
    std::uint32_t certificates_offset; // both 0 when there is no certificate table
    std::uint32_t certificates_size;
    std::vector<PeSection> sections; // in the order of the table
};

inline constexpr std::uint16_t pe_nx_compatible = 0x0100; // in dll_characteristics
inline constexpr std::uint32_t pe_code = 0x00000020, pe_initialised_data = 0x00000040, pe_readable = 0x40000000;

// Throws Error `cannot read the PE image '<name>': …`. Refused as well: sections whose bytes overlap in
// the file, a certificate table that is not the last thing in it, other machines than x86-64.
[[nodiscard]] PeLayout parse_pe(ByteView image, std::string_view name);

// What the loader puts into memory from the file: the shorter of the two sizes.
[[nodiscard]] ByteView section_content(ByteView image, const PeSection& section);
// The first section of that name.
[[nodiscard]] std::optional<ByteView> find_section(ByteView image, const PeLayout& layout, std::string_view name);

// The digest that a signature vouches for, that db and dbx list, and that UEFI measures: all but the
// checksum, the certificate table and its directory entry; zeros up to a multiple of 8 count. An image
// has the same digest before and after it is signed.
[[nodiscard]] Digest authenticode_digest(ByteView image, const PeLayout& layout);

struct NewSection {
    std::string name; // 1 to 8 bytes
    ByteView content; // not empty
    std::uint32_t characteristics = pe_initialised_data | pe_readable;
};
// Behind the last section, in memory and in the file, each at the next aligned address; checksum 0.
// Throws when the headers have no room, or the image is signed.
[[nodiscard]] Bytes append_sections(Bytes image, const std::vector<NewSection>& sections, std::string_view name);

// Puts `content` in the place of what section `name` holds. Throws when it does not fit.
void replace_section(Bytes& image, std::string_view section, ByteView content, std::string_view name);

void set_dll_characteristics(Bytes& image, const PeLayout& layout, std::uint16_t characteristics);
// Computes and stores the checksum of the PE format.
void set_checksum(Bytes& image, const PeLayout& layout);

// The PKCS #7 blobs of the certificate table. Entries of another kind are refused.
[[nodiscard]] std::vector<ByteView> certificate_table(ByteView image, const PeLayout& layout, std::string_view name);
// Adds one, after those that are there, and sets the checksum.
[[nodiscard]] Bytes append_certificate(Bytes image, ByteView pkcs7, std::string_view name);
// The image as it was before it was signed (padded to a multiple of 8), with checksum 0.
[[nodiscard]] Bytes without_certificates(Bytes image, std::string_view name);

} // namespace ashlar
