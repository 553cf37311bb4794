#pragma once

// What a voter does for its site while its etcd works: it receives who comes, and answers what is asked.

#include "place.hpp"

#include <admission/admission.hpp>
#include <forming/site.hpp>
#include <key_rotation/voter.hpp>
#include <seat/seat.hpp>
#include <seat/store_member.hpp>
#include <site_store/etcd_store.hpp>
#include <succession/succession.hpp>
#include <voters/desk.hpp>
#include <voters/port.hpp>
#include <voters/secrets.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::site_member {

// All that is referred to outlives the office.
struct OfficeParts {
    const genesis::Value& agreed; // as it was at genesis
    const genesis::Value& value;  // the same with the authorities of now
    std::optional<certificates::Lineage> lineage; // none: they are those of the genesis
    const certificates::Trust& trust;
    const SigningKey& key; // the node's own
    const Place& place;
    const formation::Formations& formations;
    const formation::RoleGraph& roles;
    std::function<bool(const NodeId&)> hears;
    std::function<certificates::SiteCertificate()> certificate; // the node's, of now
    std::function<Time()> now;
    std::function<void(seat::StoreMember::Start)> start_etcd;
    voters::Rotate rotate; // a voter is entitled to every secret
    voters::Seal seal;
    std::function<void(const std::string&)> alarm;
};

class Office : public std::enable_shared_from_this<Office> {
public:
    // An Error when the seat is another node's.
    Office(OfficeParts parts, const roster::Seat& seat);
    Office(const Office&) = delete;
    Office& operator=(const Office&) = delete;

    [[nodiscard]] seat::StoreMember& etcd() noexcept { return etcd_; }
    // The next certificate of this node, as the roster has it. An Error when it is no member any more.
    [[nodiscard]] certificates::SiteCertificate issued(const NodeId& node) const;
    [[nodiscard]] seat::Keys keys() const { return {.value = parts_.value, .authorities = keys_.authorities, .site_key = Secret(keys_.site_key.text())}; }
    // The same with the site's key of now: it may be another one since this seat was taken.
    [[nodiscard]] seat::Keys keys(etcd::Client& client) const { return {.value = parts_.value, .authorities = keys_.authorities, .site_key = key_rotation::keys_now(client, keeper_).key.text()}; }

    // When etcd answers: this node is noted as a member with a seat, where it was not; the plan where there was none.
    void found(const roster::Member& self, const voters::PlanFiles& files);
    // Voters that are given up are members no more, and their names are free. `by`: who ordered it; empty: root here.
    void forget(const std::vector<std::string>& lost, const std::string& by);
    // Members have the roles and addresses that the plan gives them.
    void follow(const site::Site& plan, const roster::Roster& roster);
    // Every voter has its copy of the site's key; that of before goes when every member has the other one.
    void tend_key(const roster::Roster& roster);
    // Before anything else is written: what the site had, where it was lost. `file`: of this node's medium, where it still has it.
    void restore(const roster::Member& self, const std::optional<std::string>& file);
    // From then on others are answered.
    void open();
    // Keeps the office as long as somebody is received there.
    [[nodiscard]] std::shared_ptr<membership::Reception> reception() { return {shared_from_this(), admission_.get()}; }

    // Somebody at this node, who is root.
    [[nodiscard]] Json ask(const Json& request, unsigned user);
    // This node as any other, for somebody who is at it.
    [[nodiscard]] Json pass_on(const certificates::NodeBearer& self, const Json& request);
    // Of this voter: the site goes on to its next step when nobody is waited for. What etcd says of its authorities then, or nothing.
    [[nodiscard]] std::optional<succession::State> further(const certificates::NodeBearer& self) const;
    // It is this voter that does the step now, and the others' etcd has a quorum without it.
    [[nodiscard]] bool is_free_for(const succession::State& state) const;
    void followed(succession::Step step) const;
    void renew() { etcd_.renew(keys_.authorities.etcd); }
    [[nodiscard]] forming::SiteStore& store() { return *store_; }
    // For one thread.
    [[nodiscard]] voters::Marks marks() { return desk_->marks(marks_->client()); }

private:
    [[nodiscard]] site::Site plan() const;
    [[nodiscard]] forming::Site place(const roster::Roster& roster) const;
    void add_asks();
    [[nodiscard]] voters::Outcome take_seat(const voters::Occasion& occasion) const;
    [[nodiscard]] voters::Outcome back_up(const voters::Occasion& occasion) const;
    [[nodiscard]] voters::Outcome promote(const voters::Occasion& occasion) const;

    // Of the authorities: authority_desk.cpp.
    void add_authority_asks();
    [[nodiscard]] voters::Outcome show_authority(const voters::Occasion& occasion) const;
    [[nodiscard]] voters::Outcome rotate_authority(const voters::Occasion& occasion) const;
    [[nodiscard]] voters::Outcome finish_rotation(const voters::Occasion& occasion) const;

    const OfficeParts parts_;
    const seat::Opened keys_;
    const site::SiteKey site_key_; // with which it has its seat
    const key_rotation::Voter keeper_;
    std::optional<key_rotation::Keys> site_keys_; // those that count since open()
    seat::StoreMember etcd_;
    std::unique_ptr<etcd::Session> session_, marks_; // of the store; of marks, which must not wait for it
    std::unique_ptr<site_store::EtcdStore> store_;
    std::unique_ptr<voters::Desk> desk_;
    std::unique_ptr<admission::Admission> admission_;
    std::unique_ptr<voters::VotersPort> port_;
};

} // namespace ashlar::site_member
