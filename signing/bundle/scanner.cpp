#include "scanner.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

constexpr const char* damaged = "it is damaged or not whole: copy it again, or ask for another";

std::span<std::byte> writable(std::string& text) { return std::as_writable_bytes(std::span(text)); }

} // namespace

Error Scanner::refusal(std::uint64_t offset, std::string_view entry, std::string_view cause) const {
    return Error(fmt::format("cannot read '{}': {}, entry '{}': {}", input_.name(), input_.place(offset), entry, cause), damaged);
}

void Scanner::read(std::span<std::byte> out) {
    while (!out.empty()) {
        const std::size_t got = input_.read(out);
        if (got == 0) throw refusal(offset_, entry_, "the bundle ends there");
        offset_ += got;
        out = out.subspan(got);
    }
}

Entry Scanner::next() {
    std::string block(entry_block, '\0');
    entry_begin_ = offset_;
    read(writable(block));
    auto entry = short_entry(block);
    if (!entry) throw refusal(entry_begin_, claimed_name(block), "its header is not in the form that it has in a bundle");
    entry_ = entry->name;
    return *entry;
}

void Scanner::check_header(std::uint64_t offset, const Entry& entry, std::string_view found) const {
    const std::string right = header_of(entry);
    if (found == right) return;
    const std::string claimed = claimed_name(found);
    if (std::ranges::all_of(found.substr(0, entry_block), [](char c) { return c == '\0'; })) throw refusal(offset, entry.name, "it is missing, the archive ends");
    if (claimed != claimed_name(right)) throw refusal(offset, entry.name, fmt::format("'{}' stands in its place", claimed));
    throw refusal(offset, entry.name, "its header is not the one that it has in a bundle");
}

void Scanner::expect(const Entry& entry) {
    std::string found(header_of(entry).size(), '\0');
    entry_begin_ = offset_;
    entry_ = entry.name;
    read(writable(found));
    check_header(entry_begin_, entry, found);
}

void Scanner::expect_at(std::uint64_t offset, const Entry& entry) {
    std::string found(header_of(entry).size(), '\0');
    input_.read_at(offset, writable(found));
    check_header(offset, entry, found);
}

void Scanner::check_zeros(std::uint64_t offset, std::string_view entry, std::span<const std::byte> bytes) const {
    const auto other = std::ranges::find_if(bytes, [](std::byte byte) { return byte != std::byte{}; });
    if (other != bytes.end()) throw refusal(offset + static_cast<std::uint64_t>(other - bytes.begin()), entry, "there are no zeros behind it");
}

void Scanner::expect_zeros_at(std::uint64_t offset, std::size_t count, std::string_view entry) {
    std::array<std::byte, end_of_archive> zeros;
    const auto bytes = std::span(zeros).first(count);
    input_.read_at(offset, bytes);
    check_zeros(offset, entry, bytes);
}

void Scanner::skip_padding(std::uint64_t size) {
    std::array<std::byte, entry_block> zeros;
    const auto bytes = std::span(zeros).first(padding_of(size));
    const std::uint64_t begin = offset_;
    read(bytes);
    check_zeros(begin, entry_, bytes);
}

std::string Scanner::text(const Entry& entry, std::uint64_t most) {
    if (entry.size > most) throw refusal(entry_begin_, entry.name, fmt::format("it has {} bytes, more than {}", entry.size, most));
    std::string text(static_cast<std::size_t>(entry.size), '\0');
    read(writable(text));
    skip_padding(entry.size);
    return text;
}

void Scanner::expect_end() {
    std::array<std::byte, end_of_archive> zeros;
    const std::uint64_t begin = offset_;
    read(zeros);
    check_zeros(begin, entry_, zeros);
    if (!input_.ended()) throw refusal(offset_, entry_, "something follows the end of the archive");
}

} // namespace ashlar::bundle
