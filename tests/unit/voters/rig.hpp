#pragma once

// A site in one process: a real etcd, one voter's desk behind a real port, nodes and operators with real certificates.

#include <error_of.hpp>
#include <one_etcd.hpp>

#include <roster/audit.hpp>
#include <voters/client.hpp>
#include <voters/port.hpp>
#include <voters/two_persons.hpp>

#include <base/text.hpp>
#include <formation/reader.hpp>
#include <signing/base64.hpp>

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::voters::rig {

using certificates::Right;
using namespace std::chrono_literals;

inline formation::Formation formation_on(const std::string& name, const std::string& role, const std::string& more = "[certificate]") {
    const std::string text = fmt::format(R"(
summary = "x"
roles = ["{}"]
units = ["{}.service"]
present = "observation.data"
healthy = "observation.up"
[observe]
run = ["/usr/lib/x/observe"]
prints = {{ data = "boolean", up = "boolean", id = "text?" }}
[facts.seen]
observed = "observation.id"
[facts.token]
once = "identifier"
[secrets.root]
[secrets.licence]
given = "text"
[secrets.public]
given = "certificate"
{}
[[step]]
id = "create"
kind = "once"
summary = "creates it"
when = "not observation.data and not formation.formed"
run = ["/usr/lib/x/create"]
timeout = "30 s"
verify = "observation.data"
[[step]]
id = "join"
kind = "serial"
summary = "joins"
when = "formation.formed and not observation.data"
run = ["/usr/lib/x/join"]
timeout = "30 s"
verify = "observation.data"
)",
                                         role, name, more);
    return formation::read_formation(toml::source_from_text(name + ".toml", text), name);
}

inline formation::Formations formations() {
    formation::Formations all;
    all.emplace("db", formation_on("db", "control"));
    all.emplace("agent", formation_on("agent", "compute"));
    all.emplace("plain", formation_on("plain", "control", {}));
    all.emplace("front", formation_on("front", "control", "[certificate]\nalso_for = [\"vip\"]"));
    return all;
}

// Members as formations see them; roles extend nothing here.
inline forming::Site placed(const roster::Roster& roster) {
    forming::Site site{.id = "s", .name = "s", .genesis = {}, .domain = {}, .vips = {"10.0.0.100", "fd00::64"}, .time_servers = {}, .members = {}};
    for (const auto* member : roster.members())
        site.members.push_back({.id = member->node().text(), .name = member->bearer.name, .role = *member->bearer.roles.begin(), .lineage = {member->bearer.roles.begin(), member->bearer.roles.end()},
                                .is_voter = roster.seats.contains(member->node()), .addresses = {}, .all_addresses = member->bearer.addresses});
    return site;
}

inline std::string held_by(const NodeId& node, const std::string& plan, const std::string& boot = "b1") { return forming::to_text(forming::Holder{node.text(), boot, plan, "R0.1"}); }

// As voters keep it, without the rest of what that takes.
class PlainStore final : public forming::SiteStore {
public:
    explicit PlainStore(etcd::Client client) : client_(std::move(client)) {}
    Entries list(std::string_view prefix) const override {
        Entries entries;
        for (const auto& pair : client_.range("/" + std::string(prefix)).pairs) entries.emplace(pair.key.substr(1), Entry{pair.value, static_cast<std::uint64_t>(pair.modified)});
        return entries;
    }
    bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override {
        const auto of = revision == 0 ? etcd::Condition::Of::created : etcd::Condition::Of::modified;
        return client_.commit({{of, "/" + key, static_cast<etcd::Revision>(revision)}}, {value ? etcd::Change(etcd::Put{"/" + key, *value}) : etcd::Change(etcd::Delete{"/" + key})}).done;
    }

private:
    mutable etcd::Client client_;
};

struct Machine {
    SigningKey key = SigningKey::generate(site_scheme);
    std::string name;
    std::set<std::string> roles;

    [[nodiscard]] NodeId id() const { return node_id_of(key.verifying_key()); }
    [[nodiscard]] certificates::NodeBearer bearer() const { return {.node = id(), .name = name, .roles = roles, .addresses = {"10.0.0.1"}}; }
    [[nodiscard]] roster::Member member() const { return {.key = key.verifying_key(), .bearer = bearer(), .serial = {}, .state = roster::Member::State::member, .since = Time(std::chrono::seconds(1790000000))}; }
};
struct Human {
    SigningKey key = SigningKey::generate(site_scheme);
    std::string name;
    std::set<Right> rights;

    [[nodiscard]] Person person() const { return {name, sha256(key.verifying_key().der())}; }
    [[nodiscard]] OperatorCaller caller() const { return {person(), rights}; }
    [[nodiscard]] std::string toml() const {
        std::vector<std::string> roles;
        for (const Right right : rights) roles.push_back(fmt::format("\"{}\"", certificates::name_of(right)));
        return fmt::format("[[access.operator]]\nname = \"{}\"\nroles = [{}]\nkey = '''\n{}'''\n", name, join(roles, ", "), key.verifying_key().pem());
    }
};

inline std::string plan_text(const SiteId& site, const std::vector<const Human*>& people, const std::string& name = "berlin-1") {
    std::string text = fmt::format("[site]\nname = \"{}\"\nid = \"{}\"\n[install]\nencryption = \"off\"\n[genesis]\nmode = \"seed\"\nvoters = 1\n"
                                   "[[node]]\nname = \"n01\"\nserial = \"A1\"\nroles = [\"control\"]\nvoter = true\n[install.disk]\nbus = [\"nvme\"]\n",
                                   name, site.text());
    for (const auto* human : people) text += human->toml();
    return text;
}
inline site::Site plan_of(const std::vector<const Human*>& people) { return site::read(toml::source_from_text("site.toml", plan_text(SiteId::random(), people))); }

// One connection by a certificate, over and over.
class Voice {
public:
    Voice(const SigningKey& key, const certificates::Authority& authority, const certificates::Bearer& bearer, const VoterAddress& voter)
        : certificate_(authority.issue(bearer, key.verifying_key(), OneEtcd::now())),
          client_({.key = key, .certificate = [this] { return certificate_; }, .trust = authority.trust(), .now = OneEtcd::now}, {voter}) {}
    Voice(const Voice&) = delete;
    Voice& operator=(const Voice&) = delete;

    std::variant<Json, Refusal> ask(const std::string& what, const Json& parameters = Json::object()) { return client_.ask({what, parameters}, VotersClient::Changes::something); }
    Json answer(const std::string& what, const Json& parameters = Json::object()) {
        auto answer = ask(what, parameters);
        if (const auto* const refusal = std::get_if<Refusal>(&answer)) throw Error(fmt::format("refused ({}): {} {}", name_of(refusal->reason), refusal->text, join(refusal->details, "; ")));
        return std::get<Json>(answer);
    }
    // "not-allowed", or "" when it is answered.
    std::string refusal(const std::string& what, const Json& parameters = Json::object()) {
        const auto answer = ask(what, parameters);
        const auto* const refusal = std::get_if<Refusal>(&answer);
        return refusal == nullptr ? "" : std::string(name_of(refusal->reason));
    }
    std::string swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) {
        const auto answer = ask("store.swap", {{"key", key}, {"revision", revision}, {"value", value ? base64_of(*value) : Json(nullptr)}});
        if (const auto* const refusal = std::get_if<Refusal>(&answer)) return std::string(name_of(refusal->reason));
        return std::get<Json>(answer).at("swapped") == true ? "swapped" : "late";
    }
    VotersClient& client() { return client_; }

private:
    const certificates::SiteCertificate certificate_;
    VotersClient client_;
};

class SiteWithVoter : public testing::Test {
protected:
    SiteWithVoter() {
        for (const auto* machine : {&n01_, &n02_, &c01_}) enrol(*machine);
        client_.put(roster::key::seat(n01_.id()), roster::text_of(roster::Seat{.address = etcd_.address, .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}}));
        EXPECT_TRUE(write_first_plan(client_, {{"site.toml", plan_text(site_, {&anna_, &ben_, &vera_, &otto_})}}));
    }

    void enrol(const Machine& machine) {
        client_.put(roster::key::node(machine.id()), roster::text_of(machine.member()));
        client_.put(roster::key::name(machine.name), machine.id().text());
    }
    void remove(const Machine& machine) {
        auto gone = machine.member();
        gone.state = roster::Member::State::removed;
        client_.put(roster::key::node(machine.id()), roster::text_of(gone));
    }
    std::unique_ptr<Voice> as(const Machine& machine) { return std::make_unique<Voice>(machine.key, authority_, machine.bearer(), voter_); }
    std::unique_ptr<Voice> as(const Human& human) { return std::make_unique<Voice>(human.key, authority_, certificates::OperatorBearer{human.name, human.rights}, voter_); }
    Json as_root(const std::string& ask, Json parameters = Json::object()) { return desk_.answer(LocalCaller{n01_.id(), "n01", 0}, message_of({ask, std::move(parameters)}), client_); }

    std::vector<std::string> log() {
        std::vector<std::string> lines;
        for (const auto& entry : audit::read(client_)) lines.push_back(fmt::format("{} {} {} {}", entry.who, entry.what, entry.about, entry.text));
        return lines;
    }
    // Everything but the log.
    std::map<std::string, etcd::Revision> everything() {
        std::map<std::string, etcd::Revision> all;
        for (const auto& pair : client_.range("").pairs)
            if (!pair.key.starts_with("/audit/")) all.emplace(pair.key, pair.modified);
        return all;
    }
    std::uint64_t revision_of(const std::string& key) {
        const auto found = client_.get("/" + key);
        return found ? static_cast<std::uint64_t>(found->modified) : 0;
    }

    OneEtcd etcd_;
    etcd::Client client_ = etcd_.client();
    const SiteId site_ = etcd_.value.site;
    const certificates::Authority authority_ = std::get<certificates::Authority>(genesis::authority_in(etcd_.value, etcd_.key));

    // The voter of the etcd.
    const Machine n01_{.key = SigningKey::from_secret(etcd_.key.secret(), "n01"), .name = "n01", .roles = {"control"}}, n02_{.key = SigningKey::generate(site_scheme), .name = "n02", .roles = {"control"}},
        c01_{.key = SigningKey::generate(site_scheme), .name = "c01", .roles = {"compute"}};
    const Human anna_{.key = SigningKey::generate(site_scheme), .name = "anna", .rights = {Right::administer, Right::approve}},
        ben_{.key = SigningKey::generate(site_scheme), .name = "ben", .rights = {Right::approve}}, vera_{.key = SigningKey::generate(site_scheme), .name = "vera", .rights = {Right::view}},
        otto_{.key = SigningKey::generate(site_scheme), .name = "otto", .rights = {Right::operate}};

    const formation::Formations formations_ = formations();
    const formation::RoleGraph roles_{{{"base", {}}, {"compute", {"base"}}, {"control", {"base"}}, {"storage", {"base"}}}};
    PlainStore store_{etcd_.client()};
    Desk desk_{{.site = site_, .authority = authority_, .formations = formations_, .roles = roles_, .place = placed, .store = store_, .now = OneEtcd::now}};
    const certificates::SiteCertificate certificate_ = authority_.issue(n01_.bearer(), n01_.key.verifying_key(), OneEtcd::now());
    PortParts port_parts() {
        return {.desk = desk_, .key = n01_.key, .certificate = [this] { return certificate_; }, .trust = authority_.trust(), .etcd = [this] { return session(); }, .now = OneEtcd::now};
    }
    // The door of the test's etcd is one for all, and is used by one thread at a time.
    std::unique_ptr<etcd::Session> session() { return std::make_unique<etcd::Session>(etcd_.identification(), std::vector{etcd::client_url(etcd_.address)}); }
    VotersPort port_{port_parts(), 0};
    const VoterAddress voter_{n01_.id(), "127.0.0.1", port_.port()};
};

} // namespace ashlar::voters::rig
