#pragma once

// Fetches many files at once from mirrors that may lie, stall, or be gone: docs/guides/mirrors.md.
//
// What arrives is either exactly what was asked for or refused by name. A file that several mirrors
// have is tried at each: at once at the next one when a mirror fails, and again after a pause where
// the failure may pass (no connection, 5xx, too slow). What was received stays and is continued.

#include <base/error.hpp>
#include <base/progress.hpp>
#include <signing/digest.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::transfer {

// What bytes are accepted. There is no "anything".
struct Exactly {
    Digest sha256;
    std::uint64_t size = 0;
};
// For what carries its own proof, e.g. a signed file: the caller checks it.
struct AtMost {
    std::uint64_t size = 0;
};
using Expected = std::variant<Exactly, AtMost>;

struct Received {
    Digest sha256;
    std::uint64_t size = 0;
    std::optional<std::size_t> mirror; // of the request's URLs; empty when all of it was there already
    std::string url; // the same without user name and password
};

struct Request {
    std::string name; // for people: "openssh-server 1:10.0p1-7"
    std::vector<std::string> urls; // of the same file, http, https or file; the first is preferred
    Expected expected;
    // Where it goes; asked once, when its turn comes. The file is created, or continued if it is
    // there and `expected` is Exactly. After a failure what was received stays unless it was wrong.
    std::function<std::filesystem::path()> target;
    // Called once, as soon as the file is complete and found good; may move it away.
    std::function<void(const Received&)> arrived;
    // Called once, as soon as no mirror is left; may let go of what `target` took.
    std::function<void()> given_up;
};

// Why a mirror did not give the file.
enum class Cause {
    absent, // 404, 410, no such file
    wrong, // other bytes than expected
    refused, // by the server or by our rules: 403, a certificate, a redirect to another scheme
    transient, // may work later
};

struct Attempt {
    std::string url; // without user name and password
    Cause cause = Cause::transient;
    std::string text; // "HTTP status 404"
    std::string hint; // may be empty
};

// No mirror gave the file. That may be an answer (the caller asked whether it is there), so it is a
// value.
struct Failed {
    std::string name;
    std::vector<Attempt> attempts; // the last one at each URL
    [[nodiscard]] bool absent() const; // every mirror says it does not have it
};

using Result = std::variant<Received, Failed>;

// `cannot fetch '<name>': …` with each mirror and its cause; `cannot verify '<url>': …` when wrong
// bytes from the only mirror are the cause.
[[nodiscard]] Error error_of(const Failed& failed);

struct Proxies {
    // URLs of proxies; without one the environment decides (http_proxy, https_proxy, no_proxy).
    std::optional<std::string> http, https;
    std::map<std::string, std::string> hosts; // for one host; "DIRECT" = none
};

// Who we are, for servers that ask. Files that only their owner may read, and never arguments, which
// everybody on the machine can see.
// With any of these a redirect is not followed: what proves who we are goes to nobody else.
struct Credentials {
    // netrc(5): login and password for the server's host.
    std::optional<std::filesystem::path> netrc;
    // Lines that are sent with every request, "Authorization: Bearer …"; empty ones and those that begin
    // with # are not.
    std::optional<std::filesystem::path> headers;
    // Requests are signed for this region with AWS Signature Version 4, as S3 wants it; netrc's login and
    // password are access key and secret key.
    std::optional<std::string> s3_region;
    [[nodiscard]] bool any() const noexcept { return netrc || headers || s3_region; }
};

struct Options {
    Proxies proxies;
    Credentials credentials;
    // Trusted beside the system's certificates.
    std::optional<std::filesystem::path> certificates;
    unsigned connections_per_host = 8;
    std::chrono::milliseconds connect_timeout{15'000};
    // A transfer slower than this for that long is given up.
    std::uint64_t slowest_bytes_per_second = 1024;
    std::chrono::seconds slowest_time{30};
    // How often each mirror is tried when its failure may pass. A try that came a megabyte further
    // than all before does not count.
    unsigned tries = 4;
    // A server that failed so often in a row is not asked any more; without it 4 times a connection.
    std::optional<unsigned> dead_after;
    std::chrono::milliseconds first_pause{500}; // doubles, with jitter
    std::chrono::milliseconds longest_pause{30'000};
};

// Used by one thread at a time. Keeps connections between calls.
class Downloader {
public:
    // What wrong bytes were refused, although another mirror had the right ones, is noted here.
    Downloader(Options options, Renderer& renderer);
    Downloader(const Downloader&) = delete;
    Downloader& operator=(const Downloader&) = delete;
    ~Downloader();

    // One result per request, in their order. `what` names the activity: "fetching packages".
    // Throws only for what is no mirror's fault: a disk that is full, a target that cannot be written;
    // then what is under way is left as it is.
    [[nodiscard]] std::vector<Result> fetch(std::span<const Request> requests, std::string what);

    // One file, or Error.
    Received fetch_one(const Request& request, std::string what);

private:
    class Engine;
    std::unique_ptr<Engine> engine_;
};

} // namespace ashlar::transfer
