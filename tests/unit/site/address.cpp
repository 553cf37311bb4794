#include <site/address.hpp>

#include <gmock/gmock.h>

using namespace ashlar::site;

namespace {

std::string canonical(std::string_view text) {
    const auto address = Address::parse(text);
    return address ? address->text() : "none";
}

TEST(Address, IsWrittenInOneForm) {
    EXPECT_EQ(canonical("10.0.0.11"), "10.0.0.11");
    EXPECT_EQ(canonical("FD00:0:0::B"), "fd00::b");
    EXPECT_EQ(Address::parse("fd00::b"), Address::parse("fd00:0:0:0:0:0:0:b"));
    for (const char* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "10.0.0.1/24", "fd00::b%eth0", "fd00:::b", "n01", "::ffff:10.0.0.1:"}) EXPECT_EQ(canonical(text), "none") << text;
    EXPECT_EQ(Address::parse(std::string_view("10.0.0.1\0x", 10)), std::nullopt);
}

TEST(Address, OfOneHost) {
    for (const char* text : {"10.0.0.1", "192.0.2.255", "223.255.255.255", "fd00::1", "2001:db8::1"}) EXPECT_TRUE(Address::parse(text)->is_host()) << text;
    for (const char* text : {"0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1"})
        EXPECT_FALSE(Address::parse(text)->is_host()) << text;
}

TEST(Subnet, HoldsItsHosts) {
    const auto net = *Subnet::parse("10.0.0.128/25");
    EXPECT_EQ(net.text(), "10.0.0.128/25");
    EXPECT_TRUE(net.has_host(*Address::parse("10.0.0.129")));
    EXPECT_FALSE(net.has_host(*Address::parse("10.0.0.128")));
    EXPECT_FALSE(net.has_host(*Address::parse("10.0.0.255")));
    EXPECT_FALSE(net.contains(*Address::parse("10.0.0.127")));
    EXPECT_FALSE(net.contains(*Address::parse("fd00::1")));
    EXPECT_TRUE(Subnet::parse("10.0.0.0/31")->has_host(*Address::parse("10.0.0.0")));
    EXPECT_FALSE(Subnet::parse("fd00::/64")->has_host(*Address::parse("fd00::")));
    EXPECT_TRUE(Subnet::parse("fd00::/64")->has_host(*Address::parse("fd00::ffff:ffff:ffff:ffff")));
    EXPECT_TRUE(net.overlaps(*Subnet::parse("10.0.0.0/8")));
    EXPECT_TRUE(Subnet::parse("10.0.0.0/8")->overlaps(net));
    EXPECT_FALSE(net.overlaps(*Subnet::parse("10.0.0.0/25")));
    EXPECT_FALSE(Subnet::parse("0.0.0.0/0")->overlaps(*Subnet::parse("::/0")));
}

TEST(Subnet, HasNothingBehindItsLength) {
    EXPECT_EQ(Subnet::parse("10.0.0.11/24"), std::nullopt);
    EXPECT_EQ(Subnet::around("10.0.0.11/24")->text(), "10.0.0.0/24");
    for (const char* text : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/08", "/8", "fd00::/129"}) EXPECT_EQ(Subnet::around(text), std::nullopt) << text;
}

TEST(Mac, IsOfOnePort) {
    EXPECT_EQ(Mac::parse("3C-EC-EF-00-0A-01")->text(), "3c:ec:ef:00:0a:01");
    for (const char* text : {"", "3c:ec:ef:00:0a", "3c:ec:ef:00:0a:0", "3c:ec-ef:00:0a:01", "3c:ec:ef:00:0a:0g", "3cecef000a01", "3c.ec.ef.00.0a.01"}) EXPECT_EQ(Mac::parse(text), std::nullopt) << text;
    EXPECT_FALSE(Mac::parse("ff:ff:ff:ff:ff:ff")->is_port());
    EXPECT_FALSE(Mac::parse("00:00:00:00:00:00")->is_port());
    EXPECT_TRUE(Mac::parse("52:54:00:12:34:56")->is_port());
}

} // namespace
