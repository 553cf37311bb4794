#include <transfer/downloader.hpp>

#include "transfer.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <list>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

using Clock = std::chrono::steady_clock;

std::string wrong_digest(const Digest& is, const Digest& expected) {
    return fmt::format("SHA-256 is {}, expected {}", is.hex(), expected.hex());
}

std::string sentence(const Attempt& attempt) {
    return fmt::format("cannot {} '{}': {}", attempt.cause == Cause::wrong ? "verify" : "fetch", attempt.url,
                       attempt.text);
}

std::string first_hint(const std::vector<Attempt>& attempts) {
    for (const auto& attempt : attempts)
        if (!attempt.hint.empty()) return attempt.hint;
    return {};
}

} // namespace

bool Failed::absent() const {
    return std::all_of(attempts.begin(), attempts.end(),
                       [](const Attempt& attempt) { return attempt.cause == Cause::absent; });
}

Error error_of(const Failed& failed) {
    if (failed.attempts.size() == 1) return Error(sentence(failed.attempts[0]), failed.attempts[0].hint);
    std::string text =
        fmt::format("cannot fetch '{}': none of {} mirrors gave it", failed.name, failed.attempts.size());
    for (const auto& attempt : failed.attempts) text += "\n  " + sentence(attempt);
    return Error(text, first_hint(failed.attempts));
}

class Downloader::Engine {
public:
    Engine(Options options, Renderer& renderer)
        : options_(std::move(options)), renderer_(renderer), multi_(make_multi()) {}

    std::vector<Result> fetch(std::span<const Request> requests, std::string what);

private:
    // The work of one call. Transfers leave the multi handle when it goes, however it goes.
    class Batch;

    Options options_;
    Renderer& renderer_;
    Multi multi_;
    Servers servers_;
};

class Downloader::Engine::Batch {
public:
    Batch(Engine& engine, std::span<const Request> requests, std::string what)
        : engine_(engine), requests_(requests), activity_(engine.renderer_, std::move(what)),
          results_(requests.size()) {
        for (const auto& request : requests) {
            const auto* exactly = std::get_if<Exactly>(&request.expected);
            total_ = exactly == nullptr || !total_ ? std::nullopt : std::optional(*total_ + exactly->size);
        }
    }

    std::vector<Result> run() {
        while (start_what_may_start(), !waiting_.empty() || !running_.empty()) {
            const Happened happened = perform();
            report();
            if (happened == Happened::nothing) wait();
        }
        activity_.bytes(done_, total_.value_or(done_));
        std::vector<Result> results;
        for (auto& result : results_) results.push_back(std::move(result.value()));
        return results;
    }

private:
    struct Waiting {
        std::size_t index;
        std::unique_ptr<Job> job;
    };
    struct Running {
        std::size_t index;
        std::unique_ptr<Job> job;
        std::unique_ptr<Transfer> transfer;
    };

    // Whether the entry left the queue: started, complete already, or given up.
    bool advance(Waiting& waiting) {
        Job& job = *waiting.job;
        if (job.arrival().complete() && accept(waiting.index, job)) return true;
        Job::Mirror* const mirror = job.choose(engine_.servers_, engine_.options_);
        if (mirror == nullptr) {
            results_[waiting.index] = job.failure();
            if (job.request().given_up) job.request().given_up();
            return true;
        }
        if (job.not_before() > Clock::now()) return false;
        unsigned& busy = busy_[mirror->parts.server];
        if (busy >= engine_.options_.connections_per_host) return false;
        job.begin(*mirror);
        auto transfer = std::make_unique<Transfer>(engine_.multi_.get(), job, engine_.options_);
        running_.push_back({waiting.index, std::move(waiting.job), std::move(transfer)});
        ++busy;
        return true;
    }

    // A request begins when few others are under way: each that began may hold a file and a claim,
    // also while it pauses.
    void start_what_may_start() {
        for (auto entry = waiting_.begin(); entry != waiting_.end();)
            entry = advance(*entry) ? waiting_.erase(entry) : std::next(entry);
        const std::size_t most = std::size_t{engine_.options_.connections_per_host} * 4;
        while (next_ < requests_.size() && waiting_.size() + running_.size() < most) {
            Waiting begun{next_, std::make_unique<Job>(requests_[next_])};
            ++next_;
            if (!advance(begun)) waiting_.push_back(std::move(begun));
        }
    }

    enum class Happened { nothing, transfers_ended };

    Happened perform() {
        int active = 0;
        if (const CURLMcode outcome = curl_multi_perform(engine_.multi_.get(), &active); outcome != CURLM_OK)
            throw Error(fmt::format("cannot use 'libcurl': {}", curl_multi_strerror(outcome)));
        Happened happened = Happened::nothing;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(engine_.multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            Transfer* transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            finished(*transfer, message->data.result);
            happened = Happened::transfers_ended;
        }
        return happened;
    }

    void finished(Transfer& transfer, CURLcode code) {
        const auto entry = std::find_if(running_.begin(), running_.end(),
                                        [&](const Running& running) { return running.transfer.get() == &transfer; });
        const std::optional<Finding> finding = transfer.outcome(code);
        const auto pause = transfer.retry_after();
        const std::string server = transfer.server();
        --busy_[server];
        entry->transfer.reset();
        Waiting back{entry->index, std::move(entry->job)};
        running_.erase(entry);
        back.job->arrival().close();
        if (!finding) engine_.servers_.worked(server);
        if (finding) {
            if (finding->cause == Cause::transient) engine_.servers_.failed(server);
            if (finding->cause == Cause::wrong) back.job->arrival().restart();
            back.job->failed(*finding, engine_.options_, pause);
        } else if (accept(back.index, *back.job)) {
            return;
        }
        waiting_.push_back(std::move(back));
    }

    // False: the bytes are not what was asked for, and the job knows whose fault that is.
    bool accept(std::size_t index, Job& job) {
        Arrival& arrival = job.arrival();
        if (arrival.wanted_size() && !arrival.complete()) {
            job.failed(
                {Cause::transient, fmt::format("ended after {} of {} bytes", arrival.size(), arrival.limit()), {}},
                engine_.options_, {});
            return false;
        }
        const Arrival::Verdict verdict = arrival.judge();
        if (!verdict.good) {
            job.mismatched(
                {Cause::wrong, wrong_digest(verdict.sha256, std::get<Exactly>(job.request().expected).sha256), {}},
                engine_.options_);
            return false;
        }
        const auto mirror = job.source();
        const Received received{verdict.sha256, arrival.size(), mirror,
                                mirror ? job.mirrors()[*mirror].parts.shown : std::string()};
        done_ += received.size;
        if (job.request().arrived) job.request().arrived(received);
        results_[index] = received;
        for (const auto& asked : job.mirrors())
            if (asked.last && asked.last->cause == Cause::wrong) engine_.renderer_.note(sentence(*asked.last));
        return true;
    }

    [[nodiscard]] std::uint64_t arrived() const {
        std::uint64_t bytes = done_;
        for (const auto& running : running_) bytes += running.job->arrival().size();
        for (const auto& waiting : waiting_) bytes += waiting.job->arrival().size();
        return bytes;
    }

    void report() {
        const auto now = Clock::now();
        if (now < next_report_) return;
        next_report_ = now + std::chrono::milliseconds(50);
        activity_.bytes(arrived(), total_.value_or(0));
    }

    // Until something happens on the network, or a job's pause is over.
    void wait() {
        auto until = Clock::now() + std::chrono::milliseconds(500);
        for (const auto& waiting : waiting_)
            if (waiting.job->not_before() > Clock::now()) until = std::min(until, waiting.job->not_before());
        const auto pause = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (pause.count() > 0)
            curl_multi_poll(engine_.multi_.get(), nullptr, 0, static_cast<int>(pause.count()), nullptr);
    }

    Engine& engine_;
    std::span<const Request> requests_;
    std::size_t next_ = 0;
    Activity activity_;
    std::vector<std::optional<Result>> results_;
    std::list<Waiting> waiting_;
    std::list<Running> running_;
    std::map<std::string, unsigned> busy_;
    std::optional<std::uint64_t> total_ = 0; // empty = unknown
    std::uint64_t done_ = 0;
    Moment next_report_{};
};

std::vector<Result> Downloader::Engine::fetch(std::span<const Request> requests, std::string what) {
    if (requests.empty()) return {};
    return Batch(*this, requests, std::move(what)).run();
}

Downloader::Downloader(Options options, Renderer& renderer)
    : engine_(std::make_unique<Engine>(std::move(options), renderer)) {}

Downloader::~Downloader() = default;

std::vector<Result> Downloader::fetch(std::span<const Request> requests, std::string what) {
    return engine_->fetch(requests, std::move(what));
}

Received Downloader::fetch_one(const Request& request, std::string what) {
    Result result = std::move(fetch(std::span(&request, 1), std::move(what)).at(0));
    if (const auto* failed = std::get_if<Failed>(&result)) throw error_of(*failed);
    return std::get<Received>(std::move(result));
}

} // namespace ashlar::transfer
