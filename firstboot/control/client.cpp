#include <control/client.hpp>

#include "message.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

namespace ashlar::control {

namespace {

class Connection {
public:
    explicit Connection(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (!fd_ || ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw Error(fmt::format("cannot reach ashlard at '{}': {}", path.native(), std::strerror(errno)), "is ashlard.service running? `systemctl status ashlard`");
    }

    void ask(const std::string& method, const Json& parameters, bool more) {
        Json call{{"method", method}, {"parameters", parameters}};
        if (more) call["more"] = true;
        write_all(fd_.get(), message_of(call), "ashlard");
    }

    // Nothing: the daemon ended.
    [[nodiscard]] std::optional<Json> reply() {
        std::array<std::byte, 65536> bytes;
        for (;;) {
            if (const auto message = take_message(buffer_)) return parameters_of(parse_json(*message, "ashlard"));
            const auto got = read_some(fd_.get(), bytes, "ashlard");
            if (got == 0) return std::nullopt;
            buffer_.append(reinterpret_cast<const char*>(bytes.data()), got);
        }
    }

private:
    static Json parameters_of(const Json& reply) {
        if (!reply.contains("error")) return reply.at("parameters");
        const Json& parameters = reply.at("parameters");
        throw Error(parameters.at("text").get<std::string>(), parameters.at("hint").get<std::string>());
    }
    Fd fd_;
    std::string buffer_;
};

} // namespace

Json call(const std::filesystem::path& socket, const std::string& method, const Json& parameters) {
    Connection connection(socket);
    connection.ask(method, parameters, false);
    auto reply = connection.reply();
    if (!reply) throw Error("cannot hear ashlard: it ended before it answered", "`journalctl -u ashlard` says why");
    return std::move(*reply);
}

void watch(const std::filesystem::path& socket, const std::string& method, const std::function<bool(const Json&)>& seen) {
    Connection connection(socket);
    connection.ask(method, Json::object(), true);
    while (const auto reply = connection.reply())
        if (!seen(*reply)) return;
}

} // namespace ashlar::control
