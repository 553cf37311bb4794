#pragma once

// etcd's members over HTTPS, as the service "etcd" of this node.

#include <etcd/client.hpp>
#include <transfer/https_client.hpp>

#include <functional>
#include <memory>

namespace ashlar::etcd {

class HttpsDoor final : public Door {
public:
    explicit HttpsDoor(transfer::Identification identification) : client_(std::move(identification)) {}

    [[nodiscard]] std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout,
                                                     Enough enough) override;

private:
    transfer::HttpsClient client_;
};

// A client and its door: for one thread.
class Session {
public:
    Session(transfer::Identification identification, std::vector<std::string> endpoints, std::chrono::milliseconds timeout = std::chrono::seconds(5))
        : door_(std::move(identification)), client_(door_, std::move(endpoints), timeout) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    [[nodiscard]] Client& client() noexcept { return client_; }

private:
    HttpsDoor door_;
    Client client_;
};
// Whoever needs one opens one.
using OpenSession = std::function<std::unique_ptr<Session>()>;

} // namespace ashlar::etcd
