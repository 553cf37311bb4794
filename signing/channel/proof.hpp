#pragma once

// Private to this module: by what two sides of a handshake know each other.

#include "stream.hpp"

#include <optional>

namespace ashlar::channel {

enum class Side { client, server };

class Proof {
public:
    virtual ~Proof() = default;
    virtual void prepare(SSL_CTX* context, Side side) const = 0;
    // What OpenSSL asks this for while it shakes hands; set once.
    void watch(SSL* tls) { SSL_set_app_data(tls, this); }
    [[nodiscard]] static Proof& of(const SSL* tls) { return *static_cast<Proof*>(SSL_get_app_data(tls)); }

    // After a handshake that succeeded.
    [[nodiscard]] virtual std::variant<Peer, Refusal> peer(SSL* tls) const = 0;
    // After one that did not: why, where this knows better than OpenSSL.
    [[nodiscard]] virtual std::optional<Refusal> refusal(int reason) const = 0;
};

// One key that both hold.
class KeyProof final : public Proof {
public:
    explicit KeyProof(const SharedKey& key) : own_(&key) {}
    explicit KeyProof(const SharedKeys& keys) : known_(&keys) {}

    void prepare(SSL_CTX* context, Side side) const override;
    [[nodiscard]] std::variant<Peer, Refusal> peer(SSL* tls) const override;
    [[nodiscard]] std::optional<Refusal> refusal(int reason) const override;

private:
    static int offer(SSL* tls, const EVP_MD* digest, const unsigned char** identity, std::size_t* size, SSL_SESSION** session);
    static int find(SSL* tls, const unsigned char* identity, std::size_t size, SSL_SESSION** session);

    const SharedKey* own_ = nullptr;
    const SharedKeys* known_ = nullptr;
    std::string found_; // the identity that the client has
};

// Certificates of the site's authority.
class CertificateProof final : public Proof {
public:
    CertificateProof(const Credentials& own, std::optional<NodeId> expected, Time now) : own_(own), expected_(expected), now_(now) {}

    void prepare(SSL_CTX* context, Side side) const override;
    [[nodiscard]] std::variant<Peer, Refusal> peer(SSL* tls) const override;
    [[nodiscard]] std::optional<Refusal> refusal(int reason) const override;

private:
    static int judge(X509_STORE_CTX* context, void*);

    Credentials own_;
    std::optional<NodeId> expected_;
    Time now_;
    std::optional<std::variant<certificates::Bearer, certificates::Refusal>> judgement_;
};

} // namespace ashlar::channel
