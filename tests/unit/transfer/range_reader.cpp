#include <transfer/range_reader.hpp>

#include <signing/bytes.hpp>

#include <mirror_server.hpp>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
using namespace ashlar::transfer;
using ashlar::test::Ask;
using ashlar::test::MirrorServer;
using ashlar::test::Reply;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

const std::string payload = [] {
    std::string text;
    for (std::uint64_t i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i * 7919) + "\n";
    return text;
}();

const Options patient{.connect_timeout = std::chrono::milliseconds(2000),
                      .slowest_time = std::chrono::seconds(1),
                      .first_pause = std::chrono::milliseconds(1),
                      .longest_pause = std::chrono::milliseconds(5)};

std::string read(RangeReader& reader, std::uint64_t offset, std::size_t size) {
    std::string text(size, '\0');
    reader.read(offset, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

std::string refusal(RangeReader& reader, std::uint64_t offset, std::size_t size) {
    try {
        return "read: " + read(reader, offset, size).substr(0, 20);
    } catch (const Error& error) {
        return error.message();
    }
}

std::vector<std::string> ranges(const MirrorServer& server) {
    std::vector<std::string> all;
    for (const Ask& ask : server.asks()) all.push_back(ask.headers.at("range"));
    return all;
}

// The n-th reply, the last one for ever.
MirrorServer::Handler in_turn(std::vector<Reply> replies) {
    auto next = std::make_shared<std::atomic<std::size_t>>(0);
    return [replies = std::move(replies), next](const Ask&) {
        return replies[std::min(next->fetch_add(1), replies.size() - 1)];
    };
}

struct RangeReaderTest : testing::Test {
    void SetUp() override { test::forget_proxies(); }
};

} // namespace

TEST_F(RangeReaderTest, EachReadIsOneRangeOverTheSameConnection) {
    const MirrorServer server(MirrorServer::files({{"/f", payload}}), MirrorServer::Connections::kept);
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(reader.size(), payload.size());
    EXPECT_EQ(reader.service(), RangeReader::Service::parts);
    EXPECT_EQ(read(reader, 2'000'000, 500), payload.substr(2'000'000, 500));
    EXPECT_EQ(read(reader, 100'000, 1'000'000), payload.substr(100'000, 1'000'000));
    EXPECT_EQ(read(reader, payload.size() - 1, 1), payload.substr(payload.size() - 1));
    EXPECT_THAT(ranges(server), ElementsAre("bytes=0-65535", "bytes=2000000-2000499", "bytes=100000-1099999",
                                            "bytes=" + std::to_string(payload.size() - 1) + "-" + std::to_string(payload.size() - 1)));
    EXPECT_EQ(server.connections(), 1U);
    EXPECT_EQ(reader.transferred(), 65536U + 500 + 1'000'000 + 1);
}

TEST_F(RangeReaderTest, TheBeginningIsAskedForOnce) {
    const MirrorServer server(MirrorServer::files({{"/f", payload}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(read(reader, 0, 512), payload.substr(0, 512));
    EXPECT_EQ(read(reader, 512, 10'000), payload.substr(512, 10'000));
    EXPECT_EQ(read(reader, 60'000, 10'000), payload.substr(60'000, 10'000)); // half of it is there
    EXPECT_THAT(ranges(server), ElementsAre("bytes=0-65535", "bytes=65536-69999"));
}

TEST_F(RangeReaderTest, AFileSmallerThanTheBeginning) {
    const MirrorServer server(MirrorServer::files({{"/f", "small"}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(reader.size(), 5U);
    EXPECT_EQ(read(reader, 1, 3), "mal");
    EXPECT_EQ(server.asks().size(), 1U);
    EXPECT_EQ(refusal(reader, 1, 5), "cannot fetch '" + server.url("/f") + "': it ends at byte 5, byte 6 is wanted");
}

TEST_F(RangeReaderTest, AServerThatSendsEverythingIsReadForwardOnce) {
    const MirrorServer server([](const Ask&) { return Reply{.body = payload, .ranges = Reply::Ranges::ignored}; });
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(reader.size(), payload.size());
    EXPECT_EQ(reader.service(), RangeReader::Service::whole);
    for (std::uint64_t at = 0; at + 300'000 < payload.size(); at += 400'000)
        EXPECT_EQ(read(reader, at, 300'000), payload.substr(at, 300'000)) << at;
    EXPECT_EQ(server.asks().size(), 1U);
    EXPECT_LE(reader.transferred(), payload.size());
    EXPECT_EQ(read(reader, 70'000, 10), payload.substr(70'000, 10)) << "back: from the start again";
    EXPECT_EQ(server.asks().size(), 2U);
}

TEST_F(RangeReaderTest, ReadsOfAnySizeAndPlaceGiveTheFilesBytes) {
    for (const auto served : {Reply::Ranges::served, Reply::Ranges::ignored}) {
        const MirrorServer server([served](const Ask&) { return Reply{.body = payload, .ranges = served}; }, MirrorServer::Connections::kept);
        RangeReader reader(server.url("/f"), patient);
        rc::check("read() gives payload.substr()", [&] {
            const auto from = *rc::gen::inRange<std::size_t>(0, payload.size());
            const auto size = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(payload.size() - from, 700'000) + 1);
            RC_ASSERT(read(reader, from, size) == payload.substr(from, size));
        });
    }
}

TEST_F(RangeReaderTest, GoesOnWhereAConnectionBroke) {
    const MirrorServer server(in_turn({{.body = payload},
                                       {.body = payload, .fault = Reply::Fault::drop, .good = 400'000},
                                       {.status = 503, .body = "later"},
                                       {.body = payload, .fault = Reply::Fault::stall, .good = 10'000},
                                       {.body = payload}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(read(reader, 1'000'000, 500'000), payload.substr(1'000'000, 500'000));
    EXPECT_THAT(ranges(server), ElementsAre("bytes=0-65535", "bytes=1000000-1499999", "bytes=1400000-1499999",
                                            "bytes=1400000-1499999", "bytes=1410000-1499999"));
}

TEST_F(RangeReaderTest, GoesOnAfterAWholeFileBroke) {
    const MirrorServer server(in_turn({{.body = payload, .ranges = Reply::Ranges::ignored, .fault = Reply::Fault::drop, .good = 900'000},
                                       {.body = payload, .ranges = Reply::Ranges::ignored}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(read(reader, 500'000, 2'000'000), payload.substr(500'000, 2'000'000));
    EXPECT_EQ(server.asks().size(), 2U);
}

TEST_F(RangeReaderTest, GivesUpAfterTriesWithoutProgress) {
    const MirrorServer server([](const Ask&) { return Reply{.status = 503, .body = "no"}; });
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(refusal(reader, 0, 1), "cannot fetch '" + server.url("/f") + "': HTTP status 503");
    EXPECT_EQ(server.asks().size(), patient.tries);
}

TEST_F(RangeReaderTest, DoesNotAskAgainWhatCannotBeCured) {
    const MirrorServer server(MirrorServer::files({}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(refusal(reader, 0, 1), "cannot fetch '" + server.url("/f") + "': HTTP status 404");
    EXPECT_EQ(server.asks().size(), 1U);
}

TEST_F(RangeReaderTest, NobodyThere) {
    std::string url;
    {
        const MirrorServer server(MirrorServer::files({}));
        url = server.url("/f");
    }
    RangeReader reader(url, patient);
    EXPECT_THAT(refusal(reader, 0, 1), HasSubstr("cannot fetch '" + url + "': Failed to connect"));
}

TEST_F(RangeReaderTest, AFileThatChangesItsSizeIsRefused) {
    const MirrorServer server(in_turn({{.body = payload}, {.body = payload + "more"}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(refusal(reader, 500'000, 10),
              "cannot fetch '" + server.url("/f") + "': its size was " + std::to_string(payload.size()) + " bytes and is " +
                  std::to_string(payload.size() + 4) + " now");
}

TEST_F(RangeReaderTest, AnUnknownSizeIsRefused) {
    const MirrorServer server([](const Ask&) {
        return Reply{.body = payload, .ranges = Reply::Ranges::ignored, .length = Reply::Length::unknown};
    });
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(refusal(reader, 0, 1), "cannot fetch '" + server.url("/f") + "': the server does not say how large it is");
}

TEST_F(RangeReaderTest, AnotherRangeThanAskedForIsRefused) {
    const MirrorServer server(in_turn({{.body = payload}, {.status = 206, .body = "x", .headers = {"Content-Range: bytes 7-7/9"}}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(refusal(reader, 500'000, 10),
              "cannot fetch '" + server.url("/f") + "': sent another range than asked for: 'bytes 7-7/9'");
}

TEST_F(RangeReaderTest, MoreThanAskedForIsCutOff) {
    const MirrorServer server(in_turn({{.body = payload},
                                       {.status = 206,
                                        .headers = {"Content-Range: bytes 500000-500009/" + std::to_string(payload.size())},
                                        .fault = Reply::Fault::endless}}));
    RangeReader reader(server.url("/f"), patient);
    EXPECT_EQ(read(reader, 500'000, 10), "xxxxxxxxxx");
    EXPECT_LE(reader.transferred(), 65536U + (1U << 20U));
}

TEST_F(RangeReaderTest, GoesThroughAProxy) {
    const MirrorServer proxy([](const Ask& ask) { return ask.target == "http://far.example/f" ? Reply{.body = payload} : Reply{.status = 404}; });
    Options options = patient;
    options.proxies.http = proxy.url();
    RangeReader reader("http://far.example/f", options);
    EXPECT_EQ(read(reader, 100'000, 5), payload.substr(100'000, 5));
}

TEST_F(RangeReaderTest, PasswordsStayOutOfMessages) {
    const MirrorServer server(MirrorServer::files({}));
    std::string url = server.url("/f");
    url.insert(url.find("//") + 2, "user:secret@");
    RangeReader reader(url, patient);
    EXPECT_EQ(reader.name(), server.url("/f"));
    EXPECT_EQ(refusal(reader, 0, 1), "cannot fetch '" + server.url("/f") + "': HTTP status 404");
}

TEST_F(RangeReaderTest, FilesHereAreReadWhereTheyLie) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "a file", payload);
    RangeReader reader("file://" + dir.path().native() + "/a%20file", patient);
    EXPECT_EQ(reader.size(), payload.size());
    EXPECT_EQ(read(reader, 12345, 10), payload.substr(12345, 10));
    EXPECT_EQ(reader.service(), RangeReader::Service::parts);
    EXPECT_THROW(RangeReader("file:///nowhere/f", patient), Error);
}
