#include <membership/genesis_json.hpp>

#include <error_of.hpp>

#include <base/json.hpp>

#include <gmock/gmock.h>

namespace ashlar::membership {
namespace {

using namespace founding;
using testing::HasSubstr;

const NodeId a{{std::byte{1}}}, b{{std::byte{2}}};
const Ballot ballot{.round = 7, .proposer = a, .mark = 0xfedcba9876543210U};
const Genesis genesis{.id = GenesisId{{std::byte{9}}}, .voters = {{"n01", a}, {"n02", b}}, .value = {std::byte{'v'}}};
const Order order{.number = 3, .without = {"n03"}, .despite = {}, .text = "{}\n"};

std::vector<Message> messages() {
    return {Prepare{.ballot = ballot, .electorate = genesis.voters, .charter = {std::byte{4}}, .order = order},
            Prepare{.ballot = ballot, .electorate = genesis.voters, .charter = {}, .order = {}},
            Promise{.ballot = ballot, .accepted = Vote{ballot, genesis}, .offer = {std::byte{'o'}}},
            Promise{.ballot = ballot, .accepted = {}, .offer = {std::byte{'o'}}},
            Propose{.ballot = ballot, .genesis = genesis},
            Accepted{.ballot = ballot},
            Refused{.ballot = ballot, .objection = Objection::foreign_data, .promised = ballot},
            Ask{},
            Known{.genesis = genesis},
            Known{}};
}

TEST(GenesisJson, MessagesAreReadAsTheyWereWritten) {
    for (const auto& message : messages()) EXPECT_EQ(message_from(to_json(message)), message) << to_json(message).dump();
}

TEST(GenesisJson, EachObjectionHasAName) {
    for (const auto objection : {Objection::older, Objection::unpromised, Objection::other_voters, Objection::no_voter, Objection::foreign_data, Objection::exists, Objection::conflict}) {
        const Message message = Refused{.ballot = ballot, .objection = objection, .promised = {}};
        EXPECT_EQ(message_from(to_json(message)), message);
    }
}

// Every member is needed, and there is no other.
TEST(GenesisJson, MessagesWithoutAMemberOrWithOneMoreAreRefused) {
    for (const auto& message : messages()) {
        const Json json = to_json(message);
        Json more = json;
        more["more"] = 1;
        EXPECT_THAT(error_of([&] { (void)message_from(more); }), HasSubstr("unknown key 'more'"));
        for (const auto& [key, value] : json.items()) {
            if (key == "order" || key == "accepted" || key == "promised" || key == "genesis") continue; // may be missing in some
            Json less = json;
            less.erase(key);
            EXPECT_THAT(error_of([&] { (void)message_from(less); }), HasSubstr("'" + key + "' is missing"));
        }
    }
}

TEST(GenesisJson, VotersAreInOrderAndEachOnce) {
    Json json = to_json(Message(Propose{.ballot = ballot, .genesis = genesis}));
    std::swap(json["genesis"]["voters"][0], json["genesis"]["voters"][1]);
    EXPECT_THAT(error_of([&] { (void)message_from(json); }), HasSubstr("each place once and in order"));
    json["genesis"]["voters"][1] = json["genesis"]["voters"][0];
    EXPECT_THAT(error_of([&] { (void)message_from(json); }), HasSubstr("each place once and in order"));
    json["genesis"]["voters"] = Json::array();
    EXPECT_THAT(error_of([&] { (void)message_from(json); }), HasSubstr("each place once and in order"));
}

TEST(GenesisJson, AJournalIsReadAsItWasWritten) {
    for (const auto& journal : {Journal{}, Journal{.votes = {.promised = ballot, .accepted = Vote{ballot, genesis}}, .order = order, .told = genesis.id, .genesis = genesis, .settled = true}})
        EXPECT_EQ(journal_from(to_json(journal)), journal);
    EXPECT_THAT(error_of([] { (void)journal_from(Json::object()); }), HasSubstr("cannot read the state 'genesis': it: 'format' is missing"));
}

} // namespace
} // namespace ashlar::membership
