#include <debian/package.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::debian;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::string error_of(std::string_view field) {
    try {
        (void)parse_groups(field);
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

} // namespace

TEST(Relation, ReadsGroupsInOrder) {
    EXPECT_THAT(parse_groups("a, b (>= 1:2.0~x-1) | c:any(<<3), d:native"),
                ElementsAre(ElementsAre(Alternative{"a", "", Relation::any, ""}),
                            ElementsAre(Alternative{"b", "", Relation::greater_equal, "1:2.0~x-1"},
                                        Alternative{"c", "any", Relation::less, "3"}),
                            ElementsAre(Alternative{"d", "native", Relation::any, ""})));
}

TEST(Relation, BlanksAndLineEndsMeanNothing) {
    EXPECT_EQ(parse_groups("a,\n b\t(  =  1 )  |\r\n c ,"), parse_groups("a, b (= 1) | c"));
    EXPECT_THAT(parse_groups(""), IsEmpty());
    EXPECT_THAT(parse_groups(" , ,"), IsEmpty());
}

TEST(Relation, KnowsAllOperators) {
    const auto relation = [](std::string_view field) { return parse_groups(field).at(0).at(0).relation; };
    EXPECT_EQ(relation("a (<< 1)"), Relation::less);
    EXPECT_EQ(relation("a (<= 1)"), Relation::less_equal);
    EXPECT_EQ(relation("a (= 1)"), Relation::equal);
    EXPECT_EQ(relation("a (>= 1)"), Relation::greater_equal);
    EXPECT_EQ(relation("a (>> 1)"), Relation::greater);
    // The old spellings, as dpkg reads them.
    EXPECT_EQ(relation("a (< 1)"), Relation::less_equal);
    EXPECT_EQ(relation("a (> 1)"), Relation::greater_equal);
}

TEST(Relation, VersionsAreCompared) {
    const auto satisfied = [](std::string_view version, std::string_view field) {
        return version_satisfies(version, parse_groups(field).at(0).at(0));
    };
    EXPECT_TRUE(satisfied("1", "a"));
    EXPECT_TRUE(satisfied("1.0", "a (= 1.00)"));
    EXPECT_FALSE(satisfied("1.0~rc1", "a (>= 1.0)"));
    EXPECT_TRUE(satisfied("1.0~rc1", "a (<< 1.0)"));
    EXPECT_FALSE(satisfied("2", "a (<= 1)"));
    EXPECT_FALSE(satisfied("1", "a (>> 1)"));
}

TEST(Relation, WritesWhatItRead) {
    EXPECT_EQ(to_string(parse_groups("a|b(>=1)|c:any (< 2)").at(0)), "a | b (>= 1) | c:any (<= 2)");
}

TEST(Relation, RefusesWhatOnlySourcePackagesHave) {
    EXPECT_EQ(error_of("a, b [amd64 !i386]"),
              "cannot parse dependency 'b [amd64 !i386]': an architecture restriction\n"
              "  hint: only source packages have these; a binary package's fields are written without them");
    EXPECT_EQ(error_of("b (>= 1) <!nocheck>"),
              "cannot parse dependency 'b (>= 1) <!nocheck>': a build profile\n"
              "  hint: only source packages have these; a binary package's fields are written without them");
}

TEST(Relation, ErrorsQuoteTheAlternative) {
    EXPECT_EQ(error_of("a | | b"), "cannot parse dependency '': expected the name of a package");
    EXPECT_EQ(error_of("a, (>= 1)"), "cannot parse dependency '(>= 1)': expected the name of a package");
    EXPECT_EQ(error_of("a: (>= 1)"), "cannot parse dependency 'a: (>= 1)': expected an architecture after ':'");
    EXPECT_EQ(error_of("a (1)"), "cannot parse dependency 'a (1)': expected one of << <= = >= >> after '('");
    EXPECT_EQ(error_of("a (>= 1"), "cannot parse dependency 'a (>= 1': missing ')'");
    EXPECT_EQ(error_of("a (>= )"), "cannot parse dependency 'a (>= )': '' is not a version");
    EXPECT_EQ(error_of("a (= 1) b"), "cannot parse dependency 'a (= 1) b': unexpected 'b'");
    EXPECT_EQ(error_of("a b"), "cannot parse dependency 'a b': unexpected 'b'");
}

TEST(Relation, AListHasNoAlternatives) {
    EXPECT_THAT(parse_list("a (= 1), b"), ElementsAre(Alternative{"a", "", Relation::equal, "1"}, Alternative{"b"}));
    try {
        (void)parse_list("a, b | c");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot parse dependency 'b | c': alternatives have no meaning in this field");
    }
}
