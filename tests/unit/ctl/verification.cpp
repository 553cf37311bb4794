#include <ctl/verification.hpp>

#include <base/error.hpp>

#include <map>

#include <gmock/gmock.h>

namespace ashlar::ctl {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using Result = Verdict::Result;

Json rung(const std::string& formation, std::vector<std::string> missing = {}, std::vector<std::string> required = {}) {
    std::vector<std::string> ready{"n1", "n2", "n3"};
    std::erase_if(ready, [&](const std::string& name) { return std::ranges::find(missing, name) != missing.end(); });
    return {{"formation", formation}, {"summary", "Keeps " + formation}, {"state", missing.empty() ? "settled" : "waiting"}, {"why", "it has no disk"}, {"ready", ready}, {"missing", missing}, {"requires", required},
            {"checks", {{{"id", "works"}, {"summary", formation + " works"}, {"run", {"/check", formation}}, {"timeout", 30}}}}};
}

class Verification : public testing::Test {
protected:
    std::vector<Verdict> climb(const Json& rungs, const std::vector<std::string>& only = {}) {
        return verify({{"rungs", rungs}}, only,
                      [&](const std::vector<std::string>& argv, unsigned) {
                          run_.push_back(argv.at(1));
                          return ended_.contains(argv.at(1)) ? ended_.at(argv.at(1)) : Ended{0, "fine\n", 0.5};
                      },
                      [](const Verdict&) {});
    }
    std::map<std::string, Ended> ended_;
    std::vector<std::string> run_;
};

auto verdict(const char* formation, const char* check, Result result) { return AllOf(Field(&Verdict::formation, formation), Field(&Verdict::check, check), Field(&Verdict::result, result)); }

TEST_F(Verification, ClimbsInOrder) {
    const auto verdicts = climb({rung("etcd"), rung("ceph", {}, {"etcd"})});
    EXPECT_THAT(verdicts, ElementsAre(verdict("etcd", "formed", Result::passed), verdict("etcd", "works", Result::passed), verdict("ceph", "formed", Result::passed), verdict("ceph", "works", Result::passed)));
    EXPECT_THAT(run_, ElementsAre("etcd", "ceph"));
    EXPECT_EQ(summary_text(verdicts), "all 4 are in order\n");
}

TEST_F(Verification, WhatStandsOnWhatFailedIsNotRun) {
    ended_["etcd"] = {1, "no leader\n", 0.1};
    const auto verdicts = climb({rung("etcd"), rung("ceph", {}, {"etcd"}), rung("rgw", {}, {"ceph"}), rung("other")});
    EXPECT_THAT(run_, ElementsAre("etcd", "other"));
    EXPECT_EQ(verdicts.at(1).result, Result::failed);
    EXPECT_EQ(verdicts.at(1).text, "exit code 1\nno leader");
    EXPECT_THAT(verdicts.at(3), verdict("ceph", "works", Result::not_run));
    EXPECT_EQ(verdicts.at(3).text, "'etcd' has failed");
    EXPECT_THAT(verdicts.at(5), verdict("rgw", "works", Result::not_run));
    EXPECT_THAT(verdicts.at(2), verdict("ceph", "formed", Result::passed)) << "which the nodes said themselves";
    EXPECT_EQ(summary_text(verdicts), "1 of 8 failed, 2 not run\n");
}

TEST_F(Verification, NotFormedEverywhereIsAFailureThatNamesTheNodes) {
    const auto verdicts = climb(Json::array({rung("ceph", {"n2"})}));
    EXPECT_EQ(verdicts.at(0).result, Result::failed);
    EXPECT_EQ(verdicts.at(0).text, "2 of 3; not on n2\nhere: it has no disk");
    EXPECT_EQ(verdicts.at(1).result, Result::not_run);
    EXPECT_THAT(run_, IsEmpty());
}

TEST_F(Verification, WhatTheSiteHasNoNodeForIsNoPartOfIt) {
    Json nowhere = rung("prometheus");
    nowhere["ready"] = Json::array();
    EXPECT_THAT(climb(Json::array({nowhere})), IsEmpty());
    EXPECT_EQ(summary_text({}), "nothing to verify: this site has no services yet\n");
}

TEST_F(Verification, SlowAndUnknownAreSaid) {
    ended_["etcd"] = {124, "", 30};
    Json later = rung("ceph");
    later["checks"][0].erase("run");
    later["checks"][0]["waits_for"] = "site.vip";
    const auto verdicts = climb({rung("etcd"), later});
    EXPECT_EQ(verdicts.at(1).text, "not done within 30 s");
    EXPECT_EQ(verdicts.at(3).text, "site.vip is not known yet");
    EXPECT_EQ(verdicts.at(3).result, Result::not_run);
}

TEST_F(Verification, OfSomeWithWhatTheyStandOn) {
    (void)climb({rung("etcd"), rung("ceph", {}, {"etcd"}), rung("rgw", {}, {"ceph"}), rung("other")}, {"ceph"});
    EXPECT_THAT(run_, ElementsAre("etcd", "ceph"));
    try {
        (void)climb(Json::array({rung("etcd")}), {"etdc"});
        ADD_FAILURE() << "verified what is not there";
    } catch (const Error& error) {
        EXPECT_THAT(error.render(), AllOf(HasSubstr("cannot verify 'etdc': this node knows no such formation"), HasSubstr("did you mean 'etcd'?")));
    }
}

TEST_F(Verification, IsToldInThreeForms) {
    ended_["ceph"] = {1, "HEALTH_WARN \"<1>\" & more\n", 2.04};
    const auto verdicts = climb({rung("etcd"), rung("ceph")});
    EXPECT_EQ(verdict_text(verdicts.at(0)), "ok       etcd/formed                      Keeps etcd: formed on all its nodes\n                                            3 of 3\n");
    EXPECT_EQ(verdict_text(verdicts.at(3)), "FAILED   ceph/works                       ceph works, 2.0 s\n                                            exit code 1\n                                            HEALTH_WARN \"<1>\" & more\n");
    const Json json = json_of(verdicts);
    EXPECT_EQ(json.at("failed"), 1);
    EXPECT_EQ(json.at("checks").at(3).at("result"), "failed");
    EXPECT_EQ(junit_of(verdicts, "n1"), R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="ashlarctl verify" tests="4" failures="1" skipped="0">
  <testsuite name="etcd" hostname="n1" tests="2" failures="0" skipped="0" time="0.500">
    <testcase classname="etcd" name="formed: Keeps etcd: formed on all its nodes" time="0.000"/>
    <testcase classname="etcd" name="works: etcd works" time="0.500"/>
  </testsuite>
  <testsuite name="ceph" hostname="n1" tests="2" failures="1" skipped="0" time="2.040">
    <testcase classname="ceph" name="formed: Keeps ceph: formed on all its nodes" time="0.000"/>
    <testcase classname="ceph" name="works: ceph works" time="2.040"><failure message="exit code 1&#10;HEALTH_WARN &quot;&lt;1&gt;&quot; &amp; more"/></testcase>
  </testsuite>
</testsuites>
)");
}

} // namespace
} // namespace ashlar::ctl
