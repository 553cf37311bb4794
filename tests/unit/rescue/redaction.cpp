#include <rescue/bundle.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <sys/stat.h>

using namespace ashlar;
using rescue::Redaction;
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::string hex = "8f14e45fceea167a5a36dedd4bea2543b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7";

TEST(Redaction, TakesOutPrivateKeysWhereverTheyStand) {
    const std::string key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\nMBMGByqG\n-----END PRIVATE KEY-----\n";
    EXPECT_EQ(Redaction().clean("a " + key + "b\n"), "a [removed]\nb\n");
    EXPECT_EQ(Redaction().clean(R"({"key":"-----BEGIN EC PRIVATE KEY-----\nMIGH\n-----END EC PRIVATE KEY-----\n","x":1})"), R"({"key":"[removed]\n","x":1})");
    EXPECT_EQ(Redaction().clean(key + key), "[removed]\n[removed]\n");
    EXPECT_EQ(Redaction().clean("x -----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn"), "x [removed]") << "one that was cut";
    const std::string certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    EXPECT_EQ(Redaction().clean(certificate), certificate);
    EXPECT_EQ(Redaction().clean(certificate + key + certificate), certificate + "[removed]\n" + certificate);
}

TEST(Redaction, TakesOutHashesOfPasswords) {
    EXPECT_EQ(Redaction().clean("root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:19000:0:\n"), "root:[removed]:19000:0:\n");
    EXPECT_EQ(Redaction().clean("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"), "[removed]");
    for (const auto* harmless : {"cost: $5 and $6$", "echo $HOME $1$", "${secrets.admin}"}) EXPECT_EQ(Redaction().clean(harmless), harmless);
}

TEST(Redaction, TakesOutWhatIsKnownToBeSecret) {
    Redaction redaction;
    const std::string node = "b06244185ecf7b6b55b2641284b6c194";
    redaction.hide_what_looks_secret_in("# of node " + node + "\nurl=/usr/lib/ashlar/formations\npassword=" + hex + "\ntoken: QUJDREVGR0hJSktMTU5PUHFyc3Q=\n", "{\"node\":\"" + node + "\"}");
    redaction.hide("short");
    redaction.hide(" MIGHAgEAMBMGByqGSM49AgEG\n");
    EXPECT_EQ(redaction.clean("x" + hex + "y QUJDREVGR0hJSktMTU5PUHFyc3Q= " + node + " /usr/lib/ashlar/formations short MIGHAgEAMBMGByqGSM49AgEG"),
              "x[removed]y [removed] " + node + " /usr/lib/ashlar/formations short [removed]");
}

class Bundle : public testing::Test {
protected:
    [[nodiscard]] fs::path file(const std::string& name = "n01.tar.gz") const { return directory.path() / name; }
    void write(const fs::path& to, const std::vector<rescue::Page>& pages, rescue::BundleLimits limits = {}) {
        Redaction redaction;
        redaction.hide(hex);
        rescue::write_bundle(to, "support-n01", pages, redaction, [this](std::size_t done) { turns = done; }, limits);
    }
    std::string message(const fs::path& to, const std::vector<rescue::Page>& pages = {{"a", [] { return std::string("a"); }}}) {
        try {
            write(to, pages);
        } catch (const Error& error) {
            return error.message();
        }
        return "no error";
    }
    [[nodiscard]] std::vector<std::string> there() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(directory.path())) names.push_back(entry.path().filename().native());
        return names;
    }
    std::string inside(const std::string& page) { return run_checked({.argv = {"tar", "-xOf", file().native(), "support-n01/" + page}}); }

    TemporaryDirectory directory{testing::TempDir(), "bundle-"};
    std::size_t turns = 0;
};

TEST_F(Bundle, HasAllPagesForItsOwnerAlone) {
    write(file(), {{"status.json", [] { return "{}\n"; }}, {"formations/db.journal", [] { return "password " + hex; }}, {"broken.txt", []() -> std::string { throw Error("cannot ask", "ask again"); }}});
    EXPECT_EQ(turns, 3U);
    EXPECT_THAT(there(), testing::ElementsAre("n01.tar.gz"));
    struct stat status{};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(inside("formations/db.journal"), "password [removed]");
    EXPECT_EQ(inside("broken.txt"), "cannot ask\n  hint: ask again\n");
    EXPECT_THAT(inside("contents.txt"), testing::AllOf(HasSubstr("3 B  status.json\n"), HasSubstr("formations/db.journal\n")));
}

TEST_F(Bundle, IsBounded) {
    const std::string secret_at_the_cut = std::string(200, 'x') + hex.substr(0, 10);
    write(file(), {{"long.txt", [&] { return std::string(90, 'a') + hex + std::string(30, 'b'); }}, {"more.txt", [] { return std::string(100, 'c'); }}, {"small.txt", [] { return std::string("d"); }}}, {.of_page = 50, .whole = 100});
    EXPECT_THAT(inside("long.txt"), testing::AllOf(HasSubstr("of it are left out)\n"), testing::EndsWith("[removed]" + std::string(30, 'b')), Not(HasSubstr(hex.substr(40)))));
    EXPECT_THAT(inside("contents.txt"), HasSubstr("left out  more.txt"));
    EXPECT_EQ(inside("small.txt"), "d");
}

TEST_F(Bundle, IsWholeOrNotThere) {
    EXPECT_THAT(message(file("n01.zip")), HasSubstr("it is named after no kind of archive"));
    write_file(file(), "precious");
    EXPECT_EQ(message(file()), "cannot write '" + file().native() + "': it is there already");
    EXPECT_EQ(read_file(file()), "precious");
    fs::create_symlink(file("elsewhere"), file("link.tar.gz"));
    EXPECT_THAT(message(file("link.tar.gz")), HasSubstr("it is there already"));
    // Somebody else was faster.
    EXPECT_THAT(message(file("late.tar.gz"), {{"a", [&] {
                                                   write_file(file("late.tar.gz"), "precious");
                                                   return std::string("a");
                                               }}}),
                HasSubstr("it is there already"));
    EXPECT_EQ(read_file(file("late.tar.gz")), "precious");
    EXPECT_THAT(message(directory.path() / "none/n01.tar.gz"), testing::StartsWith("cannot "));
    EXPECT_THAT(there(), testing::UnorderedElementsAre("n01.tar.gz", "link.tar.gz", "late.tar.gz"));
}

} // namespace
