#pragma once

// A node of a site: from the files of its medium to a member that stays one. It takes part in the agreement or is enrolled, keeps its
// certificate fresh, and has a seat with the voters where site.toml gives it one.
//
// The parts are elsewhere; this is where they come together.

#include <admission/seek.hpp>
#include <disks/disks_file.hpp>
#include <etcd/setup.hpp>
#include <firstboot/identity.hpp>
#include <formation/reader.hpp>
#include <formations/service.hpp>
#include <membership/delegate.hpp>
#include <membership/membership.hpp>
#include <node/site_files.hpp>
#include <signing/message_key.hpp>
#include <site_member/plan_follower.hpp>
#include <site_member/record.hpp>
#include <voters/client.hpp>
#include <voters/order.hpp>
#include <voters/plan.hpp>
#include <voters/secrets.hpp>

#include <condition_variable>
#include <filesystem>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ashlar::site_member {

struct Place;
struct View;
class Office;

class SiteMember final : public membership::Settling {
public:
    // From any thread.
    struct Surroundings {
        std::function<void()> changed;                        // status() is another than before
        std::function<void(const std::string&)> alarm;        // what people must see
        std::function<forming::Self::Upgrade()> upgrade;      // of this node's releases
        std::function<void()> start_again;                    // the daemon, with what is in the state by then
        std::function<void()> wipe;                           // nothing of this node is to be left; an Error when that cannot be now
    };

    // Lays the node's network. An Error when the machine is not as its site says. `files` has a genesis, and a key or a ticket.
    // `key`, the node's own, outlives it.
    SiteMember(node::SiteFiles files, const SigningKey& key, std::filesystem::path state, firstboot::Identity identity, Surroundings around);
    ~SiteMember() override;

    // docs/formats/node-status.md, "site".
    [[nodiscard]] Json status() const;
    // Why a service of this node, or a node of the site, is not (yet) what it should be: several lines. An Error for what is neither.
    [[nodiscard]] std::string why(const std::string& name) const;
    // Of its formations: docs/formats/control.md, "Checks".
    [[nodiscard]] Json checks() const;
    [[nodiscard]] Json timeline() const;
    // What root at this node asks the voters: docs/formats/voters-interface.md. Answered here where the node has a seat; an Error elsewhere.
    [[nodiscard]] Json ask(const Json& request, unsigned user);
    // Too many voters are lost for the site's etcd to go on: this one goes on alone, with what it knows, and the others are given up. An
    // Error when one of them is there, when it is not all others that are named, or when this node has nothing to go on with. The daemon
    // starts again, and carries it out however often it is cut off.
    //
    // On root's word, where the plan does not name two persons who could order it; otherwise by their order: docs/formats/order.md.
    void recover(const std::vector<std::string>& lost);
    void recover_by(const std::string& order);
    // Such an order for this node, which nobody has signed.
    [[nodiscard]] std::string recovery_order(const std::vector<std::string>& lost) const;
    // A site that is not founded yet does without some of its voters, or despite what is on their disks, by an admin's order. An Error when
    // this node has no say in it, and for an order that leaves too few.
    void found_by(const std::string& order);
    [[nodiscard]] std::string foundation_order(const std::vector<std::string>& without, const std::vector<std::string>& despite) const;
    // As ask(), for an operator's certificate, on any node: it passes the request (PKCS #10, base64) on as its own question.
    [[nodiscard]] Json operator_certificate(const std::string& request);
    // "site", the "certificate" of its authority (DER, base64), and addresses of "voters": what operators trust, and whom they ask.
    [[nodiscard]] Json authority() const;

private:
    // Settling.
    [[nodiscard]] Bytes offer() override { return delegate_.offer(); }
    [[nodiscard]] founding::Genesis make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) override { return delegate_.make(voters, offers); }
    [[nodiscard]] std::optional<std::string> objection(const founding::Genesis& genesis) override { return delegate_.objection(genesis); }
    [[nodiscard]] std::optional<std::string> objection_to_repeat(const founding::Genesis& genesis) override { return delegate_.objection_to_repeat(genesis); }
    [[nodiscard]] std::optional<std::string> objection_to_order(const founding::Order& order) override;
    [[nodiscard]] founding::Genesis introduce(const beacon_port::Origin& member) override;
    void settle(const founding::Genesis& genesis, bool voter) override;

    // Belonging.
    void belong_to(genesis::Value value);
    [[nodiscard]] channel::SharedKey shared_key() const;
    [[nodiscard]] std::vector<voters::VoterAddress> known_voters() const;
    enum class Shown { certificate, nothing }; // of who it was
    [[nodiscard]] enrolment::Enrolled enrol_through(Fd socket, Shown shown);
    [[nodiscard]] enrolment::Enrolled enrolled_by_any(Shown shown);
    void take_over(const enrolment::Enrolled& enrolled);
    void keep(const std::function<void(Record& record)>& change);
    [[nodiscard]] Record record() const;
    void show_code(const std::string& code);

    // Sitting.
    struct Sitting {
        roster::Seat seat;
        std::vector<etcd::Member> cluster;
        etcd::Start start;
    };
    [[nodiscard]] std::optional<Sitting> sitting();
    [[nodiscard]] std::optional<roster::Seat> first_seat() const;
    [[nodiscard]] Sitting taken_seat();
    void sit(const Sitting& sitting);
    void wait_for_a_vote(const std::string& address);
    [[nodiscard]] Json asked(const std::string& what, Json parameters);
    enum class Told { member, removed, to_wipe };
    [[nodiscard]] std::optional<Told> told_by_others() const;
    void refuse_to_sit_where_it_was_removed() const;
    [[nodiscard]] GenesisId genesis() const;
    [[nodiscard]] std::map<std::string, NodeId> other_voters() const;
    [[nodiscard]] std::vector<voters::NamedNode> lost_voters(const std::vector<std::string>& lost) const;
    void require_founding() const;
    void give_up(const std::vector<std::string>& lost, const std::string& by);
    [[nodiscard]] roster::Member self() const;

    // Staying.
    void stay(const std::stop_token& stop);
    void doubt(const std::string& text);
    void leave_if_removed();
    void wipe();
    void renew_what_is_due();
    [[nodiscard]] certificates::SiteCertificate renewed(const std::shared_ptr<Office>& office);

    // Other authorities: authority_follower.cpp.
    [[nodiscard]] std::uint64_t step() const;
    [[nodiscard]] bool is_of_now(const certificates::SiteCertificate& certificate) const;
    [[nodiscard]] bool has_done_step() const;
    void follow_authorities();
    void follow_as_voter(Office& office);
    void follow_as_node();
    void take_step(const certificates::Lineage& lineage, const std::optional<genesis::SealedKeys>& keys);
    [[nodiscard]] bool is_left_behind() const;
    void return_if_left_behind();
    void look();
    void heed(const voters::Marks& marks);
    void compare_roles(const forming::Site& site);
    void hear_wishes();
    void follow_key();
    [[nodiscard]] PlanFollower::Deeds following();
    void keep_plan(const voters::PlanFiles& files);
    [[nodiscard]] bool has_certificate() const;
    [[nodiscard]] std::optional<std::vector<std::string>> unsettled_on(const std::string& name) const;
    [[nodiscard]] Json waiting() const;
    [[nodiscard]] formations::Parts formation_parts();
    [[nodiscard]] certificates::SiteCertificate service_certificate(const std::string& formation, const Bytes& request);
    [[nodiscard]] std::optional<disks::DisksFile::Wanted> wanted_disks() const;
    [[nodiscard]] forming::Self formation_self() const;
    [[nodiscard]] std::shared_ptr<const View> view() const;
    [[nodiscard]] std::shared_ptr<Office> office() const;

    const node::SiteFiles files_;
    const std::filesystem::path state_;
    const Surroundings around_;
    const firstboot::Identity identity_;
    const SigningKey& key_;
    const NodeId node_;
    const std::unique_ptr<const Place> place_;
    const membership::Delegate delegate_;

    const formation::Formations formations_;
    const formation::RoleGraph roles_; // of this release

    std::mutex keeping_;
    mutable std::mutex mutex_; // what follows
    std::string code_;         // that a person compares now
    std::string doubt_;        // why it does not know how the site is
    std::optional<Record> record_;
    std::optional<genesis::Value> value_; // of the site to which it belongs; stays
    std::optional<genesis::Value> present_; // the same with the authorities of now
    std::optional<certificates::Lineage> lineage_; // by which it is so; the record may be a step further, for the next start of the daemon
    std::optional<certificates::Trust> trust_;
    std::unique_ptr<voters::VotersClient> voters_;
    std::shared_ptr<const View> view_;
    std::chrono::steady_clock::time_point looked_{}; // with success
    std::condition_variable_any over_;    // or it is time to look
    bool is_look_due_ = false;
    std::string members_mark_;
    std::string unfit_roles_; // of the plan, that this node's image has not; told already

    std::shared_ptr<Office> office_;
    membership::Membership membership_;
    PlanFollower follower_; // of whoever stays
    bool is_wiping_ = false; // the same
    const std::unique_ptr<forming::SiteStore> store_;
    std::unique_ptr<formations::FormationService> service_;
    std::unique_ptr<disks::DisksFile> disks_;
    std::mutex looking_;
    std::map<std::string, std::uint64_t> wishes_; // that were heard, by formation; while looking_
    std::jthread staying_;
};

} // namespace ashlar::site_member
