#include "socket_bio.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/socket.h>

namespace ashlar::channel {

namespace {

using Method = openssl::Handle<BIO_METHOD, BIO_meth_free>;

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_some(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && would_block()) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int read_some(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
    if (got < 0 && would_block()) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long control(BIO* bio, int command, long, void*) {
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
    }
}

const BIO_METHOD* method() {
    static const Method made = [] {
        Method one(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals"));
        if (!one || BIO_meth_set_write(one.get(), write_some) != 1 || BIO_meth_set_read(one.get(), read_some) != 1 || BIO_meth_set_ctrl(one.get(), control) != 1)
            openssl::fail("use", "socket");
        return one;
    }();
    return made.get();
}

} // namespace

openssl::Bio socket_bio(int socket) {
    openssl::Bio bio(BIO_new(method()));
    if (!bio) openssl::fail("use", "socket");
    BIO_set_data(bio.get(), reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio.get(), 1);
    return bio;
}

} // namespace ashlar::channel
