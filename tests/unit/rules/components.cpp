#include <rules/components.hpp>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::rules;

namespace {

const Rule ovn{.name = "ovn",
               .kind = Kind::series,
               .summary = "the next release, or from one LTS to the next",
               .lines = {{"22.03", "LTS", true}, {"22.06"}, {"22.09"}, {"24.03", "LTS", true}, {"24.09"}, {"25.03"}, {"26.03", "LTS", true}}};
const Rule rabbitmq{.name = "rabbitmq", .kind = Kind::series, .summary = "the next series", .lines = {{"3.12"}, {"3.13"}, {"4.0"}, {"4.1"}}};
const Rule etcd{.name = "etcd", .kind = Kind::minor, .summary = "the next minor version"};
const Rule ceph{.name = "ceph", .kind = Kind::major, .summary = "at most two major versions at once", .at_most = 2, .lines = {{"18", "Reef"}, {"19", "Squid"}, {"20", "Tentacle"}}};
const Rule openstack{.name = "openstack", .kind = Kind::calendar, .summary = "the next release, or from one SLURP release to the next", .lines = {{"2024.2", "Dalmatian"}, {"2025.1", "Epoxy"}}};
const Rule mariadb{.name = "mariadb", .kind = Kind::forward, .summary = "any later series", .lines = {{"10.11"}, {"11.8"}}};
const Rule galera{.name = "galera", .kind = Kind::major, .summary = "the same provider API", .at_most = 0};

bool allowed(const Rule& rule, std::string_view from, std::string_view to) { return !forbidden_step(rule, from, to); }
// Cause and remedy, on a line each.
std::string refusal(const Rule& rule, std::string_view from, std::string_view to) {
    const auto forbidden = forbidden_step(rule, from, to);
    return forbidden ? fmt::format("{}\n{}", forbidden->cause, forbidden->remedy) : "allowed";
}

TEST(Versions, OfUpstreamWithoutDebiansParts) {
    EXPECT_EQ(upstream_version("2:31.0.0-6"), "31.0.0");
    EXPECT_EQ(upstream_version("18.2.7+ds-1"), "18.2.7");
    EXPECT_EQ(upstream_version("1:10.11.19-0+deb12u1"), "10.11.19");
    EXPECT_EQ(upstream_version("3.5.16-4+b5"), "3.5.16");
    EXPECT_EQ(upstream_version("2:32.0.0~rc1-1~bpo13+1"), "32.0.0~rc1");
    EXPECT_EQ(upstream_version("25.03"), "25.03");
    EXPECT_EQ(upstream_version(""), "");
}

TEST(Lines, AreTheBeginningOfAVersion) {
    EXPECT_EQ(line_of({}, ovn, "25.03.1"), "25.03");
    EXPECT_EQ(line_of({}, ceph, "18.2.7"), "18");
    EXPECT_EQ(line_of({}, etcd, "3.5.16"), "3.5");
    EXPECT_EQ(line_of({}, mariadb, "11.8.3"), "11.8");
    EXPECT_EQ(line_of({}, galera, "26.4.23"), "26");
    EXPECT_EQ(line_of({}, etcd, "3"), std::nullopt);
    EXPECT_EQ(line_of({}, etcd, "v3.5"), std::nullopt);
}

TEST(Lines, OrAreNamedByTheComponent) {
    const Component horizon{.name = "horizon", .lines = {{"25.2", "2025.1"}, {"25.3", "2025.1"}, {"25", "2024.2"}, {"26", "2026.2"}}};
    EXPECT_EQ(line_of(horizon, openstack, "25.3.1"), "2025.1");
    EXPECT_EQ(line_of(horizon, openstack, "25.30.1"), "2024.2");
    EXPECT_EQ(line_of(horizon, openstack, "26.0.0~rc1"), "2026.2");
    EXPECT_EQ(line_of(horizon, openstack, "260"), std::nullopt);
}

TEST(Maintenance, TheComponentsOwnDayCounts) {
    const Day upstream = parse_day("2026-10-02").value(), debian = parse_day("2028-08-09").value();
    const Rule rule{.name = "openstack", .kind = Kind::calendar, .lines = {{.name = "2025.1", .until = upstream}}};
    EXPECT_EQ(maintained_until({}, rule, "2025.1"), upstream);
    EXPECT_EQ(maintained_until({.until = {{"2025.1", debian}}}, rule, "2025.1"), debian);
    EXPECT_EQ(maintained_until({}, rule, "2025.2"), std::nullopt);
}

TEST(Steps, OfOpenStack) {
    EXPECT_TRUE(allowed(openstack, "2024.2", "2025.1"));
    EXPECT_TRUE(allowed(openstack, "2025.1", "2025.2"));
    EXPECT_TRUE(allowed(openstack, "2025.1", "2026.1"));
    EXPECT_EQ(refusal(openstack, "2024.2", "2025.2"), "2024.2 Dalmatian to 2025.2 is too far: rule 'openstack' allows the next release, or from one SLURP release to the next\n"
                                                      "cut a release with 2025.1 Epoxy before, and make it a floor");
    EXPECT_EQ(refusal(openstack, "2025.1", "2026.2"), "2025.1 Epoxy to 2026.2 is too far: rule 'openstack' allows the next release, or from one SLURP release to the next\n"
                                                      "cut a release with 2026.1 before, and make it a floor");
    EXPECT_EQ(refusal(openstack, "2025.1", "2027.1").substr(0, 33), "2025.1 Epoxy to 2027.1 is too far");
    EXPECT_EQ(refusal(openstack, "2025.1", "2024.2"), "it goes back from 2025.1 Epoxy to 2024.2 Dalmatian\n"
                                                      "databases and files on disk do not go back: take a version of the line before, or a newer one");
    EXPECT_EQ(refusal(openstack, "2025.1", "31"), "rule 'openstack' knows no line '31'\nadd it to recipes/components.toml, as upstream's document has it");
}

TEST(Steps, OfMinorVersions) {
    EXPECT_TRUE(allowed(etcd, "3.4", "3.5"));
    EXPECT_TRUE(allowed(etcd, "3.9", "3.10"));
    EXPECT_EQ(refusal(etcd, "3.4", "3.6"), "3.4 to 3.6 is too far: rule 'etcd' allows the next minor version\ncut a release with 3.5 before, and make it a floor");
    EXPECT_EQ(refusal(etcd, "3.6", "4.0"), "3.6 to 4.0 is too far: rule 'etcd' allows the next minor version\n"
                                           "a new major number is another software: read upstream's document, and give it a rule of its own");
    EXPECT_FALSE(allowed(etcd, "3.5", "3.4"));
}

TEST(Steps, OfCeph) {
    EXPECT_TRUE(allowed(ceph, "18", "19"));
    EXPECT_TRUE(allowed(ceph, "18", "20"));
    EXPECT_EQ(refusal(ceph, "17", "20"), "17 to 20 Tentacle is too far: rule 'ceph' allows at most two major versions at once\n"
                                         "cut a release with 19 Squid before, and make it a floor");
    EXPECT_FALSE(allowed(ceph, "20", "18"));
}

TEST(Steps, OfASeries) {
    EXPECT_TRUE(allowed(ovn, "22.03", "22.06"));
    EXPECT_TRUE(allowed(ovn, "22.03", "24.03"));
    EXPECT_TRUE(allowed(ovn, "25.03", "26.03"));
    EXPECT_EQ(refusal(ovn, "22.03", "24.09"), "22.03 LTS to 24.09 is too far: rule 'ovn' allows the next release, or from one LTS to the next\n"
                                              "cut a release with 24.03 LTS before, and make it a floor");
    EXPECT_FALSE(allowed(ovn, "22.03", "26.03"));
    EXPECT_FALSE(allowed(ovn, "22.06", "24.03"));
    EXPECT_FALSE(allowed(ovn, "25.03", "24.09"));
    EXPECT_EQ(refusal(ovn, "25.03", "27.03"), "rule 'ovn' knows no line '27.03'\nadd it to recipes/components.toml, as upstream's document has it");
    EXPECT_TRUE(allowed(rabbitmq, "3.13", "4.0"));
    EXPECT_EQ(refusal(rabbitmq, "3.12", "4.0"), "3.12 to 4.0 is too far: rule 'rabbitmq' allows the next series\ncut a release with 3.13 before, and make it a floor");
}

TEST(Steps, ForwardOnlyOrNotAtAll) {
    EXPECT_TRUE(allowed(mariadb, "10.11", "11.8"));
    EXPECT_TRUE(allowed(mariadb, "11.8", "12.3"));
    EXPECT_FALSE(allowed(mariadb, "11.8", "10.11"));
    EXPECT_EQ(refusal(galera, "26", "27"), "26 to 27 is too far: rule 'galera' allows the same provider API\nthat line is for good: keep it");
}

RC_GTEST_PROP(Steps, NeverGoBackAndMayAlwaysStay, (unsigned a, unsigned b)) {
    for (const Rule* rule : {&ovn, &rabbitmq}) {
        const auto from = a % rule->lines.size(), to = b % rule->lines.size();
        const bool answer = allowed(*rule, rule->lines[from].name, rule->lines[to].name);
        RC_ASSERT(from != to || answer);
        RC_ASSERT(to >= from || !answer);
    }
    const std::string year = fmt::format("{}.{}", 2020 + a % 10, 1 + a / 10 % 2), other = fmt::format("{}.{}", 2020 + b % 10, 1 + b / 10 % 2);
    RC_ASSERT(other >= year || !allowed(openstack, year, other));
    RC_ASSERT(allowed(openstack, year, year));
}

// Any texts have an answer.
RC_GTEST_PROP(Steps, OfForeignWordsAreRefused, (std::string from, std::string to)) {
    for (const Rule* rule : {&ovn, &etcd, &ceph, &openstack, &mariadb}) {
        (void)forbidden_step(*rule, from, to);
        (void)line_of({}, *rule, upstream_version(from));
    }
}

} // namespace
