#pragma once

// Child processes. No shell is involved: `argv[0]` is looked up in PATH (the child's, when it has an
// environment of its own), the rest goes as it is.
// A child never outlives this process (PR_SET_PDEATHSIG).

#include <base/file.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace ashlar {

struct Command {
    std::vector<std::string> argv;
    // The complete environment of the child; without it the child inherits ours.
    std::optional<std::vector<std::pair<std::string, std::string>>> environment;
    std::optional<std::filesystem::path> directory;
    // Fed to standard input; without it the child reads /dev/null (or `input_fd`).
    std::optional<std::string> input;
    int input_fd = -1;
    // Where standard output and error go when run by run(): captured both (default), or this file.
    std::optional<std::filesystem::path> log;
    // Told each line of standard output (without its end) as it comes, by run(). What it throws kills the
    // child and goes on.
    std::function<void(std::string_view)> each_line;
    // Runs in the child between fork and exec (namespaces, chroot). Only async-signal-safe calls.
    // Returns 0 or an errno, which becomes the Error in the parent.
    std::function<int()> before_exec;
    // Asked in the parent when the child did not come to run the program: what before_exec was doing
    // ("mounting '/proc'"), for the trail; empty when it had done its work.
    std::function<std::string()> before_exec_step;
};

struct Outcome {
    int exit_code = 0; // 128 + signal when killed
    std::string output; // standard output
    std::string errors; // standard error
    [[nodiscard]] bool ok() const noexcept { return exit_code == 0; }
};

// Runs to the end; a non-zero exit code is a value.
[[nodiscard]] Outcome run(const Command& command);

// Runs to the end; a non-zero exit code is an Error that carries the last lines of standard error.
// Returns standard output.
std::string run_checked(const Command& command);

// A child that runs beside us. Its standard output and error go to Command::log, which must be there, or be made.
class RunningChild {
public:
    explicit RunningChild(const Command& command);
    RunningChild(const RunningChild&) = delete;
    RunningChild& operator=(const RunningChild&) = delete;
    ~RunningChild(); // kills and reaps

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // The exit code, 128 + signal when killed; nothing while it runs.
    [[nodiscard]] std::optional<int> ended();

private:
    pid_t pid_ = -1;
    std::optional<int> code_;
};

// A running child whose standard input is a pipe that we write, e.g. a tar stream.
class PipedChild {
public:
    explicit PipedChild(const Command& command);
    PipedChild(const PipedChild&) = delete;
    PipedChild& operator=(const PipedChild&) = delete;
    ~PipedChild(); // kills and reaps a child that was not finished

    [[nodiscard]] int input() const noexcept { return input_.get(); }
    // Closes the pipe and waits; throws like run_checked.
    void finish();

private:
    std::string name_;
    Fd input_;
    Fd errors_;
    pid_t pid_ = -1;
};

} // namespace ashlar
