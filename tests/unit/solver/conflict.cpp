// What people read when it cannot be.

#include "market.hpp"

#include <base/error.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::solver;

TEST(ConflictTree, TwoThatExcludeEachOther) {
    const Market market{package("a", "1", "Depends: c (>= 2)\n"), package("b", "1.5"),
                        package("c", "2.0", "Breaks: b (<< 2)\n")};
    EXPECT_EQ(answer(market, asking({"a", "b"})), "these cannot be installed together\n"
                                                  "├─ 'a' 1 is asked for\n"
                                                  "│  └─ 'a' needs 'c (>= 2)', which is 'c' 2.0\n"
                                                  "│     └─ 'c' breaks 'b (<< 2)', which is 'b' 1.5\n"
                                                  "└─ 'b' 1.5 is asked for\n"
                                                  "   └─ 'c' breaks 'b (<< 2)', which is 'b' 1.5");
}

TEST(ConflictTree, EachAlternativeHasItsOwnReason) {
    const Market market{package("a", "1", "Depends: x | y | z, w\n"), package("x", "1", "Conflicts: w\n"),
                        package("y", "1", "Depends: nowhere\n"), package("w")};
    EXPECT_EQ(answer(market, asking({"a"})), "'a' 1 is asked for\n"
                                             "├─ 'a' needs 'x | y | z'\n"
                                             "│  ├─ 'x' 1\n"
                                             "│  │  └─ 'x' conflicts with 'w' 1\n"
                                             "│  ├─ 'y' 1\n"
                                             "│  │  └─ 'y' needs 'nowhere'\n"
                                             "│  │     └─ no archive has 'nowhere' or a package that provides it\n"
                                             "│  └─ no archive has 'z' or a package that provides it\n"
                                             "└─ 'a' needs 'w' 1\n"
                                             "   └─ 'x' conflicts with 'w' 1");
}

TEST(ConflictTree, AProviderInTheWayIsNamed) {
    const Market market{package("a", "1", "Conflicts: mta\n"), package("b", "1", "Depends: mail\n"),
                        package("exim", "4", "Provides: mta, mail\n")};
    EXPECT_EQ(answer(market, asking({"a", "b"})), "these cannot be installed together\n"
                                                  "├─ 'a' 1 is asked for\n"
                                                  "│  └─ 'a' conflicts with 'mta', which 'exim' 4 provides\n"
                                                  "└─ 'b' 1 is asked for\n"
                                                  "   └─ 'b' needs 'mail', which 'exim' 4 provides\n"
                                                  "      └─ 'a' conflicts with 'mta', which 'exim' 4 provides");
}

TEST(ConflictTree, TheFoundationIsNamedAsSuch) {
    const Market market{package("base", "1", "Essential: yes\n"), package("a", "1", "Conflicts: base\n")};
    auto request = asking({"a"});
    request.foundation = Foundation::essential;
    EXPECT_EQ(answer(market, request), "these cannot be installed together\n"
                                       "├─ 'base' 1 is essential\n"
                                       "│  └─ 'a' conflicts with 'base' 1\n"
                                       "└─ 'a' 1 is asked for\n"
                                       "   └─ 'a' conflicts with 'base' 1");
}

TEST(Absent, AllUnknownNamesAtOnceWithTheNearOnes) {
    const Market market{package("python3"), package("openssh-server")};
    EXPECT_EQ(answer(market, asking({"pythn3", "openssh-servre", "frobnicate"})),
              "no archive has 'pythn3' or a package that provides it; did you mean 'python3'?\n"
              "no archive has 'openssh-servre' or a package that provides it; did you mean 'openssh-server'?\n"
              "no archive has 'frobnicate' or a package that provides it");
}

TEST(Absent, ANameThatHoldsTheWordIsRatherMeantThanANearOne) {
    const Market market{package("vim"), package("exiv2"), package("exim4-base"), package("exim4"), package("libexim")};
    EXPECT_EQ(answer(market, asking({"exim"})),
              "no archive has 'exim' or a package that provides it; did you mean 'exim4'?");
    EXPECT_EQ(answer(market, asking({"m4-ba"})),
              "no archive has 'm4-ba' or a package that provides it; did you mean 'exim4-base'?");
    EXPECT_EQ(answer(market, asking({"ex"})), "no archive has 'ex' or a package that provides it");
}

TEST(Absent, AComponentThatTheRoleDoesNotOptInTo) {
    const Market market(
        {{trixie, package("a", "1", "Depends: intel-microcode\n")}, {firmware, package("intel-microcode")}});
    auto request = asking({"intel-microcode"});
    request.role = "base";
    EXPECT_EQ(answer(market, request),
              "'intel-microcode' is in component 'non-free-firmware', which role 'base' does not opt in to");
    EXPECT_EQ(hint(market, request), "to opt in, write components = [\"non-free-firmware\"] into the role");
    EXPECT_EQ(answer(market, asking({"a"})),
              "'a' 1 is asked for\n"
              "└─ 'a' needs 'intel-microcode'\n"
              "   └─ 'intel-microcode' is in component 'non-free-firmware', which role 'test' does not opt in to");
    request.components = debian::Components::main_and(std::vector<std::string>{"non-free-firmware"});
    EXPECT_EQ(answer(market, request), "intel-microcode");
    request = asking({"intel-microcode"});
    request.role.clear();
    EXPECT_EQ(answer(market, request),
              "'intel-microcode' is in component 'non-free-firmware', which this request does not opt in to");
}

TEST(Absent, WhatTheRoleExcludes) {
    const Market market{package("a", "1", "Depends: b, v\n"), package("b"), package("c", "1", "Provides: v\n")};
    auto request = asking({"a"});
    request.excludes = {"b"};
    EXPECT_EQ(answer(market, request), "'a' 1 is asked for\n"
                                       "└─ 'a' needs 'b'\n"
                                       "   └─ 'b' is excluded by role 'test'");
    request.excludes = {"c"};
    EXPECT_EQ(answer(market, request), "'a' 1 is asked for\n"
                                       "└─ 'a' needs 'v'\n"
                                       "   └─ 'v' has no provider that may be taken\n"
                                       "      └─ 'c' is excluded by role 'test'");
    request.excludes = {"a"};
    EXPECT_EQ(answer(market, request), "'a' is excluded by role 'test'");
}

TEST(Absent, AnExcludedAlternativeLeavesTheOthers) {
    const Market market{package("a", "1", "Depends: b | c\n"), package("b"), package("c")};
    auto request = asking({"a"});
    request.excludes = {"b"};
    EXPECT_EQ(answer(market, request), "a c");
}

TEST(Absent, AVersionThatIsNotTheCandidate) {
    const debian::Source backports{.archive = "debian", .suite = "trixie-backports", .priority = 100};
    const Market market(
        {{trixie, package("a", "1", "Depends: b (>= 2)\n") + package("b", "1.5")}, {backports, package("b", "2.1")}});
    EXPECT_EQ(answer(market, asking({"a"})),
              "'a' 1 is asked for\n"
              "└─ 'a' needs 'b (>= 2)'\n"
              "   └─ 'b (>= 2)' is not met by 'b' 1.5\n"
              "      └─ 2.1 (trixie-backports) would do, but has priority 100 and not 500");
    EXPECT_EQ(answer(market, asking({"b=3"})), "'b' is not offered as 3, only as 1.5 (trixie), 2.1 (trixie-backports)");
}

TEST(Absent, WhatAPinKeepsOut) {
    const Market market({{trixie, package("a", "1")}}, {{.packages = {"a"}, .priority = -1}});
    EXPECT_EQ(answer(market, asking({"a"})), "'a' is kept out by a pin: all its versions have a priority below 1");
}

TEST(Absent, ProvidersThatDoNotMeetTheVersion) {
    const Market market{package("a", "1", "Depends: api (>= 2)\n"), package("b", "1", "Provides: api\n"),
                        package("c", "1", "Provides: api (= 1)\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "'a' 1 is asked for\n"
                                             "└─ 'a' needs 'api (>= 2)'\n"
                                             "   └─ 'api (>= 2)' has no provider that may be taken\n"
                                             "      ├─ 'b' provides it without a version\n"
                                             "      └─ 'c' provides it as 1");
}

TEST(Absent, QualifiersThatDoNotFit) {
    const Market market{package("a", "1", "Depends: b:any\n"), package("c", "1", "Depends: b:i386\n"), package("b")};
    EXPECT_EQ(answer(market, asking({"a"})), "'a' 1 is asked for\n"
                                             "└─ 'a' needs 'b:any'\n"
                                             "   └─ 'b' does not allow ':any': it is not marked 'Multi-Arch: allowed'");
    EXPECT_EQ(answer(market, asking({"c"})), "'c' 1 is asked for\n"
                                             "└─ 'c' needs 'b:i386'\n"
                                             "   └─ 'b:i386' is of another architecture than amd64");
}

TEST(Blame, IsOnTheFirstWishThatTakesPart) {
    const Market market{package("fine"), package("a", "1", "Depends: c\n"), package("b", "1", "Conflicts: c\n"), package("c"),
                        package("needy", "1", "Depends: virtual\n"), package("one", "1", "Provides: virtual\n"),
                        package("two", "1", "Provides: virtual\n")};
    const auto blamed = [&](const Request& request) { return std::get<Conflict>(resolve(market.universe, request)).wish; };
    EXPECT_EQ(blamed(asking({"fine", "nowhere", "elsewhere"})), 1U);
    EXPECT_EQ(blamed(asking({"fine", "a", "b"})), 1U);
    EXPECT_EQ(blamed(asking({"fine", "virtual"})), 1U);
    auto strict = asking({"fine", "needy"});
    strict.strict_providers = StrictProviders::yes;
    EXPECT_EQ(blamed(strict), 1U);
}

TEST(Blame, IsOnTheProviderThatCannotBeFollowed) {
    const Market market{package("fine")};
    auto request = asking({"fine"});
    request.providers = {{"mta", "exim4"}};
    const auto conflict = std::get<Conflict>(resolve(market.universe, request));
    EXPECT_EQ(conflict.wish, std::nullopt);
    EXPECT_EQ(conflict.provider, "mta");
}

TEST(Blame, IsOnNobodyWhereOnlyTheFoundationTakesPart) {
    const Market market{package("base", "1", "Essential: yes\nConflicts: other\n"), package("other", "1", "Essential: yes\n")};
    auto request = asking({});
    request.foundation = Foundation::essential;
    EXPECT_EQ(std::get<Conflict>(resolve(market.universe, request)).wish, std::nullopt);
}

TEST(Why, IsTheChainFromWhatWasAskedFor) {
    const Market market{package("a", "1", "Depends: b | x\n"), package("b", "2", "Depends: v\n"),
                        package("c", "3", "Provides: v\n")};
    const auto solution = solved(market, asking({"a"}));
    const auto chain = why(solution, "c");
    ASSERT_TRUE(chain);
    EXPECT_EQ(render(*chain), "'a' 1 is asked for\n"
                              "'a' has 'Depends: b | x': 'b' 2\n"
                              "'b' has 'Depends: v': 'c' 3");
    EXPECT_EQ(render(*why(solution, "a")), "'a' 1 is asked for");
    EXPECT_EQ(why(solution, "x"), std::nullopt);
}

TEST(WhyNot, NothingNeedsIt) {
    const Market market{package("a", "1", "Depends: b | c\n"), package("b"), package("c"), package("d")};
    const auto passed_over = why_not(market.universe, asking({"a"}), "c");
    EXPECT_EQ(std::get<NotNeeded>(passed_over).render(), "nothing needs 'c' 1; it could be installed\n"
                                                         "'a' needs 'b | c' and has 'b'");
    EXPECT_EQ(std::get<NotNeeded>(why_not(market.universe, asking({"a"}), "d")).render(),
              "nothing needs 'd' 1; it could be installed");
}

TEST(WhyNot, AskedForByWhatItProvides) {
    const Market market{package("a"), package("b", "1", "Provides: v\n"), package("z")};
    EXPECT_EQ(std::get<NotNeeded>(why_not(market.universe, asking({"a", "z"}), "v")).render(),
              "nothing needs 'b' 1; it could be installed");
    try {
        (void)why_not(market.universe, asking({"b"}), "v");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot explain 'v': a package that was asked for already provides it\n"
                                  "  hint: ask about the package instead of what it provides");
    }
}

TEST(WhyNot, ItCannotBe) {
    const Market market{package("a", "1", "Conflicts: b\n"), package("b"), package("bind9")};
    EXPECT_EQ(std::get<Conflict>(why_not(market.universe, asking({"a"}), "b")).render(),
              "these cannot be installed together\n"
              "├─ 'a' 1 is asked for\n"
              "│  └─ 'a' conflicts with 'b' 1\n"
              "└─ 'b' 1 is asked for\n"
              "   └─ 'a' conflicts with 'b' 1");
    EXPECT_EQ(std::get<Conflict>(why_not(market.universe, asking({"a"}), "bind8")).render(),
              "no archive has 'bind8' or a package that provides it; did you mean 'bind9'?");
}

TEST(Malformed, RelationsNameTheirPackage) {
    const Market market{package("a", "1", "Depends: b [amd64]\n")};
    try {
        (void)resolve(market.universe, asking({"a"}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(),
                  "cannot parse dependency 'b [amd64]': an architecture restriction\n"
                  "  while reading the relations of package 'a'\n"
                  "  hint: only source packages have these; a binary package's fields are written without them");
    }
}
