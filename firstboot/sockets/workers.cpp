#include <sockets/workers.hpp>

#include <base/error.hpp>

namespace ashlar::sockets {

Workers::Workers(std::size_t threads, std::size_t most_queued) : most_queued_(most_queued) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    wanted_.notify_all();
}

bool Workers::queue(Work work) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= most_queued_) return false;
    queue_.push_back(std::move(work));
    wanted_.notify_one();
    return true;
}

bool Workers::has_waiting() const {
    const std::lock_guard lock(mutex_);
    return !queue_.empty();
}

void Workers::work() {
    for (;;) {
        Work next;
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [&] { return over_ || !queue_.empty(); });
            if (over_) return;
            next = std::move(queue_.front());
            queue_.pop_front();
        }
        try {
            next();
        } catch (const Error&) {
            // Nothing that this node could mend.
        }
    }
}

} // namespace ashlar::sockets
