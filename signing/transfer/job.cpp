#include "job.hpp"

#include "connection.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

constexpr std::uint64_t worthwhile = 1'000'000; // bytes
constexpr unsigned failures_of_the_dead = 4;    // per connection

} // namespace

unsigned Servers::failures(const std::string& server) const {
    const auto found = failures_.find(server);
    return found == failures_.end() ? 0 : found->second;
}

Job::Job(const Request& request)
    : request_(&request), arrival_(request.target(), request.expected), furthest_(arrival_.size()) {
    for (const auto& url : request.urls) mirrors_.push_back({url, parse_url(url)});
    if (mirrors_.empty()) throw Error(fmt::format("cannot fetch '{}': no mirror is named", request.name));
}

Job::Mirror* Job::choose(const Servers& servers, const Options& options) {
    Mirror* best = nullptr;
    const auto rank = [&](const Mirror& mirror) {
        return std::tuple(mirror.tries, servers.failures(mirror.parts.server));
    };
    for (auto& mirror : mirrors_) {
        if (mirror.out || mirror.tries >= options.tries) continue;
        const unsigned failures = servers.failures(mirror.parts.server);
        if (failures >= options.dead_after.value_or(options.connections_per_host * failures_of_the_dead)) {
            if (!mirror.last)
                mirror.last = {mirror.parts.shown,
                               Cause::transient,
                               fmt::format("not asked any more after {} failures in a row", failures),
                               {}};
        } else if (best == nullptr || rank(mirror) < rank(*best)) {
            best = &mirror;
        }
    }
    return best;
}

std::optional<std::size_t> Job::source() const {
    if (current_ == nullptr) return std::nullopt;
    return static_cast<std::size_t>(current_ - mirrors_.data());
}

void Job::begin(Mirror& mirror) {
    current_ = &mirror;
    ++mirror.tries;
    arrival_.open();
}

bool Job::gained() {
    if (arrival_.size() < furthest_ + worthwhile) return false;
    furthest_ = arrival_.size();
    return true;
}

void Job::failed(const Finding& finding, const Options& options, std::chrono::milliseconds asked_pause) {
    current_->last = {current_->parts.shown, finding.cause, finding.text, finding.hint};
    current_->out = finding.cause != Cause::transient;
    const bool untried = std::any_of(mirrors_.begin(), mirrors_.end(),
                                     [](const Mirror& mirror) { return !mirror.out && mirror.tries == 0; });
    if (finding.cause == Cause::transient && gained()) {
        --current_->tries;
        pauses_ = 0;
    }
    if (untried) return;
    not_before_ = std::chrono::steady_clock::now() + pause_before(pauses_++, options, asked_pause);
}

void Job::mismatched(const Finding& finding, const Options& options) {
    const bool from_before = current_ == nullptr || (arrival_.continued() && !std::exchange(forgave_, true));
    arrival_.restart();
    furthest_ = 0;
    if (!from_before) return failed(finding, options, {});
    if (current_ != nullptr) --current_->tries;
}

Failed Job::failure() const {
    Failed failed{request_->name, {}};
    for (const auto& mirror : mirrors_)
        if (mirror.last) failed.attempts.push_back(*mirror.last);
    return failed;
}

} // namespace ashlar::transfer
