// What a node keeps of its secrets in its state, where it has a TPM.

#include <node/secrets.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <node/site_files.hpp>
#include <node_key/own_key.hpp>
#include <signing/base64.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {
namespace {

using testing::HasSubstr;
using testing::Not;

class FakeTpm final : public tpm::Sealer {
public:
    [[nodiscard]] std::string seal(std::string_view name, std::string_view secret) const override {
        if (broken) throw Error(fmt::format("cannot seal '{}': the TPM is in lockout", name));
        ++seals;
        return base64(bytes_of(fmt::format("{}|{}|{}", seed, name, secret)));
    }
    [[nodiscard]] std::string open(std::string_view name, std::string_view sealed) const override {
        ++opens;
        const std::string text(text_of(from_base64(sealed).value())), head = fmt::format("{}|{}|", seed, name);
        if (!text.starts_with(head)) throw Error(fmt::format("cannot open '{}': State not recoverable", name));
        return forgets ? "something else" : text.substr(head.size());
    }
    int seed = 1; // another one: another TPM, or cleared
    bool broken = false, forgets = false;
    mutable int seals = 0, opens = 0;
};

class Secrets : public testing::Test {
protected:
    Secrets() {
        write_file(medium / "site.toml", fmt::format("[site]\nname = \"berlin-1\"\nid = \"{}\"\n[genesis]\nmode = \"seed\"\nvoters = 1\n[[node]]\nname = \"n01\"\nserial = \"S1\"\nvoter = true\n[install]\nencryption = \"off\"\nin_place = true\n", site.text()));
        site_key.save_new(medium / "site.key");
        write_file(partition, "");
        std::filesystem::resize_file(partition, state::partition_size);
    }
    // As a release that sealed nothing left it: in both copies.
    void live_in_plain() const {
        state::write(partition, {{"format", 1}, {"site_files", to_json(read_site_files(medium))}});
        (void)node_key::own_key(partition);
        state::change(partition, [](Json& content) { content["boots"] = 1; });
    }
    [[nodiscard]] Json content() const { return state::read(partition).value().content; }
    [[nodiscard]] bool disk_has(std::string_view text) const { return read_file(partition).find(text) != std::string::npos; }
    [[nodiscard]] bool disk_has_secrets() const { return disk_has("ashlar-site-key-1") || disk_has("\"private\""); }
    [[nodiscard]] std::string site_key_text() const { return read_file(medium / "site.key"); }
    template <typename Act> std::string refusal(const Act& act) const {
        try {
            act();
        } catch (const Error& error) {
            return error.render();
        }
        return "no error";
    }

    TemporaryDirectory directory{testing::TempDir(), "secrets-"};
    const std::filesystem::path medium = directory.path(), partition = directory.path() / "state";
    const SiteId site = SiteId::random();
    const site::SiteKey site_key = site::SiteKey::generate(site);
    FakeTpm tpm;
};

TEST_F(Secrets, OfAnEarlierReleaseAreSealedAndLieInNeitherCopyAfterwards) {
    live_in_plain();
    const VerifyingKey key = node_key::own_key(partition).verifying_key();
    EXPECT_TRUE(disk_has_secrets());
    seal_secrets_in(partition, tpm);
    EXPECT_FALSE(disk_has_secrets());
    EXPECT_FALSE(secrets_lie_in_plain(content()));
    EXPECT_EQ(content().at("node").at("holder"), "tpm");
    EXPECT_EQ(content().at("site_secrets").at("holder"), "tpm");
    EXPECT_TRUE(content().at("site_files").contains("site.toml"));
    EXPECT_EQ(content().at("boots"), 1);

    EXPECT_EQ(node_key::own_key(partition, &tpm).verifying_key(), key);
    EXPECT_EQ(site_files_in(content(), &tpm).value().texts, read_site_files(medium).texts);

    const auto generation = state::read(partition).value().generation;
    seal_secrets_in(partition, tpm);
    EXPECT_EQ(state::read(partition).value().generation, generation);
}

// Power is cut when the content is sealed, and the copy of before is not.
TEST_F(Secrets, AreSealedInBothCopiesAtTheNextStartAfterACut) {
    live_in_plain();
    Json sealed = content();
    seal_secrets(sealed, tpm);
    state::write(partition, sealed);
    EXPECT_TRUE(disk_has_secrets());
    seal_secrets_in(partition, tpm);
    EXPECT_FALSE(disk_has_secrets());
    EXPECT_EQ(content(), sealed);
}

// A release of before wrote a shorter state over a longer one, and left its end.
TEST_F(Secrets, BehindTheEndOfAStateAreCoveredToo) {
    live_in_plain();
    const Fd file = open_file(partition, O_RDWR);
    for (const off_t copy : {off_t{0}, off_t{32} << 20U}) {
        constexpr std::string_view left = "ashlar-site-key-1 left";
        ASSERT_EQ(::pwrite(file.get(), left.data(), left.size(), copy + 4096 + 200000), static_cast<ssize_t>(left.size()));
    }
    seal_secrets_in(partition, tpm);
    EXPECT_FALSE(disk_has_secrets());
}

TEST_F(Secrets, StayInPlainWhereTheTpmDoesNotSeal) {
    live_in_plain();
    const Json before = content();
    tpm.broken = true;
    EXPECT_THAT(refusal([&] { seal_secrets_in(partition, tpm); }), HasSubstr("the TPM is in lockout"));
    EXPECT_EQ(content(), before);
    tpm.broken = false;
    tpm.forgets = true; // what it gives out is compared before the copy in plain goes
    EXPECT_THAT(refusal([&] { seal_secrets_in(partition, tpm); }), HasSubstr("the TPM gives out something else than it was given"));
    EXPECT_EQ(content(), before);
}

TEST_F(Secrets, OfANewNodeAreNeverInPlain) {
    Json first{{"format", 1}, {"site_files", to_json(read_site_files(medium))}};
    seal_secrets(first, tpm);
    state::write(partition, first);
    const VerifyingKey made = node_key::own_key(partition, &tpm).verifying_key();
    EXPECT_FALSE(disk_has_secrets());
    EXPECT_EQ(node_key::own_key(partition, &tpm).verifying_key(), made);
}

TEST_F(Secrets, AreMadeInPlainWhereTheTpmDoesNotSeal) {
    state::write(partition, {{"format", 1}});
    tpm.broken = true;
    const VerifyingKey made = node_key::own_key(partition, &tpm).verifying_key();
    EXPECT_EQ(content().at("node").at("holder"), "state");
    EXPECT_EQ(node_key::own_key(partition, &tpm).verifying_key(), made);
}

// It stays who it was, as far as anybody can open it: nothing is made anew.
TEST_F(Secrets, OnAnotherBoardOrAfterAClearAreRefused) {
    live_in_plain();
    seal_secrets_in(partition, tpm);
    const Json before = content();
    constexpr const char* hint = "\n  hint: its board was changed, or its TPM cleared: put the disk back on its own board, or install the node again; it then takes its old place as another one (docs/guides/recovery.md)";
    tpm.seed = 2;
    EXPECT_EQ(refusal([&] { (void)node_key::own_key(partition, &tpm); }), fmt::format("cannot use the node's own key: this machine's TPM does not give it out (cannot open 'ashlar-node-key': State not recoverable){}", hint));
    EXPECT_EQ(refusal([&] { (void)site_files_in(content(), &tpm); }), fmt::format("cannot use the node's site.key: this machine's TPM does not give it out (cannot open 'ashlar-site-key': State not recoverable){}", hint));
    EXPECT_EQ(refusal([&] { (void)node_key::own_key(partition); }), fmt::format("cannot use the node's own key: it is sealed to a TPM, and this machine has none{}", hint));
    EXPECT_EQ(refusal([&] { (void)site_files_in(content()); }), fmt::format("cannot use the node's site.key: it is sealed to a TPM, and this machine has none{}", hint));
    EXPECT_EQ(content(), before);
    // What it needs to lay its network, and to say so, it has.
    EXPECT_EQ(public_site_files_in(content()).value().site.name, "berlin-1");
    EXPECT_TRUE(has_site_secret(content()));
}

TEST_F(Secrets, DoNotOpenInEachOthersPlace) {
    live_in_plain();
    seal_secrets_in(partition, tpm);
    Json state = content();
    state["node"]["sealed"] = state["site_secrets"]["sealed"]["site.key"];
    EXPECT_THAT(refusal([&] { (void)node_key::key_in(state.at("node"), &tpm); }), HasSubstr("does not give it out"));
    state["site_secrets"]["holder"] = "vault";
    EXPECT_THAT(refusal([&] { (void)site_files_in(state, &tpm); }), HasSubstr("cannot use the site's secrets: they are held by \"vault\", which this release does not know"));
    EXPECT_TRUE(has_site_secret(state)); // it is not a node without a site
    state["site_secrets"] = "?";
    EXPECT_THAT(refusal([&] { (void)site_files_in(state, &tpm); }), HasSubstr("cannot use the site's secrets: they are not in their form"));
}

// Another plan takes nothing from them; another key in plain takes the place of the sealed one, and is sealed in its turn.
TEST_F(Secrets, AreKeptWhenThePlanChangesAndReplacedByWhatComesInPlain) {
    live_in_plain();
    seal_secrets_in(partition, tpm);
    auto plan = site_files_in(content(), &tpm).value().public_texts();
    plan["site.toml"] += "# again\n";
    keep_public_texts(partition, plan);
    EXPECT_EQ(site_files_in(content(), &tpm).value().texts.at("site.key"), site_key_text());
    EXPECT_THAT(site_files_in(content(), &tpm).value().texts.at("site.toml"), HasSubstr("# again"));

    std::filesystem::remove(medium / "site.key");
    site::SiteKey::generate(site).save_new(medium / "site.key");
    state::change(partition, [&](Json& state) { state["site_files"]["site.key"] = site_key_text(); });
    EXPECT_EQ(site_files_in(content(), &tpm).value().texts.at("site.key"), site_key_text());
    seal_secrets_in(partition, tpm);
    EXPECT_FALSE(disk_has_secrets());
    EXPECT_EQ(site_files_in(content(), &tpm).value().texts.at("site.key"), site_key_text());
}

// A medium that became the node's own disk. The other name shows what lay in the file's place.
TEST_F(Secrets, OfAMediumAreOverwrittenAndRemoved) {
    const auto other_name = directory.path() / "other-name";
    std::filesystem::create_hard_link(medium / "site.key", other_name);
    const auto size = site_key_text().size();
    wipe_secrets_in(medium);
    EXPECT_FALSE(std::filesystem::exists(medium / "site.key"));
    EXPECT_EQ(read_file(other_name), std::string(size, '\0'));
    EXPECT_TRUE(std::filesystem::exists(medium / "site.toml"));
    wipe_secrets_in(medium);
}

// A slow TPM takes a second each time.
TEST_F(Secrets, ComeOutOfTheTpmOnceEachAStart) {
    live_in_plain();
    seal_secrets_in(partition, tpm);
    tpm.opens = 0;
    (void)node_key::own_key(partition, &tpm);
    (void)site_files_in(content(), &tpm);
    seal_secrets_in(partition, tpm);
    EXPECT_EQ(tpm.opens, 2);
}

TEST_F(Secrets, OfANodeWithoutATpmAreAsTheyWere) {
    live_in_plain();
    EXPECT_EQ(own_sealer() == nullptr, !has_tpm());
    EXPECT_FALSE(has_tpm(directory.path()));
    EXPECT_EQ(site_files_in(content()).value().texts, read_site_files(medium).texts);
    EXPECT_EQ(content().at("node").at("holder"), "state");
    EXPECT_FALSE(content().contains("site_secrets"));
}

} // namespace
} // namespace ashlar::node
