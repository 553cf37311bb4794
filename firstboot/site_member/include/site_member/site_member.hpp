#pragma once

// A node of a site: from the files of its medium to a member that stays one. It takes part in the agreement or is enrolled, keeps its
// certificate fresh, and has a seat with the voters where site.toml gives it one.
//
// The parts are elsewhere; this is where they come together.

#include <admission/admission.hpp>
#include <admission/seek.hpp>
#include <firstboot/identity.hpp>
#include <membership/delegate.hpp>
#include <membership/membership.hpp>
#include <node/site_files.hpp>
#include <seat/seat.hpp>
#include <seat/store_member.hpp>
#include <signing/message_key.hpp>
#include <site_member/record.hpp>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace ashlar::site_member {

struct Place;

class SiteMember final : public membership::Settling {
public:
    struct Told {
        std::function<void()> changed;                        // status() is another than before
        std::function<void(const std::string&)> alarm;        // what people must see
    }; // both from any thread

    // Lays the node's network. An Error when the machine is not as its site says. `files` has a genesis, and a key or a ticket.
    SiteMember(node::SiteFiles files, std::filesystem::path state, const firstboot::Identity& identity, Told told);
    ~SiteMember() override;

    // docs/formats/node-status.md, "site".
    [[nodiscard]] Json status() const;

private:
    // What a voter has that works.
    struct Office;

    // Settling.
    [[nodiscard]] Bytes offer() override { return delegate_.offer(); }
    [[nodiscard]] founding::Genesis make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) override { return delegate_.make(voters, offers); }
    [[nodiscard]] std::optional<std::string> objection(const founding::Genesis& genesis) override { return delegate_.objection(genesis); }
    [[nodiscard]] founding::Genesis introduce(const beacon_port::Origin& member) override;
    void settle(const founding::Genesis& genesis, bool voter) override;

    // Enrolling.
    [[nodiscard]] channel::SharedKey shared_key() const;
    [[nodiscard]] enrolment::Enrolled enrol_through(Fd socket);
    [[nodiscard]] Record enrolled_by_any(const genesis::Value& value);
    void show_code(const std::string& code);

    // Sitting.
    [[nodiscard]] std::optional<roster::Seat> seat_of(const genesis::Value& value, const Record& record) const;
    void sit(const genesis::Value& value, const roster::Seat& seat, Record& record);
    void write_down(Office& office);
    [[nodiscard]] site::Site plan(const Office& office) const;

    // Staying.
    void stay(const std::stop_token& stop);
    void renew_what_is_due();

    const node::SiteFiles files_;
    const std::filesystem::path state_;
    const Told told_;
    const std::string role_;
    const SigningKey key_;
    const NodeId node_;
    const std::unique_ptr<const Place> place_;
    const membership::Delegate delegate_;

    mutable std::mutex mutex_; // what follows
    std::string code_;                       // that a person compares now
    std::optional<genesis::Value> value_;    // of the site to which it belongs
    std::unique_ptr<Office> office_;
    std::condition_variable_any over_;

    membership::Membership membership_;
    std::jthread staying_;
};

} // namespace ashlar::site_member
