#include "handmade.hpp"

#include <fmt/format.h>

namespace handmade {

using namespace ashlar;

namespace {

constexpr std::size_t headers = 0x400, alignment = 0x200, optional_size = 240;

struct Section {
    std::string_view name;
    std::string content;
};

Bytes dos_and_file_header(std::size_t sections) {
    Bytes bytes;
    append(bytes, std::string_view("MZ"));
    bytes.resize(0x3c);
    append_little_endian(bytes, std::uint32_t{0x40});
    append(bytes, std::string_view("PE\0\0", 4));
    append_little_endian(bytes, std::uint16_t{0x8664});
    append_little_endian(bytes, static_cast<std::uint16_t>(sections));
    bytes.resize(bytes.size() + 12);
    append_little_endian(bytes, static_cast<std::uint16_t>(optional_size));
    append_little_endian(bytes, std::uint16_t{0x022e}); // executable, large addresses
    return bytes;
}

// Only what tells an EFI program for this architecture.
Bytes optional_header(std::uint32_t size_of_image) {
    Bytes bytes(optional_size);
    const auto whole = std::span<std::byte>(bytes);
    put_little_endian(whole, 0, std::uint16_t{0x20b});
    put_little_endian(whole, 32, std::uint32_t{0x1000});
    put_little_endian(whole, 36, static_cast<std::uint32_t>(alignment));
    put_little_endian(whole, 56, size_of_image);
    put_little_endian(whole, 60, static_cast<std::uint32_t>(headers));
    put_little_endian(whole, 68, std::uint16_t{10}); // an EFI application
    put_little_endian(whole, 108, std::uint32_t{16});
    return bytes;
}

void add_record(Bytes& to, const Section& section, std::uint32_t address, std::uint32_t offset) {
    Bytes name(8);
    std::ranges::copy(bytes_of(section.name), name.begin());
    append(to, name);
    append_little_endian(to, static_cast<std::uint32_t>(section.content.size()));
    append_little_endian(to, address);
    append_little_endian(to, static_cast<std::uint32_t>(round_up(section.content.size(), alignment)));
    append_little_endian(to, offset);
    to.resize(to.size() + 12);
    append_little_endian(to, std::uint32_t{0x40000040}); // data, readable
}

} // namespace

Bytes uki(std::string_view os_release, std::string_view command_line, std::size_t bulk) {
    std::string kernel(bulk + 16, 'k');
    for (std::size_t i = 0; i < kernel.size(); i += 16) kernel.replace(i, 4, fmt::format("{:04x}", i / 16 % 0x10000));
    const std::vector<Section> sections{{".osrel", std::string(os_release)}, {".cmdline", std::string(command_line)}, {".linux", kernel}};
    Bytes image = dos_and_file_header(sections.size());
    append(image, optional_header(static_cast<std::uint32_t>(0x4000 + round_up(kernel.size(), 0x1000))));
    std::uint32_t address = 0x1000;
    std::size_t offset = headers;
    for (const Section& section : sections) {
        add_record(image, section, address, static_cast<std::uint32_t>(offset));
        address += static_cast<std::uint32_t>(round_up(section.content.size(), 0x1000));
        offset += round_up(section.content.size(), alignment);
    }
    image.resize(headers);
    for (const Section& section : sections) {
        append(image, section.content);
        image.resize(round_up(image.size(), alignment));
    }
    return image;
}

std::string os_release(std::string_view version, std::string_view image) {
    return fmt::format("PRETTY_NAME=\"Ashlar base {0}\"\nID=debian\nIMAGE_ID={1}\nIMAGE_VERSION={0}\nVARIANT_ID=base\n", version, image);
}

} // namespace handmade
