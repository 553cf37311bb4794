#include <formation/roles.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

namespace ashlar::formation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Parents = RoleGraph::Parents;

std::string refusal(const std::string& text) {
    try {
        (void)read_roles(text, "role.json");
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

const RoleGraph graph({{"base", {}}, {"compute", {"base"}}, {"control", {"base"}}, {"hyperconverged", {"control", "storage", "compute"}}, {"storage", {"base"}}});

TEST(Roles, ALineageIsAllThatIsExtendedHoweverDeepAndOnce) {
    EXPECT_THAT(graph.lineage("base"), ElementsAre("base"));
    EXPECT_THAT(graph.lineage("control"), ElementsAre("base", "control"));
    EXPECT_THAT(graph.lineage("hyperconverged"), ElementsAre("base", "control", "storage", "compute", "hyperconverged"));
    EXPECT_THAT(graph.lineage("manager"), IsEmpty());
    EXPECT_TRUE(graph.extends("hyperconverged", "base"));
    EXPECT_FALSE(graph.extends("base", "hyperconverged"));
    EXPECT_FALSE(graph.extends("control", "control"));
    EXPECT_FALSE(graph.knows("manager"));
}

TEST(Roles, WhatIsExtendedIsThereAndDoesNotGoRound) {
    EXPECT_THROW(RoleGraph(Parents{{"control", {"base"}}}), Error);
    EXPECT_THROW(RoleGraph(Parents{{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}), Error);
    EXPECT_THROW(RoleGraph(Parents{{"a", {"a"}}}), Error);
}

TEST(Roles, AFileIsReadAsItIsWritten) {
    const auto read = read_roles(text_of({"control", graph}), "role.json");
    EXPECT_EQ(read.role, "control");
    EXPECT_EQ(read.graph.parents(), graph.parents());
}

TEST(Roles, AFileThatIsNotInOrderIsRefused) {
    EXPECT_THAT(refusal(R"({"format": 1, "role": "control", "lineage": ["base", "control"]})"), HasSubstr("cannot read 'role.json'"));
    EXPECT_THAT(refusal(R"({"format": 2, "role": "base", "extends": {"base": []}})"), HasSubstr("not of format 1"));
    EXPECT_THAT(refusal(R"({"format": 1, "role": "control", "extends": {"base": []}})"), HasSubstr("does not say what 'control' extends"));
    EXPECT_THAT(refusal(R"({"format": 1, "role": "base", "extends": {"base": "none"}})"), HasSubstr("cannot read 'role.json'"));
    EXPECT_THAT(refusal(R"({"format": 1, "role": "base", "extends": {"base": []}, "more": 1})"), HasSubstr("cannot read 'role.json'"));
    EXPECT_THAT(refusal("[1, 2, 3]"), HasSubstr("cannot read 'role.json'"));
}

} // namespace
} // namespace ashlar::formation
