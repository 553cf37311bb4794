// Three members of real etcd on loopback, begun from one genesis value.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <etcd/https_door.hpp>
#include <etcd/setup.hpp>
#include <signing/node_id.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <thread>

using namespace ashlar;
using namespace ashlar::etcd;
using namespace std::chrono_literals;
using certificates::Authority;
using certificates::ServiceBearer;
using certificates::SiteCertificate;
namespace fs = std::filesystem;

namespace {

Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::string address_of(std::size_t number) { return "127.0.77.1" + std::to_string(number); }

std::vector<SigningKey> three_keys() {
    std::vector<SigningKey> keys;
    for (int i = 0; i < 3; ++i) keys.push_back(SigningKey::generate(site_scheme));
    return keys;
}

genesis::Value value_for(const std::vector<SigningKey>& keys) {
    std::vector<genesis::Candidate> candidates;
    for (std::size_t i = 0; i < keys.size(); ++i)
        candidates.push_back({.key = keys[i].verifying_key(), .name = "n0" + std::to_string(i + 1), .roles = {"control"}, .addresses = {address_of(i)}});
    return genesis::build(SiteId::random(), GenesisId::random(), candidates, now());
}

class EtcdCluster : public testing::Test {
protected:
    EtcdCluster() {
        for (std::size_t i = 0; i < keys.size(); ++i) prepare(i);
        for (std::size_t i = 0; i < keys.size(); ++i) start(i, Start::initial);
    }

    const std::vector<SigningKey> keys = three_keys();
    const genesis::Value value = value_for(keys);
    const Authority authority = std::get<Authority>(genesis::etcd_authority_in(value, keys[0]));
    TemporaryDirectory directory{testing::TempDir(), "etcd-"};
    std::vector<std::unique_ptr<PipedChild>> members = std::vector<std::unique_ptr<PipedChild>>(3);

    [[nodiscard]] fs::path place(std::size_t number) const { return directory.path() / std::to_string(number); }
    [[nodiscard]] etcd::Setup setup(std::size_t number, Start kind) const {
        return {.self = {node_id_of(keys[number].verifying_key()), address_of(number)}, .cluster = members_of(value), .genesis = value.genesis, .start = kind, .data = place(number) / "data", .credentials = place(number)};
    }
    void prepare(std::size_t number) const {
        const ServiceBearer bearer{.node = node_id_of(keys[number].verifying_key()), .service = "etcd", .addresses = {address_of(number)}};
        fs::create_directory(place(number));
        write_file(place(number) / "certificate.pem", authority.issue(bearer, keys[number].verifying_key(), now()).pem());
        write_file(place(number) / "key.pem", keys[number].secret().text(), 0600);
        write_file(place(number) / "authority.pem", authority.certificate().pem());
    }
    [[nodiscard]] Command command(std::size_t number, Start kind) const {
        auto variables = environment(setup(number, kind));
        variables.emplace_back("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        variables.emplace_back("LOG", (place(number) / "log").native());
        return {.argv = {"sh", "-c", "exec etcd >>\"$LOG\" 2>&1"}, .environment = variables};
    }
    void start(std::size_t number, Start kind) { members[number] = std::make_unique<PipedChild>(command(number, kind)); }

    [[nodiscard]] transfer::Identification as_etcd(std::size_t number) const {
        return {.certificate = read_file(place(number) / "certificate.pem"), .key = keys[number].secret(), .authority = authority.certificate().pem()};
    }
    [[nodiscard]] static std::vector<std::string> endpoints() { return {client_url(address_of(0)), client_url(address_of(1)), client_url(address_of(2))}; }

    static void eventually(const std::function<void()>& what) {
        for (const auto end = std::chrono::steady_clock::now() + 90s;; std::this_thread::sleep_for(200ms)) {
            try {
                return what();
            } catch (const Error&) {
                if (std::chrono::steady_clock::now() > end) throw;
            }
        }
    }
};

} // namespace

TEST_F(EtcdCluster, KeepsWhatItIsTold) {
    HttpsDoor door(as_etcd(0));
    Client client(door, endpoints());
    eventually([&] { (void)client.put("site/a", std::string("\0binary\xff", 8)); });

    const Pair first = client.get("site/a").value();
    EXPECT_EQ(first.value, std::string("\0binary\xff", 8));
    EXPECT_EQ(client.get("site/b"), std::nullopt);

    // Two who would be the first: one is.
    const std::vector<Condition> not_there{{.of = Condition::Of::created, .key = "lock", .is = 0}};
    EXPECT_TRUE(client.commit(not_there, {Put{"lock", "one"}}).done);
    EXPECT_FALSE(client.commit(not_there, {Put{"lock", "two"}}).done);
    const Pair lock = client.get("lock").value();
    EXPECT_EQ(lock.value, "one");
    EXPECT_TRUE(client.commit({{.of = Condition::Of::modified, .key = "lock", .is = lock.modified}}, {Delete{"lock"}}).done);
    EXPECT_EQ(client.get("lock"), std::nullopt);

    (void)client.put("site/b", "2");
    (void)client.put("sitf", "no");
    const Range range = client.range("site/");
    ASSERT_EQ(range.pairs.size(), 2U);
    EXPECT_EQ(range.pairs[1].key, "site/b");

    // The bell rings for what is under the prefix, and for what was before it was asked.
    EXPECT_FALSE(client.wait("site/", range.revision, 300ms));
    (void)client.put("site/b", "3");
    EXPECT_TRUE(client.wait("site/", range.revision, 10s));

    const auto all = client.members();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_FALSE(all[0].learner);

    // A certificate of the site is not one of etcd's.
    const genesis::Voter& voter = value.voters[0];
    const auto key = std::ranges::find_if(keys, [&](const SigningKey& one) { return one.verifying_key() == voter.key; });
    HttpsDoor stranger({.certificate = voter.certificate.pem(), .key = key->secret(), .authority = authority.certificate().pem()});
    EXPECT_THROW((void)Client(stranger, endpoints()).get("site/a"), Error);

    // One dies; the others have everything.
    members[0].reset();
    eventually([&] { (void)client.put("site/a", "after"); });
    EXPECT_EQ(client.get("site/a").value().value, "after");

    // It comes back with its data, and has what it has missed.
    start(0, Start::again);
    HttpsDoor own(as_etcd(0));
    Client back(own, {client_url(address_of(0))});
    eventually([&] { EXPECT_EQ(back.get("site/a").value().value, "after"); });
}
