#include <site/ticket.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/hkdf.hpp>

#include <gmock/gmock.h>

#include <filesystem>
#include <sys/stat.h>

using namespace ashlar;
using namespace ashlar::site;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

namespace {

const Time now(std::chrono::seconds(1'796'083'200)); // 2026-12-01

// A key that a page may show.
SiteKey a_key(const fs::path& directory) {
    const fs::path file = directory / "site.key";
    write_file(file, "ashlar-site-key-1 0123456789abcdef0123456789abcdef 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0600);
    return SiteKey::load(file);
}

class Tickets : public testing::Test {
protected:
    TemporaryDirectory work_{fs::temp_directory_path()};
    SiteKey key_ = a_key(work_.path());
    TicketTerms terms_{.site = key_.site(), .id = *TicketId::parse("fedcba9876543210fedcba9876543210"), .node = "n07", .expires = now + std::chrono::days(30), .uses = 1};

    [[nodiscard]] std::string refused(const TicketClaim& claim, const std::optional<std::string>& node, Time when) const {
        const auto answer = check_ticket(key_, claim, node, when);
        const auto* refusal = std::get_if<Refusal>(&answer);
        return refusal ? refusal->reason : "good";
    }
};

std::string error_of(const std::function<void()>& body) {
    try {
        body();
        return "no error";
    } catch (const Error& error) {
        return error.render();
    }
}

// The numbers of docs/formats/ticket.md, made by another implementation of HKDF.
TEST_F(Tickets, AreWhatThePageSays) {
    const Ticket ticket = make_ticket(key_, terms_, now);
    save_new_ticket(ticket, work_.path() / "ticket");
    EXPECT_EQ(read_file(work_.path() / "ticket"), "ashlar-ticket 1\n"
                                                 "site: 0123456789abcdef0123456789abcdef\n"
                                                 "id: fedcba9876543210fedcba9876543210\n"
                                                 "node: n07\n"
                                                 "expires: 2026-12-31T00:00:00Z\n"
                                                 "uses: 1\n"
                                                 "mac: 27dc4e8dcd1e7cea91100709da4a16194e22c6af5d5c0530f7e84c02d0c34f89\n"
                                                 "secret: b25c54b419fb414171be0f258aac683f64d274f70ce5fdc8310ea1fd91e67460\n"
                                                 "beacon: 554406376ae31ee66e1d7a0dedcca4980ad2f5f16c54893614c7911666f21527\n");
    struct stat info {};
    ASSERT_EQ(::stat((work_.path() / "ticket").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Tickets, AreReadAsTheyWereWritten) {
    for (const auto& node : {std::optional<std::string>("n07"), std::optional<std::string>()}) {
        terms_.node = node;
        const Ticket ticket = make_ticket(key_, terms_, now);
        const fs::path file = work_.path() / (node ? "a" : "b");
        save_new_ticket(ticket, file);
        const Ticket again = load_ticket(file);
        EXPECT_EQ(again.claim, ticket.claim);
        EXPECT_EQ(again.secret.text(), ticket.secret.text());
        EXPECT_EQ(again.beacon.text(), ticket.beacon.text());
        EXPECT_EQ(parse_ticket_claim(text_of(ticket.claim)), ticket.claim);
    }
}

TEST_F(Tickets, AVoterKnowsTheSecretFromThePublicPart) {
    const Ticket ticket = make_ticket(key_, terms_, now);
    const auto answer = check_ticket(key_, parse_ticket_claim(text_of(ticket.claim)), "n07", now);
    ASSERT_TRUE(std::holds_alternative<Secret>(answer));
    EXPECT_EQ(std::get<Secret>(answer).text(), ticket.secret.text());
    EXPECT_EQ(ticket.beacon.text(), key_.derive("ashlar beacon 1", 32).text());
}

TEST_F(Tickets, AreForTheirNodeUntilTheirTime) {
    const Ticket ticket = make_ticket(key_, terms_, now);
    EXPECT_EQ(refused(ticket.claim, "n07", terms_.expires - std::chrono::seconds(1)), "good");
    EXPECT_EQ(refused(ticket.claim, "n07", terms_.expires), "the ticket expired at 2026-12-31T00:00:00Z, and it is 2026-12-31T00:00:00Z");
    EXPECT_EQ(refused(ticket.claim, "n08", now), "the ticket is for 'n07', and this is 'n08'");
    EXPECT_EQ(refused(ticket.claim, std::nullopt, now), "the ticket is for 'n07', and this is a machine that site.toml does not list");
    terms_.node.reset();
    EXPECT_EQ(refused(make_ticket(key_, terms_, now).claim, std::nullopt, now), "good");
}

TEST_F(Tickets, ThatWereChangedAreNone) {
    const TicketClaim claim = make_ticket(key_, terms_, now).claim;
    for (const auto& change : std::vector<std::function<void(TicketClaim&)>>{[](auto& c) { c.terms.node.reset(); }, [](auto& c) { c.terms.node = "n08"; }, [](auto& c) { c.terms.uses = 2; },
                                                                             [](auto& c) { c.terms.expires += std::chrono::days(1); }, [](auto& c) { c.terms.id = TicketId::random(); },
                                                                             [](auto& c) { c.terms.site = SiteId::random(); }, [](auto& c) { c.mac.pop_back(); }, [](auto& c) { c.mac.clear(); }}) {
        TicketClaim changed = claim;
        change(changed);
        EXPECT_EQ(refused(changed, changed.terms.node, now), "the ticket is none of this site");
    }
    EXPECT_TRUE(std::holds_alternative<Refusal>(check_ticket(SiteKey::generate(key_.site()), claim, "n07", now)));
}

TEST_F(Tickets, WhatCannotBe) {
    const auto made = [&](const std::function<void(TicketTerms&)>& change) {
        TicketTerms terms = terms_;
        change(terms);
        return error_of([&] { (void)make_ticket(key_, terms, now); });
    };
    EXPECT_THAT(made([](auto& t) { t.uses = 0; }), HasSubstr("it is for 0 uses, and may be for 1 to 10000"));
    EXPECT_THAT(made([](auto& t) { t.node = "N 7"; }), HasSubstr("'N 7' is not the name of a node"));
    EXPECT_THAT(made([](auto& t) { t.expires = now; }), HasSubstr("it is not valid for more than no time"));
    EXPECT_THAT(made([](auto& t) { t.expires = now + std::chrono::days(367); }), HasSubstr("at most 366 days"));
    EXPECT_THAT(made([](auto& t) { t.site = SiteId::random(); }), HasSubstr("site.key and site.toml are of two sites"));
    const std::string text = text_of(make_ticket(key_, terms_, now).claim);
    EXPECT_THAT(error_of([&] { (void)parse_ticket_claim(text + "\n"); }), HasSubstr("it is not in the one form that it may have"));
    EXPECT_THAT(error_of([&] { (void)parse_ticket_claim("uses: 1\n"); }), HasSubstr("this is none"));
    EXPECT_THAT(error_of([&] { (void)parse_ticket(text); }), HasSubstr("it has no secret"));
    write_file(work_.path() / "open", text, 0644);
    EXPECT_THAT(error_of([&] { (void)load_ticket(work_.path() / "open"); }), HasSubstr("its mode 0644 lets others than its owner use it"));
    save_new_ticket(make_ticket(key_, terms_, now), work_.path() / "once");
    EXPECT_THAT(error_of([&] { save_new_ticket(make_ticket(key_, terms_, now), work_.path() / "once"); }), HasSubstr("File exists"));
}

TEST_F(Tickets, ASiteKeyIsOneLineForItsOwner) {
    const fs::path file = work_.path() / "new";
    const SiteKey key = SiteKey::generate(SiteId::random());
    key.save_new(file);
    EXPECT_EQ(SiteKey::load(file).derive("x", 32).text(), key.derive("x", 32).text());
    EXPECT_NE(key.derive("x", 32).text(), key.derive("y", 32).text());
    fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
    EXPECT_THAT(error_of([&] { (void)SiteKey::load(file); }), HasSubstr("lets others than its owner use it"));
    write_file(work_.path() / "bad", "ashlar-site-key-1 0123456789abcdef0123456789abcdef 0001ZZ\n", 0600);
    const std::string error = error_of([&] { (void)SiteKey::load(work_.path() / "bad"); });
    EXPECT_THAT(error, HasSubstr("cannot read the site key in"));
    EXPECT_THAT(error, Not(HasSubstr("0001ZZ"))); // nothing of a secret is shown
}

// RFC 5869, A.3: no salt, no info.
TEST(Hkdf, IsWhatTheRfcSays) {
    const Bytes key(22, std::byte{0x0b});
    EXPECT_EQ(to_hex(hkdf_sha256(key, "", 42)), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

} // namespace
