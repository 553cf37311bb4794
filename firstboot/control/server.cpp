#include <control/server.hpp>

#include "message.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace ashlar::control {

namespace {

constexpr std::size_t most_clients = 64;

Fd listen_at(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) throw system_error("listen at", path.native(), ENAMETOOLONG);
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(path.c_str());
    if (!listener || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::chmod(path.c_str(), 0666) != 0 ||
        ::listen(listener.get(), 16) != 0)
        throw system_error("listen at", path.native());
    return listener;
}

Json error_reply(const Error& error) { return {{"error", "org.ashlar.Node.Failed"}, {"parameters", {{"text", error.message()}, {"hint", error.hint()}}}}; }

} // namespace

// What is asked again and again while it changes.
struct Server::Client {
    Fd connection;
    Caller caller{};
    std::string in, out;
    std::optional<Json> watched;
    bool gone = false;
};

class Server::Loop {
public:
    explicit Loop(Server& server) : server_(server) {}

    void turn() {
        std::vector<pollfd> polls{{server_.listener_.get(), POLLIN, 0}, {server_.bell_.get(), POLLIN, 0}};
        for (const auto& client : clients_) polls.push_back({client.connection.get(), static_cast<short>(client.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
        if (::poll(polls.data(), polls.size(), 1000) < 0 && errno != EINTR) throw system_error("wait for", server_.path_.native());
        std::size_t i = 2;
        for (auto& client : clients_) {
            const short events = polls[i++].revents;
            if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) receive(client);
            if ((events & POLLOUT) != 0) send(client);
        }
        if ((polls[0].revents & POLLIN) != 0) accept();
        if (server_.changed_.exchange(false)) tell_watchers();
        std::uint64_t rung = 0;
        [[maybe_unused]] const auto got = ::read(server_.bell_.get(), &rung, sizeof rung);
        std::erase_if(clients_, [](const Client& client) { return client.gone; });
    }

private:
    void accept() {
        Fd connection(::accept4(server_.listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        ucred peer{};
        socklen_t size = sizeof peer;
        if (!connection || clients_.size() >= most_clients || ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
        clients_.push_back({.connection = std::move(connection), .caller = {peer.uid, peer.pid}});
    }

    void receive(Client& client) {
        std::array<char, 65536> buffer;
        const auto got = ::recv(client.connection.get(), buffer.data(), buffer.size(), 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) client.gone = true;
        if (got > 0) client.in.append(buffer.data(), static_cast<std::size_t>(got));
        while (!client.gone)
            if (const auto message = take_message(client.in)) reply(client, *message);
            else break;
        if (client.in.size() > most_message) client.gone = true;
    }

    void reply(Client& client, const std::string& message) {
        Json call = Json::parse(message, nullptr, false);
        if (!call.is_object() || !call.contains("method") || !call.at("method").is_string()) {
            client.gone = true;
            return;
        }
        const bool more = call.contains("more") && call.at("more") == true;
        say(client, call, more);
        if (more) client.watched = std::move(call);
    }

    void say(Client& client, const Json& call, bool more) {
        Json answer;
        try {
            answer["parameters"] = server_.answer_(call.at("method").get<std::string>(), call.value("parameters", Json::object()), client.caller);
            if (more) answer["continues"] = true;
        } catch (const Error& error) {
            answer = error_reply(error);
        } catch (const Json::exception& failure) {
            answer = error_reply(Error(std::string("cannot understand the request: ") + failure.what()));
        }
        client.out += message_of(answer);
        send(client);
    }

    // Who does not read what was said gets the next, not a heap of all.
    void tell_watchers() {
        for (auto& client : clients_)
            if (client.watched && client.out.empty()) say(client, *client.watched, true);
    }

    void send(Client& client) {
        const auto sent = ::send(client.connection.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
        if (sent > 0) client.out.erase(0, static_cast<std::size_t>(sent));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) client.gone = true;
    }

    Server& server_;
    std::list<Client> clients_;
};

Server::Server(std::filesystem::path path, Answer answer)
    : path_(std::move(path)), answer_(std::move(answer)), listener_(listen_at(path_)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!bell_) throw system_error("create", "event");
}

Server::~Server() { ::unlink(path_.c_str()); }

void Server::run(const std::function<void()>& turn) {
    Loop loop(*this);
    while (!stopped_) {
        turn();
        loop.turn();
    }
}

void Server::changed() noexcept {
    changed_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
}

void Server::stop() noexcept {
    stopped_ = true;
    changed();
}

} // namespace ashlar::control
