#include <machine/attended.hpp>

#include "running.hpp"

#include <base/error.hpp>

#include <utility>

namespace ashlar::machine {

Attended::Attended(Options options) : options_(std::move(options)) {
    refuse_bad(options_);
    thread_ = std::jthread([this](const std::stop_token& stop) { attend(stop); });
}

Attended::~Attended() = default;

bool Attended::is_on() const {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return is_on_;
}

std::optional<Json> Attended::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

unsigned Attended::restarts() const {
    const std::lock_guard lock(mutex_);
    return restarts_;
}

void Attended::attend(const std::stop_token& stop) {
    std::exception_ptr failure;
    try {
        while (run_once(stop)) {
            const std::lock_guard lock(mutex_);
            ++restarts_;
        }
    } catch (...) {
        failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    is_on_ = false;
}

// The console is read whoever wants it: the machine would wait for us otherwise.
bool Attended::run_once(const std::stop_token& stop) {
    const Running running(options_);
    Control control(running.control());
    Watch watch(Until::power_off);
    while (!stop.stop_requested()) {
        running.wait();
        (void)watch.console(take(running.console()));
        (void)watch.status_port(take(running.status()));
        if (watch.status()) {
            const std::lock_guard lock(mutex_);
            status_ = watch.status();
        }
        if (const auto reason = control.listen()) return reason->starts_with("guest-") && *reason != "guest-shutdown";
        if (running.emulator().ended()) throw emulator_failed(options_, running);
    }
    return false;
}

} // namespace ashlar::machine
