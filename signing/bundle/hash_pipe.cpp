#include "hash_pipe.hpp"

#include <utility>

namespace ashlar::bundle {

HashPipe::HashPipe() {
    for (auto& bytes : bytes_) bytes = std::make_unique_for_overwrite<std::byte[]>(slot_size);
    thread_ = std::jthread([this] { work(); });
}

HashPipe::~HashPipe() {
    (void)room();
    pass(0);
}

void HashPipe::work() {
    for (std::size_t at = 0;; at = (at + 1) % slots) {
        full_.acquire();
        if (used_[at] == 0) return;
        try {
            if (!failure_) hasher_.update(std::span(bytes_[at].get(), used_[at]));
        } catch (...) {
            failure_ = std::current_exception();
        }
        free_.release();
    }
}

std::span<std::byte> HashPipe::room() {
    if (!std::exchange(held_, true)) free_.acquire();
    return {bytes_[next_].get(), slot_size};
}

void HashPipe::pass(std::size_t count) {
    used_[next_] = count;
    next_ = (next_ + 1) % slots;
    held_ = false;
    full_.release();
}

Digest HashPipe::finish() {
    // When all slots are free, all has been hashed.
    for (std::ptrdiff_t i = held_ ? 1 : 0; i < slots; ++i) free_.acquire();
    free_.release(held_ ? slots - 1 : slots);
    if (failure_) std::rethrow_exception(failure_);
    return std::exchange(hasher_, Hasher()).finish();
}

} // namespace ashlar::bundle
