// Orders that no voter can be asked for: what is signed, and whose word counts.

#include "rig.hpp"

#include <voters/order.hpp>

namespace ashlar::voters::rig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Time made{std::chrono::seconds(1790000000)};
const Human anna{.key = SigningKey::generate(site_scheme), .name = "anna", .rights = {Right::administer, Right::approve}}, ben{.key = SigningKey::generate(site_scheme), .name = "ben", .rights = {Right::approve}},
    carl{.key = SigningKey::generate(site_scheme), .name = "carl", .rights = {Right::administer}}, vera{.key = SigningKey::generate(site_scheme), .name = "vera", .rights = {Right::view}};

class Orders : public testing::Test {
protected:
    const site::Site plan_ = plan_of({&anna, &ben, &carl, &vera});
    SignedOrder recovery() const {
        return {.order = {.site = *plan_.id,
                          .what = Recovery{.genesis = GenesisId::random(), .survivor = {NodeId::random(), "n01"}, .lost = {{NodeId::random(), "n02"}, {NodeId::random(), "n03"}}, .made = made, .expires = made + order_life}},
                .signatures = {}};
    }
    SignedOrder foundation() const { return {.order = {.site = *plan_.id, .what = Foundation{.number = 7, .without = {"n03"}, .despite = {"n01"}}}, .signatures = {}}; }
    static SignedOrder by(SignedOrder order, const std::vector<const Human*>& people) {
        for (const auto* one : people) order = with_signature(std::move(order), one->key);
        return order;
    }
    // Who orders it; why it is none.
    std::string judged(const SignedOrder& order, Time now = made + 1h) const {
        try {
            return names_of(require_orderers(order, plan_, now));
        } catch (const Error& error) {
            return error.message();
        }
    }
};

TEST_F(Orders, AreReadAsTheyWereWritten) {
    for (const auto& order : {recovery(), foundation(), by(recovery(), {&anna, &ben})}) EXPECT_EQ(order_from(text_of(order), "order.json"), order);
    EXPECT_EQ(text_of(SignedOrder{.order = {.site = SiteId{}, .what = Foundation{.number = 7, .without = {"n03"}, .despite = {}}}, .signatures = {}}),
              "{\n  \"signatures\": [],\n  \"signed\": {\n    \"_type\": \"order\",\n    \"despite\": [],\n    \"format\": 1,\n    \"number\": 7,\n    \"site\": \"00000000000000000000000000000000\",\n    \"what\": \"found\",\n    \"without\": [\n      \"n03\"\n    ]\n  }\n}\n");
}

TEST_F(Orders, WhatIsNoneIsRefused) {
    const std::string text = text_of(by(recovery(), {&anna}));
    const auto refused = [&](const std::function<void(Json&)>& change) {
        Json json = parse_json(text, "order");
        change(json);
        return error_of([&] { (void)order_from(json.dump(2) + "\n", "order.json"); });
    };
    EXPECT_THAT(refused([](Json& json) { json["signed"]["note"] = "x"; }), HasSubstr("cannot read the order 'order.json': 'signed': unknown key 'note'"));
    EXPECT_THAT(refused([](Json& json) { json["signed"]["what"] = "wipe"; }), HasSubstr("'what' is nothing that this release knows"));
    EXPECT_THAT(refused([](Json& json) { json["signed"]["format"] = 2; }), HasSubstr("'format' is not 1"));
    EXPECT_THAT(refused([](Json& json) { json["signed"]["lost"] = Json::array(); }), HasSubstr("'lost' names nobody"));
    EXPECT_THAT(refused([](Json& json) { json["signatures"].push_back(json["signatures"][0]); }), HasSubstr("it is signed twice by one key"));
    EXPECT_THAT(refused([](Json& json) { json["signatures"][0]["sig"] = "xyz"; }), HasSubstr("'sig' is no hexadecimal"));
    for (const auto* missing : {"site", "genesis", "survivor", "lost", "made", "expires", "_type"}) EXPECT_THAT(refused([&](Json& json) { json["signed"].erase(missing); }), HasSubstr(fmt::format("'{}' is missing", missing)));
    EXPECT_THAT(error_of([&] { (void)order_from(text + " ", "order.json"); }), HasSubstr("it is not in the one form that it may have"));
    EXPECT_THAT(error_of([&] { (void)order_from("x", "order.json"); }), HasSubstr("order.json"));
}

TEST_F(Orders, ARecoveryTakesTwo) {
    EXPECT_EQ(judged(by(recovery(), {&anna, &ben})), "anna and ben");
    EXPECT_EQ(judged(by(recovery(), {&ben, &carl})), "ben and carl");
    EXPECT_EQ(judged(by(recovery(), {&anna, &carl})), "anna and carl"); // she is approver as well
    EXPECT_EQ(judged(recovery()), "cannot use the order: nobody has signed it");
    EXPECT_EQ(judged(by(recovery(), {&anna})), "cannot use the order: anna cannot order it: it takes one who is 'admin', and another one, with a key of their own, who is 'approver'");
    EXPECT_THAT(judged(by(recovery(), {&ben, &vera})), HasSubstr("ben and vera cannot order it"));
    EXPECT_THAT(judged(by(recovery(), {&carl, &vera})), HasSubstr("carl and vera cannot order it"));
    const Human eve{.key = SigningKey::generate(site_scheme), .name = "ben", .rights = {Right::approve}};
    EXPECT_THAT(judged(by(recovery(), {&anna, &eve})), HasSubstr("no [[access.operator]] of the site's plan has the key"));
    EXPECT_THAT(judged(by(recovery(), {&anna, &ben, &eve})), HasSubstr("no [[access.operator]]")) << "nor beside two who may";
    EXPECT_THAT(error_of([&] { (void)with_signature(by(recovery(), {&anna}), anna.key); }), HasSubstr("this key has signed it already"));
}

// Two names in the plan with one key, and two keys under one name, are one person.
TEST_F(Orders, TwoNamesOfOneKeyAreNotTwo) {
    const Human twin{.key = SigningKey::from_secret(anna.key.secret(), "twin"), .name = "anja", .rights = {Right::approve}};
    const auto plan = plan_of({&carl, &ben});
    EXPECT_FALSE(are_two({plan.access.operators[0]}));
    site::Operator same = plan.access.operators[0];
    same.roles = {site::OperatorRole::approver};
    EXPECT_FALSE(are_two({plan.access.operators[0], same}));
    same.name = "anja";
    EXPECT_FALSE(are_two({plan.access.operators[0], same}));
    EXPECT_TRUE(are_two(plan.access.operators));
}

TEST_F(Orders, AFoundationTakesAnAdmin) {
    EXPECT_EQ(judged(by(foundation(), {&carl})), "carl");
    EXPECT_EQ(judged(by(foundation(), {&ben})), "cannot use the order: ben cannot order it: it takes one who is 'admin'");
    EXPECT_EQ(judged(foundation()), "cannot use the order: nobody has signed it");
    EXPECT_EQ(judged(by(foundation(), {&carl}), made + 1000h), "carl") << "clocks are not asked";
}

TEST_F(Orders, ARecoveryHoldsForADay) {
    const auto order = by(recovery(), {&anna, &ben});
    EXPECT_EQ(judged(order, made + 23h), "anna and ben");
    EXPECT_EQ(judged(order, made - 23h), "anna and ben");
    EXPECT_THAT(judged(order, made + 24h), HasSubstr("it has expired"));
    EXPECT_THAT(judged(order, made - 25h), HasSubstr("it was made in the future"));
    auto lasting = recovery();
    std::get<Recovery>(lasting.order.what).expires = made + 25h;
    EXPECT_THAT(judged(by(lasting, {&anna, &ben})), HasSubstr("it holds for longer than a day"));
}

TEST_F(Orders, OfAnotherSiteIsNone) {
    auto order = recovery();
    order.order.site = SiteId::random();
    EXPECT_THAT(judged(by(order, {&anna, &ben})), HasSubstr("it is of site "));
}

// Whatever of it is another than what was signed.
TEST_F(Orders, EachMemberIsSigned) {
    for (const auto& order : {by(recovery(), {&anna, &ben}), by(foundation(), {&anna})}) {
        const Json json = parse_json(text_of(order), "order");
        std::size_t changed = 0;
        for (const auto& [name, value] : json.at("signed").items()) {
            if (name == "_type" || name == "format" || name == "what" || name == "site") continue; // refused before
            Json other = json;
            Json& member = other["signed"][name];
            if (member.is_number()) member = member.get<std::uint64_t>() + 1;
            else if (member.is_object()) member["node"] = NodeId::random().text();
            else if (member.is_array() && member[0].is_object()) member[0]["node"] = NodeId::random().text();
            else if (member.is_array()) member.push_back("n09");
            else member = GenesisId::random().text();
            EXPECT_THAT(judged(order_from(other.dump(2) + "\n", "order.json")), HasSubstr("the signature of anna is not right")) << name;
            ++changed;
        }
        EXPECT_EQ(changed, json.at("signed").size() - 4);
        Json swapped = json;
        swapped["signatures"][0]["sig"] = to_hex(anna.key.sign(bytes_of("something else")));
        EXPECT_THAT(judged(order_from(swapped.dump(2) + "\n", "order.json")), HasSubstr("is not right"));
    }
}

} // namespace
} // namespace ashlar::voters::rig
