#pragma once

// Connections of strangers: those whose other side has not proved yet who it is. There is room for a few. Whoever comes when it is full takes the place of
// another one, of the address that has most of them, and there of the oldest: so a crowd that comes and says nothing is in nobody's way but its own.

#include <base/file.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace ashlar::sockets {

class WaitingRoom {
public:
    explicit WaitingRoom(std::size_t most) : most_(most) {}

    // A stranger comes; another one's connection may end by it. Its number, which is never 0; 0 when this process has no descriptor left for it.
    [[nodiscard]] std::uint64_t enter(const Fd& connection);
    // Neither sent away nor left.
    [[nodiscard]] bool holds(std::uint64_t number) const;
    // It is known now, or gone.
    void leave(std::uint64_t number);

private:
    struct Stranger {
        std::uint64_t number;
        std::string address;
        Fd line; // a duplicate, to cut it by
    };
    void send_one_away();

    const std::size_t most_;
    mutable std::mutex mutex_; // what follows
    std::deque<Stranger> strangers_; // the oldest first
    std::uint64_t newest_ = 0;
};

} // namespace ashlar::sockets
