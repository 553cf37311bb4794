#include <virtual_site/status_stream.hpp>

#include <base/error.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace ashlar::virtual_site {

namespace {

constexpr char question[] = R"({"method":"org.ashlar.Node.Status","parameters":{},"more":true})"; // and the zero byte that ends it
constexpr std::size_t most_message = std::size_t{1} << 20U; // docs/formats/control.md

} // namespace

void StatusStream::listen_at(const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (connection_) return;
    if (socket.native().size() >= sizeof address.sun_path) throw system_error("ask", socket.native(), ENAMETOOLONG);
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
    Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!connection || ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    if (::send(connection.get(), question, sizeof question, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof question)) return;
    connection_ = std::move(connection);
    in_.clear();
}

void StatusStream::receive() {
    std::array<char, 65536> buffer;
    while (connection_) {
        const auto got = ::recv(connection_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) in_.append(buffer.data(), static_cast<std::size_t>(got));
        else if (got < 0 && errno == EINTR) continue;
        else if (got < 0 && errno == EAGAIN) return;
        else connection_ = Fd();
        if (in_.size() > 2 * most_message) connection_ = Fd();
    }
}

std::optional<Json> StatusStream::take() {
    receive();
    std::optional<Json> newest;
    for (auto end = in_.find('\0'); end != std::string::npos; end = in_.find('\0')) {
        const Json answer = Json::parse(in_.substr(0, end), nullptr, false);
        in_.erase(0, end + 1);
        if (answer.is_object() && answer.contains("parameters") && !answer.contains("error")) newest = answer.at("parameters");
    }
    return newest;
}

} // namespace ashlar::virtual_site
