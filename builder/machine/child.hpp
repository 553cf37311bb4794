#pragma once

// A program that runs beside us: started with descriptors of ours under numbers of its own, watched, and
// ended with us.

#include <base/file.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace ashlar::machine {

struct Stream {
    int ours;
    int theirs;
};

// A connected pair of stream sockets.
struct SocketPair {
    Fd ours, theirs;
};
[[nodiscard]] SocketPair make_socket_pair();

class Child {
public:
    // Looks argv[0] up in PATH. The child keeps exactly `streams` and dies with this process. Error when
    // it cannot be started; `hint` says what to do when the program is not there.
    Child(const std::vector<std::string>& argv, const std::vector<Stream>& streams, std::string_view hint);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child(); // kills and reaps

    // The exit code when it has ended (128 + signal when killed).
    [[nodiscard]] std::optional<int> ended();
    void kill();

    // What the scheduler says, for all threads: processor time, and time spent waiting for a processor.
    struct Usage {
        std::chrono::nanoseconds processor{}, waiting{};
    };
    [[nodiscard]] Usage usage() const;

private:
    std::string name_;
    pid_t pid_ = -1;
    std::optional<int> code_;
};

} // namespace ashlar::machine
