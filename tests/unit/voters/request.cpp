#include <voters/client.hpp>
#include <voters/request.hpp>

#include <error_of.hpp>
#include <signing/base64.hpp>

#include <gmock/gmock.h>

namespace ashlar::voters {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string fault_of(const Json& message) {
    const auto read = request_in(message, built_in_asks());
    const auto* const refusal = std::get_if<Refusal>(&read);
    return refusal == nullptr ? "" : std::string(name_of(refusal->reason)) + ": " + refusal->text;
}

TEST(Request, IsReadAsItWasWritten) {
    const Request swap{"store.swap", {{"key", "locks/etcd"}, {"revision", 7}, {"value", base64_of("{}")}}};
    EXPECT_EQ(request_in(message_of(swap), built_in_asks()), (std::variant<Request, Refusal>(swap)));
    EXPECT_EQ(swap.maybe_bytes("value"), "{}");
    EXPECT_EQ(swap.number("revision"), 7U);
    const Request apply{"plan.apply", {{"files", {{"site.toml", base64_of("[site]\n")}}}}};
    EXPECT_EQ(request_in(message_of(apply), built_in_asks()), (std::variant<Request, Refusal>(apply)));
    EXPECT_EQ(apply.files("files").at("site.toml"), "[site]\n");
}

TEST(Request, WhatIsNotInItsFormIsRefused) {
    EXPECT_THAT(fault_of(Json::array()), HasSubstr("malformed: "));
    EXPECT_THAT(fault_of({{"format", 2}, {"ask", "roster"}}), HasSubstr("'format' is not 1"));
    EXPECT_THAT(fault_of({{"format", 1}}), HasSubstr("'ask' is missing"));
    EXPECT_THAT(fault_of({{"format", 1}, {"ask", "store.drop"}}), HasSubstr("unknown-ask: a voter of this release does not know 'store.drop'"));
    EXPECT_EQ(fault_of({{"format", 1}, {"ask", "node.approve"}}), "malformed: 'node.approve' wants 'node'");
    EXPECT_EQ(fault_of({{"format", 1}, {"ask", "roster"}, {"all", true}}), "malformed: 'roster' knows no 'all'");
    const auto swap = [](const Json& key, const Json& revision, const Json& value) { return Json{{"format", 1}, {"ask", "store.swap"}, {"key", key}, {"revision", revision}, {"value", value}}; };
    EXPECT_EQ(fault_of(swap("locks/etcd", 0, nullptr)), "");
    EXPECT_THAT(fault_of(swap("", 0, nullptr)), HasSubstr("'key' of 'store.swap' has not its form"));
    EXPECT_THAT(fault_of(swap("locks/etcd", -1, nullptr)), HasSubstr("'revision' of"));
    EXPECT_THAT(fault_of(swap("locks/etcd", 0, "not base64")), HasSubstr("'value' of"));
    EXPECT_THAT(fault_of({{"format", 1}, {"ask", "plan.apply"}, {"files", Json::object()}}), HasSubstr("'files' of"));
    EXPECT_THAT(fault_of({{"format", 1}, {"ask", "plan.apply"}, {"files", {{"site.toml", 1}}}}), HasSubstr("'files' of"));
}

TEST(Answer, IsReadAsItWasWritten) {
    EXPECT_EQ(std::get<Json>(answer_in(answered({{"a", 1}}))), (Json{{"a", 1}}));
    const Refusal refusal{Reason::takes_two, "another must agree", {"a line"}};
    EXPECT_EQ(std::get<Refusal>(answer_in(refused(refusal))), refusal);
    EXPECT_THAT(error_of([] { (void)answer_in({{"format", 1}}); }), HasSubstr("'answer' is missing"));
    EXPECT_THAT(error_of([] { (void)answer_in({{"format", 1}, {"refused", {{"reason", "mood"}, {"text", "x"}}}}); }), HasSubstr("'reason' is none that is known"));
}

TEST(Answer, EachReasonHasItsName) {
    for (int i = 0; i <= static_cast<int>(Reason::unknown); ++i) EXPECT_EQ(reason_named(name_of(static_cast<Reason>(i))), static_cast<Reason>(i));
}

TEST(OneLine, IsWhatAFrameTakes) {
    EXPECT_EQ(one_line("a\nb\tc"), "a b c");
    EXPECT_EQ(one_line("äöü", 3), "ä\xEF\xBF\xBD…");
    EXPECT_EQ(one_line("\xff"), "\xEF\xBF\xBD");
}

TEST(Voters, AreReadFromTheRoster) {
    const NodeId node = NodeId::random();
    const Json roster{{"voters", {{{"node", node.text()}, {"address", "fd00::1"}, {"port", 4748U}}}}};
    EXPECT_THAT(voters_in(roster), ElementsAre(VoterAddress{node, "fd00::1", 4748}));
    EXPECT_THAT(error_of([] { (void)voters_in(Json::object()); }), HasSubstr("it has no list 'voters'"));
    EXPECT_THAT(error_of([&] { (void)voters_in({{"voters", {{{"node", node.text()}, {"address", "fd00::1"}, {"port", 70000U}}}}}); }), HasSubstr("'port' is none"));
}

} // namespace
} // namespace ashlar::voters
