#include <policy/licences.hpp>
#include <policy/policy.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::policy;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

Policy read(std::string text) { return read_policy(toml::source_from_text("policy.toml", std::move(text))); }

std::string refusal(std::string text) {
    try {
        (void)read(std::move(text));
    } catch (const Error& error) {
        return error.message();
    }
    return "(no error)";
}

documents::PackageLicences package(const std::string& name, std::vector<std::string> expressions, std::string absence = {}) {
    return {name, "1", name, {documents::Licences::Form::machine_readable, std::move(expressions)}, std::move(absence)};
}

std::vector<std::string> words(const std::vector<Finding>& findings) {
    std::vector<std::string> all;
    for (const auto& one : findings) all.push_back(one.rule + ": " + one.subject + ": " + one.message);
    return all;
}

std::vector<Finding> judged(const LicenceRules& rules, const std::vector<documents::PackageLicences>& licences) {
    Waivers waivers(rules.waivers, "2026-11-30");
    return judge(rules, licences, waivers);
}

} // namespace

TEST(Policy, IsReadAsWritten) {
    const Policy policy = read("[licences]\nallowed = [\"GPL-*\", \"Expat\"]\nunknown = \"refuse\"\n\n[[licences.waiver]]\npackage = \"foo\"\nlicence = \"Odd\"\nreason = \"asked\"\nuntil = \"2027-06-30\"\n\n"
                               "[vulnerabilities]\nrefuse = [\"high\", \"medium\"]\nundetermined = \"refuse\"\n\n[changes]\ndowngrades = \"refuse\"\ngrowth = \"50 MiB\"\n");
    EXPECT_EQ(policy.name, "policy.toml");
    ASSERT_TRUE(policy.licences && policy.vulnerabilities && policy.changes);
    EXPECT_THAT(policy.licences->allowed, ElementsAre("GPL-*", "Expat"));
    EXPECT_EQ(policy.licences->unknown, Verdict::refuse);
    ASSERT_EQ(policy.licences->waivers.size(), 1u);
    EXPECT_EQ(policy.licences->waivers[0].until, "2027-06-30");
    EXPECT_THAT(policy.vulnerabilities->urgencies, ElementsAre("high", "medium"));
    EXPECT_EQ(policy.vulnerabilities->fixable, Verdict::accept);
    EXPECT_EQ(policy.changes->growth, std::uint64_t{50} << 20);
    EXPECT_EQ(policy.changes->privileges, Verdict::accept);
}

TEST(Policy, SaysAllThatIsWrong) {
    EXPECT_EQ(refusal("[vulnerabilities]\nrefuse = [\"hig\"]\n[[vulnerabilities.waiver]]\nid = \"CVE-2026-1\"\nreason = \" \"\nuntil = \"2027-02-30\"\n[changes]\ngrowth = \"50\"\ndowngrade = \"refuse\"\n"),
              "policy.toml:2:11: 'hig' is no urgency\n"
              "  2 | refuse = [\"hig\"]\n"
              "    |           ^~~~~\n"
              "write one of unimportant, low, medium, high, not yet assigned, end-of-life\n"
              "\n"
              "policy.toml:5:10: 'reason' is empty\n"
              "  5 | reason = \" \"\n"
              "    |          ^~~\n"
              "\n"
              "policy.toml:6:9: '2027-02-30' is no day\n"
              "  6 | until = \"2027-02-30\"\n"
              "    |         ^~~~~~~~~~~~\n"
              "write it like \"2027-06-30\"\n"
              "\n"
              "policy.toml:8:10: '50' is not a size\n"
              "  8 | growth = \"50\"\n"
              "    |          ^~~~\n"
              "write a whole number and KiB, MiB, GiB or TiB, such as \"96 MiB\"\n"
              "\n"
              "policy.toml:9:1: unknown key 'downgrade'\n"
              "  9 | downgrade = \"refuse\"\n"
              "    | ^~~~~~~~~\n"
              "did you mean 'downgrades'?");
    EXPECT_EQ(refusal(""), "policy.toml: the policy asks for nothing\nwrite [licences], [vulnerabilities] or [changes]");
}

TEST(Policy, Licences) {
    LicenceRules rules{{"GPL-*", "Expat"}, {"AGPL-*"}, Verdict::refuse, {}};
    const std::vector<documents::PackageLicences> all{package("good", {"GPL-2+", "Odd or Expat"}), package("odd", {"Expat and Odd"}), package("bad", {"AGPL-3"}), package("silent", {}, "there is none")};
    EXPECT_THAT(words(judged(rules, all)),
                ElementsAre("licences.allowed: odd: the licence 'Odd', in 'Expat and Odd', is not among what is allowed", "licences.denied: bad: the licence 'AGPL-3' is denied",
                            "licences.unknown: silent: no licence is known: there is none"));
    rules.waivers = {{"odd", "Expat and Odd", "asked", "2026-11-30", {}}, {"bad", "", "asked", "2026-11-29", {}}, {"silent", "", "ours", "2030-01-01", {}}};
    EXPECT_THAT(words(judged(rules, all)), ElementsAre("licences.denied: bad: the licence 'AGPL-3' is denied; its waiver ended on 2026-11-29 ((unknown))"));
}

TEST(Policy, WaiversThatNothingNeedsAreKnown) {
    const std::vector<Waiver> all{{"a", "", "r", "2030-01-01", {}}, {"b", "x", "r", "2030-01-01", {}}};
    Waivers waivers(all, "2026-11-30");
    EXPECT_NE(waivers.find("a", "anything"), nullptr);
    EXPECT_EQ(waivers.find("b", "y"), nullptr);
    ASSERT_EQ(waivers.unused().size(), 1u);
    EXPECT_EQ(waivers.unused()[0]->subject, "b");
    EXPECT_THAT(unused_warnings(waivers), ElementsAre("(unknown): the waiver for 'b' (x) lets nothing pass: remove it"));
}

TEST(Policy, ThePageHasOneThatIsRight) {
    const std::string page = read_file(ASHLAR_SOURCE_DIR "/docs/formats/policy.md");
    const std::size_t start = page.find("```toml\n") + 8;
    const Policy policy = read(page.substr(start, page.find("```", start) - start));
    EXPECT_TRUE(policy.licences && policy.vulnerabilities && policy.changes);
}

TEST(Policy, Days) {
    EXPECT_TRUE(is_day("2028-02-29"));
    for (const char* text : {"", "2027-02-29", "2027-2-1", "27-01-01", "2027-13-01", "2027-00-10", "1969-12-31", "2027-01-01 "}) EXPECT_FALSE(is_day(text)) << text;
    EXPECT_EQ(day_of(0), "1970-01-01");
    EXPECT_EQ(day_of(1795834381), "2026-11-28");
}
