#include <breakglass/shell.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::breakglass {

namespace {

// A shell that is killed leaves the terminal as it had it, and itself in the foreground.
class Terminal {
public:
    Terminal() {
        termios now{};
        if (::tcgetattr(STDIN_FILENO, &now) == 0) settings_ = now;
        for (const int signal : {SIGTTOU, SIGINT, SIGQUIT}) std::signal(signal, SIG_IGN);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        if (settings_) {
            ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
            ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*settings_);
        }
        for (const int signal : {SIGTTOU, SIGINT, SIGQUIT}) std::signal(signal, SIG_DFL);
    }

private:
    std::optional<termios> settings_;
};

std::vector<std::string> in_scope(std::chrono::seconds time, const std::vector<std::string>& argv) {
    std::vector<std::string> all{"systemd-run", "--scope", "--quiet", "--collect", fmt::format("--property=RuntimeMaxSec={}s", std::max<long long>(time.count(), 1)),
                                 // a shell ignores SIGTERM
                                 "--property=SendSIGHUP=yes", "--property=TimeoutStopSec=5s", "--description=Ashlar: a break-glass session", "--"};
    all.insert(all.end(), argv.begin(), argv.end());
    return all;
}

} // namespace

int run_for(std::chrono::seconds time, const std::vector<std::string>& argv) {
    std::vector<std::string> words = in_scope(time, argv);
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const Terminal terminal;
    const pid_t child = ::fork();
    if (child < 0) throw system_error("start", words.front());
    if (child == 0) {
        for (const int signal : {SIGTTOU, SIGINT, SIGQUIT}) std::signal(signal, SIG_DFL);
        ::execvp(pointers[0], pointers.data());
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw system_error("wait for", words.front());
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code == 127) throw Error(fmt::format("cannot start '{}'", words.front()));
    return code;
}

} // namespace ashlar::breakglass
