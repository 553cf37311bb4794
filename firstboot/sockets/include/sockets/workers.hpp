#pragma once

// Threads that work off what is given to them, in order.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ashlar::sockets {

class Workers {
public:
    using Work = std::function<void()>;

    // At most `most_queued` may wait.
    Workers(std::size_t threads, std::size_t most_queued);
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    ~Workers(); // what is under way is waited for, what waits is lost

    // No when too much waits already: then it is lost. An Error of the work is one of a peer or of the way to it, and is dropped.
    bool queue(Work work);
    [[nodiscard]] bool has_waiting() const;

private:
    void work();

    const std::size_t most_queued_;
    mutable std::mutex mutex_; // what follows
    std::condition_variable wanted_;
    std::deque<Work> queue_;
    bool over_ = false;

    std::vector<std::jthread> threads_;
};

} // namespace ashlar::sockets
