#include "child.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ashlar::machine {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_streams = 8;

// In the child, between fork and exec: only calls that are safe there. First above all numbers that are
// wanted, then to their places, so that no stream is overwritten before it was moved.
int arrange(const std::vector<Stream>& streams) {
    std::array<int, most_streams> moved{};
    for (std::size_t i = 0; i < streams.size(); ++i)
        if (moved[i] = ::fcntl(streams[i].ours, F_DUPFD_CLOEXEC, 64); moved[i] < 0) return errno;
    for (std::size_t i = 0; i < streams.size(); ++i)
        if (::dup2(moved[i], streams[i].theirs) < 0) return errno;
    return 0;
}

[[noreturn]] void become(std::vector<char*>& argv, const std::vector<Stream>& streams, pid_t parent, int report) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(125);
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    int failure = arrange(streams);
    if (failure == 0) {
        ::execvp(argv[0], argv.data());
        failure = errno;
    }
    [[maybe_unused]] const auto written = ::write(report, &failure, sizeof failure);
    ::_exit(125);
}

// The errno of a child that could not become its program; 0 when the pipe closed by exec.
int failure_from(int report) {
    int failure = 0;
    while (::read(report, &failure, sizeof failure) < 0 && errno == EINTR) {}
    return failure;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Fields after the program's name, which may itself hold spaces and parentheses (proc_pid_stat(5)).
std::chrono::nanoseconds processor_time(const std::string& stat) {
    const auto fields = split(std::string_view(stat).substr(stat.rfind(')') + 2), ' ');
    const auto ticks = number(fields.at(11)) + number(fields.at(12));
    return std::chrono::nanoseconds(ticks * 1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

} // namespace

SocketPair make_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw system_error("create", "socket pair");
    return {Fd(ends[0]), Fd(ends[1])};
}

Child::Child(const std::vector<std::string>& argv, const std::vector<Stream>& streams, std::string_view hint) : name_(argv.at(0)) {
    if (streams.size() > most_streams) throw Error(fmt::format("cannot start '{}': too many streams", name_));
    auto words = argv;
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) throw system_error("create", "pipe");
    const Fd read_end(report[0]);
    Fd write_end(report[1]);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw system_error("start", name_);
    if (pid_ == 0) become(pointers, streams, parent, report[1]);
    write_end.close();
    const int failure = failure_from(read_end.get());
    if (failure == 0) return;
    ::waitpid(pid_, nullptr, 0);
    auto error = system_error("start", name_, failure);
    error.add_hint(std::string(hint));
    throw error;
}

Child::~Child() {
    if (!code_) kill();
}

std::optional<int> Child::ended() {
    int status = 0;
    if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return code_;
}

void Child::kill() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    code_ = 128 + SIGKILL;
}

Child::Usage Child::usage() const {
    Usage usage;
    if (code_) return usage;
    const fs::path process = fmt::format("/proc/{}", pid_);
    usage.processor = processor_time(read_file(process / "stat"));
    std::error_code gone; // threads come and go
    for (const auto& task : fs::directory_iterator(process / "task", gone)) {
        try {
            const auto text = read_file(task.path() / "schedstat");
            usage.waiting += std::chrono::nanoseconds(number(split(text, ' ').at(1)));
        } catch (const Error&) {
            continue;
        }
    }
    return usage;
}

} // namespace ashlar::machine
