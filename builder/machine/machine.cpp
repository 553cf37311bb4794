#include <machine/machine.hpp>

#include "emulator.hpp"
#include "running.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <fmt/format.h>

namespace ashlar::machine {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Ctrl-C goes to the whole foreground group: QEMU stops by itself, and we must live to clean up.
class SignalsForTheMachine {
public:
    SignalsForTheMachine() {
        came_ = 0;
        for (std::size_t i = 0; i < signals.size(); ++i)
            if (before_[i] = std::signal(signals[i], note); before_[i] == SIG_IGN) std::signal(signals[i], SIG_IGN); // nohup
    }
    SignalsForTheMachine(const SignalsForTheMachine&) = delete;
    SignalsForTheMachine& operator=(const SignalsForTheMachine&) = delete;
    ~SignalsForTheMachine() {
        for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], before_[i]);
    }
    [[nodiscard]] static bool came() { return came_ != 0; }

private:
    static void note(int) { came_ = 1; }
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};
    static inline volatile std::sig_atomic_t came_ = 0;
    std::array<void (*)(int), signals.size()> before_{};
};

// Counts what the machine used and how long it did nothing although it could have.
class Meter {
public:
    explicit Meter(const Budget& budget) : budget_(budget) {}

    void read(const Child& emulator) {
        const auto usage = emulator.usage();
        const auto now = Clock::now();
        const auto wanted = (usage.processor - last_.processor) + (usage.waiting - last_.waiting);
        idle_ += std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(now - then_) - wanted);
        last_ = usage;
        then_ = now;
    }
    [[nodiscard]] bool exceeded() const { return last_.processor > budget_.processor || idle_ > budget_.idle; }
    [[nodiscard]] Seconds processor() const { return last_.processor; }
    [[nodiscard]] Seconds wall() const { return Clock::now() - start_; }

private:
    Budget budget_;
    Clock::time_point start_ = Clock::now(), then_ = start_;
    Child::Usage last_;
    std::chrono::nanoseconds idle_{};
};

std::optional<Verdict> listen(const Running& running, Watch& watch, Control& control) {
    if (auto verdict = watch.console(take(running.console()))) return verdict;
    if (auto verdict = watch.status_port(take(running.status()))) return verdict;
    if (const auto reason = control.listen()) return watch.shut_down(*reason);
    if (SignalsForTheMachine::came()) return watch.shut_down("host-signal");
    return std::nullopt;
}

// Types what is to be typed, when it is time.
class Typist {
public:
    Typist(const std::vector<Typing>& all, int console) : next_(all.begin()), end_(all.end()), console_(console) {}

    void read(const std::string& transcript) {
        while (next_ != end_) {
            const auto at = transcript.find(next_->when, read_);
            if (at == transcript.npos) return;
            read_ = at + next_->when.size();
            write_all(console_, next_->what, "the machine's console");
            ++next_;
        }
    }

private:
    std::vector<Typing>::const_iterator next_, end_;
    int console_;
    std::size_t read_ = 0;
};

Verdict attend(const Options& options, const Running& running, Watch& watch, Meter& meter) {
    Control control(running.control());
    Typist typist(options.typing, running.console());
    bool pressed = options.until != Until::shut_down, pulled_out = !options.pull_out_at;
    while (true) {
        running.wait();
        if (auto verdict = listen(running, watch, control)) return *verdict;
        typist.read(watch.transcript());
        if (options.cut_power_at && watch.transcript().find(*options.cut_power_at) != std::string::npos)
            return {Outcome::powered_off, fmt::format("the power was cut at '{}'", *options.cut_power_at)};
        if (!pulled_out && watch.transcript().find(*options.pull_out_at) != std::string::npos) {
            control.pull_out(usb_disk);
            pulled_out = true;
        }
        if (!pressed && watch.settled()) {
            control.press_power_button();
            pressed = true;
        }
        if (running.emulator().ended()) {
            if (auto verdict = listen(running, watch, control)) return *verdict;
            throw emulator_failed(options, running);
        }
        meter.read(running.emulator());
        if (options.console == Console::captured && meter.exceeded()) return watch.out_of_budget();
    }
}

// QEMU's software emulation with several threads sometimes lets a processor run into a breakpoint that
// another one is just patching into the kernel's code and out again. No hardware does that, and the
// kernel never puts one there for long: it is the emulator's fault and says nothing about the image.
bool is_emulators_fault(const Report& report) {
    return report.verdict.outcome == Outcome::panicked && report.transcript.find("Oops: int3") != std::string::npos;
}

Report boot_once(const Options& options) {
    const Running running(options);
    // Whoever sits at the terminal decides when it ends.
    Watch watch(options.console == Console::terminal ? Until::power_off : options.until);
    Meter meter(options.budget);
    Report report{.verdict = attend(options, running, watch, meter)};
    report.status = watch.status();
    report.transcript = watch.transcript();
    report.processor_time = meter.processor();
    report.wall_time = meter.wall();
    return report;
}

} // namespace

Report boot(const Options& options) {
    refuse_bad(options);
    const SignalsForTheMachine signals;
    Report report = boot_once(options);
    for (int again = 0; again < 2 && options.acceleration == Acceleration::emulated && is_emulators_fault(report); ++again)
        report = boot_once(options);
    return report;
}

} // namespace ashlar::machine
