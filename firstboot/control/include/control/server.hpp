#pragma once

// ashlard's local interface: JSON objects, each ended by a zero byte, over a Unix socket (the message format
// of varlink.org, so that varlinkctl(1) can speak it). docs/formats/control.md.
//
//     {"method": "org.ashlar.Node.Status", "parameters": {}, "more": true}
//     {"parameters": {…}, "continues": true}
//     {"error": "org.ashlar.Node.Failed", "parameters": {"text": "cannot …", "hint": "…"}}

#include <base/file.hpp>
#include <base/json.hpp>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>

namespace ashlar::control {

inline constexpr const char* socket_path = "/run/ashlar/ashlard.sock";

// Who asks, as the kernel says (SO_PEERCRED).
struct Caller {
    uid_t user;
    pid_t process;
};

// The parameters of the reply. An Error becomes one at the other side.
using Answer = std::function<Json(const std::string& method, const Json& parameters, const Caller& caller)>;

class Server {
public:
    // Replaces a socket that nobody listens to any more. Everybody may connect: `answer` decides by caller.
    Server(std::filesystem::path path, Answer answer);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Until stop(). `turn` is called at least once a second.
    void run(const std::function<void()>& turn);
    // From any thread and from signal handlers: asked with "more" before, they get a new answer; it ends.
    void changed() noexcept;
    void stop() noexcept;

private:
    struct Client;
    class Loop;
    std::filesystem::path path_;
    Answer answer_;
    Fd listener_, bell_;
    std::atomic<bool> stopped_ = false, changed_ = false;
};

} // namespace ashlar::control
