#pragma once

// Where the time of a build goes: a span per stage, with wall time and the CPU time of this process
// and of the children it waited for meanwhile.

#include <base/json.hpp>
#include <base/progress.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace ashlar::pipeline {

struct Span {
    std::string role; // empty: shared by all roles
    std::string stage;
    double start = 0, wall = 0, cpu = 0; // seconds; start counts from the profile's birth
    bool cached = false;
};

class Profile {
public:
    using Clock = std::chrono::steady_clock;

    void add(Span span);
    [[nodiscard]] double now() const;

    // A table, longest first, with each stage's share.
    [[nodiscard]] std::string table() const;
    // The Trace Event Format that browsers' trace viewers and Perfetto open ("X" events, microseconds).
    [[nodiscard]] Json trace() const;

private:
    Clock::time_point birth_ = Clock::now();
    std::mutex mutex_;
    std::vector<Span> spans_;
};

// A stage for as long as it lives: timed, shown as an activity, recorded.
enum class Found { made, cached };

class StageTimer {
public:
    StageTimer(Profile& profile, Renderer& renderer, std::string role, std::string stage);
    StageTimer(const StageTimer&) = delete;
    StageTimer& operator=(const StageTimer&) = delete;
    ~StageTimer();

    [[nodiscard]] Activity& activity() noexcept { return activity_; }
    void found(Found found) { span_.cached = found == Found::cached; }

private:
    Profile& profile_;
    Span span_;
    double cpu_at_start_;
    Activity activity_;
};

} // namespace ashlar::pipeline
