// Files in roots/: one text, nothing guessed.

#include <store/roots.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::store;
namespace fs = std::filesystem;

namespace {

std::string refusal(const std::string& text) {
    try {
        (void)parse_roots(text, "r");
        return "accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.hint(), "write it again, or remove it when what it keeps may go");
        return error.message();
    }
}

const std::string head = "ashlar-roots 1\nreason a release\n", a(64, 'a');

} // namespace

TEST(Roots, TextAndBack) {
    const Roots roots{.reason = "release R1.0 of R1", .while_exists = "/srv/a place/R1.lock", .blobs = {sha256("1"), sha256("2")}, .stages = {{"file-system", sha256("3")}}};
    EXPECT_EQ(to_text(roots), "ashlar-roots 1\nreason release R1.0 of R1\nwhile /srv/a place/R1.lock\nblob " + sha256("1").hex() + "\nblob " + sha256("2").hex() +
                                  "\nstage file-system/" + sha256("3").hex() + "\n");
    EXPECT_EQ(parse_roots(to_text(roots), "r"), roots);
}

TEST(Roots, OtherTextsAreRefused) {
    EXPECT_EQ(refusal(""), "cannot read 'r': line 1: not 'ashlar-roots 1'");
    EXPECT_EQ(refusal("ashlar-roots 2\n"), "cannot read 'r': line 1: not 'ashlar-roots 1'");
    EXPECT_EQ(refusal("ashlar-roots 1\n"), "cannot read 'r': line 2: no reason is given");
    EXPECT_EQ(refusal("ashlar-roots 1\nreason \n"), "cannot read 'r': line 2: says nothing");
    EXPECT_EQ(refusal(head + "reason again\n"), "cannot read 'r': line 3: a second 'reason'");
    EXPECT_EQ(refusal(head + "while here\n"), "cannot read 'r': line 3: not an absolute path");
    EXPECT_EQ(refusal(head + "while /a\nwhile /b\n"), "cannot read 'r': line 4: a second 'while'");
    EXPECT_EQ(refusal(head + "blob abc\n"), "cannot read 'r': line 3: not a SHA-256 in lower-case hexadecimal");
    EXPECT_EQ(refusal(head + "blob " + std::string(64, 'A') + "\n"), "cannot read 'r': line 3: not a SHA-256 in lower-case hexadecimal");
    EXPECT_EQ(refusal(head + "stage " + a + "\n"), "cannot read 'r': line 3: not <stage>/<SHA-256>");
    EXPECT_EQ(refusal(head + "stage ../" + a + "\n"), "cannot read 'r': line 3: not <stage>/<SHA-256>");
    EXPECT_EQ(refusal(head + "\n"), "cannot read 'r': line 3: unknown word ''");
    EXPECT_EQ(refusal(head + "blobs " + a + "\n"), "cannot read 'r': line 3: unknown word 'blobs'");
    EXPECT_EQ(refusal(head + "blob " + a), "cannot read 'r': line 3: does not end: the file is cut off");
}

TEST(Roots, NamesAndReasonsAreChecked) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    const Store store(dir.path() / "store");
    const auto said = [&](const std::string& name, const Roots& roots) -> std::string {
        try {
            keep(store, name, roots);
            return "kept";
        } catch (const Error& error) {
            return error.render();
        }
    };
    const Roots good{.reason = "a release", .while_exists = {}, .blobs = {}, .stages = {}};
    for (const std::string name : {"", ".hidden", "a/b", "..", "a b"})
        EXPECT_EQ(said(name, good), "cannot use '" + name + "': not a name of roots\n  hint: letters, digits and . _ + -, beginning with a letter or digit");
    Roots two_lines = good;
    two_lines.reason = "a\nblob";
    EXPECT_EQ(said("x", two_lines), "cannot keep 'a\nblob': the reason must be one line");
    EXPECT_EQ(said("release-R1.0~rc1", good), "cannot use 'release-R1.0~rc1': not a name of roots\n  hint: letters, digits and . _ + -, beginning with a letter or digit");
    EXPECT_EQ(said("release-R1.0", good), "kept");
    EXPECT_EQ(read_roots(store), (std::map<std::string, Roots>{{"release-R1.0", good}}));
}
