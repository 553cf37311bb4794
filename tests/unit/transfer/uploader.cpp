// Sending files, and asking whether they are there.

#include <transfer/uploader.hpp>

#include <base/file.hpp>

#include <put_server.hpp>

#include <gmock/gmock.h>
#include <set>

using namespace ashlar;
using namespace ashlar::transfer;
using namespace ashlar::test;
using testing::ElementsAre;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

struct UploaderTest : testing::Test {
    void SetUp() override {
        forget_proxies();
        write_file(file, "contents");
    }
    std::string put(Uploader& uploader, const std::string& url) {
        const auto failed = uploader.put(url, file);
        return failed ? error_of(*failed, "store").message() : "stored";
    }
    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path file = dir.path() / "file";
};

} // namespace

TEST_F(UploaderTest, PutsAFileOverOneConnection) {
    const PutServer server;
    Uploader uploader{Options{}}; // ends before the server, which waits for its connections
    EXPECT_EQ(put(uploader, server.url("/a")), "stored");
    EXPECT_EQ(put(uploader, server.url("/b")), "stored");
    EXPECT_FALSE(uploader.look_for(server.url("/a")));
    EXPECT_EQ(uploader.look_for(server.url("/c"))->cause, Cause::absent);
    EXPECT_THAT(server.asked(), ElementsAre("PUT /a", "PUT /b", "HEAD /a", "HEAD /c"));
    EXPECT_EQ(server.files(), (std::map<std::string, std::string>{{"/a", "contents"}, {"/b", "contents"}}));
    EXPECT_LE(server.server().connections(), 2U) << "a refusal may end one";
}

TEST_F(UploaderTest, MakesTheCollectionsThatAreMissing) {
    std::set<std::string> collections{"/"};
    const auto parent = [](std::string path) {
        path.resize(path.rfind('/', path.size() - 2) + 1);
        return path;
    };
    const PutServer server([&](const Ask& ask) {
        if (ask.method == "HEAD") return 404;
        if (!collections.contains(parent(ask.target))) return 409;
        if (ask.method != "MKCOL") return 0;
        return collections.insert(ask.target).second ? 201 : 405;
    });
    Uploader uploader{Options{}};
    EXPECT_EQ(put(uploader, server.url("/a/b/c")), "stored");
    EXPECT_THAT(server.asked(), ElementsAre("PUT /a/b/c", "MKCOL /a/b/", "MKCOL /a/", "MKCOL /a/b/", "PUT /a/b/c"));
}

TEST_F(UploaderTest, SaysWhyNot) {
    int status = 403;
    const PutServer server([&](const Ask&) { return status; });
    Uploader uploader{Options{}};
    EXPECT_EQ(put(uploader, server.url("/a")), "cannot store '" + server.url("/a") + "': HTTP status 403");
    status = 409;
    EXPECT_EQ(put(uploader, server.url("/a/b")), "cannot store '" + server.url("/a/b") + "': HTTP status 409");
    status = 302;
    EXPECT_EQ(put(uploader, server.url("/a")), "cannot store '" + server.url("/a") + "': HTTP status 302");
    EXPECT_THAT(put(uploader, "http://127.0.0.1:1/a"), StartsWith("cannot store 'http://127.0.0.1:1/a': Failed to connect"));
    std::string url = server.url("/a");
    url.insert(url.find("//") + 2, "user:secret@");
    EXPECT_EQ(put(uploader, url), "cannot store '" + server.url("/a") + "': HTTP status 302");
    file = dir.path() / "nowhere";
    EXPECT_THROW((void)uploader.put(server.url("/a"), file), Error);
}
