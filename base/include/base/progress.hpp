#pragma once

// Progress is reported by whoever works and shown by whoever owns the terminal.
// An Activity lives as long as the work; a Renderer decides what becomes of it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ashlar {

class Renderer {
public:
    virtual ~Renderer() = default;
    // Called from any thread. `id` is unique per activity.
    virtual void started(std::uint64_t id, std::string_view name) = 0;
    // `total` 0 = unknown. Unit: whatever the activity counts; bytes when `bytes`.
    virtual void advanced(std::uint64_t id, std::uint64_t done, std::uint64_t total, bool bytes) = 0;
    virtual void finished(std::uint64_t id, std::string_view outcome) = 0;
    // A line for the reader that belongs to no activity.
    virtual void note(std::string_view line) = 0;
};

// Terminal: one live line per running activity, then a line with its duration.
// Plain: a line at start and end of activities that last longer than a second. Json: an object a line.
enum class ProgressStyle { automatic, terminal, plain, json, quiet };
[[nodiscard]] std::unique_ptr<Renderer> make_renderer(ProgressStyle style, int fd);

class Activity {
public:
    Activity(Renderer& renderer, std::string name);
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;
    ~Activity();

    void count(std::uint64_t done, std::uint64_t total);
    void bytes(std::uint64_t done, std::uint64_t total);
    // Shown at the end instead of the bare duration, e.g. "184 packages, 103 MB".
    void outcome(std::string text) { outcome_ = std::move(text); }

private:
    Renderer& renderer_;
    std::uint64_t id_;
    std::string outcome_;
};

} // namespace ashlar
