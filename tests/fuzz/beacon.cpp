// Beacons: the network may send anything, and whoever has the site's key may send any contents with a right code.

#include <base/error.hpp>
#include <beacon/beacon.hpp>
#include <signing/hmac.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace ashlar;

const SiteId& site() {
    static const SiteId id = *SiteId::parse("00112233445566778899aabbccddeeff");
    return id;
}
const beacon::Key& key() {
    static const beacon::Key key(bytes_of("the key of a site that nobody has"));
    return key;
}

void read(ByteView datagram) {
    const auto reading = beacon::decode(datagram, site(), key());
    // What is believed is what its sender wrote, byte for byte.
    if (reading.beacon && !std::ranges::equal(beacon::encode(*reading.beacon, site(), key()), datagram)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes datagram;
    append(datagram, std::as_bytes(std::span(data, size)));
    read(datagram);
    if (size != beacon::size) return 0;
    // The same, from somebody who has the key.
    const auto site_summary = beacon::summary_of(site());
    std::ranges::copy(site_summary, datagram.begin() + 8);
    const Digest code = hmac_sha256(key().bytes(), ByteView(datagram).first(beacon::size - Digest::size));
    std::ranges::copy(code.bytes(), datagram.end() - Digest::size);
    read(datagram);
    return 0;
}
