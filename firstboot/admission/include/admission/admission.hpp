#pragma once

// A voter's side of enrolments: who comes is judged by what etcd and the plan say, written down, and given a certificate.
// docs/formats/enrolment.md, docs/formats/roster.md.
//
// Any voter may do it, several at once: what is written is one transaction on what was judged, and is judged again when something else
// came between.

#include <enrolment/conversation.hpp>
#include <etcd/https_door.hpp>
#include <genesis/value.hpp>
#include <membership/site_port.hpp>
#include <roster/roster.hpp>
#include <site/key.hpp>
#include <site/site.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::admission {

// All of it outlives the admission.
struct Voter {
    const genesis::Value& value;
    const certificates::Authority& authority;
    const site::SiteKey& site_key;
    std::string name; // of this node, for the audit log
    const site::SiteKey* former_key = nullptr; // while the site's key is rotated: who is a member comes back by it, and nobody new is let in
    std::optional<certificates::Lineage> lineage = std::nullopt; // none: the authorities are those of the genesis
    [[nodiscard]] certificates::Trust trust() const { return lineage ? lineage->trust(value.site) : authority.trust(); }
};

struct Outside {
    etcd::OpenSession etcd;
    std::function<site::Site()> plan;                // as the site has it now
    std::function<bool(const NodeId&)> is_heard;     // within the time in which nodes are
    std::function<Time()> now;
    std::function<void(const std::string&)> alarm = [](const std::string& /*text*/) {}; // what people at this voter must see
};

class Admission final : public membership::Reception {
public:
    Admission(Voter voter, Outside outside);
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;
    ~Admission() override;

    [[nodiscard]] std::optional<Secret> key_of(std::string_view identity) override;
    void receive(channel::Channel channel, Json first) override;

private:
    struct Conversation;
    using Owned = std::unique_ptr<Conversation>;

    [[nodiscard]] enrolment::Decision decide(const Conversation& conversation, const enrolment::Applicant& applicant) const;
    void tell_of_missing_tpm(const enrolment::Applicant& applicant, const std::string& name) const;
    [[nodiscard]] bool is_of_former_key(std::string_view identity) const;
    void grant(Conversation& conversation, enrolment::Grant grant) const;
    // False: it was judged on what is no more.
    [[nodiscard]] bool write(etcd::Client& client, const enrolment::Grant& grant) const;
    void turn_away(Conversation& conversation, const enrolment::Turn& turn) const;

    // For a person, who may take minutes.
    void wait_for_a_person(Owned conversation, const enrolment::Pending& pending);
    void look_after_who_waits(const std::stop_token& stop);
    // True: it is over.
    [[nodiscard]] bool look_after(Conversation& conversation) const;

    const Voter voter_;
    const Outside outside_;

    mutable std::mutex mutex_; // what follows
    std::vector<Owned> waiting_;
    mutable std::set<NodeId> told_of_; // once each
    std::condition_variable_any came_;

    std::jthread patience_;
};

} // namespace ashlar::admission
