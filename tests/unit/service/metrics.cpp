#include <service/metrics.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(Metrics, OfAMediumAreWhoItIs) {
    EXPECT_EQ(service::metrics_text({{"role", "base"}, {"release", "R0.1"}}), "# HELP ashlar_node_info The release that runs.\n# TYPE ashlar_node_info gauge\n"
                                                                              "ashlar_node_info{role=\"base\",release=\"R0.1\"} 1\n"
                                                                              "# HELP ashlar_fault Whether nobody keeps the node's releases.\n# TYPE ashlar_fault gauge\nashlar_fault 0\n");
}

TEST(Metrics, NamePhaseMenuAndTransfer) {
    const std::string text = service::metrics_text({{"role", "base"},
                                                    {"release", "R0.1"},
                                                    {"phase", "writing"},
                                                    {"attempts", 2},
                                                    {"slots", {{"menu", Json::array({{{"release", "R0.1"}, {"blessed", true}}})}}},
                                                    {"transfer", {{"fetched", 10}, {"download", 20}}}});
    for (const char* line : {"ashlar_phase{phase=\"writing\"} 1\n", "ashlar_phase{phase=\"resting\"} 0\n", "ashlar_attempts 2\n", "ashlar_release_blessed{release=\"R0.1\"} 1\n",
                             "ashlar_transfer_fetched_bytes 10\n", "ashlar_transfer_download_bytes 20\n"})
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, NameCertificatesOfFormationsAndWhatFails) {
    const Json failed = Json::array({{{"step", "join"}, {"failures", 2}}, {{"step", "start"}, {"failures", 7}}});
    const Json list = Json::array({{{"name", "galera"}, {"state", "working"}, {"since", 1796000000}, {"certificate", 1798592000}, {"failed", failed}}, {{"name", "chrony"}, {"state", "settled"}, {"since", 1796000001}}});
    const std::string text = service::metrics_text({{"role", "base"}, {"release", "R0.1"}, {"site", {{"formations", {{"list", list}}}}}});
    for (const char* line : {"ashlar_formation_failures{formation=\"galera\"} 7\n", "ashlar_formation_failures{formation=\"chrony\"} 0\n", "ashlar_formation_certificate_expiry_seconds{formation=\"galera\"} 1798592000\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, Not(HasSubstr("expiry_seconds{formation=\"chrony\"}")));
}

TEST(Metrics, NameFormationsAndTheirStates) {
    const Json list = Json::array({{{"name", "etcd"}, {"state", "settled"}, {"since", 1796000000}}, {{"name", "chrony"}, {"state", "waiting"}, {"since", 1796000001}}});
    const std::string text = service::metrics_text({{"role", "base"}, {"release", "R0.1"}, {"site", {{"formations", {{"list", list}}}}}});
    for (const char* line : {"ashlar_formation_state{formation=\"etcd\",state=\"settled\"} 1\n", "ashlar_formation_state{formation=\"etcd\",state=\"waiting\"} 0\n", "ashlar_formation_state{formation=\"chrony\",state=\"waiting\"} 1\n",
                             "ashlar_formation_since_seconds{formation=\"chrony\"} 1796000001\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(service::metrics_text({{"role", "base"}, {"release", "R0.1"}, {"site", {{"formations", {{"list", Json::array()}}}}}}), Not(HasSubstr("formation")));
}

} // namespace
