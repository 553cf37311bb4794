#include <seat/store_member.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <thread>

#include <fmt/format.h>

namespace ashlar::seat {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr const char* genesis_key = "/genesis";
constexpr std::chrono::milliseconds etcd_patience = 60s, look_again = 200ms, one_question = 2s;

// Who was first writes it; what is there otherwise is another site's.
void claim(etcd::Client& client, const GenesisId& genesis) {
    const auto committed = client.commit({{etcd::Condition::Of::created, genesis_key, 0}}, {etcd::Put{genesis_key, genesis.text()}});
    if (committed.done) return;
    const auto found = client.get(genesis_key);
    if (!found || found->value != genesis.text())
        throw Error(fmt::format("cannot use the site's etcd: it belongs to genesis {}, this node to {}", found ? found->value : "none", genesis.text()), "another site's etcd answers at these addresses");
}

} // namespace

bool Places::has_data() const { return fs::exists(data / "member"); }

void Places::drop_data() const { fs::remove_all(data / "member"); }

std::string StoreMember::told(const Order& order) const {
    const auto self = std::ranges::find(order.cluster, node_id_of(parts_.key.verifying_key()), &etcd::Member::node);
    if (self == order.cluster.end()) throw Error("cannot start the site's etcd: this node is none of its members");
    const std::string of_authorities = order.step == 0 ? std::string() : fmt::format("# authorities of step {}\n", order.step);
    return of_authorities + etcd::environment_file({.self = *self, .cluster = order.cluster, .genesis = order.value.genesis, .start = order.start, .alone = order.alone, .data = parts_.places.data, .credentials = credentials()});
}

void StoreMember::start(const Order& order) {
    const std::string told = this->told(order);
    const NodeId node = node_id_of(parts_.key.verifying_key());
    {
        const std::lock_guard lock(mutex_);
        addresses_.clear();
        endpoints_.clear();
        for (const auto& member : order.cluster) {
            const std::string url = etcd::client_url(member.address);
            if (member.node == node) addresses_.insert(member.address);
            endpoints_.insert(member.node == node ? endpoints_.begin() : endpoints_.end(), url);
        }
        certificate_.reset();
        also_ = order.also;
    }
    renew(order.etcd_authority);
    fs::create_directories(parts_.places.data);
    fs::permissions(parts_.places.data, fs::perms::owner_all); // etcd wants it so
    const bool is_news = !fs::exists(environment()) || read_file(environment()) != told;
    if (is_news) write_file(environment(), told);
    parts_.start_etcd(is_news ? Start::anew : Start::if_needed);
}

void StoreMember::stop_being_alone(Order order) const {
    order.alone = false;
    write_file(environment(), told(order));
}

void StoreMember::renew(const certificates::Authority& etcd_authority) {
    const std::lock_guard lock(mutex_);
    if (certificate_ && !certificates::is_due(*certificate_, parts_.now())) return;
    service_key_ = SigningKey::generate(site_scheme);
    const certificates::ServiceBearer bearer{.node = node_id_of(parts_.key.verifying_key()), .service = "etcd", .addresses = addresses_};
    certificate_ = etcd_authority.issue(bearer, service_key_->verifying_key(), parts_.now());
    authority_ = etcd_authority.certificate().pem() + (also_ ? also_->pem() : std::string());
    // The image makes the directory before, so that what lies there is of etcd's group.
    if (fs::create_directories(credentials())) fs::permissions(credentials(), fs::perms::owner_all);
    write_file(credentials() / "certificate.pem", certificate_->pem());
    write_file(credentials() / "authority.pem", authority_);
    write_file(credentials() / "key.pem", service_key_->secret().text(), 0640);
}

std::unique_ptr<etcd::Session> StoreMember::open() const {
    const std::lock_guard lock(mutex_);
    return open_at(endpoints_);
}

bool StoreMember::answers_at(const std::string& address) const try {
    const auto session = [&] {
        const std::lock_guard lock(mutex_);
        return open_at({etcd::client_url(address)});
    }();
    return session->client().get(genesis_key).has_value();
} catch (const Error&) {
    return false;
}

std::unique_ptr<etcd::Session> StoreMember::open_at(std::vector<std::string> endpoints) const {
    if (!certificate_) throw Error("cannot ask the site's etcd: this node has not started its own");
    return std::make_unique<etcd::Session>(transfer::Identification{.certificate = certificate_->pem(), .key = service_key_->secret(), .authority = authority_}, std::move(endpoints), one_question);
}

void StoreMember::wait(const GenesisId& genesis) const {
    const auto session = open();
    for (const auto end = std::chrono::steady_clock::now() + etcd_patience;; std::this_thread::sleep_for(look_again)) {
        try {
            return claim(session->client(), genesis);
        } catch (const etcd::OutcomeUnknown&) {
            // Asked again: then it is there, or not.
        } catch (const Error&) {
            if (std::chrono::steady_clock::now() > end) throw;
        }
    }
}

} // namespace ashlar::seat
