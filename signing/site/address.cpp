#include <site/address.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

// "24", without a sign or zeros in front.
std::optional<unsigned> length_from(std::string_view text, unsigned most) {
    unsigned length = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (fault != std::errc() || end != text.data() + text.size() || length > most || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    return length;
}

struct AddressAndLength {
    Address address;
    unsigned length;
};

std::optional<AddressAndLength> split_length(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const auto length = length_from(text.substr(slash + 1), address->bits());
    return length ? std::optional(AddressAndLength{*address, *length}) : std::nullopt;
}

} // namespace

std::string_view name_of(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

std::optional<Address> Address::parse(std::string_view text) {
    if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
    const std::string terminated(text);
    Address address;
    address.family_ = text.find(':') == text.npos ? Family::ipv4 : Family::ipv6;
    const int family = address.family_ == Family::ipv4 ? AF_INET : AF_INET6;
    if (::inet_pton(family, terminated.c_str(), address.bytes_.data()) != 1) return std::nullopt;
    return address;
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    return ::inet_ntop(family_ == Family::ipv4 ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
}

bool Address::is_host() const noexcept {
    const auto& b = bytes_;
    if (family_ == Family::ipv4) return b[0] != 0 && b[0] != 127 && b[0] < 224 && !(b[0] == 169 && b[1] == 254);
    const bool multicast = b[0] == 0xff, link_local = b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
    // ::/80 holds the unspecified address, loopback, and both ways to write IPv4 in IPv6.
    return !multicast && !link_local && std::any_of(b.begin(), b.begin() + 10, [](std::uint8_t byte) { return byte != 0; });
}

Address Address::first(unsigned length) const noexcept {
    Address result = *this;
    for (unsigned bit = length; bit < bits(); ++bit) result.bytes_[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
    return result;
}

Address Address::last(unsigned length) const noexcept {
    Address result = *this;
    for (unsigned bit = length; bit < bits(); ++bit) result.bytes_[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    return result;
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
    const auto parts = split_length(text);
    if (!parts || parts->address != parts->address.first(parts->length)) return std::nullopt;
    return Subnet(parts->address, parts->length);
}

std::optional<Subnet> Subnet::around(std::string_view text) {
    const auto parts = split_length(text);
    return parts ? std::optional(Subnet(parts->address.first(parts->length), parts->length)) : std::nullopt;
}

std::string Subnet::text() const { return fmt::format("{}/{}", first_.text(), length_); }

bool Subnet::contains(const Address& address) const noexcept { return address.family() == family() && address.first(length_) == first_; }

bool Subnet::overlaps(const Subnet& other) const noexcept { return contains(other.first_) || other.contains(first_); }

bool Subnet::has_host(const Address& address) const noexcept {
    if (!contains(address)) return false;
    if (length_ + 1 >= first_.bits()) return true;
    return address != first_ && (family() == Family::ipv6 || address != first_.last(length_));
}

std::optional<Mac> Mac::parse(std::string_view text) {
    if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return std::nullopt;
    Mac mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const auto byte = from_hex(text.substr(3 * i, 2));
        if (!byte || (i > 0 && text[3 * i - 1] != text[2])) return std::nullopt;
        mac.bytes[i] = std::to_integer<std::uint8_t>(byte->front());
    }
    return mac;
}

std::string Mac::text() const { return fmt::format("{:02x}", fmt::join(bytes, ":")); }

bool Mac::is_port() const noexcept { return *this != Mac{} && (bytes[0] & 1) == 0; }

} // namespace ashlar::site
