#pragma once

// A site that begins before the eyes of whoever started it: power on, look, tell, until it has formed and somebody ends it.

#include <virtual_site/body.hpp>
#include <virtual_site/progress.hpp>
#include <virtual_site/site_copy.hpp>
#include <virtual_site/status_stream.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace ashlar::command {

// SIGINT, SIGTERM and SIGHUP no longer end this process: whoever looks here does, and cleans up. Nor does a reader that has gone away.
class Interruption {
public:
    Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    ~Interruption();
    [[nodiscard]] bool came() const { return came_ != 0; }

private:
    static void note(int) { came_ = 1; }
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    static inline volatile std::sig_atomic_t came_ = 0;
    std::array<void (*)(int), signals.size()> before_{};
};

class Stage {
public:
    enum class Style { terminal, lines, json };
    enum class Until { interrupted, formed };
    enum class Timeline { hidden, shown };
    enum class Order {
        together,
        one_by_one, // the next when the one before it is up: where they would starve each other
    };
    struct Options {
        std::string name;  // of the site
        std::string place; // as the user calls it
        Style style = Style::lines;
        Until until = Until::interrupted;
        Timeline timeline = Timeline::hidden;
        Order order = Order::together;
        std::chrono::seconds patience{};
    };

    // `bodies` outlive it: those of the copy's nodes, in their order.
    Stage(Options options, const virtual_site::SiteCopy& copy, std::size_t voters, const std::vector<std::unique_ptr<virtual_site::Body>>& bodies);

    // The exit code.
    [[nodiscard]] int play(const Interruption& interruption);

private:
    [[nodiscard]] virtual_site::Elapsed now() const { return std::chrono::steady_clock::now() - start_; }
    void open();
    void power_on_next();
    [[nodiscard]] bool may_power_on_next() const;
    void wait();
    void look();
    void look_at(std::size_t node);
    [[nodiscard]] bool has_formed() const;
    void tell(std::size_t node);
    void tell_boot(std::size_t node, const Json& report);
    void tell_formed();
    [[nodiscard]] int give_up();
    void draw();
    void say(const std::string& text);
    static void say(const Json& json);

    const Options options_;
    const virtual_site::SiteCopy& copy_;
    const std::vector<std::unique_ptr<virtual_site::Body>>& bodies_;
    virtual_site::Progress progress_;
    std::vector<virtual_site::StatusStream> streams_;
    std::vector<bool> was_on_;
    std::size_t powered_on_ = 0; // how many
    std::chrono::steady_clock::time_point start_{};
    std::size_t drawn_ = 0; // lines of the table that stand on the terminal
    bool formed_ = false;
};

} // namespace ashlar::command
