// Two sites on one network.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

using testing::Each;
using testing::StartsWith;

class Neighbours : public SiteTest {
protected:
    static std::vector<std::string> heard_by(const Node& node) {
        std::vector<std::string> names;
        for (const auto& peer : site_of(node).value("peers", Json::array())) names.push_back(peer.value("name", ""));
        return names;
    }
    void found_both(const Sketch& one, const Sketch& other) {
        const Nodes ours = voters_of(one), theirs = voters_of(other);
        Nodes all = ours;
        all.insert(all.end(), theirs.begin(), theirs.end());
        power_on(all);
        ASSERT_TRUE(are_members(all)) << what_they_say(all);
        EXPECT_EQ(geneses(ours).size(), 1U);
        EXPECT_EQ(geneses(theirs).size(), 1U);
        EXPECT_EQ(geneses(all).size(), 2U);
        for (const Node* node : ours) EXPECT_THAT(heard_by(*node), Each(StartsWith(one.name)));
        for (const Node* node : theirs) EXPECT_THAT(heard_by(*node), Each(StartsWith(other.name)));
        for (const Node* node : all) EXPECT_EQ(warnings(*node), "") << node->name();
    }
};

TEST_F(Neighbours, FoundASiteEach) { found_both({.name = "berlin"}, {.name = "hamburg", .voters = 1, .letter = 'm', .first_address = 21}); }

// In ring long.
TEST_F(Neighbours, OfThreeVotersEachFoundASiteEach) { found_both({.name = "berlin"}, {.name = "hamburg", .letter = 'm', .first_address = 21}); }

} // namespace
} // namespace ashlar::virtual_site
