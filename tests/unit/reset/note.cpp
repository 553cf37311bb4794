#include <reset/note.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::reset;
namespace fs = std::filesystem;
using testing::HasSubstr;

namespace {

Order order() {
    return {.node = {"node-0123456789ab", "0123456789abcdef0123456789abcdef"},
            .next = {"node-ba9876543210", "fedcba9876543210fedcba9876543210"},
            .site = "berlin-1",
            .release = "R0.3",
            .time = "2026-01-02T03:04:05Z",
            .by = 0,
            .partition = "00112233-4455-6677-8899-aabbccddeeff",
            .bytes = 2147483648,
            .content = Content::encrypted};
}

const Json note{{"order", text_of(order())}, {"public_key", "ssh-ed25519 AAAA"}, {"signature", "-----BEGIN SSH SIGNATURE-----"}};

// As the node has lived: with what belongs to it, and with what it must not lose.
const Json lived{{"format", 1},
                 {"machine_id", order().node.machine_id},
                 {"hostname", order().node.hostname},
                 {"installed", {{"release", "R0.0"}, {"site", "berlin-1"}}},
                 {"access", {{"ssh_keys", Json::array({"ssh-ed25519 AAAA anna"})}, {"ssh_ca", Json::array()}}},
                 {"encryption", {{"key", "sha256:0f"}, {"recovery", "old"}, {"site_key", "pem"}}},
                 {"floor", "R0.2"},
                 {"time_floor", "2026-01-01T00:00:00Z"},
                 {"ticket", "a secret of the node that is gone"},
                 {"upgrade", {{"phase", "resetting"}, {"source", {{"proxy", "http://user:secret@proxy.example"}}}}}};

TEST(ResetOrder, IsTheSameTextForTheSameOrder) {
    EXPECT_EQ(text_of(order()), R"({"by":0,"erases":{"bytes":2147483648,"encrypted":true,"partition":"00112233-4455-6677-8899-aabbccddeeff"},"format":1,)"
                                R"("next":{"hostname":"node-ba9876543210","machine_id":"fedcba9876543210fedcba9876543210"},)"
                                R"("node":{"hostname":"node-0123456789ab","machine_id":"0123456789abcdef0123456789abcdef"},)"
                                R"("release":"R0.3","site":"berlin-1","time":"2026-01-02T03:04:05Z"})");
    EXPECT_EQ(order_from(text_of(order())), order());
}

TEST(ResetOrder, SaysWhatIsWrongWithIt) {
    try {
        (void)order_from("{}");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("cannot read the order of a factory reset: "));
    }
}

// The judge is ssh-keygen, as docs/formats/reset-note.md has it.
TEST(ResetNote, IsSignedByTheNodesHostKey) {
    const TemporaryDirectory directory{testing::TempDir()};
    const fs::path key = directory.path() / "ssh_host_ed25519_key";
    run_checked({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "root@node", "-f", key.native()}});
    const Json made = signed_note(order(), key);
    const auto text = made.at("order").get<std::string>();
    EXPECT_EQ(order_from(text), order());
    write_file(directory.path() / "signature", made.at("signature").get<std::string>());
    write_file(directory.path() / "allowed", "node " + made.at("public_key").get<std::string>() + "\n");
    const auto verify = [&](const std::string& content, const std::string& purpose) {
        return run({.argv = {"ssh-keygen", "-Y", "verify", "-f", (directory.path() / "allowed").native(), "-I", "node", "-n", purpose, "-s", (directory.path() / "signature").native()},
                    .input = content})
            .ok();
    };
    EXPECT_TRUE(verify(text, "ashlar-factory-reset"));
    EXPECT_FALSE(verify(text + " ", "ashlar-factory-reset"));
    EXPECT_FALSE(verify(text, "file"));
}

TEST(ResetNote, NeedsTheHostKey) {
    try {
        (void)signed_note(order(), "/nowhere/key");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot sign the order of a factory reset: the node has no key '/nowhere/key'");
    }
}

TEST(ResetState, GoesFromTheOrderToTheErasureToTheNewNode) {
    EXPECT_FALSE(is_ordered(lived));
    const Json ordered = with_order(lived, note);
    EXPECT_TRUE(is_ordered(ordered));
    EXPECT_FALSE(is_erased(ordered));
    EXPECT_EQ(order_in(ordered), order());
    const Json erased = with_erasure(ordered, {.bytes = 2147483648, .ways = {Way::crypto_erase, Way::overwrite_edges}, .no_discard = "Operation not supported"});
    EXPECT_TRUE(is_erased(erased));

    Json finished = note;
    finished["erased"] = {{"bytes", 2147483648}, {"ways", {"crypto-erase", "overwrite-edges"}}, {"no_discard", "Operation not supported"}};
    finished["time"] = "2026-01-02T03:05:00Z";
    const Json encryption{{"key", "sha256:0f"}, {"recovery", "new"}, {"site_key", "pem"}};
    EXPECT_EQ(after_reset(erased, encryption, "2026-01-02T03:05:00Z"), (Json{{"format", 1},
                                                                            {"machine_id", order().next.machine_id},
                                                                            {"hostname", order().next.hostname},
                                                                            {"installed", lived.at("installed")},
                                                                            {"access", lived.at("access")},
                                                                            {"encryption", encryption},
                                                                            {"floor", "R0.2"},
                                                                            {"time_floor", "2026-01-01T00:00:00Z"},
                                                                            {"last_reset", finished}}));
    EXPECT_FALSE(after_reset(erased, {}, "").contains("encryption"));
}

TEST(ResetState, KnowsFloorsByTheirNames) {
    for (const char* floor : {"floor", "time_floor", "revocation_floor"}) EXPECT_TRUE(is_floor(floor));
    for (const char* other : {"floors", "floor_plan", "upgrade", ""}) EXPECT_FALSE(is_floor(other));
}

} // namespace
