#include <signing/pe.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace ashlar {

namespace {

// Offsets inside the optional header of PE32+.
constexpr std::uint32_t at_initialised_data = 8, at_section_alignment = 32, at_file_alignment = 36, at_size_of_image = 56,
                        at_size_of_headers = 60, at_checksum = 64, at_subsystem = 68, at_dll_characteristics = 70,
                        at_directory_count = 108, at_directories = 112;
constexpr std::uint32_t certificate_directory = 4;
constexpr std::uint32_t at_certificates = at_directories + certificate_directory * 8;
constexpr std::uint32_t section_entry = 40;

constexpr std::uint16_t machine_x86_64 = 0x8664, magic_pe32_plus = 0x020b;
constexpr std::uint16_t subsystem_first = 10, subsystem_last = 12; // EFI application, boot and runtime driver

constexpr std::uint64_t certificate_alignment = 8;
constexpr std::size_t certificate_header = 8;
constexpr std::uint16_t certificate_revision = 0x0200, certificate_pkcs7 = 0x0002;

constexpr std::uint64_t size_limit = std::numeric_limits<std::uint32_t>::max();

Error refusal(std::string_view name, std::string_view cause) {
    return Error(fmt::format("cannot read the PE image '{}': {}", name, cause));
}

class Parser {
public:
    Parser(ByteView image, std::string_view name) : image_(image), name_(name) {}

    PeLayout parse() {
        if (image_.size() > size_limit) throw refusal(name_, "it is larger than 4 GiB");
        headers();
        certificates();
        sections();
        return std::move(layout_);
    }

private:
    template <typename Number>
    Number number(std::uint64_t offset) const {
        const auto found = little_endian_at<Number>(image_, offset);
        if (!found) throw refusal(name_, fmt::format("it ends inside its headers, at byte {}", image_.size()));
        return *found;
    }

    void headers() {
        if (number<std::uint16_t>(0) != 0x5a4d) throw refusal(name_, "it does not begin with 'MZ'");
        const std::uint32_t signature = number<std::uint32_t>(60);
        if (number<std::uint32_t>(signature) != 0x00004550) throw refusal(name_, "it has no 'PE' header");
        layout_.coff_offset = signature + 4;
        if (number<std::uint16_t>(layout_.coff_offset) != machine_x86_64) throw refusal(name_, "it is not for x86-64");
        optional_header();
    }

    void optional_header() {
        const std::uint32_t size = number<std::uint16_t>(layout_.coff_offset + 16);
        const std::uint32_t at = layout_.optional_offset = layout_.coff_offset + 20;
        layout_.table_offset = at + size;
        if (number<std::uint16_t>(at) != magic_pe32_plus) throw refusal(name_, "it is not PE32+");
        if (size < at_certificates + 8 || number<std::uint32_t>(at + at_directory_count) <= certificate_directory)
            throw refusal(name_, "its headers have no place for a certificate table");
        const std::uint16_t subsystem = number<std::uint16_t>(at + at_subsystem);
        if (subsystem < subsystem_first || subsystem > subsystem_last) throw refusal(name_, "it is not an EFI image");
        layout_.section_alignment = number<std::uint32_t>(at + at_section_alignment);
        layout_.file_alignment = number<std::uint32_t>(at + at_file_alignment);
        layout_.size_of_image = number<std::uint32_t>(at + at_size_of_image);
        layout_.size_of_headers = number<std::uint32_t>(at + at_size_of_headers);
        layout_.dll_characteristics = number<std::uint16_t>(at + at_dll_characteristics);
        check_alignment(layout_.section_alignment);
        check_alignment(layout_.file_alignment);
    }

    void check_alignment(std::uint32_t alignment) const {
        if (alignment == 0 || alignment > (1U << 24) || (alignment & (alignment - 1)) != 0)
            throw refusal(name_, fmt::format("{} is no alignment", alignment));
    }

    void certificates() {
        layout_.certificates_offset = number<std::uint32_t>(layout_.optional_offset + at_certificates);
        layout_.certificates_size = number<std::uint32_t>(layout_.optional_offset + at_certificates + 4);
        if (layout_.certificates_offset == 0 && layout_.certificates_size == 0) return;
        if (layout_.certificates_size == 0 || layout_.certificates_offset % certificate_alignment != 0 ||
            std::uint64_t{layout_.certificates_offset} + layout_.certificates_size != image_.size())
            throw refusal(name_, "its certificate table is not at its end");
    }

    [[nodiscard]] std::uint64_t end_of_content() const {
        return layout_.certificates_size == 0 ? image_.size() : layout_.certificates_offset;
    }

    void sections() {
        const std::uint32_t count = number<std::uint16_t>(layout_.coff_offset + 2);
        if (std::uint64_t{layout_.table_offset} + std::uint64_t{count} * section_entry > layout_.size_of_headers ||
            layout_.size_of_headers > end_of_content())
            throw refusal(name_, "its headers do not hold its section table");
        for (std::uint32_t i = 0; i < count; ++i) layout_.sections.push_back(section(layout_.table_offset + i * section_entry));
        check_overlap();
    }

    [[nodiscard]] PeSection section(std::uint32_t at) const {
        const ByteView padded = image_.subspan(at, 8);
        PeSection section{std::string(text_of(padded.first(static_cast<std::size_t>(std::ranges::find(padded, std::byte{0}) - padded.begin())))),
                          number<std::uint32_t>(at + 8),  number<std::uint32_t>(at + 12),
                          number<std::uint32_t>(at + 16), number<std::uint32_t>(at + 20),
                          number<std::uint32_t>(at + 36)};
        if (section.raw_size != 0 && (section.raw_offset < layout_.size_of_headers ||
                                      std::uint64_t{section.raw_offset} + section.raw_size > end_of_content()))
            throw refusal(name_, fmt::format("its section '{}' lies outside of it", printable(section.name)));
        if (std::uint64_t{section.virtual_address} + section.virtual_size > size_limit)
            throw refusal(name_, fmt::format("its section '{}' lies above 4 GiB", printable(section.name)));
        return section;
    }

    [[nodiscard]] static std::string printable(std::string name) {
        std::ranges::replace_if(name, [](char c) { return c < ' ' || c > '~'; }, '?');
        return name;
    }

    void check_overlap() const {
        std::vector<const PeSection*> ordered;
        for (const PeSection& section : layout_.sections)
            if (section.raw_size != 0) ordered.push_back(&section);
        std::ranges::sort(ordered, {}, &PeSection::raw_offset);
        for (std::size_t i = 1; i < ordered.size(); ++i)
            if (ordered[i - 1]->raw_offset + ordered[i - 1]->raw_size > ordered[i]->raw_offset)
                throw refusal(name_, fmt::format("its sections '{}' and '{}' share bytes", printable(ordered[i - 1]->name),
                                                 printable(ordered[i]->name)));
    }

    ByteView image_;
    std::string_view name_;
    PeLayout layout_{};
};

void put_certificates(Bytes& image, const PeLayout& layout, std::uint32_t offset, std::uint32_t size) {
    put_little_endian(std::span(image), layout.optional_offset + at_certificates, offset);
    put_little_endian(std::span(image), layout.optional_offset + at_certificates + 4, size);
}

void require_unsigned(const PeLayout& layout, std::string_view name) {
    if (layout.certificates_size != 0)
        throw Error(fmt::format("cannot change the PE image '{}': it is signed", name), "use the unsigned image");
}

} // namespace

PeLayout parse_pe(ByteView image, std::string_view name) { return Parser(image, name).parse(); }

ByteView section_content(ByteView image, const PeSection& section) {
    return image.subspan(section.raw_offset, std::min(section.raw_size, section.virtual_size));
}

std::optional<ByteView> find_section(ByteView image, const PeLayout& layout, std::string_view name) {
    const auto found = std::ranges::find(layout.sections, name, &PeSection::name);
    if (found == layout.sections.end()) return std::nullopt;
    return section_content(image, *found);
}

// The steps of "Windows Authenticode Portable Executable Signature Format", which EDK II follows: the
// bytes behind the last section are found by adding sizes up, not by looking where sections end.
Digest authenticode_digest(ByteView image, const PeLayout& layout) {
    Hasher hasher;
    const std::size_t checksum = layout.optional_offset + at_checksum;
    const std::size_t directory = layout.optional_offset + at_certificates;
    hasher.update(image.first(checksum));
    hasher.update(image.subspan(checksum + 4, directory - checksum - 4));
    hasher.update(image.subspan(directory + 8, layout.size_of_headers - directory - 8));

    std::vector<const PeSection*> ordered;
    for (const PeSection& section : layout.sections)
        if (section.raw_size != 0) ordered.push_back(&section);
    std::ranges::stable_sort(ordered, {}, &PeSection::raw_offset);
    std::size_t hashed = layout.size_of_headers;
    for (const PeSection* section : ordered) {
        hasher.update(image.subspan(section->raw_offset, section->raw_size));
        hashed += section->raw_size;
    }
    const std::size_t end = layout.certificates_size == 0 ? image.size() : layout.certificates_offset;
    hasher.update(image.subspan(hashed, end - hashed));
    // What signing will add so that the certificate table is aligned.
    const std::array<std::byte, certificate_alignment> zeros{};
    hasher.update(std::span(zeros).first(static_cast<std::size_t>(round_up(end, certificate_alignment) - end)));
    return hasher.finish();
}

namespace {

std::uint64_t next_address(const PeLayout& layout) {
    std::uint64_t end = layout.size_of_headers;
    for (const PeSection& section : layout.sections)
        end = std::max<std::uint64_t>(end, std::uint64_t{section.virtual_address} + section.virtual_size);
    return round_up(end, layout.section_alignment);
}

void put_entry(std::span<std::byte> entry, const NewSection& section, std::uint32_t address, std::uint32_t raw_offset,
               std::uint32_t raw_size) {
    std::ranges::fill(entry, std::byte{0});
    std::ranges::copy(bytes_of(section.name), entry.begin());
    put_little_endian(entry, 8, static_cast<std::uint32_t>(section.content.size()));
    put_little_endian(entry, 12, address);
    put_little_endian(entry, 16, raw_size);
    put_little_endian(entry, 20, raw_offset);
    put_little_endian(entry, 36, section.characteristics);
}

void append_section(Bytes& image, const NewSection& section, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    const auto refuse = [&](std::string_view cause) {
        return Error(fmt::format("cannot add section '{}' to the PE image '{}': {}", section.name, name, cause));
    };
    if (section.name.empty() || section.name.size() > 8) throw refuse("a name has 1 to 8 bytes");
    if (section.content.empty()) throw refuse("it is empty");
    const std::size_t entry = layout.table_offset + layout.sections.size() * section_entry;
    if (entry + section_entry > layout.size_of_headers || layout.sections.size() == 0xffff) throw refuse("its headers are full");

    const std::uint64_t raw_offset = round_up(image.size(), layout.file_alignment);
    const std::uint64_t raw_size = round_up(section.content.size(), layout.file_alignment);
    const std::uint64_t address = next_address(layout);
    const std::uint64_t end = round_up(address + section.content.size(), layout.section_alignment);
    if (raw_offset + raw_size > size_limit || end > size_limit) throw refuse("the image would be larger than 4 GiB");

    image.reserve(static_cast<std::size_t>(raw_offset + raw_size));
    image.resize(static_cast<std::size_t>(raw_offset));
    append(image, section.content);
    image.resize(static_cast<std::size_t>(raw_offset + raw_size));

    const std::span<std::byte> all(image);
    put_entry(all.subspan(entry, section_entry), section, static_cast<std::uint32_t>(address),
              static_cast<std::uint32_t>(raw_offset), static_cast<std::uint32_t>(raw_size));
    put_little_endian(all, layout.coff_offset + 2, static_cast<std::uint16_t>(layout.sections.size() + 1));
    put_little_endian(all, layout.optional_offset + at_size_of_image, static_cast<std::uint32_t>(end));
    const auto data = *little_endian_at<std::uint32_t>(image, layout.optional_offset + at_initialised_data);
    put_little_endian(all, layout.optional_offset + at_initialised_data,
                      data + static_cast<std::uint32_t>(section.content.size()));
    put_little_endian(all, layout.optional_offset + at_checksum, std::uint32_t{0});
}

} // namespace

Bytes append_sections(Bytes image, const std::vector<NewSection>& sections, std::string_view name) {
    require_unsigned(parse_pe(image, name), name);
    std::size_t room = image.size();
    for (const NewSection& section : sections) room += section.content.size() + 65536;
    image.reserve(room);
    for (const NewSection& section : sections) append_section(image, section, name);
    return image;
}

void replace_section(Bytes& image, std::string_view section_name, ByteView content, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    require_unsigned(layout, name);
    const auto found = std::ranges::find(layout.sections, section_name, &PeSection::name);
    const auto refuse = [&](std::string_view cause) {
        return Error(fmt::format("cannot replace section '{}' of the PE image '{}': {}", section_name, name, cause));
    };
    if (found == layout.sections.end()) throw refuse("there is none");
    if (content.size() > found->raw_size)
        throw refuse(fmt::format("{} bytes do not fit into {}", content.size(), found->raw_size));
    const std::span<std::byte> place = std::span(image).subspan(found->raw_offset, found->raw_size);
    std::ranges::fill(place, std::byte{0});
    std::ranges::copy(content, place.begin());
    const auto index = static_cast<std::size_t>(found - layout.sections.begin());
    put_little_endian(std::span(image), layout.table_offset + index * section_entry + 8,
                      static_cast<std::uint32_t>(content.size()));
    put_little_endian(std::span(image), layout.optional_offset + at_checksum, std::uint32_t{0});
}

void set_dll_characteristics(Bytes& image, const PeLayout& layout, std::uint16_t characteristics) {
    put_little_endian(std::span(image), layout.optional_offset + at_dll_characteristics, characteristics);
}

// The sum of all 16-bit words with the carry folded in, the checksum taken as 0, plus the file's size.
void set_checksum(Bytes& image, const PeLayout& layout) {
    const std::size_t at = layout.optional_offset + at_checksum;
    put_little_endian(std::span(image), at, std::uint32_t{0});
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < image.size(); i += 2)
        sum += std::to_integer<std::uint64_t>(image[i]) | std::to_integer<std::uint64_t>(image[i + 1]) << 8;
    if (image.size() % 2 != 0) sum += std::to_integer<std::uint64_t>(image.back());
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    put_little_endian(std::span(image), at, static_cast<std::uint32_t>(sum + image.size()));
}

std::vector<ByteView> certificate_table(ByteView image, const PeLayout& layout, std::string_view name) {
    std::vector<ByteView> found;
    ByteView rest = image.subspan(layout.certificates_size == 0 ? 0 : layout.certificates_offset, layout.certificates_size);
    while (!rest.empty()) {
        const auto length = little_endian_at<std::uint32_t>(rest, 0);
        if (!length || rest.size() < certificate_header || *length < certificate_header || *length > rest.size())
            throw refusal(name, "an entry of its certificate table does not fit into it");
        if (little_endian_at<std::uint16_t>(rest, 4) != certificate_revision ||
            little_endian_at<std::uint16_t>(rest, 6) != certificate_pkcs7)
            throw refusal(name, "an entry of its certificate table is not PKCS #7");
        found.push_back(rest.subspan(certificate_header, *length - certificate_header));
        rest = rest.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(round_up(*length, certificate_alignment), rest.size())));
    }
    return found;
}

Bytes append_certificate(Bytes image, ByteView pkcs7, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    image.resize(static_cast<std::size_t>(round_up(image.size(), certificate_alignment)));
    const std::size_t start = layout.certificates_size == 0 ? image.size() : layout.certificates_offset;
    append_little_endian(image, static_cast<std::uint32_t>(certificate_header + pkcs7.size()));
    append_little_endian(image, certificate_revision);
    append_little_endian(image, certificate_pkcs7);
    append(image, pkcs7);
    image.resize(static_cast<std::size_t>(round_up(image.size(), certificate_alignment)));
    put_certificates(image, layout, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(image.size() - start));
    set_checksum(image, parse_pe(image, name));
    return image;
}

Bytes without_certificates(Bytes image, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    if (layout.certificates_size != 0) image.resize(layout.certificates_offset);
    put_certificates(image, layout, 0, 0);
    put_little_endian(std::span(image), layout.optional_offset + at_checksum, std::uint32_t{0});
    return image;
}

} // namespace ashlar
