#include <beacon/beacon.hpp>

#include <signing/hkdf.hpp>
#include <signing/hmac.hpp>

#include <algorithm>
#include <stdexcept>

namespace ashlar::beacon {

namespace {

constexpr std::string_view magic = "ASHB";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t voter_flag = 1;
constexpr std::size_t code_at = size - Digest::size, address_size = 17;

// Where the fields lie, in order.
constexpr std::size_t version_at = 4, standing_at = 5, flags_at = 6, count_at = 7, site_at = 8, node_at = 24, key_at = 40, boot_at = 72, mark_at = 80,
                      sequence_at = 88, genesis_at = 96, charter_at = 112, view_at = 128, port_at = 144, name_at = 146, role_at = 210, addresses_at = 242,
                      zeros_at = addresses_at + most_addresses * address_size;
static_assert(role_at == name_at + longest_name + 1 && addresses_at == role_at + longest_role + 1);
static_assert(zeros_at == 378 && code_at == 392 && size <= 500);

void put(Bytes& datagram, std::size_t at, ByteView bytes) { std::ranges::copy(bytes, datagram.begin() + static_cast<std::ptrdiff_t>(at)); }

template <std::size_t count> std::array<std::byte, count> array_at(ByteView datagram, std::size_t at) {
    std::array<std::byte, count> bytes;
    std::ranges::copy(datagram.subspan(at, count), bytes.begin());
    return bytes;
}

bool is_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// Names go into messages and onto consoles: letters, digits, '-', '.' and '_', and zeros to the end.
bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; }

std::optional<std::string> text_at(ByteView datagram, std::size_t at, std::size_t longest) {
    const std::string_view field = text_of(datagram.subspan(at, longest + 1));
    const std::string_view text = field.substr(0, field.find('\0'));
    if (text.size() > longest || !std::ranges::all_of(text, is_name) || !is_zero(bytes_of(field.substr(text.size())))) return std::nullopt;
    return std::string(text);
}

std::optional<Address> address_at(ByteView datagram, std::size_t at) {
    const auto family = std::to_integer<std::uint8_t>(datagram[at]);
    const auto bytes = array_at<16>(datagram, at + 1);
    if (family == 4 && is_zero(ByteView(bytes).subspan(4))) return Address{Address::Family::ipv4, bytes};
    if (family == 6) return Address{Address::Family::ipv6, bytes};
    return std::nullopt;
}

std::optional<std::vector<Address>> addresses_of(ByteView datagram) {
    const auto count = std::to_integer<std::size_t>(datagram[count_at]);
    if (count > most_addresses) return std::nullopt;
    std::vector<Address> addresses;
    for (std::size_t i = 0; i < count; ++i) {
        const auto address = address_at(datagram, addresses_at + i * address_size);
        if (!address) return std::nullopt;
        addresses.push_back(*address);
    }
    if (!is_zero(datagram.subspan(addresses_at + count * address_size, code_at - addresses_at - count * address_size))) return std::nullopt;
    return addresses;
}

std::optional<Beacon> contents_of(ByteView datagram) {
    const auto standing = std::to_integer<std::uint8_t>(datagram[standing_at]);
    const auto flags = std::to_integer<std::uint8_t>(datagram[flags_at]);
    const auto genesis = array_at<16>(datagram, genesis_at);
    const auto name = text_at(datagram, name_at, longest_name), role = text_at(datagram, role_at, longest_role);
    const auto addresses = addresses_of(datagram);
    Beacon beacon{.node = {array_at<16>(datagram, node_at)},
                  .key = array_at<32>(datagram, key_at),
                  .life = {*little_endian_at<std::uint64_t>(datagram, boot_at), *little_endian_at<std::uint64_t>(datagram, mark_at)},
                  .sequence = *little_endian_at<std::uint64_t>(datagram, sequence_at),
                  .standing = static_cast<Standing>(standing),
                  .voter = flags == voter_flag,
                  .genesis = is_zero(genesis) ? std::nullopt : std::optional(GenesisId{genesis}),
                  .charter = array_at<16>(datagram, charter_at),
                  .view = array_at<16>(datagram, view_at),
                  .port = *little_endian_at<std::uint16_t>(datagram, port_at),
                  .name = name.value_or(""),
                  .role = role.value_or(""),
                  .addresses = addresses.value_or(std::vector<Address>{})};
    const bool sound = standing >= static_cast<std::uint8_t>(Standing::hearing) && standing <= static_cast<std::uint8_t>(Standing::identity_conflict) &&
                       flags <= voter_flag && beacon.port != 0 && name && role && addresses &&
                       std::ranges::equal(beacon.node.bytes, ByteView(beacon.key).first(beacon.node.bytes.size()));
    return sound ? std::optional(std::move(beacon)) : std::nullopt;
}

} // namespace

Summary summary_of(ByteView bytes) { return array_at<16>(ByteView(sha256(bytes).bytes()), 0); }

Summary summary_of(const SiteId& site) {
    Bytes text;
    append(text, "ashlar site 1");
    append(text, ByteView(site.bytes));
    return summary_of(ByteView(text));
}

Key::Key(ByteView site_key) : bytes_(hkdf_sha256(site_key, "ashlar beacon 1", Digest::size)) {}
Key Key::derived(ByteView bytes) {
    Key key;
    key.bytes_.assign(bytes.begin(), bytes.end());
    return key;
}

Bytes encode(const Beacon& beacon, const SiteId& site, const Key& key) {
    Bytes datagram(size);
    put(datagram, 0, bytes_of(magic));
    datagram[version_at] = std::byte{version};
    datagram[standing_at] = static_cast<std::byte>(beacon.standing);
    datagram[flags_at] = beacon.voter ? std::byte{voter_flag} : std::byte{0};
    datagram[count_at] = static_cast<std::byte>(beacon.addresses.size());
    put(datagram, site_at, summary_of(site));
    put(datagram, node_at, beacon.node.bytes);
    put(datagram, key_at, beacon.key);
    put_little_endian(std::span(datagram), boot_at, beacon.life.boot);
    put_little_endian(std::span(datagram), mark_at, beacon.life.mark);
    put_little_endian(std::span(datagram), sequence_at, beacon.sequence);
    if (beacon.genesis) put(datagram, genesis_at, beacon.genesis->bytes);
    put(datagram, charter_at, beacon.charter);
    put(datagram, view_at, beacon.view);
    put_little_endian(std::span(datagram), port_at, beacon.port);
    if (beacon.name.size() > longest_name || beacon.role.size() > longest_role || beacon.addresses.size() > most_addresses)
        throw std::logic_error("a beacon has no room for that");
    put(datagram, name_at, bytes_of(beacon.name));
    put(datagram, role_at, bytes_of(beacon.role));
    for (std::size_t i = 0; i < beacon.addresses.size(); ++i) {
        datagram[addresses_at + i * address_size] = static_cast<std::byte>(beacon.addresses[i].family);
        put(datagram, addresses_at + i * address_size + 1, beacon.addresses[i].bytes);
    }
    if (contents_of(datagram) != beacon) throw std::logic_error("a beacon that nobody would read");
    put(datagram, code_at, hmac_sha256(key.bytes(), ByteView(datagram).first(code_at)).bytes());
    return datagram;
}

std::string_view name_of(Refusal refusal) {
    switch (refusal) {
    case Refusal::not_a_beacon: return "not-a-beacon";
    case Refusal::other_version: return "other-version";
    case Refusal::other_site: return "other-site";
    case Refusal::wrong_code: return "wrong-code";
    case Refusal::malformed: return "malformed";
    }
    return "";
}

Reading decode(ByteView datagram, const SiteId& site, const Key& key) {
    const auto refused = [](Refusal refusal) { return Reading{std::nullopt, refusal}; };
    if (datagram.size() <= version_at || text_of(datagram.first(magic.size())) != magic) return refused(Refusal::not_a_beacon);
    if (datagram[version_at] != std::byte{version}) return refused(Refusal::other_version);
    if (datagram.size() != size) return refused(Refusal::not_a_beacon);
    if (array_at<16>(datagram, site_at) != summary_of(site)) return refused(Refusal::other_site);
    const Digest code = hmac_sha256(key.bytes(), datagram.first(code_at));
    if (!same_code(code.bytes(), datagram.subspan(code_at))) return refused(Refusal::wrong_code);
    auto beacon = contents_of(datagram);
    return beacon ? Reading{std::move(beacon), {}} : refused(Refusal::malformed);
}

} // namespace ashlar::beacon
