#pragma once

// Work on all processors.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace ashlar {

// Calls `body(index, state)` for 0 ≤ index < count, in any order, on all processors, this thread among
// them; each thread has a state of its own, which `make_state` makes. After the first exception no new
// index is begun, and it leaves here.
template <typename MakeState, typename Body>
void in_parallel(std::size_t count, const MakeState& make_state, const Body& body) {
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr failure;
    std::mutex mutex;
    const auto work = [&] {
        try {
            auto state = make_state();
            for (std::size_t i = next++; i < count && !failed; i = next++) body(i, state);
        } catch (...) {
            failed = true;
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
        }
    };
    {
        const std::size_t wanted = std::min<std::size_t>(std::thread::hardware_concurrency(), count);
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < wanted; ++i) others.emplace_back(work);
        work();
    }
    if (failure) std::rethrow_exception(failure);
}

// The same for a body that needs no state: `body(index)`.
template <typename Body>
void in_parallel(std::size_t count, const Body& body) {
    in_parallel(
        count, [] { return 0; }, [&](std::size_t index, int) { body(index); });
}

} // namespace ashlar
