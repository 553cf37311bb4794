#include <membership/voter.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <etcd/https_door.hpp>
#include <signing/base64.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>
#include <state/state.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <sys/stat.h>
#include <thread>

#include <fmt/format.h>

namespace ashlar::membership {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr const char* answered_member = "etcd_answered"; // of the state: this node has been a member
constexpr const char* genesis_key = "/genesis";
constexpr std::chrono::milliseconds etcd_patience = 60s, look_again = 200ms;
constexpr std::chrono::milliseconds one_question = 2s;
constexpr JsonDocument offer_document{.kind = "message", .name = "offer", .remedy = ""};

genesis::Candidate candidate_in(const NodeId& node, ByteView offer) {
    const Json json = parse_json(text_of(offer), "offer");
    JsonObject object(json, offer_document, "it");
    genesis::Candidate candidate{.key = VerifyingKey::from_der(object.bytes("key"), site_scheme, "offer"), .name = object.text("name"), .roles = {}, .addresses = object.texts("addresses")};
    for (auto& role : object.texts("roles")) candidate.roles.insert(std::move(role));
    object.finish();
    if (node_id_of(candidate.key) != node) throw object.refusal("it is not of the node that made it");
    return candidate;
}

std::vector<std::string> client_urls(const genesis::Value& value) {
    std::vector<std::string> urls;
    for (const auto& member : etcd::members_of(value)) urls.push_back(etcd::client_url(member.address));
    return urls;
}

// Who was first writes it; what is there otherwise is another site's.
void claim(etcd::Client& client, const GenesisId& genesis) {
    const auto committed = client.commit({{etcd::Condition::Of::created, genesis_key, 0}}, {etcd::Put{genesis_key, genesis.text()}});
    if (committed.done) return;
    const auto found = client.get(genesis_key);
    if (!found || found->value != genesis.text())
        throw Error(fmt::format("cannot use the site's etcd: it belongs to genesis {}, this node to {}", found ? found->value : "none", genesis.text()), "another site's etcd answers at these addresses");
}

void wait_for(etcd::Client& client, const GenesisId& genesis) {
    const auto end = std::chrono::steady_clock::now() + etcd_patience;
    for (;;) {
        try {
            return claim(client, genesis);
        } catch (const etcd::OutcomeUnknown&) {
            // Asked again: then it is there, or not.
        } catch (const Error&) {
            if (std::chrono::steady_clock::now() > end) throw;
        }
        std::this_thread::sleep_for(look_again);
    }
}

} // namespace

Bytes Voter::offer() {
    const Json json{{"key", base64(parts_.key.verifying_key().der())}, {"name", parts_.name}, {"roles", parts_.roles}, {"addresses", parts_.addresses}};
    Bytes bytes;
    append(bytes, tuf::canonical_json(json));
    return bytes;
}

founding::Genesis Voter::make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) {
    std::vector<genesis::Candidate> candidates;
    for (const auto& [node, offer] : offers) candidates.push_back(candidate_in(node, offer));
    const GenesisId id = GenesisId::random();
    founding::Genesis made{.id = id, .voters = voters, .value = {}};
    append(made.value, genesis::text_of(genesis::build(parts_.site, id, candidates, parts_.now())));
    return made;
}

std::optional<std::string> Voter::objection(const founding::Genesis& genesis) {
    const auto checked = genesis::check(text_of(genesis.value), {parts_.site, parts_.key});
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) return refused->text;
    const auto& value = std::get<genesis::Value>(checked);
    if (value.genesis != genesis.id) return "it has another id than the one that is agreed on";
    std::vector<NodeId> agreed, named;
    for (const auto& elector : genesis.voters) agreed.push_back(elector.node);
    for (const auto& voter : value.voters) named.push_back(voter.node);
    std::ranges::sort(agreed);
    std::ranges::sort(named);
    return agreed == named ? std::nullopt : std::optional<std::string>("it has other voters than those that agree");
}

genesis::Value Voter::value_of(const founding::Genesis& genesis) const {
    auto checked = genesis::check(text_of(genesis.value), {parts_.site, parts_.key});
    if (const auto* refused = std::get_if<genesis::Refused>(&checked)) throw Error(fmt::format("cannot use the site's genesis: {}", refused->text));
    return std::get<genesis::Value>(std::move(checked));
}

certificates::Authority Voter::etcd_authority(const genesis::Value& value) const {
    auto opened = genesis::etcd_authority_in(value, parts_.key);
    if (const auto* refused = std::get_if<genesis::Refused>(&opened)) throw Error(fmt::format("cannot open the authority of the site's etcd: {}", refused->text));
    return std::get<certificates::Authority>(std::move(opened));
}

etcd::Setup Voter::setup_of(const genesis::Value& value) const {
    const auto cluster = etcd::members_of(value);
    const auto self = std::ranges::find(cluster, node_id_of(parts_.key.verifying_key()), &etcd::Member::node);
    if (self == cluster.end()) throw Error("cannot start the site's etcd: this node is none of its members");
    const auto record = state::read(parts_.state);
    const auto start = etcd::start_after({.was_member = record && record->content.value(answered_member, false), .has_data = fs::exists(parts_.places.data / "member"), .awaited = false});
    if (!start) throw Error("cannot start the site's etcd: its data on this node are gone, and it was a member", "it must be replaced as one that is lost");
    return {.self = *self,
            .cluster = cluster,
            .genesis = value.genesis,
            .start = *start,
            .data = parts_.places.data,
            .credentials = parts_.places.run / "etcd"};
}

void Voter::write_credentials(const genesis::Value& value, const SigningKey& service, const certificates::SiteCertificate& certificate) const {
    const fs::path directory = parts_.places.run / "etcd";
    fs::create_directories(directory);
    fs::permissions(directory, fs::perms::owner_all);
    write_file(directory / "certificate.pem", certificate.pem());
    write_file(directory / "authority.pem", value.etcd_authority.pem());
    write_file(directory / "key.pem", service.secret().text(), 0600);
}

void Voter::settle(const founding::Genesis& genesis, bool voter) {
    if (!voter) throw Error("cannot join the site: only its first voters can, so far", "nodes that come later are not enrolled by this release");
    const genesis::Value value = value_of(genesis);
    const auto service = SigningKey::generate(site_scheme);
    const certificates::ServiceBearer bearer{.node = node_id_of(parts_.key.verifying_key()), .service = "etcd", .addresses = {parts_.addresses.begin(), parts_.addresses.end()}};
    const auto certificate = etcd_authority(value).issue(bearer, service.verifying_key(), parts_.now());
    write_credentials(value, service, certificate);
    fs::create_directories(parts_.places.data);
    fs::permissions(parts_.places.data, fs::perms::owner_all); // etcd wants it so
    write_file(parts_.places.run / "etcd.env", etcd::environment_file(setup_of(value)));
    parts_.start_etcd();

    etcd::HttpsDoor door({.certificate = certificate.pem(), .key = service.secret(), .authority = value.etcd_authority.pem()});
    etcd::Client client(door, client_urls(value), one_question);
    wait_for(client, value.genesis);
    state::change(parts_.state, [](Json& content) { content[answered_member] = true; });
}

} // namespace ashlar::membership
