#include "keyboard.hpp"

#include <cerrno>
#include <poll.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace ashlar::ctl {

namespace {

// Each key at once.
class Unbuffered {
public:
    Unbuffered() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios now = before_;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    Unbuffered(const Unbuffered&) = delete;
    Unbuffered& operator=(const Unbuffered&) = delete;
    ~Unbuffered() { ::tcsetattr(STDIN_FILENO, TCSANOW, &before_); }

private:
    termios before_{};
};

std::optional<char> byte_within(std::chrono::milliseconds time) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    if (::poll(&input, 1, static_cast<int>(time.count())) != 1 || ::read(STDIN_FILENO, &byte, 1) != 1) return std::nullopt;
    return byte;
}

} // namespace

std::optional<char> key_within(std::chrono::seconds time) {
    if (::isatty(STDIN_FILENO) == 0) {
        std::this_thread::sleep_for(time);
        return std::nullopt;
    }
    const Unbuffered keys;
    return byte_within(time);
}

std::string lines_to(std::string_view last, std::size_t most) {
    std::string text;
    std::size_t line = 0;
    while (text.size() < most) {
        const auto byte = byte_within(std::chrono::minutes(1));
        if (!byte) return text;
        text += *byte;
        if (*byte != '\n') continue;
        const auto written = std::string_view(text).substr(line, text.size() - line - 1);
        if (written == last || text == "\n") return text;
        line = text.size();
    }
    return text;
}

} // namespace ashlar::ctl
