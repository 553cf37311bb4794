#include <pipeline/profile.hpp>

#include <algorithm>
#include <map>
#include <sys/resource.h>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace {

double cpu_seconds() {
    double total = 0;
    for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage{};
        ::getrusage(static_cast<__rusage_who>(who), &usage);
        for (const timeval& part : {usage.ru_utime, usage.ru_stime})
            total += static_cast<double>(part.tv_sec) + static_cast<double>(part.tv_usec) / 1e6;
    }
    return total;
}

std::string title(const Span& span) { return span.role.empty() ? span.stage : fmt::format("{}: {}", span.role, span.stage); }

} // namespace

void Profile::add(Span span) {
    const std::lock_guard lock(mutex_);
    spans_.push_back(std::move(span));
}

double Profile::now() const { return std::chrono::duration<double>(Clock::now() - birth_).count(); }

std::string Profile::table() const {
    auto sorted = spans_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Span& a, const Span& b) { return a.wall > b.wall; });
    const double total = std::max(now(), 1e-9);
    std::string text = fmt::format("{:<36} {:>8} {:>8} {:>6}\n", "stage", "wall s", "CPU s", "share");
    for (const Span& span : sorted)
        text += fmt::format("{:<36} {:>8.2f} {:>8.2f} {:>5.0f}%{}\n", title(span), span.wall, span.cpu,
                            span.wall / total * 100, span.cached ? "  cached" : "");
    text += fmt::format("{:<36} {:>8.2f} {:>8.2f}\n", "whole command", total, cpu_seconds());
    return text;
}

Json Profile::trace() const {
    Json events = Json::array();
    std::map<std::string, int> lanes;
    for (const Span& span : spans_) {
        const int lane = lanes.try_emplace(span.role, static_cast<int>(lanes.size()) + 1).first->second;
        events.push_back({{"name", span.stage}, {"ph", "X"}, {"pid", 1}, {"tid", lane}, {"ts", span.start * 1e6},
                          {"dur", span.wall * 1e6}, {"args", {{"cpu_seconds", span.cpu}, {"cached", span.cached}}}});
    }
    for (const auto& [role, lane] : lanes)
        events.push_back({{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", lane},
                          {"args", {{"name", role.empty() ? "shared" : role}}}});
    return {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
}

StageTimer::StageTimer(Profile& profile, Renderer& renderer, std::string role, std::string stage)
    : profile_(profile), span_{.role = std::move(role), .stage = std::move(stage), .start = profile.now()},
      cpu_at_start_(cpu_seconds()), activity_(renderer, title(span_)) {}

StageTimer::~StageTimer() {
    span_.wall = profile_.now() - span_.start;
    span_.cpu = cpu_seconds() - cpu_at_start_;
    if (span_.cached) activity_.outcome("cached");
    profile_.add(std::move(span_));
}

} // namespace ashlar::pipeline
