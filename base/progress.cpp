#include <base/progress.hpp>

#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Progress is a courtesy: a closed terminal must not stop a build.
void put(int fd, std::string_view text) {
    [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
}

struct Running {
    std::string name;
    Clock::time_point start = Clock::now();
    std::uint64_t done = 0, total = 0;
    bool bytes = false, announced = false;

    [[nodiscard]] std::string amount() const {
        if (done == 0 && total == 0) return {};
        const auto show = [this](std::uint64_t n) { return bytes ? human_bytes(n) : fmt::format("{}", n); };
        if (total == 0) return show(done);
        return fmt::format("{} of {} ({}%)", show(done), show(total), done * 100 / total);
    }
};

class TerminalRenderer : public Renderer {
public:
    explicit TerminalRenderer(int fd) : fd_(fd) {}
    ~TerminalRenderer() override { erase(); }

    void started(std::uint64_t id, std::string_view name) override {
        const std::lock_guard lock(mutex_);
        running_[id] = Running{.name = std::string(name)};
        draw();
    }
    void advanced(std::uint64_t id, std::uint64_t done, std::uint64_t total, bool bytes) override {
        const std::lock_guard lock(mutex_);
        auto& one = running_[id];
        one.done = done;
        one.total = total;
        one.bytes = bytes;
        if (seconds_since(drawn_at_) > 0.1) draw();
    }
    void finished(std::uint64_t id, std::string_view outcome) override {
        const std::lock_guard lock(mutex_);
        const auto one = running_.extract(id);
        erase();
        put(fd_, fmt::format("  {:<34} {:>7.1f} s  {}\n", one.mapped().name, seconds_since(one.mapped().start), outcome));
        draw();
    }
    void note(std::string_view line) override {
        const std::lock_guard lock(mutex_);
        erase();
        put(fd_, fmt::format("{}\n", line));
        draw();
    }

private:
    void erase() {
        for (; lines_ > 0; --lines_) put(fd_, "\x1b[1A\x1b[2K");
    }
    void draw() {
        erase();
        for (const auto& [id, one] : running_) {
            put(fd_, fmt::format("\x1b[2m→ {:<34} {:>7.1f} s  {}\x1b[0m\n", one.name, seconds_since(one.start), one.amount()));
            ++lines_;
        }
        drawn_at_ = Clock::now();
    }

    int fd_;
    std::mutex mutex_;
    std::map<std::uint64_t, Running> running_;
    int lines_ = 0;
    Clock::time_point drawn_at_;
};

class PlainRenderer : public Renderer {
public:
    explicit PlainRenderer(int fd) : fd_(fd) {}

    void started(std::uint64_t id, std::string_view name) override {
        const std::lock_guard lock(mutex_);
        running_[id] = Running{.name = std::string(name)};
    }
    // Long work says every ten seconds how far it is.
    void advanced(std::uint64_t id, std::uint64_t done, std::uint64_t total, bool bytes) override {
        const std::lock_guard lock(mutex_);
        auto& one = running_[id];
        one.done = done;
        one.total = total;
        one.bytes = bytes;
        if (seconds_since(said_at_) < 10 || seconds_since(one.start) < 2) return;
        said_at_ = Clock::now();
        put(fd_, fmt::format("{}: {}\n", one.name, one.amount()));
    }
    void finished(std::uint64_t id, std::string_view outcome) override {
        const std::lock_guard lock(mutex_);
        const auto one = running_.extract(id);
        put(fd_, fmt::format("{}: {:.1f} s{}{}\n", one.mapped().name, seconds_since(one.mapped().start),
                             outcome.empty() ? "" : ", ", outcome));
    }
    void note(std::string_view line) override {
        const std::lock_guard lock(mutex_);
        put(fd_, fmt::format("{}\n", line));
    }

private:
    int fd_;
    std::mutex mutex_;
    std::map<std::uint64_t, Running> running_;
    Clock::time_point said_at_ = Clock::now();
};

class JsonRenderer : public Renderer {
public:
    explicit JsonRenderer(int fd) : fd_(fd) {}

    void started(std::uint64_t id, std::string_view name) override { say({{"event", "started"}, {"id", id}, {"name", name}}); }
    void advanced(std::uint64_t id, std::uint64_t done, std::uint64_t total, bool bytes) override {
        say({{"event", "advanced"}, {"id", id}, {"done", done}, {"total", total}, {"unit", bytes ? "bytes" : "items"}});
    }
    void finished(std::uint64_t id, std::string_view outcome) override {
        say({{"event", "finished"}, {"id", id}, {"outcome", outcome}});
    }
    void note(std::string_view line) override { say({{"event", "note"}, {"text", line}}); }

private:
    void say(const Json& event) {
        const std::lock_guard lock(mutex_);
        put(fd_, event.dump() + "\n");
    }

    int fd_;
    std::mutex mutex_;
};

class QuietRenderer : public Renderer {
public:
    void started(std::uint64_t, std::string_view) override {}
    void advanced(std::uint64_t, std::uint64_t, std::uint64_t, bool) override {}
    void finished(std::uint64_t, std::string_view) override {}
    void note(std::string_view) override {}
};

} // namespace

std::unique_ptr<Renderer> make_renderer(ProgressStyle style, int fd) {
    if (style == ProgressStyle::automatic) style = ::isatty(fd) ? ProgressStyle::terminal : ProgressStyle::plain;
    switch (style) {
    case ProgressStyle::terminal: return std::make_unique<TerminalRenderer>(fd);
    case ProgressStyle::json: return std::make_unique<JsonRenderer>(fd);
    case ProgressStyle::quiet: return std::make_unique<QuietRenderer>();
    default: return std::make_unique<PlainRenderer>(fd);
    }
}

namespace {
std::atomic<std::uint64_t> next_activity{1};
}

Activity::Activity(Renderer& renderer, std::string name) : renderer_(renderer), id_(next_activity++) {
    renderer_.started(id_, name);
}
Activity::~Activity() { renderer_.finished(id_, outcome_); }
void Activity::count(std::uint64_t done, std::uint64_t total) { renderer_.advanced(id_, done, total, false); }
void Activity::bytes(std::uint64_t done, std::uint64_t total) { renderer_.advanced(id_, done, total, true); }

} // namespace ashlar
