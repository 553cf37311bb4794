#include <sockets/waiting_room.hpp>

#include <sockets/sockets.hpp>

#include <algorithm>
#include <fcntl.h>
#include <sys/socket.h>

namespace ashlar::sockets {

std::uint64_t WaitingRoom::enter(const Fd& connection) {
    Fd line(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
    if (!line) return 0;
    const std::lock_guard lock(mutex_);
    if (strangers_.size() >= most_) send_one_away();
    strangers_.push_back({++newest_, address_of_peer(connection), std::move(line)});
    return newest_;
}

void WaitingRoom::send_one_away() {
    const auto one = std::ranges::max_element(strangers_, {}, [&](const Stranger& stranger) { return std::ranges::count(strangers_, stranger.address, &Stranger::address); });
    ::shutdown(one->line.get(), SHUT_RDWR);
    strangers_.erase(one);
}

bool WaitingRoom::holds(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(strangers_, number, &Stranger::number) != strangers_.end();
}

void WaitingRoom::leave(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    std::erase_if(strangers_, [&](const Stranger& stranger) { return stranger.number == number; });
}

} // namespace ashlar::sockets
