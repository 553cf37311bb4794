#include <admission/admission.hpp>

#include <admission/facts.hpp>

#include <base/error.hpp>
#include <base/random.hpp>
#include <roster/audit.hpp>
#include <site/ticket.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::admission {

using namespace enrolment;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto longest_word = 10s, longest_wait = 600s, look_again = 1s;
constexpr unsigned most_tries = 5;
constexpr std::string_view former_key_text = "the site has another key since this medium was made: make it anew, with the site.key of now or a new ticket";
constexpr std::string_view former_ticket_text = "the site has another key since this ticket was made: make another one";
constexpr std::size_t most_waiting = 64;

channel::Deadline in(std::chrono::seconds time) { return Clock::now() + time; }

Nonce random_nonce() {
    Nonce nonce{};
    fill_with_random(nonce);
    return nonce;
}

std::optional<site::TicketClaim> claim_in(std::string_view text) {
    try {
        return site::parse_ticket_claim(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

// Nothing for one that is not of that key.
std::optional<Secret> secret_of(const site::SiteKey& key, const site::TicketClaim& claim) {
    // An expired one too: its node may be a member that comes back after a year. What it allows is decided afterwards.
    auto checked = site::check_ticket(key, claim, claim.terms.node, claim.terms.expires - 1s);
    auto* const secret = std::get_if<Secret>(&checked);
    return secret != nullptr ? std::optional(std::move(*secret)) : std::nullopt;
}

// ---- Tickets: how often they were used ------------------------------------------------------------------

struct Uses {
    std::vector<std::string> nodes;
    etcd::Revision revision = 0;
    [[nodiscard]] bool has(const NodeId& node) const { return std::ranges::find(nodes, node.text()) != nodes.end(); }
};

Uses uses_of(etcd::Client& client, const site::TicketTerms& terms) {
    const auto pair = client.get(roster::key::ticket(terms.id.text()));
    if (!pair) return {};
    return {parse_json(pair->value, "ticket's uses").get<std::vector<std::string>>(), pair->modified};
}

std::optional<std::string> fault_of_ticket(etcd::Client& client, const site::SiteKey& key, const site::SiteKey* former, std::string_view text, const std::optional<std::string>& name, const NodeId& node, Time now) {
    const auto claim = claim_in(text);
    if (!claim) return "it is no ticket";
    const auto checked = site::check_ticket(key, *claim, name, now);
    if (const auto* const refusal = std::get_if<site::Refusal>(&checked)) return former != nullptr && secret_of(*former, *claim) ? std::string(former_ticket_text) : refusal->reason;
    const Uses uses = uses_of(client, claim->terms);
    if (uses.has(node) || uses.nodes.size() < claim->terms.uses) return std::nullopt;
    return fmt::format("the ticket was used {} {} already, which is as often as it may be", uses.nodes.size(), uses.nodes.size() == 1 ? "time" : "times");
}

// ---- Writing it down ------------------------------------------------------------------------------------

// One transaction, on what it was decided on.
struct Transaction {
    std::vector<etcd::Condition> conditions;
    std::vector<etcd::Change> changes;

    // As it was read; 0: it is not there.
    void unchanged(const std::string& key, etcd::Revision revision) {
        conditions.push_back({revision == 0 ? etcd::Condition::Of::created : etcd::Condition::Of::modified, key, revision});
    }
    void put(const std::string& key, etcd::Revision was, std::string value) {
        unchanged(key, was);
        changes.emplace_back(etcd::Put{key, std::move(value)});
    }
    void remove(const std::string& key) { changes.emplace_back(etcd::Delete{key}); }
};

std::string_view name_of(Admit::As as) {
    switch (as) {
    case Admit::As::newcomer: return "a new node";
    case Admit::As::member: return "a member again";
    case Admit::As::replacement: return "instead of the one that was";
    }
    return {};
}

etcd::Revision revision_of(const roster::Roster& roster, const NodeId& node) {
    const auto found = roster.nodes.find(node);
    return found == roster.nodes.end() ? 0 : found->second.revision;
}

} // namespace

struct Admission::Conversation {
    Conversation(const Admission& admission, channel::Channel with)
        : channel(std::move(with)), etcd(admission.outside_.etcd()), keeper(admission.voter_.value.site, admission.voter_.value.authority.digest(), random_nonce(), channel.exporter(exporter_label),
                                                                            [this, &admission](const Applicant& applicant) { return admission.decide(*this, applicant); }) {}

    channel::Channel channel;
    std::unique_ptr<etcd::Session> etcd;
    Doorkeeper keeper;
    NodeId node{};             // of who waits, and the name that it would have
    std::string name;
    Clock::time_point until{}; // then it shall ask again

    [[nodiscard]] etcd::Client& client() const { return etcd->client(); }
    [[nodiscard]] const std::string& identity() const { return std::get<channel::KeyHolder>(channel.peer()).identity; }
    void say(const Json& message) { channel.send(message, in(longest_word)); }
};

Admission::Admission(Voter voter, Outside outside) : voter_(std::move(voter)), outside_(std::move(outside)), patience_([this](const std::stop_token& stop) { look_after_who_waits(stop); }) {}

Admission::~Admission() = default;

std::optional<Secret> Admission::key_of(std::string_view identity) {
    const auto claim = claim_in(identity);
    if (!claim) return std::nullopt;
    auto secret = secret_of(voter_.site_key, *claim);
    return secret || voter_.former_key == nullptr ? std::move(secret) : secret_of(*voter_.former_key, *claim);
}

// Who holds that came by the key that the site had before.
bool Admission::is_of_former_key(std::string_view identity) const {
    if (voter_.former_key == nullptr) return false;
    if (identity == membership::identity_of(voter_.value.site, voter_.former_key->id())) return true;
    const auto claim = claim_in(identity);
    return claim && secret_of(*voter_.former_key, *claim);
}

void Admission::receive(channel::Channel channel, Json first) {
    auto conversation = std::make_unique<Conversation>(*this, std::move(channel));
    for (Reaction reaction = conversation->keeper.receive(first);;) {
        if (const auto* const turn = std::get_if<Turn>(&reaction)) return turn_away(*conversation, *turn);
        if (auto* const granted = std::get_if<Grant>(&reaction)) return grant(*conversation, std::move(*granted));
        if (const auto* const pending = std::get_if<Pending>(&reaction)) return wait_for_a_person(std::move(conversation), *pending);
        conversation->say(std::get<Say>(reaction).message);
        const auto next = conversation->channel.receive(in(longest_word));
        if (!next) return;
        reaction = conversation->keeper.receive(*next);
    }
}

// ---- Judging ---------------------------------------------------------------------------------------------

Decision Admission::decide(const Conversation& conversation, const Applicant& applicant) const {
    auto& client = conversation.client();
    const std::string& identity = conversation.identity();
    const bool has_site_key = !claim_in(identity);
    if (!has_site_key && applicant.application.ticket != identity) return Refused{Reason::bad_ticket, "it shows another ticket than the one that it holds"};
    const site::Site plan = outside_.plan();
    const Time now = outside_.now();
    const roster::Roster roster = roster::read(client);

    View view;
    for (const auto& [node, stored] : roster.nodes)
        view.members.push_back({.key = stored.value.key, .bearer = stored.value.bearer, .serial = stored.value.serial, .removed = stored.value.state == roster::Member::State::removed, .alive = outside_.is_heard(node)});
    view.assignment = assignment_of(plan, applicant.node, facts_in(applicant.application.facts));
    view.open = !plan.trust.enrol_until || now < *plan.trust.enrol_until + std::chrono::days(1);
    view.lacks_tpm = plan.trust.require_tpm && !facts_in(applicant.application.facts).tpm;
    view.newcomers = plan.trust.approve == site::Approval::by_hand ? Admittance::by_hand : Admittance::by_itself;
    if (client.get(roster::key::denial(applicant.node))) return Refused{Reason::not_approved, "an operator of this site has turned it away"};
    if (client.get(roster::key::wipe(applicant.node))) return Refused{Reason::removed, "it was removed from this site, and is to be wiped"};
    view.approved = client.get(roster::key::approval(applicant.node)) || (view.assignment && client.get(roster::key::replacement(view.assignment->name)));

    const auto found = site::node_of(plan, facts_in(applicant.application.facts).machine);
    const auto* const* const listed = std::get_if<const site::Node*>(&found);
    const auto name = listed != nullptr ? std::optional((*listed)->name) : std::nullopt;
    const auto check_ticket = [&](std::string_view ticket, const NodeId& node) { return fault_of_ticket(client, voter_.site_key, voter_.former_key, ticket, name, node, now); };
    auto decision = enrolment::decide(applicant, view, check_ticket, voter_.trust(), now);
    if (const auto* const refused = std::get_if<Refused>(&decision); refused != nullptr && refused->reason == Reason::no_tpm) tell_of_missing_tpm(applicant, view.assignment->name);
    const auto* const admit = std::get_if<Admit>(&decision);
    if (is_of_former_key(identity) && !std::holds_alternative<Refused>(decision) && (admit == nullptr || admit->as != Admit::As::member)) return Refused{Reason::bad_ticket, std::string(has_site_key ? former_key_text : former_ticket_text)};
    return decision;
}

// It comes again every few seconds.
void Admission::tell_of_missing_tpm(const Applicant& applicant, const std::string& name) const {
    {
        const std::lock_guard lock(mutex_);
        if (told_of_.size() >= most_waiting || !told_of_.insert(applicant.node).second) return;
    }
    outside_.alarm(fmt::format("turned away a machine that would be {}: this site takes nodes with a TPM only, and it says nothing of one", name));
}

// ---- Letting in, and turning away ------------------------------------------------------------------------

void Admission::grant(Conversation& conversation, Grant grant) const {
    for (unsigned tries = 0; tries < most_tries; ++tries) {
        if (write(conversation.client(), grant)) {
            const auto certificate = voter_.authority.issue(grant.admit.bearer, grant.applicant.key, outside_.now());
            return conversation.say(granted(voter_.value.genesis, genesis::text_of(voter_.value), voter_.authority.certificate(), certificate, voter_.lineage));
        }
        const Decision decision = decide(conversation, grant.applicant);
        if (const auto* const refused = std::get_if<Refused>(&decision)) return turn_away(conversation, {enrolment::refused(*refused), *refused});
        const auto* const admit = std::get_if<Admit>(&decision);
        if (admit == nullptr) return; // a person is asked when it comes again
        grant.admit = *admit;
    }
}

bool Admission::write(etcd::Client& client, const Grant& grant) const {
    const auto& [applicant, admit] = grant;
    const roster::Roster roster = roster::read(client);
    const NodeId& node = applicant.node;
    const Facts facts = facts_in(applicant.application.facts);
    const roster::Member* const known = roster.member(node);
    if (admit.as == Admit::As::member && known != nullptr && known->serial == facts.machine.serial) return true;

    Transaction transaction;
    roster::Member member{.key = applicant.key, .bearer = admit.bearer, .serial = facts.machine.serial, .state = roster::Member::State::member, .since = known != nullptr ? known->since : outside_.now()};
    transaction.put(roster::key::node(node), revision_of(roster, node), text_of(member));
    if (admit.as != Admit::As::member) {
        const std::string name_key = roster::key::name(admit.bearer.name);
        const auto holder = client.get(name_key);
        const auto expected = admit.instead_of ? std::optional(admit.instead_of->text()) : std::nullopt;
        if ((holder ? std::optional(holder->value) : std::nullopt) != expected) return false;
        transaction.put(name_key, holder ? holder->modified : 0, node.text());
    }
    if (admit.instead_of) {
        roster::Stored<roster::Member> before = roster.nodes.at(*admit.instead_of);
        before.value.state = roster::Member::State::removed;
        before.value.since = outside_.now();
        transaction.put(roster::key::node(*admit.instead_of), before.revision, text_of(before.value));
        transaction.remove(roster::key::seat(*admit.instead_of));
    }
    if (const auto claim = applicant.application.ticket ? claim_in(*applicant.application.ticket) : std::nullopt; claim && admit.as != Admit::As::member) {
        Uses uses = uses_of(client, claim->terms);
        if (!uses.has(node)) uses.nodes.push_back(node.text());
        if (uses.nodes.size() > claim->terms.uses) return false;
        transaction.put(roster::key::ticket(claim->terms.id.text()), uses.revision, Json(uses.nodes).dump());
    }
    transaction.remove(roster::key::approval(node));
    if (admit.instead_of) transaction.remove(roster::key::replacement(admit.bearer.name));
    transaction.remove(roster::key::applicant(node));
    auto [condition, entry] = audit::addition({.time = outside_.now(), .who = certificates::text_of(admit.bearer), .what = "enrol", .about = admit.bearer.name, .text = fmt::format("{}, by {}", name_of(admit.as), voter_.name)});
    transaction.conditions.push_back(std::move(condition));
    transaction.changes.emplace_back(std::move(entry));
    return client.commit(transaction.conditions, transaction.changes).done;
}

void Admission::turn_away(Conversation& conversation, const Turn& turn) const { conversation.say(turn.message); }

// ---- Who waits for a person ------------------------------------------------------------------------------

void Admission::wait_for_a_person(Owned conversation, const Pending& pending) {
    const auto assignment = assignment_of(outside_.plan(), pending.applicant.node, facts_in(pending.applicant.application.facts));
    const Json record{{"format", 1},
                      {"node", pending.applicant.node.text()},
                      {"name", assignment ? assignment->name : std::string()},
                      {"serial", facts_in(pending.applicant.application.facts).machine.serial},
                      {"code", pending.code},
                      {"text", pending.text},
                      {"voter", voter_.name},
                      {"since", outside_.now().time_since_epoch().count()}};
    conversation->node = pending.applicant.node;
    conversation->name = assignment ? assignment->name : std::string();
    conversation->until = Clock::now() + longest_wait;
    (void)conversation->client().put(roster::key::applicant(conversation->node), tuf::canonical_json(record));
    const std::lock_guard lock(mutex_);
    // It comes with another code: the old one is nobody's any more.
    std::erase_if(waiting_, [&](const Owned& other) { return other->node == conversation->node; });
    if (waiting_.size() < most_waiting) waiting_.push_back(std::move(conversation));
    came_.notify_all();
}

void Admission::look_after_who_waits(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        came_.wait(lock, stop, [&] { return !waiting_.empty(); });
        auto waiting = std::exchange(waiting_, {});
        lock.unlock();
        std::erase_if(waiting, [&](const Owned& conversation) { return look_after(*conversation); });
        lock.lock();
        for (auto& conversation : waiting)
            if (std::ranges::none_of(waiting_, [&](const Owned& other) { return other->node == conversation->node; })) waiting_.push_back(std::move(conversation));
        if (!waiting_.empty()) came_.wait_for(lock, stop, look_again, [] { return false; });
    }
}

bool Admission::look_after(Conversation& conversation) const try {
    auto& client = conversation.client();
    if (client.get(roster::key::approval(conversation.node)) || client.get(roster::key::replacement(conversation.name))) {
        auto reaction = conversation.keeper.approved();
        if (auto* const granted = std::get_if<Grant>(&reaction)) grant(conversation, std::move(*granted));
        else if (const auto* const turn = std::get_if<Turn>(&reaction)) turn_away(conversation, *turn);
        return true;
    }
    if (!client.get(roster::key::applicant(conversation.node))) {
        turn_away(conversation, std::get<Turn>(conversation.keeper.denied()));
        return true;
    }
    return Clock::now() > conversation.until;
} catch (const Error&) {
    return true; // the node is gone, or etcd is: it comes again
}

} // namespace ashlar::admission
