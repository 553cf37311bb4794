#pragma once

// Answers what is asked of a voter: reads the request, looks up who asks, asks the table, does it, and writes down what people must be
// able to look up later. Where the request comes from is not known here: <voters/port.hpp>, or ashlard's own socket.

#include <voters/authorisation.hpp>
#include <voters/marks.hpp>
#include <voters/plan.hpp>
#include <voters/tally.hpp>

#include <certificates/authority.hpp>
#include <etcd/client.hpp>
#include <formation/roles.hpp>
#include <forming/store.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::voters {

// What an ask is answered from. All of it is as of the question.
struct Occasion {
    const Caller& caller;
    const Request& request;
    const Picture& picture;
    const std::optional<Plan>& plan; // for operators, root at a voter, and what asks about it
    etcd::Client& etcd;
    Time now;
    bool is_agreed_to = false; // by a second person
    bool is_tried = false;     // it is only proposed: what the Deed does not say is not done either

    [[nodiscard]] const roster::Roster& roster() const { return picture.roster; }
};

// What an ask changes: written in one transaction with its entry in the audit log, or not at all. When a condition does not hold, the ask
// is answered again from what is there then. What takes two persons changes nothing before.
struct Deed {
    std::vector<etcd::Condition> conditions;
    std::vector<etcd::Change> changes; // none: it is the entry that matters
    Json answer = Json::object();
    std::string about, text; // of the entry
    std::string what;        // the same; empty: the ask
};

using Outcome = std::variant<Json, Deed, Refusal>;
// Called from several threads. An Error is the site's etcd not answering.
using Handler = std::function<Outcome(const Occasion& occasion)>;

struct DeskParts {
    SiteId site;
    const certificates::Authority& authority;
    const formation::Formations& formations;
    const formation::RoleGraph& roles; // that this release knows: a plan names no others
    // Members as formations see them, with the roles that theirs extend.
    std::function<forming::Site(const roster::Roster&)> place;
    forming::SiteStore& store; // asked by one thread at a time
    std::function<Time()> now;
};

// Somebody with a certificate, or who is on this voter.
struct Certified {
    certificates::Bearer bearer;
    VerifyingKey key;
};
using Asker = std::variant<Certified, LocalCaller>;

class Desk {
public:
    explicit Desk(DeskParts parts);
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // One more ask, or what answers one of the table that has no handler here (`secret.rotate`, `secret.give`: <voters/secrets.hpp>; `backup`).
    // Before the first question.
    void add(Ask ask, Handler handler);
    void add(const std::string& ask, Handler handler);

    // From any thread; `client` is the caller's own. Never throws for what is asked.
    [[nodiscard]] Json answer(const Asker& asker, const Json& message, etcd::Client& client);
    // What never came to a question: a certificate that does not count.
    void note_stranger(const std::string& from, const std::string& why, etcd::Client& client);

    // Also for this voter itself.
    [[nodiscard]] Marks marks(etcd::Client& client) { return marks_.read(client); }

    [[nodiscard]] const Asks& asks() const { return asks_; }

private:
    class Answering;
    [[nodiscard]] const Handler* handler_of(const std::string& ask) const;
    void add_handlers();

    [[nodiscard]] Outcome list(const Occasion& occasion);
    [[nodiscard]] Outcome swap(const Occasion& occasion);
    [[nodiscard]] Outcome renew(const Occasion& occasion) const;
    [[nodiscard]] Outcome service_certificate(const Occasion& occasion) const;
    [[nodiscard]] Outcome operator_certificate(const Occasion& occasion);
    [[nodiscard]] Outcome apply_plan(const Occasion& occasion) const;
    [[nodiscard]] Outcome make_proposal(const Occasion& occasion) const;
    [[nodiscard]] Outcome agree(const Occasion& occasion) const;
    // What a proposal is about, as if it were asked now.
    enum class Earnest { tried, meant };
    [[nodiscard]] Outcome carry_out(const Occasion& occasion, const Request& what, Earnest earnest) const;

    [[nodiscard]] forming::Ledger ledger_of(std::string_view formation);
    void note_refusal(const std::string& who, const std::string& ask, const Refusal& refusal, etcd::Client& client);

    const DeskParts parts_;
    Asks asks_ = built_in_asks();
    std::map<std::string, Handler, std::less<>> handlers_;

    roster::Known roster_;
    SharedMarks marks_;

    std::mutex mutex_; // of what follows
    Tally tally_;
    Ration certificates_;

    std::mutex store_; // the store's
};

} // namespace ashlar::voters
