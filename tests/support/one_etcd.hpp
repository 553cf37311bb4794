#pragma once

// A real etcd with one member, on loopback, for as long as the object lives: begun from the genesis value of a site of one voter, as
// ashlard begins it. Each test has an address of its own, so that several may run at once.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <etcd/https_door.hpp>
#include <etcd/setup.hpp>
#include <genesis/value.hpp>
#include <signing/node_id.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace ashlar {

class OneEtcd {
public:
    OneEtcd() {
        const certificates::ServiceBearer bearer{.node = node_id_of(key.verifying_key()), .service = "etcd", .addresses = {address}};
        const auto certificate = authority.issue(bearer, key.verifying_key(), now());
        write_file(directory_.path() / "certificate.pem", certificate.pem());
        write_file(directory_.path() / "key.pem", key.secret().text(), 0600);
        write_file(directory_.path() / "authority.pem", authority.certificate().pem());
        auto variables = etcd::environment({.self = {bearer.node, address},
                                            .cluster = etcd::members_of(value),
                                            .genesis = value.genesis,
                                            .start = etcd::Start::initial,
                                            .data = directory_.path() / "data",
                                            .credentials = directory_.path()});
        variables.emplace_back("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        variables.emplace_back("LOG", (directory_.path() / "log").native());
        member_ = std::make_unique<PipedChild>(Command{.argv = {"sh", "-c", "exec etcd >>\"$LOG\" 2>&1"}, .environment = variables});
        certificate_ = certificate.pem();
        door_ = std::make_unique<etcd::HttpsDoor>(identification());
        wait();
    }

    [[nodiscard]] etcd::Client client() { return {*door_, {etcd::client_url(address)}}; }
    // For a client of one's own.
    [[nodiscard]] transfer::Identification identification() const { return {.certificate = certificate_, .key = key.secret(), .authority = authority.certificate().pem()}; }
    [[nodiscard]] static Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

    const SigningKey key = SigningKey::generate(site_scheme); // of the one voter
    const std::string address = fmt::format("127.{}.{}.1", 64 + ::getpid() / 256 % 128, ::getpid() % 256);
    const genesis::Value value = genesis::build(SiteId::random(), GenesisId::random(), {{.key = key.verifying_key(), .name = "n01", .roles = {"control"}, .addresses = {address}}}, now());
    const certificates::Authority authority = std::get<certificates::Authority>(genesis::etcd_authority_in(value, key)); // etcd's

private:
    void wait() {
        auto asked = client();
        for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
            try {
                (void)asked.range("");
                return;
            } catch (const Error&) {
                if (std::chrono::steady_clock::now() > end) throw;
            }
        }
    }

    std::string certificate_;
    TemporaryDirectory directory_{testing::TempDir(), "etcd-"};
    std::unique_ptr<PipedChild> member_;
    std::unique_ptr<etcd::HttpsDoor> door_;
};

} // namespace ashlar
