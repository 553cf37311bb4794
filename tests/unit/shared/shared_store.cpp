// What a shared store gives, what it may get wrong, and what is left of a build when it is not well.

#include "team.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>

#include <put_server.hpp>

using namespace ashlar;
using namespace ashlar::shared;
using namespace ashlar::test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace {

struct SharedStoreTest : TeamTest {
    // A result with everything that a root has.
    static void make_tree(const fs::path& output) {
        fs::create_directories(output / "root/usr/bin");
        write_file(output / "root/usr/bin/su", "program", 0755);
        fs::permissions(output / "root/usr/bin/su", fs::perms::set_uid, fs::perm_options::add);
        fs::create_hard_link(output / "root/usr/bin/su", output / "root/usr/bin/also-su");
        fs::create_symlink("usr/bin", output / "root/bin");
        fs::create_symlink("/etc/passwd", output / "root/passwd");
        fs::create_directory(output / "root/empty");
        fs::permissions(output / "root/empty", fs::perms::owner_all | fs::perms::sticky_bit);
        write_file(output / "log", "");
        for (const auto& name : {"root/usr/bin", "root/empty", "log"}) {
            const std::array<timespec, 2> times{timespec{1'700'000'000, 0}, timespec{1'700'000'000, 0}};
            ASSERT_EQ(::utimensat(AT_FDCWD, (output / name).c_str(), times.data(), 0), 0);
        }
    }
    // "path mode size mtime links target"
    static std::vector<std::string> listing(const fs::path& top) {
        std::vector<std::string> lines;
        for (const auto& entry : fs::recursive_directory_iterator(top)) {
            struct stat info {};
            EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0);
            const bool directory = S_ISDIR(info.st_mode), link = S_ISLNK(info.st_mode);
            lines.push_back(fmt::format("{} {:o} {} {} {} {}", entry.path().lexically_relative(top).native(), info.st_mode, directory ? 0 : info.st_size,
                                        info.st_mtime, directory ? 0 : info.st_nlink, link ? fs::read_symlink(entry.path()).native() : ""));
        }
        std::sort(lines.begin(), lines.end());
        return lines;
    }
};

} // namespace

TEST_F(SharedStoreTest, WhatOneFetchedTheOtherHas) {
    const PutServer server;
    Builder anna(store("anna"), options(server.url("/team"))), bert(store("bert"), options(server.url("/team")));
    anna.store.insert_text("one");
    anna.store.insert_text("two, with no size");
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one"), Builder::unsized("two, with no size"), Builder::wanted("not here")}));
    bert.fetch({Builder::wanted("one"), Builder::unsized("two, with no size"), Builder::wanted("nowhere")});
    EXPECT_TRUE(bert.has("one") && bert.has("two, with no size"));
    EXPECT_FALSE(bert.has("nowhere"));
    EXPECT_THAT(bert.notes.lines, IsEmpty()) << "not to have a thing is an answer";
    EXPECT_THAT(server.asked(), Contains("PUT /team" + blob("one")).Times(1));
}

TEST_F(SharedStoreTest, SendsOnlyWhatIsNotThere) {
    const PutServer server;
    Builder anna(store("anna"), options(server.url()));
    anna.store.insert_text("one");
    anna.fetch({Builder::wanted("one")});
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}));
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}) );
    EXPECT_THAT(server.asked(), Contains("HEAD " + blob("one")).Times(0)) << "it said so itself";
    Builder bert(store("bert"), options(server.url()));
    bert.store.insert_text("one");
    EXPECT_TRUE(bert.shared.put(std::vector{Builder::wanted("one")}));
    EXPECT_THAT(server.asked(), Contains("HEAD " + blob("one")).Times(1));
    EXPECT_EQ(server.files().at(blob("one")), "one");
}

TEST_F(SharedStoreTest, SendsNothingUnlessToldTo) {
    const PutServer server;
    Options quiet = options(server.url());
    quiet.upload = Options::Upload::no;
    Builder anna(store("anna"), quiet);
    anna.store.insert_text("one");
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}));
    anna.shared.put_result("unpacked", sha256("key"), dir.path());
    EXPECT_THAT(server.asked(), IsEmpty());
}

TEST_F(SharedStoreTest, WrongBytesAreRefusedByNameAndIgnored) {
    PutServer server;
    server.put(blob("one"), "eno");
    server.put(blob("two"), "longer than two");
    server.put(blob("three"), "eerht");
    Builder anna(store("anna"), options(server.url()));
    anna.fetch({Builder::wanted("one"), Builder::wanted("two"), Builder::unsized("three")});
    EXPECT_FALSE(anna.has("one") || anna.has("two") || anna.has("three"));
    EXPECT_THAT(anna.notes.lines,
                testing::UnorderedElementsAre(
                    "cannot verify '" + server.url(blob("one")) + "': SHA-256 is " + sha256("eno").hex() + ", expected " + sha256("one").hex(),
                    "cannot verify '" + server.url(blob("two")) + "': size is 15 bytes, expected 3",
                    "cannot verify '" + server.url(blob("three")) + "': SHA-256 is " + sha256("eerht").hex() + ", expected " + sha256("three").hex()));
}

TEST_F(SharedStoreTest, WhenNobodyAnswersOneLineSaysSo) {
    std::string url;
    {
        const PutServer server;
        url = server.url();
    }
    Builder anna(store("anna"), options(url));
    std::vector<Wanted> many;
    for (int i = 0; i < 40; ++i) many.push_back(Builder::wanted("thing " + std::to_string(i)));
    anna.fetch(many);
    anna.fetch(many);
    anna.store.insert_text("one");
    EXPECT_FALSE(anna.shared.put(std::vector{Builder::wanted("one")}));
    EXPECT_FALSE(anna.shared.fetch_result("unpacked", sha256("key"), dir.path()));
    ASSERT_THAT(anna.notes.lines, ElementsAre(StartsWith("cannot fetch '" + url + blob("thing 0") + "': Failed to connect to 127.0.0.1 port")));
    EXPECT_THAT(anna.notes.lines[0], testing::EndsWith("; the shared store is left out"));
}

TEST_F(SharedStoreTest, AServerThatIsNotWellIsAskedOnceAConnection) {
    const PutServer server([](const Ask&) { return 503; });
    Builder anna(store("anna"), options(server.url()));
    std::vector<Wanted> many;
    for (int i = 0; i < 100; ++i) many.push_back(Builder::wanted("thing " + std::to_string(i)));
    anna.fetch(many);
    anna.fetch(many);
    EXPECT_LE(server.asked().size(), 8U);
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot fetch '" + server.url(blob("thing 0")) + "': HTTP status 503; the shared store is left out"));
}

TEST_F(SharedStoreTest, AServerThatFailsWhenSomethingIsSentIsNotAskedEither) {
    const PutServer server([](const Ask& ask) { return ask.method == "PUT" ? 507 : 0; });
    Builder anna(store("anna"), options(server.url()));
    anna.store.insert_text("one");
    EXPECT_FALSE(anna.shared.put(std::vector{Builder::wanted("one")}));
    const std::size_t before = server.asked().size();
    anna.fetch({Builder::wanted("two")});
    EXPECT_EQ(server.asked().size(), before);
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot store '" + server.url(blob("one")) + "': HTTP status 507; the shared store is left out"));
}

TEST_F(SharedStoreTest, WhoMayNotWriteStillReads) {
    PutServer server([](const Ask& ask) { return ask.method == "PUT" ? 403 : 0; });
    server.put(blob("two"), "two");
    Builder anna(store("anna"), options(server.url()));
    anna.store.insert_text("one");
    EXPECT_FALSE(anna.shared.put(std::vector{Builder::wanted("one"), Builder::wanted("one")}));
    anna.fetch({Builder::wanted("two")});
    EXPECT_TRUE(anna.has("two"));
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot store '" + server.url(blob("one")) + "': HTTP status 403; nothing more goes to the shared store"));
}

TEST_F(SharedStoreTest, AResultArrivesAsItWasMade) {
    const PutServer server;
    Builder anna(store("anna"), options(server.url())), bert(store("bert"), options(server.url()));
    const fs::path made = anna.store.stage("unpacked", sha256("key"), make_tree);
    EXPECT_FALSE(anna.shared.fetch_result("unpacked", sha256("key"), made)) << "nobody sent it yet";
    anna.shared.put_result("unpacked", sha256("key"), made);
    const fs::path arrived = bert.store.stage("unpacked", sha256("key"), [&](const fs::path& output) {
        EXPECT_TRUE(bert.shared.fetch_result("unpacked", sha256("key"), output));
    });
    EXPECT_EQ(listing(arrived), listing(made));
    EXPECT_EQ(read_file(arrived / "root/usr/bin/also-su"), "program");
    EXPECT_TRUE(fs::equivalent(arrived / "root/usr/bin/su", arrived / "root/usr/bin/also-su"));
    EXPECT_THAT(bert.notes.lines, IsEmpty());
}

TEST_F(SharedStoreTest, ResultsAreTakenFromNobodyUnlessToldTo) {
    const PutServer server;
    Builder anna(store("anna"), options(server.url()));
    const fs::path made = anna.store.stage("unpacked", sha256("key"), make_tree);
    anna.shared.put_result("unpacked", sha256("key"), made);
    Options careful = options(server.url());
    careful.results = Options::Results::no;
    Builder bert(store("bert"), careful);
    const std::size_t before = server.asked().size();
    EXPECT_FALSE(bert.shared.fetch_result("unpacked", sha256("key"), dir.path()));
    bert.shared.put_result("unpacked", sha256("another"), made);
    EXPECT_EQ(server.asked().size(), before);
}

TEST_F(SharedStoreTest, ARecordThatIsNotOneIsNamedAndTheOutputStaysEmpty) {
    PutServer server;
    Builder anna(store("anna"), options(server.url()));
    const std::string key = sha256("key").hex(), path = "/results/unpacked/" + key + ".json", url = server.url(path);
    fs::create_directory(dir.path() / "output");
    const auto said = [&](const std::string& record) {
        anna.notes.lines.clear();
        server.put(path, record);
        EXPECT_FALSE(anna.shared.fetch_result("unpacked", sha256("key"), dir.path() / "output"));
        EXPECT_TRUE(fs::is_empty(dir.path() / "output"));
        return anna.notes.lines.empty() ? std::string() : anna.notes.lines[0];
    };
    const std::string good = "{\"format\": 1, \"stage\": \"unpacked\", \"key\": \"" + key + "\", \"packed\": \"" + sha256("junk").hex() + "\", \"size\": 4}";
    const auto changed = [&](const std::string& from, const std::string& to) { return std::string(good).replace(good.find(from), from.size(), to); };
    EXPECT_EQ(said(good), "") << "what it names is not there";
    EXPECT_THAT(said("{"), StartsWith("cannot parse '" + url + "': "));
    EXPECT_EQ(said("[]"), "cannot read '" + url + "': not a record of format 1");
    EXPECT_EQ(said(changed("1,", "2,")), "cannot read '" + url + "': not a record of format 1");
    EXPECT_EQ(said(changed("\"size\"", "\"more\"")), "cannot read '" + url + "': not a record of format 1");
    EXPECT_EQ(said(changed("4}", "-4}")), "cannot read '" + url + "': 'size' is no size");
    EXPECT_EQ(said(changed(key, sha256("another").hex())), "cannot read '" + url + "': it is the record of another result");
    EXPECT_EQ(said(changed("unpacked", "file-system")), "cannot read '" + url + "': it is the record of another result");
    EXPECT_EQ(said(changed(sha256("junk").hex(), "abc")), "cannot read '" + url + "': 'packed' is no SHA-256");
    EXPECT_THAT(said(std::string(5000, ' ')), StartsWith("cannot verify '" + url + "': size is 5000 bytes, the most that is accepted is 4096"));
    server.put(blob("junk"), "junk");
    EXPECT_THAT(said(good), HasSubstr("packed'")) << "no archive";
    server.put(blob("junk"), "knuj");
    EXPECT_EQ(said(good), "cannot verify '" + server.url(blob("junk")) + "': SHA-256 is " + sha256("knuj").hex() + ", expected " + sha256("junk").hex());
}

TEST_F(SharedStoreTest, HeadersComeFromAFileThatOnlyItsOwnerReads) {
    const PutServer server([](const Ask& ask) {
        const auto header = ask.headers.find("authorization");
        return header != ask.headers.end() && header->second == "Bearer secret" ? 0 : 401;
    });
    Options with = options(server.url());
    with.transfer.credentials.headers = secret("headers", "# a comment\n\nAuthorization: Bearer secret\nX-Team: ours\n");
    Builder anna(store("anna"), with);
    anna.store.insert_text("one");
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}));
    EXPECT_EQ(server.server().asks().back().headers.at("x-team"), "ours");
    Builder stranger(store("bert"), options(server.url()));
    stranger.fetch({Builder::wanted("one")});
    EXPECT_THAT(stranger.notes.lines, ElementsAre("cannot fetch '" + server.url(blob("one")) + "': HTTP status 401; the shared store is left out"));

    const auto said = [&]() -> std::string {
        Builder carol(store("carol"), with);
        try {
            carol.fetch({Builder::wanted("one")});
            return "asked";
        } catch (const Error& error) {
            return error.render();
        }
    };
    const std::string file = with.transfer.credentials.headers->native();
    write_file(file, "Authorization: Bearer secret\nsecret\n", 0600);
    EXPECT_EQ(said(), "cannot read '" + file + "': line 2: not '<name>: <value>'");
    fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
    EXPECT_EQ(said(), "cannot use '" + file + "': it has passwords, and not only its owner may read it\n  hint: chmod 600 " + file);
    fs::remove(file);
    EXPECT_EQ(said(), "cannot read '" + file + "': No such file or directory");
}

TEST_F(SharedStoreTest, WhatProvesWhoWeAreFollowsNoRedirect) {
    const PutServer other;
    const MirrorServer server([&](const Ask& ask) { return Reply{.status = 307, .headers = {"Location: " + other.url(ask.target)}}; });
    Options with = options(server.url());
    with.transfer.credentials.headers = secret("headers", "Authorization: Bearer secret\n");
    Builder anna(store("anna"), with);
    anna.fetch({Builder::wanted("one")});
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot fetch '" + server.url(blob("one")) + "': HTTP status 307; the shared store is left out"));
    EXPECT_THAT(other.asked(), IsEmpty());
}
