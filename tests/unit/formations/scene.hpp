#pragma once

// A site of nodes with real keys and one store; a formation with a secret, and one that may read it.

#include <formations/sealed_vault.hpp>

#include <forming/engine.hpp>
#include <forming/ledger.hpp>
#include <forming/store.hpp>
#include <signing/node_id.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace ashlar::formations {

inline constexpr std::string_view database = R"(
summary = "a database"
roles = ["control"]
units = ["db.service"]
healthy = "observation.up"
[observe]
run = ["/usr/lib/db/observe", "${node.id}"]
prints = { up = "boolean" }
[secrets.admin]
also = ["api"]
[secrets.own]
size = 16
[secrets.public]
given = "text"
[[render]]
path = "/run/db/key"
owner = "root:root"
mode = "0600"
text = "${secrets.admin}"
restart = ["db.service"]
[[step]]
id = "start"
kind = "local"
summary = "starts it"
when = "not units.active"
start = ["db.service"]
timeout = "10 s"
verify = "units.active"
[[check]]
id = "answers"
summary = "it answers"
run = ["/usr/lib/db/check", "${node.name}"]
timeout = "1500 ms"
)";
inline constexpr std::string_view api = R"(
summary = "what asks it"
roles = ["compute"]
healthy = "observation.up"
requires = ["db"]
[observe]
run = ["/usr/lib/api/observe"]
prints = { up = "boolean" }
[[render]]
path = "/run/api/key"
owner = "root:root"
mode = "0600"
text = "${secrets.db.admin}"
)";

class SeededRandomness final : public forming::Randomness {
public:
    explicit SeededRandomness(unsigned seed) : generator_(seed) {}
    void fill(std::span<std::byte> bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::byte>(generator_());
    }

private:
    std::mt19937 generator_;
};

struct Node {
    Node(const std::string& name, const std::string& role, bool is_voter, unsigned seed) : random(seed) { member = {.id = node_id_of(key.verifying_key()).text(), .name = name, .role = role, .lineage = {"base", role}, .is_voter = is_voter, .addresses = {}}; }
    SigningKey key = SigningKey::generate(site_scheme);
    SeededRandomness random;
    forming::Member member;
    std::unique_ptr<SealedVault> vault;
};

class Scene {
public:
    Scene() {
        formations.emplace("db", formation::read_formation(toml::source_from_text("db.toml", std::string(database)), "db"));
        formations.emplace("api", formation::read_formation(toml::source_from_text("api.toml", std::string(api)), "api"));
    }

    Node& add(const std::string& name, const std::string& role, bool is_voter = false) {
        nodes.push_back(std::make_unique<Node>(name, role, is_voter, static_cast<unsigned>(nodes.size() + 1)));
        Node& node = *nodes.back();
        node.vault = std::make_unique<SealedVault>(store, formations, node.key, node.random);
        site.members.push_back(node.member);
        keys.emplace(node.member.id, node.key.verifying_key());
        see();
        return node;
    }
    void remove(const Node& node) {
        std::erase_if(site.members, [&](const auto& member) { return member.id == node.member.id; });
        keys.erase(node.member.id);
        see();
    }
    void see() {
        for (auto& node : nodes) node->vault->see(site, keys);
    }
    void make(Node& node, std::string_view secret = "admin") { node.vault->make("db", *formations.at("db").secret(secret)); }
    [[nodiscard]] std::string stored(std::string_view secret = "admin") const { return store.list(forming::key::secret("db", secret)).begin()->second.value; }

    formation::Formations formations;
    forming::MemoryStore store;
    forming::Site site{.id = std::string(32, '5'), .name = "test-1", .genesis = {}, .domain = {}, .time_servers = {}, .members = {}};
    Keys keys;
    std::vector<std::unique_ptr<Node>> nodes;
};

} // namespace ashlar::formations
