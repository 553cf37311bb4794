#include "market.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::solver;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Walk, GoesDepthFirstInTheOrderWritten) {
    const Market market{package("a", "1", "Depends: b, d\n"), package("b", "1", "Depends: c\nPre-Depends: e\n"),
                        package("c"), package("d"), package("e")};
    EXPECT_EQ(answer(market, asking({"a"})), "a b e c d");
}

TEST(Walk, TakesAllThatIsAskedForBeforeAnybodysNeeds) {
    const Market market{package("a", "1", "Depends: x | y\n"), package("x"), package("y")};
    EXPECT_EQ(answer(market, asking({"a"})), "a x");
    EXPECT_EQ(answer(market, asking({"a", "y"})), "a y");
    EXPECT_EQ(answer(market, asking({"a", "a", "y"})), "a y");
}

TEST(Walk, LeavesANeedAloneThatIsMet) {
    const Market market{package("a", "1", "Depends: y, b\n"), package("b", "1", "Depends: x | y\n"), package("x"),
                        package("y")};
    EXPECT_EQ(answer(market, asking({"a"})), "a y b");
}

TEST(Walk, KeepsWhatAnEarlyGroupPulledIn) {
    // A smaller set would do, but APT does not look ahead.
    const Market market{package("a", "1", "Depends: x | y, y\n"), package("x"), package("y")};
    EXPECT_EQ(answer(market, asking({"a"})), "a x y");
}

TEST(Walk, TakesTheFirstAlternativeThatExists) {
    const Market market{package("a", "1", "Depends: nowhere | x (>= 2) | y\n"), package("x"), package("y")};
    EXPECT_EQ(answer(market, asking({"a"})), "a y");
}

TEST(Walk, EndsInACircle) {
    const Market market{package("a", "1", "Depends: b\n"), package("b", "1", "Depends: c\n"),
                        package("c", "1", "Depends: a\n")};
    EXPECT_EQ(answer(market, asking({"b"})), "b c a");
}

TEST(Walk, RemembersWhoseNeedItWas) {
    const Market market{package("a", "1", "Depends: x (>= 2) | y\nPre-Depends: p\n"), package("y"), package("p")};
    const auto solution = solved(market, asking({"a"}));
    ASSERT_EQ(solution.choices.size(), 3u);
    EXPECT_EQ(solution.choices[0].because_of, nullptr);
    EXPECT_EQ(solution.choices[0].group, "asked for");
    EXPECT_EQ(solution.choices[1].because_of, solution.choices[0].package);
    EXPECT_EQ(solution.choices[1].group, "Pre-Depends: p");
    EXPECT_EQ(solution.choices[2].group, "Depends: x (>= 2) | y");
}

TEST(Conflicts, AnAlternativeInConflictWithTheSelectionIsPassedOver) {
    const Market refused{package("a", "1", "Depends: x | y\nConflicts: x\n"), package("x"), package("y")};
    EXPECT_EQ(answer(refused, asking({"a"})), "a y");
    const Market refuses{package("a", "1", "Depends: x | y\n"), package("x", "1", "Breaks: a (<< 2)\n"), package("y")};
    EXPECT_EQ(answer(refuses, asking({"a"})), "a y");
    const Market other_version{package("a", "1", "Depends: x | y\n"), package("x", "1", "Breaks: a (<< 1)\n"),
                               package("y")};
    EXPECT_EQ(answer(other_version, asking({"a"})), "a x");
}

TEST(Conflicts, AlsoWithWhatIsProvided) {
    const Market market{package("a", "1", "Depends: b, x | y\n"),
                        package("b", "1", "Provides: mta (= 2)\nConflicts: mta\n"),
                        package("x", "1", "Provides: mta\n"), package("y")};
    EXPECT_EQ(answer(market, asking({"a"})), "a b y");
    // A version is only in conflict with a provided version.
    const Market versioned{package("a", "1", "Depends: b, x | y\nConflicts: mta (>= 1)\n"),
                           package("b", "1", "Provides: mta\n"), package("x", "1", "Provides: mta (= 1)\n"),
                           package("y")};
    EXPECT_EQ(answer(versioned, asking({"a"})), "a b y");
}

TEST(Conflicts, APackageIsNeverInConflictWithItself) {
    const Market market{package("a", "1", "Provides: mta\nConflicts: mta\nReplaces: mta\nBreaks: a (<< 2)\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "a");
}

TEST(Conflicts, AFailedAlternativeLeavesNothingBehind) {
    const Market market{package("a", "1", "Depends: x | y\n"), package("x", "1", "Depends: z, nowhere\n"), package("y"),
                        package("z")};
    EXPECT_EQ(answer(market, asking({"a"})), "a y");
}

TEST(Provides, MeetANeed) {
    const Market market{package("a", "1", "Depends: awk\n"), package("mawk", "1", "Provides: awk\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "a mawk");
    EXPECT_THAT(solved(market, asking({"a"})).notes, IsEmpty());
}

TEST(Provides, MeetAVersionOnlyWithAVersion) {
    const Market market{package("a", "1", "Depends: api (>= 2)\n"), package("n", "9", "Provides: api\n"),
                        package("o", "9", "Provides: api (= 1)\n"), package("p", "1", "Provides: api (= 2)\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "a p");
}

TEST(Provides, ComeAfterThePackageOfThatName) {
    const Market market{package("a", "1", "Depends: awk\n"), package("mawk", "1", "Provides: awk\nEssential: yes\n"),
                        package("awk")};
    EXPECT_EQ(answer(market, asking({"a"})), "a awk");
    // Unless that one is not good enough.
    const Market old{package("a", "1", "Depends: awk (>= 2)\n"), package("mawk", "1", "Provides: awk (= 2)\n"),
                     package("awk")};
    EXPECT_EQ(answer(old, asking({"a"})), "a mawk");
}

TEST(Provides, EssentialThenProtectedThenPriorityDecide) {
    const auto provider = [](std::string_view name, std::string_view more) {
        return package(name, "1", fmt::format("Provides: v\n{}", more));
    };
    const std::string a = package("a", "1", "Depends: v\n");
    const auto e = provider("e", "Essential: yes\nPriority: optional\n"),
               p = provider("p", "Protected: yes\nPriority: extra\n"), r = provider("r", "Priority: required\n"),
               i = provider("i", "Priority: important\n"), s = provider("s", "Priority: standard\n"),
               o = provider("o", "Priority: optional\n"), x = provider("x", "Priority: extra\n");
    EXPECT_EQ(answer(Market{a, x, o, s, i, r, p, e}, asking({"a"})), "a e");
    EXPECT_EQ(answer(Market{a, x, o, s, i, r, p}, asking({"a"})), "a p");
    EXPECT_EQ(answer(Market{a, x, o, s, i, r}, asking({"a"})), "a r");
    EXPECT_EQ(answer(Market{a, x, o, s, i}, asking({"a"})), "a i");
    EXPECT_EQ(answer(Market{a, x, o, s}, asking({"a"})), "a s");
    EXPECT_EQ(answer(Market{a, x, o}, asking({"a"})), "a o");
    EXPECT_THAT(solved(Market{a, x, o}, asking({"a"})).notes, IsEmpty());
}

TEST(Provides, OfEqualsTheLastMentionedIsTakenAndSaid) {
    const Market market{package("a", "1", "Depends: v\n"), package("b", "1", "Suggests: d\nProvides: v\n"),
                        package("c", "1", "Provides: v\n"), package("d", "1", "Provides: v\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "a c");
    EXPECT_THAT(solved(market, asking({"a"})).notes,
                ElementsAre("'a' needs 'v': 'c' is taken, as APT would; 'd', 'b' would do as well"));
}

TEST(Provides, AStrictRoleMustChoose) {
    const Market market{package("a", "1", "Depends: v\n"), package("b", "1", "Provides: v\n"),
                        package("c", "1", "Provides: v\n")};
    auto request = asking({"a"});
    request.strict_providers = StrictProviders::yes;
    EXPECT_EQ(answer(market, request), "'a' needs 'v', which several packages provide equally well: 'c', 'b'");
    EXPECT_EQ(hint(market, request), "choose in the role, for example providers.v = \"c\"");
    request.providers["v"] = "b";
    EXPECT_EQ(answer(market, request), "a b");
}

TEST(Provides, AnotherThanAptsChoiceIsTakenWhereTheRoleSaysSo) {
    const Market market{package("a", "1", "Depends: default-mta | mail-transport-agent\n"),
                        package("exim4", "1", "Provides: default-mta, mail-transport-agent\n"),
                        package("postfix", "1", "Provides: mail-transport-agent\n")};
    auto request = asking({"a"});
    EXPECT_EQ(answer(market, request), "a exim4");
    request.providers["mail-transport-agent"] = "postfix";
    EXPECT_EQ(answer(market, request), "a postfix");
    // What is there already meets the need.
    request.packages.push_back({"exim4"});
    EXPECT_EQ(answer(market, request), "a exim4");
}

TEST(Provides, AChoiceThatCannotBeFollowedIsAConflict) {
    const Market market{package("a", "1", "Depends: v\n"), package("b", "1", "Provides: v\n"), package("c"),
                        package("postfix")};
    auto request = asking({"a"});
    request.providers = {{"v", "c"}};
    EXPECT_EQ(answer(market, request), "providers.v = \"c\" cannot be followed\n"
                                       "└─ 'c' does not provide 'v'");
    request.providers = {{"v", "postfx"}};
    EXPECT_EQ(answer(market, request),
              "providers.v = \"postfx\" cannot be followed\n"
              "└─ no archive has 'postfx' or a package that provides it; did you mean 'postfix'?");
}

TEST(Qualifier, AnyIsForPackagesThatAllowIt) {
    const Market market{package("a", "1", "Depends: python3:any | perl:any\n"), package("python3"),
                        package("perl", "1", "Multi-Arch: allowed\n")};
    EXPECT_EQ(answer(market, asking({"a"})), "a perl");
    const Market provided{package("a", "1", "Depends: v:any (>= 1)\n"), package("b", "1", "Provides: v (= 1)\n"),
                          package("c", "1", "Multi-Arch: allowed\nProvides: v (= 1)\n")};
    EXPECT_EQ(answer(provided, asking({"a"})), "a c");
}

TEST(Qualifier, NativeAndOurArchitectureAreOurs) {
    const Market market{package("a", "1", "Depends: b:native, c:amd64, d:i386 | e\n"), package("b"), package("c"),
                        package("d"), package("e")};
    EXPECT_EQ(answer(market, asking({"a"})), "a b c e");
}

TEST(Foundation, IsThereWithoutBeingAsked) {
    const Market market{package("z", "1", "Essential: yes\nPre-Depends: libz\n"), package("libz"),
                        package("m", "1", "Priority: required\n"), package("o", "1", "Priority: important\n"),
                        package("a", "1", "Depends: m\n")};
    auto request = asking({"a"});
    request.foundation = Foundation::required;
    EXPECT_EQ(answer(market, request), "m z a libz");
    EXPECT_EQ(solved(market, request).find("m")->group, "required");
    EXPECT_EQ(solved(market, request).find("z")->group, "essential");
    request.foundation = Foundation::essential;
    EXPECT_EQ(answer(market, request), "z a libz m");
    request.foundation = Foundation::none;
    EXPECT_EQ(answer(market, request), "a m");
}

TEST(Archives, TheCandidateOfAllSuitesCounts) {
    const Market market({{trixie, package("a", "1", "Depends: b\n") + package("b", "1")},
                         {security, package("b", "1+deb13u1", "Depends: c\n") + package("c")}});
    EXPECT_EQ(answer(market, asking({"a"})), "a b c");
    EXPECT_EQ(solved(market, asking({"a"})).find("b")->package->archive, "debian-security");
}

TEST(Archives, OnlyCandidatesAreTaken) {
    // The older version would be content with the archive, but it is not the candidate.
    const Market market({{trixie, package("a", "1")}, {security, package("a", "2", "Depends: nowhere\n")}});
    EXPECT_EQ(answer(market, asking({"a"})), "'a' 2 is asked for\n"
                                             "└─ 'a' needs 'nowhere'\n"
                                             "   └─ no archive has 'nowhere' or a package that provides it");
    EXPECT_EQ(answer(market, asking({"a=1"})), "a");
}

TEST(Archives, APinDecidesBeforeTheVersion) {
    const Market market(
        {{trixie, package("a", "1") + package("b", "1")}, {security, package("a", "2") + package("b", "2")}},
        {{.packages = {"a"}, .suite = "trixie", .priority = 990}});
    const auto solution = solved(market, asking({"a", "b"}));
    EXPECT_EQ(solution.find("a")->package->version, "1");
    EXPECT_EQ(solution.find("b")->package->version, "2");
}

TEST(Wanted, MayHaveAVersion) {
    EXPECT_EQ(Wanted::parse("a").version, std::nullopt);
    EXPECT_EQ(Wanted::parse("a=1:2-3").name, "a");
    EXPECT_EQ(Wanted::parse("a=1:2-3").version, "1:2-3");
    const Market market(
        {{trixie, package("a", "1.0") + package("b", "1", "Depends: a (<< 2)\n")}, {security, package("a", "2")}});
    EXPECT_EQ(solved(market, asking({"a=1.00", "b"})).find("a")->package->version, "1.0");
}

TEST(Wanted, MayBeProvidedByOnePackage) {
    const Market market{package("b", "1", "Provides: v\n"), package("c", "1", "Provides: w\n"),
                        package("d", "1", "Provides: w\n")};
    EXPECT_EQ(answer(market, asking({"v"})), "b");
    EXPECT_EQ(solved(market, asking({"v"})).choices[0].group, "asked for as 'v'");
    EXPECT_EQ(answer(market, asking({"w"})), "'w' is no package, and more than one provides it: 'd', 'c'");
    auto request = asking({"w"});
    request.providers["w"] = "c";
    EXPECT_EQ(answer(market, request), "c");
}

TEST(GivingWay, AnEarlyChoiceMakesRoomForWhatIsNeededLater) {
    const Market market{package("a", "1", "Depends: p | q, r\n"), package("p", "1", "Depends: x\n"), package("q"),
                        package("r", "1", "Conflicts: p\n"), package("x")};
    EXPECT_EQ(answer(market, asking({"a"})), "a q r");
    EXPECT_THAT(solved(market, asking({"a"})).notes,
                ElementsAre("'p', the first choice where 'a' has 'Depends: p | q', gives way to 'r', which 'a' needs"));
    EXPECT_EQ(solved(market, asking({"a"})).find("q")->because_of->name, "a");
}

TEST(GivingWay, AlsoDeepInTheTree) {
    const Market market{package("a", "1", "Depends: b, c\n"),      package("b", "1", "Depends: nogui | gui\n"),
                        package("c", "1", "Depends: d\n"),         package("d", "1", "Depends: gui\n"),
                        package("gui", "1", "Conflicts: nogui\n"), package("nogui")};
    EXPECT_EQ(answer(market, asking({"a"})), "a b gui c d");
}

TEST(Search, FindsAnotherSetWhereGivingWayLeadsNowhere) {
    const Market market{package("a", "1", "Depends: b | c, d | e, f | g\n"),
                        package("b"),
                        package("c"),
                        package("d"),
                        package("e"),
                        package("f", "1", "Conflicts: b, c\n"),
                        package("g", "1", "Conflicts: d\n")};
    const auto solution = solved(market, asking({"a"}));
    EXPECT_EQ(answer(market, asking({"a"})), "a b e g");
    EXPECT_THAT(
        solution.notes,
        ElementsAre(
            "taking the first alternative everywhere runs into a conflict; taken instead: 'e', 'g'; left out: 'd'"));
    EXPECT_EQ(solution.find("e")->because_of->name, "a");
}
