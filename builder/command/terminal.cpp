#include "terminal.hpp"

#include <base/error.hpp>

#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

namespace ashlar::command {

namespace {

constexpr const char* device = "/dev/tty";

// Echo comes back whatever happens meanwhile: what would end or stop the process waits until then.
class Silence {
public:
    explicit Silence(int fd) : fd_(fd) {
        sigset_t signals;
        ::sigemptyset(&signals);
        for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP}) ::sigaddset(&signals, signal);
        ::pthread_sigmask(SIG_BLOCK, &signals, &signals_);
        if (::tcgetattr(fd_, &before_) != 0) throw system_error("read from", device);
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        if (::tcsetattr(fd_, TCSADRAIN, &quiet) != 0) throw system_error("read from", device);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        ::tcsetattr(fd_, TCSADRAIN, &before_);
        ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
    }

private:
    int fd_;
    sigset_t signals_{};
    termios before_{};
};

} // namespace

std::optional<Terminal> Terminal::open() {
    Fd fd(::open(device, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    return Terminal(std::move(fd));
}

Secret Terminal::ask_secret(std::string_view question) const {
    const Silence silence(fd_.get());
    write_all(fd_.get(), question, device);
    return Secret::line_from(fd_.get(), device);
}

bool Terminal::ask(std::string_view question) const {
    write_all(fd_.get(), question, device);
    const Secret answer = Secret::line_from(fd_.get(), device);
    return answer.text() == "y" || answer.text() == "yes";
}

Secret secret_for(std::string_view what, std::string_view of, const std::optional<std::filesystem::path>& file, std::string_view option) {
    if (file && !file->empty()) return Secret::line_of(*file);
    if (const auto terminal = Terminal::open()) return terminal->ask_secret(fmt::format("{} of {}: ", what, of));
    throw Error(fmt::format("cannot ask for the {} of '{}': there is no terminal", what, of), fmt::format("{} names a file that has it", option));
}

} // namespace ashlar::command
