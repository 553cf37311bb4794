// What holds for whatever there is: addresses, tickets, tables of nodes.

#include <base/error.hpp>
#include <site/address.hpp>
#include <site/machine.hpp>
#include <site/networkd.hpp>
#include <site/ticket.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::site;

namespace {

Address any_address() {
    if (*rc::gen::arbitrary<bool>()) {
        const auto b = *rc::gen::container<std::array<std::uint8_t, 4>>(rc::gen::arbitrary<std::uint8_t>());
        return *Address::parse(fmt::format("{}.{}.{}.{}", b[0], b[1], b[2], b[3]));
    }
    const auto w = *rc::gen::container<std::array<std::uint16_t, 8>>(rc::gen::arbitrary<std::uint16_t>());
    return *Address::parse(fmt::format("{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}", w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]));
}

} // namespace

RC_GTEST_PROP(SiteProperty, AnAddressIsReadAsItIsWritten, ()) {
    const Address address = any_address();
    RC_ASSERT(Address::parse(address.text()) == address);
}

RC_GTEST_PROP(SiteProperty, ASubnetHoldsItsEndsAndNothingBeyond, ()) {
    const Address address = any_address();
    const auto length = *rc::gen::inRange<unsigned>(0, address.bits() + 1);
    const auto subnet = *Subnet::around(fmt::format("{}/{}", address.text(), length));
    RC_ASSERT(subnet.contains(address) && subnet.contains(address.first(length)) && subnet.contains(address.last(length)));
    RC_ASSERT(Subnet::parse(subnet.text()) == subnet);
    const Address other = any_address();
    RC_ASSERT(subnet.contains(other) == (other.family() == address.family() && other.first(length) == address.first(length)));
}

// A ticket in which any one byte is another is none of the site, or no ticket at all.
RC_GTEST_PROP(SiteProperty, AChangedTicketIsNone, (unsigned place, unsigned char change)) {
    static const SiteKey key = SiteKey::generate(SiteId::random());
    const Time now(std::chrono::seconds(1'800'000'000));
    const Ticket ticket = make_ticket(key, {.site = key.site(), .id = TicketId::random(), .node = "n01", .expires = now + std::chrono::days(1)}, now);
    std::string text = text_of(ticket.claim);
    RC_PRE(change != 0);
    text[place % text.size()] = static_cast<char>(text[place % text.size()] ^ change);
    try {
        const TicketClaim claim = parse_ticket_claim(text);
        RC_ASSERT(std::holds_alternative<Refusal>(check_ticket(key, claim, claim.terms.node, now)));
    } catch (const Error&) { // no ticket at all
    }
}

RC_GTEST_PROP(SiteProperty, EachRowsMachineIsThatNodeAndHasItsAddress, ()) {
    const auto count = *rc::gen::inRange(1, 200);
    std::string table = "name,serial,mac,management\n";
    for (int i = 1; i <= count; ++i) table += fmt::format("n{},SN-{},52:54:00:00:{:02x}:{:02x},10.0.{}.{}\n", i, i, i / 200, i % 200, i / 200, i % 200 + 2);
    const std::string file = "[site]\nname = \"a\"\nnodes = \"nodes.csv\"\n[install]\nencryption = \"off\"\n[[link]]\nname = \"uplink\"\n[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/16\"]\n";
    const Site site = ashlar::site::read(toml::source_from_text("site.toml", file), [&](const std::string& name) { return toml::source_from_text(name, table); });
    const auto which = *rc::gen::inRange(1, count + 1);
    const Mac mac = *Mac::parse(fmt::format("52:54:00:00:{:02x}:{:02x}", which / 200, which % 200));
    const auto found = node_of(site, {.serial = fmt::format("SN-{}", which), .macs = {mac}, .tpm_ek = std::nullopt});
    RC_ASSERT(std::get<const Node*>(found)->name == fmt::format("n{}", which));
    const auto files = network_files(site, std::get<const Node*>(found), {{.name = "enp1s0", .mac = mac, .driver = "virtio_net"}});
    RC_ASSERT(std::get<NetworkFiles>(files).at("30-uplink.network").find(fmt::format("Address=10.0.{}.{}/16", which / 200, which % 200 + 2)) != std::string::npos);
}
