// What a plan of the site must not change.

#include <voters/plan.hpp>

#include <signing/message_key.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <string_view>

#include <gmock/gmock.h>

namespace ashlar::voters {
namespace {

using testing::HasSubstr;

class Seated : public testing::Test {
protected:
    Seated() {
        for (const char* name : {"n01", "n02", "n03"}) {
            const auto key = SigningKey::generate(site_scheme).verifying_key();
            const NodeId id = node_id_of(key);
            roster_.nodes.emplace(id, roster::Stored<roster::Member>{{.key = key, .bearer = {.node = id, .name = name, .roles = {"control"}, .addresses = {address(name)}}, .serial = {}}});
            if (std::string_view(name) != "n03") roster_.seats[id].value.address = address(name);
            plan_.nodes.emplace_back().name = name;
            give(name, {address(name)});
        }
    }
    static std::string address(const std::string& name) { return "10.0.0.1" + name.substr(2); }
    void give(const std::string& name, const std::vector<std::string>& addresses) {
        auto& all = std::ranges::find(plan_.nodes, name, &site::Node::name)->addresses[site::Plane::management];
        all.clear();
        for (const auto& text : addresses) all.push_back(*site::Address::parse(text));
    }
    [[nodiscard]] std::string refusal() const {
        const auto refused = may_move_nobody(plan_, roster_);
        return refused ? refused->text : std::string();
    }
    roster::Roster roster_;
    site::Site plan_;
};

TEST_F(Seated, VotersStayWhereTheyAre) {
    EXPECT_EQ(refusal(), "");
    give("n02", {"10.0.0.77"});
    EXPECT_EQ(refusal(), "n02 is a voter with its seat at 10.0.0.12, and the plan gives it 10.0.0.77: a seat does not move");
    EXPECT_THAT(may_move_nobody(plan_, roster_)->details, testing::ElementsAre(HasSubstr("`ashlarctl node remove n02`")));
    // The first one is that of its etcd.
    give("n02", {"fd00::12", "10.0.0.12"});
    EXPECT_THAT(refusal(), HasSubstr("and the plan gives it fd00::12"));
    give("n02", {"10.0.0.12", "fd00::12"});
    EXPECT_EQ(refusal(), "");
}

TEST_F(Seated, EverybodyElseMayMove) {
    give("n03", {"10.0.0.77"}); // it has no seat
    EXPECT_EQ(refusal(), "");
    std::erase_if(plan_.nodes, [](const site::Node& node) { return node.name == "n02"; });
    give("n01", {});            // its addresses come from the network
    EXPECT_EQ(refusal(), "");
}

} // namespace
} // namespace ashlar::voters
