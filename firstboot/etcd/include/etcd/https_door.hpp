#pragma once

// etcd's members over HTTPS, as the service "etcd" of this node.

#include <etcd/client.hpp>
#include <transfer/https_client.hpp>

namespace ashlar::etcd {

class HttpsDoor final : public Door {
public:
    explicit HttpsDoor(transfer::Identification identification) : client_(std::move(identification)) {}

    [[nodiscard]] std::variant<Answer, NoAnswer> ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout,
                                                     Enough enough) override;

private:
    transfer::HttpsClient client_;
};

} // namespace ashlar::etcd
