#include <formation_site.hpp>

#include <signing/node_id.hpp>

#include <algorithm>

#include <gmock/gmock.h>

namespace ashlar::site_member {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Placing : public testing::Test {
protected:
    const forming::Member& add(const std::string& name, const std::set<std::string>& names) {
        const auto key = SigningKey::generate(site_scheme);
        const auto id = node_id_of(key.verifying_key());
        roster.nodes.emplace(id, roster::Stored<roster::Member>{{.key = key.verifying_key(), .bearer = {.node = id, .name = name, .roles = names, .addresses = {}}, .serial = {}, .state = roster::Member::State::member, .since = {}}, 1});
        made = formation_site(plan, GenesisId{}, roster, roles);
        return *std::ranges::find(made.members, name, &forming::Member::name);
    }

    site::Site plan;
    roster::Roster roster;
    const formation::RoleGraph roles{{{"base", {}}, {"compute", {"base"}}, {"control", {"base"}}, {"hyperconverged", {"control", "compute"}}}};
    forming::Site made;
};

TEST_F(Placing, AMemberIsOfAllThatItsRoleExtends) {
    const auto& one = add("n1", {"hyperconverged"});
    EXPECT_EQ(one.role, "hyperconverged");
    EXPECT_THAT(one.lineage, UnorderedElementsAre("base", "control", "compute", "hyperconverged"));
    EXPECT_THAT(one.unknown_roles, IsEmpty());
}

TEST_F(Placing, OfSeveralRolesThatWhichExtendsTheOthersIsItsOwn) {
    EXPECT_EQ(add("n1", {"base", "control"}).role, "control");
    EXPECT_EQ(add("n2", {"base", "control", "hyperconverged"}).role, "hyperconverged");
    EXPECT_THAT(add("n3", {"compute", "control"}).lineage, UnorderedElementsAre("base", "control", "compute"));
    EXPECT_THAT(add("n4", {}).lineage, ElementsAre("base"));
}

TEST_F(Placing, ARoleThatIsNotKnownIsNoted) {
    const auto& one = add("n1", {"control", "storage"});
    EXPECT_THAT(one.lineage, ElementsAre("base", "control"));
    EXPECT_THAT(one.unknown_roles, ElementsAre("storage"));
}

TEST_F(Placing, WhatThePlanDoesNotWantIsNamed) {
    plan.services = {{"memcached", false}, {"chrony", true}};
    add("n1", {});
    EXPECT_THAT(made.without, ElementsAre("memcached"));
}

TEST_F(Placing, APlaneHasItsSubnets) {
    plan.planes[site::Plane::management].subnets = {*site::Subnet::parse("10.0.0.0/24"), *site::Subnet::parse("fd00:1::/64")};
    add("n1", {});
    EXPECT_THAT(made.subnets.at("management"), ElementsAre("10.0.0.0/24", "fd00:1::/64"));
}

TEST_F(Placing, VirtualAddressesAreThoseOfThePlan) {
    add("n1", {});
    EXPECT_THAT(made.vips, IsEmpty());
    const unsigned own = made.router_id;
    EXPECT_GE(own, 1U);
    EXPECT_LE(own, 255U);
    plan.id = SiteId::parse(std::string(32, 'a'));
    add("n2", {});
    EXPECT_NE(made.router_id, own) << "made from the id";
    plan.vip = {.addresses = {*site::Address::parse("10.0.0.10"), *site::Address::parse("fd00:1::10")}, .router_id = 51};
    add("n3", {});
    EXPECT_THAT(made.vips, ElementsAre("10.0.0.10", "fd00:1::10"));
    EXPECT_EQ(made.router_id, 51U);
}

TEST_F(Placing, AMemberIsReachedAtAllItsAddresses) {
    plan.nodes.push_back({.name = "n1", .addresses = {{site::Plane::management, {*site::Address::parse("10.0.0.11"), *site::Address::parse("fd00:1::11")}}, {site::Plane::storage, {*site::Address::parse("10.0.2.11")}}}});
    const auto& one = add("n1", {});
    EXPECT_THAT(one.all_addresses, ElementsAre("10.0.0.11", "10.0.2.11", "fd00:1::11"));
    EXPECT_EQ(one.addresses.at("storage"), "10.0.2.11");
}

} // namespace
} // namespace ashlar::site_member
