#include "steps.hpp"

#include "dice.hpp"

#include <founding/step_lock.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace ashlar::scenario {

namespace {

using founding::Claim;
using founding::Held;
using std::chrono::seconds;

struct Worker {
    Claim claim;
    bool on = true;
    std::optional<std::uint64_t> running; // revision of the key when it began
    std::optional<Held> seen;             // the key, as the store said it last
    Microseconds seen_since{};
    std::uint64_t asked = 0;              // number of the newest request; answers to older ones are not looked at
    Microseconds until{}, stopped_until{};
    unsigned done = 0;
};

class Workshop {
public:
    Workshop(std::uint64_t seed, std::function<void(const std::string&)> trace) : dice_(seed ^ 0x10cc5U), trace_(std::move(trace)) {
        workers_.resize(dice_.between(2, 4));
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            workers_[i].claim.owner.bytes[0] = static_cast<std::byte>(i + 1);
            workers_[i].claim.boot = 1;
            workers_[i].claim.plan = "plan";
            workers_[i].claim.attempt = 1;
        }
    }

    std::optional<std::string> run() {
        for (unsigned turn = 0; turn < 400 && !violation_; ++turn) {
            now_ += dice_.between(Microseconds(1000), Microseconds(400'000));
            if (dice_.one_in(40)) now_ += dice_.between(seconds(30), seconds(400));
            deliver();
            act(workers_[dice_.below(workers_.size())]);
            const auto running = std::ranges::count_if(workers_, [](const Worker& worker) { return worker.running.has_value(); });
            if (running > 1) violation_ = "a step runs on two nodes at once";
        }
        return violation_;
    }

private:
    struct Letter {
        Microseconds at;
        std::function<void()> arrive;
    };

    void act(Worker& worker);
    void ask(Worker& worker);
    void answer(Worker& worker, std::uint64_t request, std::optional<Held> read);
    void post(std::function<void()> arrive);
    void deliver();
    bool put(const Claim& claim, std::uint64_t revision);
    void note(const Worker& worker, std::string_view text) {
        if (trace_) trace_(fmt::format("{:>10.3f} s  worker {} {}", static_cast<double>(now_.count()) / 1e6, std::to_integer<int>(worker.claim.owner.bytes[0]), text));
    }

    Dice dice_;
    std::function<void(const std::string&)> trace_;
    Microseconds now_{};
    std::vector<Worker> workers_;
    std::vector<Letter> letters_;
    std::optional<Held> key_;
    std::uint64_t revisions_ = 0;
    std::optional<std::string> violation_;
};

void Workshop::post(std::function<void()> arrive) {
    if (dice_.one_in(8)) return;
    const Microseconds takes = dice_.one_in(10) ? dice_.between(seconds(1), seconds(90)) : dice_.between(Microseconds(500), Microseconds(200'000));
    letters_.push_back({now_ + takes, arrive});
    if (dice_.one_in(12)) letters_.push_back({now_ + takes * 3, std::move(arrive)});
}

void Workshop::deliver() {
    for (std::size_t i = 0; i < letters_.size();) {
        if (letters_[i].at > now_) {
            ++i;
            continue;
        }
        const auto arrive = std::move(letters_[i].arrive);
        letters_.erase(letters_.begin() + static_cast<std::ptrdiff_t>(i));
        arrive();
        i = 0;
    }
}

bool Workshop::put(const Claim& claim, std::uint64_t revision) {
    if ((key_ ? key_->revision : 0) != revision) return false;
    key_ = Held{claim, ++revisions_};
    return true;
}

void Workshop::act(Worker& worker) {
    if (!worker.on) {
        worker.on = true;
        ++worker.claim.boot;
        worker.claim.attempt = 1;
        ++worker.asked;
        return note(worker, "is on again");
    }
    if (dice_.one_in(25)) {
        worker.on = false;
        worker.running.reset(); // what ran ended with the power
        return note(worker, "is off");
    }
    if (worker.stopped_until > now_) return;
    if (dice_.one_in(40)) {
        worker.stopped_until = now_ + dice_.between(seconds(20), seconds(600));
        return note(worker, "stops for a while, in the middle of what it does");
    }
    if (!worker.running) return ask(worker);
    if (now_ < worker.until) return;
    note(worker, "is done");
    const std::uint64_t revision = *worker.running;
    worker.running.reset();
    ++worker.claim.attempt;
    ++worker.asked;
    ++worker.done;
    post([this, revision] {
        if (key_ && key_->revision == revision) key_.reset();
    });
}

// The store's answer is about the moment when the request arrives there.
void Workshop::ask(Worker& worker) {
    const std::uint64_t request = ++worker.asked;
    post([this, &worker, request] { post([this, &worker, request, read = key_] { answer(worker, request, read); }); });
}

void Workshop::answer(Worker& worker, std::uint64_t request, std::optional<Held> read) {
    if (!worker.on || worker.running || request != worker.asked) return;
    if (worker.seen != read) worker.seen_since = now_;
    worker.seen = read;
    const founding::Evidence evidence{.gone = {}, .unchanged = std::chrono::duration_cast<Milliseconds>(now_ - worker.seen_since)};
    const auto turn = founding::next_turn(read, worker.claim, evidence);
    if (std::holds_alternative<founding::Run>(turn)) {
        worker.running = read->revision;
        worker.until = now_ + dice_.between(seconds(1), seconds(60));
        note(worker, "runs the step");
    } else if (const auto* write = std::get_if<founding::Put>(&turn)) {
        post([this, put = *write] { (void)this->put(put.claim, put.revision); });
    }
}

} // namespace

std::optional<std::string> run_steps(std::uint64_t seed, const std::function<void(const std::string&)>& trace) { return Workshop(seed, trace).run(); }

} // namespace ashlar::scenario
