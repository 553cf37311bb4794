#pragma once

// One request on its way: which mirror is next, when, and what became of the earlier ones.
// Pure bookkeeping; the network is elsewhere.

#include <transfer/downloader.hpp>

#include "arrival.hpp"
#include "cause.hpp"
#include "curl.hpp"

#include <chrono>
#include <random>

namespace ashlar::transfer {

using Moment = std::chrono::steady_clock::time_point;

// Servers that failed lately are asked last, so that a dead first mirror costs its time-out once and
// not once per file.
class Servers {
public:
    void failed(const std::string& server) { ++failures_[server]; }
    void worked(const std::string& server) { failures_.erase(server); }
    [[nodiscard]] unsigned failures(const std::string& server) const;

private:
    std::map<std::string, unsigned> failures_;
};

class Job {
public:
    explicit Job(const Request& request);

    struct Mirror {
        std::string url;
        UrlParts parts;
        unsigned tries = 0;
        bool out = false; // will not be asked again
        std::optional<Attempt> last;
    };

    // The mirror to ask next, or null when there is none left. A server that failed very often in a
    // row is not asked at all: a thousand packages do not wait a thousand times for it.
    [[nodiscard]] Mirror* choose(const Servers& servers, const Options& options);
    [[nodiscard]] Moment not_before() const noexcept { return not_before_; }

    void begin(Mirror& mirror); // an attempt
    void failed(const Finding& finding, const Options& options, std::chrono::milliseconds asked_pause);
    // All bytes are there and they are wrong. The mirror that sent the last of them is to blame,
    // unless they began before it: that is forgiven once, and everything starts anew.
    void mismatched(const Finding& finding, const Options& options);

    [[nodiscard]] const Request& request() const noexcept { return *request_; }
    [[nodiscard]] Arrival& arrival() noexcept { return arrival_; }
    [[nodiscard]] const Arrival& arrival() const noexcept { return arrival_; }
    [[nodiscard]] Mirror& mirror() noexcept { return *current_; }
    // Where the bytes are from, as far as is known.
    [[nodiscard]] std::optional<std::size_t> source() const;
    [[nodiscard]] const std::vector<Mirror>& mirrors() const noexcept { return mirrors_; }
    [[nodiscard]] Failed failure() const;

private:
    [[nodiscard]] bool gained();

    const Request* request_;
    Arrival arrival_;
    std::vector<Mirror> mirrors_;
    Mirror* current_ = nullptr;
    Moment not_before_{};
    std::uint64_t furthest_;
    unsigned pauses_ = 0;
    bool forgave_ = false;
};

} // namespace ashlar::transfer
