#pragma once

// A machine that is on beside us, as boot() boots it, and goes on as machines do: when it restarts, it starts again. A thread
// of its own attends to it. It ends with this object or process.

#include <machine/machine.hpp>

#include <base/json.hpp>

#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace ashlar::machine {

class Attended {
public:
    // The power is on when this returns, or will fail soon. Of `options` whatever says when a boot ends means nothing.
    explicit Attended(Options options);
    Attended(const Attended&) = delete;
    Attended& operator=(const Attended&) = delete;
    ~Attended(); // cuts the power

    // False when it powered itself off, or its emulator ended. Throws Error when QEMU could not be started.
    [[nodiscard]] bool is_on() const;
    // docs/formats/status.md: what it sent when it last came to the end of a boot.
    [[nodiscard]] std::optional<Json> status() const;
    // How often it started again by itself.
    [[nodiscard]] unsigned restarts() const;

private:
    void attend(const std::stop_token& stop);
    // Whether it wants to start again.
    bool run_once(const std::stop_token& stop);

    const Options options_;
    mutable std::mutex mutex_; // what follows
    bool is_on_ = true;
    std::exception_ptr failure_;
    std::optional<Json> status_;
    unsigned restarts_ = 0;
    std::jthread thread_;
};

} // namespace ashlar::machine
