#include <machine/machine.hpp>

#include "child.hpp"
#include "emulator.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ashlar::machine {

namespace {

namespace fs = std::filesystem;
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

// Reads what is there; empty at the end of the stream or when nothing came.
std::string take(int fd) {
    std::array<char, 65536> buffer;
    const auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

// QEMU's machine protocol (QMP), of which one event and one command matter here.
class Control {
public:
    explicit Control(int fd) : fd_(fd) { write_all(fd_, std::string_view("{\"execute\":\"qmp_capabilities\"}\n"), "QEMU's control socket"); }

    // The reason of the machine's end, once it came.
    std::optional<std::string> listen() {
        rest_ += take(fd_);
        for (auto end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n')) {
            const auto message = parse_json(rest_.substr(0, end), "QEMU's control socket");
            rest_.erase(0, end + 1);
            if (message.value("event", "") == "SHUTDOWN") return message.at("data").value("reason", "unknown");
        }
        return std::nullopt;
    }

    // As a person would, without a word to the system.
    void pull_out(std::string_view device) const {
        write_all(fd_, fmt::format("{{\"execute\":\"device_del\",\"arguments\":{{\"id\":\"{}\"}}}}\n", device), "QEMU's control socket");
    }
    // As a person would: the system may do with it what it wants.
    void press_power_button() const { write_all(fd_, std::string_view("{\"execute\":\"system_powerdown\"}\n"), "QEMU's control socket"); }

private:
    int fd_;
    std::string rest_;
};

// Everything a running machine consists of; taken down in reverse order.
class Running {
public:
    explicit Running(const Options& options)
        : directory_(fs::temp_directory_path(), "ashlar-machine-"), variables_(variables_of(options)), console_(make_socket_pair()),
          status_(make_socket_pair()), control_(make_socket_pair()), tpm_(make_socket_pair()),
          errors_(::memfd_create("errors", MFD_CLOEXEC)), nothing_(open_file("/dev/null", O_RDONLY)) {
        if (!errors_) throw system_error("create", "memory file");
        if (options.tpm == Tpm::software) start_tpm(options);
        start_emulator(options);
        // What they hold is theirs alone, so that an end of a stream is seen.
        for (Fd* end : {&console_.theirs, &status_.theirs, &control_.theirs, &tpm_.theirs, &tpm_.ours}) *end = Fd();
    }

    [[nodiscard]] int console() const { return console_.ours.get(); }
    [[nodiscard]] int status() const { return status_.ours.get(); }
    [[nodiscard]] int control() const { return control_.ours.get(); }
    [[nodiscard]] Child& emulator() const { return *emulator_; }

    // What QEMU and swtpm wrote to standard error, at most the end of it.
    [[nodiscard]] std::string errors() const {
        std::array<char, 4096> buffer;
        const auto size = ::lseek(errors_.get(), 0, SEEK_END);
        const auto from = std::max<off_t>(0, size - static_cast<off_t>(buffer.size()));
        const auto got = ::pread(errors_.get(), buffer.data(), buffer.size(), from);
        return std::string(trim(std::string_view(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0)));
    }

private:
    fs::path variables_of(const Options& options) const {
        if (options.variables_use == Options::Variables::kept) return options.variables;
        auto copy = directory_.path() / "variables.fd";
        write_file(copy, read_file(options.variables));
        return copy;
    }
    void start_tpm(const Options& options) {
        auto state = options.tpm_state.value_or(directory_.path() / "tpm");
        fs::create_directories(state);
        constexpr int control = 10;
        tpm_process_ = std::make_unique<Child>(
            tpm_arguments(state, control),
            std::vector<Stream>{{nothing_.get(), 0}, {errors_.get(), 1}, {errors_.get(), 2}, {tpm_.theirs.get(), control}},
            "install the package swtpm");
    }
    void start_emulator(const Options& options) {
        const bool terminal = options.console == Console::terminal;
        emulator_ = std::make_unique<Child>(
            emulator_arguments(options, variables_),
            std::vector<Stream>{{terminal ? 0 : nothing_.get(), 0}, {terminal ? 1 : errors_.get(), 1}, {errors_.get(), 2},
                                {console_.theirs.get(), console_fd}, {status_.theirs.get(), status_fd},
                                {control_.theirs.get(), control_fd}, {tpm_.ours.get(), tpm_fd}},
            "install the package qemu-system-x86");
    }

    TemporaryDirectory directory_;
    fs::path variables_;
    SocketPair console_, status_, control_, tpm_;
    Fd errors_, nothing_;
    std::unique_ptr<Child> tpm_process_, emulator_;
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

void refuse_bad(const Options& options) {
    if (!fs::is_regular_file(options.disk)) throw Error(fmt::format("cannot boot '{}': it is not a file", options.disk.native()), "build the image first");
    if (options.pull_out_at && options.disk_bus != DiskBus::usb) throw Error(fmt::format("cannot pull '{}' out: it is not on USB", options.disk.native()));
    if (options.write_log && options.writes != Writes::kept) throw Error(fmt::format("cannot log what is written to '{}': writes are not kept", options.disk.native()));
    if (options.acceleration == Acceleration::kvm && ::access("/dev/kvm", R_OK | W_OK) != 0)
        throw Error(fmt::format("cannot use KVM: {}", std::strerror(errno)), "boot without it; emulation is slower and otherwise the same");
}

// QEMU ended, and not because of the machine.
Error emulator_failed(const Options& options, const Running& running) {
    const auto text = running.errors();
    Error error(fmt::format("cannot run the machine for '{}': {}", options.disk.native(), text.empty() ? "QEMU ended without a word" : text));
    if (options.acceleration == Acceleration::kvm) error.add_hint("boot without KVM; emulation is slower and otherwise the same");
    return error;
}

// Waits a moment for anything to happen.
void wait_for(const Running& running) {
    std::array<pollfd, 3> watched{pollfd{running.console(), POLLIN, 0}, {running.status(), POLLIN, 0}, {running.control(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), 250);
}

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
        wait_for(running);
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
