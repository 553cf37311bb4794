#include "stream.hpp"

#include "socket_bio.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>

#include <openssl/err.h>

namespace ashlar::channel {

namespace {

void do_not_block(const Fd& socket) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) throw system_error("use", "socket");
}

// What OpenSSL calls an error of its own when the connection ends in the middle.
bool ended_in_the_middle() { return ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING; }

} // namespace

Stream::Stream(Fd socket, SSL_CTX* context) : socket_(std::move(socket)), tls_(SSL_new(context)) {
    if (!tls_) openssl::fail("open", "connection");
    do_not_block(socket_);
    BIO* const both = socket_bio(socket_.get()).release();
    SSL_set_bio(tls_.get(), both, both);
}

bool Stream::wait_for(short events, Deadline deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd one{.fd = socket_.get(), .events = events, .revents = 0};
        const int ready = ::poll(&one, 1, static_cast<int>(std::min<long>(left.count(), 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) throw system_error("wait for", "socket");
    }
}

template <typename Step> Outcome Stream::drive(Step step, Deadline deadline) {
    for (;;) {
        ERR_clear_error();
        const int answer = step();
        if (answer > 0) return Outcome::done;
        switch (SSL_get_error(tls_.get(), answer)) {
        case SSL_ERROR_WANT_READ:
            if (!wait_for(POLLIN, deadline)) return Outcome::late;
            break;
        case SSL_ERROR_WANT_WRITE:
            if (!wait_for(POLLOUT, deadline)) return Outcome::late;
            break;
        case SSL_ERROR_ZERO_RETURN: return Outcome::ended;
        case SSL_ERROR_SYSCALL: return Outcome::cut;
        default: return ended_in_the_middle() ? Outcome::cut : Outcome::broken;
        }
        // Whoever sends without pause would never let us wait.
        if (std::chrono::steady_clock::now() >= deadline) return Outcome::late;
    }
}

Outcome Stream::handshake(Deadline deadline) {
    return drive([&] { return SSL_do_handshake(tls_.get()); }, deadline);
}

Outcome Stream::write(ByteView bytes, Deadline deadline) {
    return drive(
        [&] {
            std::size_t sent = 0;
            return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &sent);
        },
        deadline);
}

Outcome Stream::read(std::span<std::byte> out, std::size_t& have, Deadline deadline) {
    while (have < out.size()) {
        std::size_t got = 0;
        const Outcome outcome = drive([&] { return SSL_read_ex(tls_.get(), out.data() + have, out.size() - have, &got); }, deadline);
        if (outcome != Outcome::done) return outcome;
        have += got;
    }
    return Outcome::done;
}

Outcome Stream::end(Deadline deadline) {
    return drive(
        [&] {
            const int answer = SSL_shutdown(tls_.get());
            return answer == 0 ? 1 : answer; // ours is said; theirs is not waited for
        },
        deadline);
}

} // namespace ashlar::channel
