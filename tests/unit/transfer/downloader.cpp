#include <transfer/downloader.hpp>

#include <base/file.hpp>

#include <mirror_server.hpp>

#include <algorithm>
#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::transfer;
using ashlar::test::Ask;
using ashlar::test::MirrorServer;
using ashlar::test::Reply;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
namespace fs = std::filesystem;

namespace {

class Notes : public Renderer {
public:
    void started(std::uint64_t, std::string_view) override {}
    void advanced(std::uint64_t, std::uint64_t done, std::uint64_t total, bool) override { last = {done, total}; }
    void finished(std::uint64_t, std::string_view) override {}
    void note(std::string_view line) override { lines.emplace_back(line); }

    std::vector<std::string> lines;
    std::pair<std::uint64_t, std::uint64_t> last;
};

const std::string payload = [] {
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i * 7919) + "\n";
    return text;
}();

struct DownloaderTest : testing::Test {
    void SetUp() override { test::forget_proxies(); }

    Request request(std::vector<std::string> urls, const std::string& body = payload) {
        return {.name = "thing 1.0",
                .urls = std::move(urls),
                .expected = Exactly{sha256(body), body.size()},
                .target = [this] { return target; }};
    }
    Result fetch(const Request& what) {
        Downloader downloader(options, notes);
        return std::move(downloader.fetch(std::span(&what, 1), "test").at(0));
    }
    std::string refusal(const Request& what) {
        const Result result = fetch(what);
        if (const auto* failed = std::get_if<Failed>(&result)) return error_of(*failed).message();
        return "accepted";
    }
    std::string arrived() const { return read_file(target); }

    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path target = dir.path() / "target";
    Options options{.connect_timeout = std::chrono::milliseconds(2000),
                    .slowest_time = std::chrono::seconds(1),
                    .first_pause = std::chrono::milliseconds(1),
                    .longest_pause = std::chrono::milliseconds(5)};
    Notes notes;
};

// Answers the n-th request with the n-th reply, the last one for ever.
MirrorServer::Handler in_turn(std::vector<Reply> replies) {
    auto next = std::make_shared<std::atomic<std::size_t>>(0);
    return [replies = std::move(replies), next](const Ask&) {
        return replies[std::min(next->fetch_add(1), replies.size() - 1)];
    };
}

std::string digest_text(const std::string& is, const std::string& expected) {
    return "SHA-256 is " + sha256(is).hex() + ", expected " + sha256(expected).hex();
}

} // namespace

TEST_F(DownloaderTest, FetchesAndHashes) {
    const MirrorServer server(MirrorServer::files({{"/thing", payload}}));
    const Result result = fetch(request({server.url("/thing")}));
    const auto& received = std::get<Received>(result);
    EXPECT_EQ(received.sha256, sha256(payload));
    EXPECT_EQ(received.size, payload.size());
    EXPECT_EQ(received.url, server.url("/thing"));
    EXPECT_EQ(received.mirror, 0U);
    EXPECT_EQ(arrived(), payload);
    EXPECT_EQ(notes.last, std::pair(payload.size(), payload.size()));
}

TEST_F(DownloaderTest, FetchesManyAtOnceFromTwoServers) {
    std::map<std::string, std::string> files;
    for (int i = 0; i < 200; ++i) files["/" + std::to_string(i)] = std::string(static_cast<std::size_t>(i) * 37, 'x');
    const MirrorServer one(MirrorServer::files(files)), two(MirrorServer::files(files));
    std::vector<Request> requests;
    std::vector<Digest> done;
    for (const auto& [path, body] : files) {
        Request next = request({(requests.size() % 2 == 0 ? one : two).url(path)}, body);
        next.target = [this, name = path.substr(1)] { return dir.path() / name; };
        next.arrived = [&done](const Received& received) { done.push_back(received.sha256); };
        requests.push_back(std::move(next));
    }
    Downloader downloader(options, notes);
    const auto results = downloader.fetch(requests, "test");
    ASSERT_EQ(results.size(), 200U);
    for (std::size_t i = 0; i < results.size(); ++i)
        EXPECT_EQ(std::get<Received>(results[i]).sha256, std::get<Exactly>(requests[i].expected).sha256);
    EXPECT_EQ(done.size(), 200U);
    EXPECT_EQ(read_file(dir.path() / "7").size(), 259U);
    EXPECT_EQ(read_file(dir.path() / "0"), "") << "an empty file is made, although nobody needs to be asked";
    EXPECT_EQ(one.asks().size() + two.asks().size(), 199U);
}

TEST_F(DownloaderTest, TakesAFileUrl) {
    write_file(dir.path() / "source file", payload);
    const Result result = fetch(request({"file://" + dir.path().native() + "/source%20file"}));
    EXPECT_EQ(std::get<Received>(result).sha256, sha256(payload));
    EXPECT_EQ(arrived(), payload);
}

TEST_F(DownloaderTest, ContinuesAFileUrl) {
    write_file(dir.path() / "source", payload);
    write_file(target, payload.substr(0, 1000));
    EXPECT_EQ(refusal(request({"file://" + dir.path().native() + "/source"})), "accepted");
    EXPECT_EQ(arrived(), payload);
}

TEST_F(DownloaderTest, SaysThatAFileIsNotThere) {
    const std::string url = "file://" + dir.path().native() + "/gone";
    EXPECT_EQ(refusal(request({url})), "cannot fetch '" + url + "': no such file, or not readable");
}

TEST_F(DownloaderTest, AnAbsentFileIsAnAnswer) {
    const MirrorServer server(MirrorServer::files({}));
    const Result result = fetch(request({server.url("/gone")}));
    const auto& failed = std::get<Failed>(result);
    EXPECT_TRUE(failed.absent());
    EXPECT_EQ(error_of(failed).message(), "cannot fetch '" + server.url("/gone") + "': HTTP status 404");
    EXPECT_EQ(server.asks().size(), 1U) << "nothing is gained by asking again";
}

TEST_F(DownloaderTest, RefusesWrongBytesAndLeavesNone) {
    std::string wrong = payload;
    wrong[100'000] ^= 1;
    const MirrorServer server(MirrorServer::files({{"/thing", wrong}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})),
              "cannot verify '" + server.url("/thing") + "': " + digest_text(wrong, payload));
    EXPECT_EQ(server.asks().size(), 1U);
    EXPECT_EQ(fs::file_size(target), 0U);
}

TEST_F(DownloaderTest, GoesToTheNextMirrorAndNamesTheWrongOne) {
    const std::string wrong(payload.size(), 'x');
    const MirrorServer bad(MirrorServer::files({{"/thing", wrong}}));
    const MirrorServer good(MirrorServer::files({{"/thing", payload}}));
    const Result result = fetch(request({bad.url("/thing"), good.url("/thing")}));
    EXPECT_EQ(std::get<Received>(result).mirror, 1U);
    EXPECT_EQ(arrived(), payload);
    EXPECT_THAT(notes.lines, ElementsAre("cannot verify '" + bad.url("/thing") + "': " + digest_text(wrong, payload)));
}

TEST_F(DownloaderTest, NamesEachMirrorsCause) {
    const MirrorServer absent(MirrorServer::files({}));
    const MirrorServer wrong(MirrorServer::files({{"/thing", std::string(payload.size(), 'x')}}));
    const MirrorServer broken(in_turn({{.status = 503}}));
    const MirrorServer forbidden(in_turn({{.status = 403}}));
    EXPECT_EQ(
        refusal(request({absent.url("/thing"), wrong.url("/thing"), broken.url("/thing"), forbidden.url("/thing")})),
        "cannot fetch 'thing 1.0': none of 4 mirrors gave it\n"
        "  cannot fetch '" +
            absent.url("/thing") +
            "': HTTP status 404\n"
            "  cannot verify '" +
            wrong.url("/thing") + "': " + digest_text(std::string(payload.size(), 'x'), payload) +
            "\n"
            "  cannot fetch '" +
            broken.url("/thing") +
            "': HTTP status 503\n"
            "  cannot fetch '" +
            forbidden.url("/thing") + "': HTTP status 403");
    EXPECT_EQ(broken.asks().size(), 4U) << "tries";
    EXPECT_EQ(forbidden.asks().size(), 1U);
}

TEST_F(DownloaderTest, TriesAgainWhatMayPass) {
    const MirrorServer server(
        in_turn({{.status = 503}, {.status = 429, .headers = {"Retry-After: 3"}}, {.body = payload}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
    EXPECT_EQ(server.asks().size(), 3U);
}

TEST_F(DownloaderTest, ContinuesAfterADroppedConnection) {
    const MirrorServer server(
        in_turn({{.body = payload, .fault = Reply::Fault::drop, .good = 100'000}, {.body = payload}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
    EXPECT_EQ(arrived(), payload);
    ASSERT_EQ(server.asks().size(), 2U);
    EXPECT_EQ(server.asks()[1].range_start(), 100'000U);
}

TEST_F(DownloaderTest, ContinuesAtTheNextMirror) {
    const MirrorServer first(in_turn({{.body = payload, .fault = Reply::Fault::drop, .good = 200'000}}));
    const MirrorServer second(in_turn({{.body = payload}}));
    EXPECT_EQ(refusal(request({first.url("/thing"), second.url("/thing")})), "accepted");
    EXPECT_EQ(arrived(), payload);
    ASSERT_EQ(second.asks().size(), 1U);
    EXPECT_EQ(second.asks()[0].range_start(), 200'000U);
}

TEST_F(DownloaderTest, ContinuesWhatAnEarlierRunLeft) {
    write_file(target, payload.substr(0, 150'000));
    const MirrorServer server(in_turn({{.body = payload}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
    EXPECT_EQ(arrived(), payload);
    EXPECT_EQ(server.asks().at(0).range_start(), 150'000U);
}

TEST_F(DownloaderTest, AsksNobodyForWhatIsComplete) {
    write_file(target, payload);
    const MirrorServer server(in_turn({{.body = payload}}));
    const Result result = fetch(request({server.url("/thing")}));
    EXPECT_EQ(std::get<Received>(result).mirror, std::nullopt);
    EXPECT_THAT(server.asks(), IsEmpty());
}

TEST_F(DownloaderTest, ForgetsAnEarlierRunsWrongBytesWithoutBlame) {
    std::string wrong = payload.substr(0, 150'000);
    wrong[5] ^= 1;
    for (const std::string& left : {wrong, std::string(payload.size(), 'x'), payload + "more"}) {
        write_file(target, left);
        const MirrorServer server(in_turn({{.body = payload}}));
        EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
        EXPECT_EQ(arrived(), payload);
    }
    EXPECT_THAT(notes.lines, IsEmpty());
}

TEST_F(DownloaderTest, WrongEndAfterAGoodBeginningIsBlamedAtTheSecondTime) {
    write_file(target, payload.substr(0, 150'000));
    const std::string wrong(payload.size(), 'x');
    const MirrorServer server(in_turn({{.body = wrong}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})),
              "cannot verify '" + server.url("/thing") + "': " + digest_text(wrong, payload));
    EXPECT_EQ(server.asks().size(), 2U);
}

TEST_F(DownloaderTest, BeginsAnewWhereRangesAreIgnored) {
    const MirrorServer server(in_turn({{.body = payload, .fault = Reply::Fault::drop, .good = 100'000},
                                       {.body = payload, .ranges = Reply::Ranges::ignored}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
    EXPECT_EQ(arrived(), payload);
}

TEST_F(DownloaderTest, RefusesAPartOfAnotherSize) {
    write_file(target, payload.substr(0, 1000));
    const MirrorServer server(in_turn({{.body = payload + "!"}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "cannot verify '" + server.url("/thing") + "': size is " +
                                                            std::to_string(payload.size() + 1) + " bytes, expected " +
                                                            std::to_string(payload.size()));
}

TEST_F(DownloaderTest, BeginsAnewAfterAnotherRangeThanAskedFor) {
    write_file(target, payload.substr(0, 1000));
    Reply other{.status = 206, .body = payload.substr(500), .headers = {"Content-Range: bytes 500-299999/*"}};
    const MirrorServer server(in_turn({other, {.body = payload}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "accepted");
    EXPECT_EQ(arrived(), payload);
    EXPECT_EQ(server.asks()[1].range_start(), 0U);
}

TEST_F(DownloaderTest, RefusesAnotherSize) {
    for (const std::string& body : {payload + "more", payload.substr(1), std::string()}) {
        const MirrorServer server(in_turn({{.body = body}}));
        EXPECT_EQ(refusal(request({server.url("/thing")})), "cannot verify '" + server.url("/thing") + "': size is " +
                                                                std::to_string(body.size()) + " bytes, expected " +
                                                                std::to_string(payload.size()));
    }
}

TEST_F(DownloaderTest, AnEndWithoutALengthMayBeACut) {
    const MirrorServer server(in_turn({{.body = payload.substr(0, 5000), .length = Reply::Length::unknown}}));
    options.tries = 2;
    EXPECT_EQ(refusal(request({server.url("/thing")})), "cannot fetch '" + server.url("/thing") + "': HTTP status 416");
    const MirrorServer other(in_turn(
        {{.body = payload.substr(0, 5000), .ranges = Reply::Ranges::ignored, .length = Reply::Length::unknown}}));
    EXPECT_EQ(refusal(request({other.url("/thing")})), "cannot fetch '" + other.url("/thing") +
                                                           "': ended after 5000 of " + std::to_string(payload.size()) +
                                                           " bytes");
}

TEST_F(DownloaderTest, StopsEndlessData) {
    const MirrorServer server(in_turn({{.body = payload, .fault = Reply::Fault::endless, .good = payload.size()}}));
    EXPECT_EQ(refusal(request({server.url("/thing")})), "cannot verify '" + server.url("/thing") +
                                                            "': size is more than " + std::to_string(payload.size()) +
                                                            " bytes, as expected");
    Request unknown = request({server.url("/thing")});
    unknown.expected = AtMost{400'000};
    EXPECT_EQ(refusal(unknown), "cannot verify '" + server.url("/thing") +
                                    "': size is more than 400000 bytes, the most that is accepted");
}

TEST_F(DownloaderTest, TakesAnyBytesUpToAMostAndNeverContinuesThem) {
    write_file(target, "old");
    const MirrorServer server(in_turn({{.body = payload}}));
    Request any = request({server.url("/thing")});
    any.expected = AtMost{payload.size()};
    EXPECT_EQ(refusal(any), "accepted");
    EXPECT_EQ(arrived(), payload);
    EXPECT_EQ(server.asks().at(0).range_start(), 0U);
    any.expected = AtMost{payload.size() - 1};
    EXPECT_EQ(refusal(any), "cannot verify '" + server.url("/thing") + "': size is " + std::to_string(payload.size()) +
                                " bytes, the most that is accepted is " + std::to_string(payload.size() - 1));
}

TEST_F(DownloaderTest, GivesUpAMirrorThatStalls) {
    const MirrorServer slow(in_turn({{.body = payload, .fault = Reply::Fault::stall, .good = 100'000}}));
    const MirrorServer good(in_turn({{.body = payload}}));
    EXPECT_EQ(refusal(request({slow.url("/thing"), good.url("/thing")})), "accepted");
    EXPECT_EQ(good.asks().at(0).range_start(), 100'000U);
}

TEST_F(DownloaderTest, FollowsRedirectsButNotToAnotherKindOfUrl) {
    write_file(dir.path() / "secret", payload);
    const MirrorServer good(MirrorServer::files({{"/thing", payload}}));
    const MirrorServer server([&](const Ask& ask) {
        if (ask.target == "/away") return Reply{.status = 302, .headers = {"Location: " + good.url("/thing")}};
        if (ask.target == "/loop") return Reply{.status = 302, .headers = {"Location: /loop"}};
        return Reply{.status = 302, .headers = {"Location: file://" + dir.path().native() + "/secret"}};
    });
    EXPECT_EQ(refusal(request({server.url("/away")})), "accepted");
    fs::remove(target);
    EXPECT_THAT(refusal(request({server.url("/inside")})),
                MatchesRegex("cannot fetch '.*/inside': Protocol \"file\" (not supported or )?disabled.*"));
    EXPECT_EQ(refusal(request({server.url("/loop")})),
              "cannot fetch '" + server.url("/loop") + "': Maximum (5) redirects followed");
}

TEST_F(DownloaderTest, UsesTheProxyOfTheOptionsAndOfTheEnvironment) {
    const MirrorServer proxy(MirrorServer::files({{"http://archive.example/thing", payload}}));
    options.proxies.http = proxy.url();
    EXPECT_EQ(refusal(request({"http://archive.example/thing"})), "accepted");
    fs::remove(target);
    options.proxies.http.reset();
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    EXPECT_EQ(refusal(request({"http://archive.example/thing"})), "accepted");
    EXPECT_EQ(proxy.count("http://archive.example/thing"), 2U);
    fs::remove(target);
    const MirrorServer direct(MirrorServer::files({{"/thing", payload}}));
    options.proxies.hosts["127.0.0.1"] = "DIRECT";
    EXPECT_EQ(refusal(request({direct.url("/thing")})), "accepted") << "past the environment's proxy";
}

TEST_F(DownloaderTest, NeverShowsAPassword) {
    const MirrorServer server(MirrorServer::files({}));
    std::string url = server.url("/thing");
    url.insert(7, "user:secret@");
    EXPECT_EQ(refusal(request({url})), "cannot fetch '" + server.url("/thing") + "': HTTP status 404");
    EXPECT_EQ(server.asks().at(0).headers.at("authorization"), "Basic dXNlcjpzZWNyZXQ=");
}

TEST_F(DownloaderTest, ADeadMirrorIsNotAskedForEverything) {
    std::string dead;
    { dead = MirrorServer(MirrorServer::files({})).url(); }
    std::map<std::string, std::string> files;
    for (int i = 1; i <= 300; ++i) files["/" + std::to_string(i)] = std::to_string(i);
    const MirrorServer good(MirrorServer::files(files));
    std::vector<Request> requests;
    for (const auto& [path, body] : files) {
        requests.push_back(request({dead + path, good.url(path)}, body));
        requests.back().target = [this, name = body] { return dir.path() / name; };
    }
    Downloader downloader(options, notes);
    for (const auto& result : downloader.fetch(requests, "test")) EXPECT_TRUE(std::holds_alternative<Received>(result));

    for (auto& request : requests) request.urls.pop_back();
    for (const auto& [path, body] : files) fs::remove(dir.path() / body);
    const auto results = downloader.fetch(requests, "test");
    EXPECT_THAT(error_of(std::get<Failed>(results.back())).message(),
                MatchesRegex("cannot fetch 'http://127.0.0.1:.*': not asked any more after [0-9]+ failures in a row"));
}

TEST_F(DownloaderTest, WhatIsNoUrlIsAnError) {
    Downloader downloader(options, notes);
    try {
        (void)downloader.fetch_one(request({"not a url"}), "test");
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("cannot use 'not a url': "));
    }
    EXPECT_THROW((void)downloader.fetch_one(request({}), "test"), Error);
}

TEST_F(DownloaderTest, ATargetThatCannotBeWrittenIsAnError) {
    const MirrorServer server(in_turn({{.body = payload}}));
    Downloader downloader(options, notes);
    Request nowhere = request({server.url("/thing")});
    nowhere.target = [] { return fs::path("/nonexistent/target"); };
    try {
        (void)downloader.fetch_one(nowhere, "test");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot create '/nonexistent/target': No such file or directory");
    }
    EXPECT_NO_THROW((void)downloader.fetch_one(request({server.url("/thing")}), "test")) << "it is usable afterwards";
}
