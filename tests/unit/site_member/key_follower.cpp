#include <site_member/key_follower.hpp>

#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::site_member {
namespace {

using key_rotation::Held;
using key_rotation::Told;
using Texts = std::map<std::string, std::string>;

class FollowingAKey : public testing::Test {
protected:
    [[nodiscard]] node::SiteFiles files(const Texts& secrets) const {
        Texts texts = secrets;
        texts["site.toml"] = fmt::format("[site]\nname = \"berlin-1\"\nid = \"{}\"\n[genesis]\nmode = \"seed\"\nvoters = 1\n[[node]]\nname = \"n01\"\nserial = \"S1\"\nvoter = true\n[install]\nencryption = \"off\"\nin_place = true\n", site.text());
        return node::site_files_of(texts);
    }
    [[nodiscard]] static std::string text(const site::SiteKey& key) { return std::string(key.text().text()); }
    [[nodiscard]] std::string ticket(const site::SiteKey& key) const {
        const Time now{std::chrono::seconds(1796000000)};
        return std::string(text_of(site::make_ticket(key, {.site = site, .id = site::TicketId::random(), .node = "n01", .expires = now + std::chrono::hours(1), .uses = 1}, now)).text());
    }
    [[nodiscard]] Told told(const site::SiteKey& key, const site::SiteKey* former) const {
        return {.key = key.id(), .former = former != nullptr ? std::optional(former->id()) : std::nullopt, .site_key = key.text(), .ticket = std::nullopt};
    }

    const SiteId site = SiteId::random();
    const site::SiteKey before = site::SiteKey::generate(site), after = site::SiteKey::generate(site);
};

TEST_F(FollowingAKey, OneWithTheSiteKeyHasBothUntilItIsOver) {
    const auto old = files({{"site.key", text(before)}});
    EXPECT_EQ(held_by(old), (Held{before.id(), std::nullopt}));
    const auto kept = followed(old, told(after, &before));
    EXPECT_EQ(kept, (Texts{{"site.key", text(after)}, {"site.key.former", text(before)}}));
    const auto both = files(*kept);
    EXPECT_EQ(held_by(both), (Held{after.id(), before.id()}));
    EXPECT_TRUE(former_keys_of(both)->enrolment_key);
    EXPECT_EQ(both.public_texts().size(), 1U) << "no key is part of the plan";
    EXPECT_EQ(followed(both, told(after, &before)), std::nullopt);
    EXPECT_EQ(followed(both, told(after, nullptr)), (Texts{{"site.key", text(after)}}));
    // It was away all the time.
    EXPECT_EQ(followed(old, told(after, nullptr)), (Texts{{"site.key", text(after)}}));
}

TEST_F(FollowingAKey, OneWithATicketHasNeverMoreThanATicket) {
    const std::string first = ticket(before), second = ticket(after);
    const auto old = files({{"ticket", first}});
    EXPECT_EQ(kind_of(old), key_rotation::Has::ticket);
    EXPECT_EQ(held_by(old), (Held{before.id(), std::nullopt}));
    const Told answer{.key = after.id(), .former = before.id(), .site_key = std::nullopt, .ticket = Secret(second)};
    const auto kept = followed(old, answer);
    EXPECT_EQ(kept, (Texts{{"ticket", second}, {"ticket.former", first}}));
    EXPECT_EQ(held_by(files(*kept)), (Held{after.id(), before.id()}));
    EXPECT_FALSE(former_keys_of(files(*kept))->enrolment_key);
    EXPECT_EQ(followed(files(*kept), {.key = after.id(), .former = std::nullopt, .site_key = std::nullopt, .ticket = std::nullopt}), (Texts{{"ticket", second}}));
    // With a seat since.
    EXPECT_EQ(followed(old, told(after, &before)), (Texts{{"site.key", text(after)}, {"ticket.former", first}}));
}

} // namespace
} // namespace ashlar::site_member
