#include <base/process.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar {

namespace {

struct Pipe {
    Fd read, write;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("create", "pipe");
        read = Fd(ends[0]);
        write = Fd(ends[1]);
    }
};

Fd memory_file(std::string_view contents) {
    Fd fd(::memfd_create("input", MFD_CLOEXEC));
    if (!fd) throw system_error("create", "memory file");
    write_all(fd.get(), contents, "memory file");
    if (::lseek(fd.get(), 0, SEEK_SET) != 0) throw system_error("rewind", "memory file");
    return fd;
}

struct Streams {
    int in, out, err;
};

// Everything that allocates happens before the fork: the child of a threaded process may not.
class Image {
public:
    explicit Image(const Command& command) : command_(command), argv_storage_(command.argv) {
        for (auto& word : argv_storage_) argv_.push_back(word.data());
        argv_.push_back(nullptr);
        if (!command.environment) return;
        for (const auto& [key, value] : *command.environment)
            environment_storage_.push_back(fmt::format("{}={}", key, value));
        for (auto& line : environment_storage_) environment_.push_back(line.data());
        environment_.push_back(nullptr);
    }

    // Returns an errno when the program could not be started.
    int start(const Streams& streams, pid_t parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(125);
        if (::dup2(streams.in, 0) < 0 || ::dup2(streams.out, 1) < 0 || ::dup2(streams.err, 2) < 0) return errno;
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::signal(SIGPIPE, SIG_DFL);
        if (command_.before_exec)
            if (const int failure = command_.before_exec()) return failure;
        if (command_.directory && ::chdir(command_.directory->c_str()) != 0) return errno;
        // Not execvpe: that looks argv[0] up in our PATH, which means nothing in another root.
        if (command_.environment) ::environ = environment_.data();
        ::execvp(argv_[0], argv_.data());
        return errno;
    }

private:
    const Command& command_;
    std::vector<std::string> argv_storage_;
    std::vector<std::string> environment_storage_;
    std::vector<char*> argv_;
    std::vector<char*> environment_;
};

pid_t start(const Command& command, const Streams& streams) {
    Image image(command);
    Pipe failure;
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw system_error("start", command.argv.at(0));
    if (pid == 0) {
        const int reason = image.start(streams, parent);
        [[maybe_unused]] const auto sent = ::write(failure.write.get(), &reason, sizeof reason);
        ::_exit(127);
    }
    failure.write = Fd();
    int reason = 0;
    if (read_some(failure.read.get(), std::as_writable_bytes(std::span(&reason, 1)), "start report") == sizeof reason) {
        ::waitpid(pid, nullptr, 0);
        Error error = system_error("start", command.argv[0], reason);
        if (const std::string step = command.before_exec_step ? command.before_exec_step() : ""; !step.empty())
            error.add_trail(step);
        if (reason == ENOENT && !command.directory && !command.before_exec_step) error.add_hint(fmt::format("install the package that has '{}'", command.argv[0]));
        throw error;
    }
    return pid;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) throw system_error("wait for", fmt::format("process {}", pid));
    return code_of(status);
}

// Calls `tell` for each line of `text` that is complete, and takes it away.
void take_lines(std::string& text, const std::function<void(std::string_view)>& tell) {
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
        tell(std::string_view(text).substr(start, end - start));
        start = end + 1;
    }
    text.erase(0, start);
}

void drain(std::array<std::pair<Fd, std::string*>, 2>& sources, const std::function<void(std::string_view)>& each_line) {
    std::array<std::byte, 65536> buffer;
    for (;;) {
        std::array<pollfd, 2> polls{};
        bool open = false;
        for (std::size_t i = 0; i < 2; ++i) {
            polls[i] = {sources[i].first.get(), POLLIN, 0};
            open = open || sources[i].first;
        }
        if (!open) return;
        if (::poll(polls.data(), polls.size(), -1) < 0) {
            if (errno == EINTR) continue;
            throw system_error("read", "output of a child process");
        }
        for (std::size_t i = 0; i < 2; ++i) {
            if (polls[i].revents == 0) continue;
            const std::size_t got = read_some(polls[i].fd, buffer, "output of a child process");
            if (got == 0) sources[i].first = Fd();
            sources[i].second->append(reinterpret_cast<const char*>(buffer.data()), got);
            if (i == 0 && each_line) take_lines(*sources[i].second, each_line);
        }
    }
}

std::string last_lines(std::string_view text, std::size_t count) {
    text = trim(text);
    std::size_t start = text.size();
    while (count-- > 0 && start != std::string_view::npos && start > 0) start = text.rfind('\n', start - 1);
    return std::string(start == std::string_view::npos ? text : trim(text.substr(start)));
}

[[noreturn]] void report(const Command& command, const Outcome& outcome) {
    const std::string how = outcome.exit_code > 128 ? fmt::format("killed by signal {}", outcome.exit_code - 128)
                                                    : fmt::format("exit code {}", outcome.exit_code);
    const std::string said = last_lines(outcome.errors.empty() ? outcome.output : outcome.errors, 8);
    Error error(fmt::format("cannot run '{}': {}{}{}", command.argv[0], how, said.empty() ? "" : "\n", said));
    if (command.log) error.add_hint(fmt::format("read '{}'", command.log->native()));
    throw error;
}

} // namespace

Outcome run(const Command& command) {
    const Fd null = open_file("/dev/null", O_RDWR);
    Fd input;
    if (command.input) input = memory_file(*command.input);
    const int in = input ? input.get() : command.input_fd >= 0 ? command.input_fd : null.get();

    Outcome outcome;
    if (command.log) {
        const Fd log = open_file(*command.log, O_WRONLY | O_CREAT | O_APPEND);
        outcome.exit_code = wait_for(start(command, {in, log.get(), log.get()}));
        if (!outcome.ok()) outcome.errors = last_lines(read_file(*command.log), 8);
        return outcome;
    }
    Pipe out, err;
    const pid_t pid = start(command, {in, out.write.get(), err.write.get()});
    out.write = Fd();
    err.write = Fd();
    std::array<std::pair<Fd, std::string*>, 2> sources{
        std::pair{std::move(out.read), &outcome.output}, std::pair{std::move(err.read), &outcome.errors}};
    try {
        drain(sources, command.each_line);
    } catch (...) {
        ::kill(pid, SIGKILL);
        wait_for(pid);
        throw;
    }
    outcome.exit_code = wait_for(pid);
    return outcome;
}

std::string run_checked(const Command& command) {
    Outcome outcome = run(command);
    if (!outcome.ok()) report(command, outcome);
    return std::move(outcome.output);
}

RunningChild::RunningChild(const Command& command) {
    const Fd null = open_file("/dev/null", O_RDONLY);
    const Fd log = open_file(*command.log, O_WRONLY | O_CREAT | O_APPEND);
    pid_ = start(command, {null.get(), log.get(), log.get()});
}

RunningChild::~RunningChild() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
}

std::optional<int> RunningChild::ended() {
    int status = 0;
    if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) code_ = code_of(status);
    return code_;
}

PipedChild::PipedChild(const Command& command) : name_(command.argv.at(0)) {
    Pipe in;
    errors_ = memory_file({});
    // As large as a pipe may be without privilege: fewer turns between writer and reader. What the kernel
    // refuses is no loss.
    (void)::fcntl(in.write.get(), F_SETPIPE_SZ, 1 << 20);
    pid_ = start(command, {in.read.get(), errors_.get(), errors_.get()});
    input_ = std::move(in.write);
}

PipedChild::~PipedChild() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void PipedChild::finish() {
    input_ = Fd();
    Outcome outcome;
    outcome.exit_code = wait_for(std::exchange(pid_, -1));
    if (outcome.ok()) return;
    ::lseek(errors_.get(), 0, SEEK_SET);
    std::array<std::byte, 4096> buffer;
    while (const std::size_t got = read_some(errors_.get(), buffer, name_))
        outcome.errors.append(reinterpret_cast<const char*>(buffer.data()), got);
    report(Command{.argv = {name_}}, outcome);
}

} // namespace ashlar
