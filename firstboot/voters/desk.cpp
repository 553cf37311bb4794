#include <voters/desk.hpp>

#include "handlers.hpp"
#include "refusals.hpp"

#include <base/error.hpp>
#include <roster/audit.hpp>
#include <signing/base64.hpp>
#include <voters/two_persons.hpp>

#include <algorithm>
#include <utility>

namespace ashlar::voters {

namespace {

using certificates::Right;

constexpr unsigned most_attempts = 4; // of a change that others are faster than

std::string name_of_asker(const Asker& asker) {
    const auto* const certified = std::get_if<Certified>(&asker);
    return certified != nullptr ? certificates::text_of(certified->bearer) : text_of(Caller(std::get<LocalCaller>(asker)));
}

bool is_about_who_asks(Reason reason) { return reason == Reason::not_allowed || reason == Reason::not_member || reason == Reason::to_wipe || reason == Reason::takes_two || reason == Reason::too_many; }
// What people order, and must be able to look up later also when it came to nothing.
bool is_an_order(const Ask& ask) { return ask.right && *ask.right != Right::view; }

const site::Site* site_in(const std::optional<Plan>& plan) { return plan ? &plan->site : nullptr; }

} // namespace

// One question, from its message to its answer.
class Desk::Answering {
public:
    Answering(Desk& desk, const Asker& asker, etcd::Client& client) : desk_(desk), asker_(asker), client_(client), who_(name_of_asker(asker)) {}

    Json answer(const Json& message) {
        try {
            const auto read = request_in(message, desk_.asks_);
            if (const auto* const refusal = std::get_if<Refusal>(&read)) return refused(*refusal);
            return say(std::get<Request>(read), settle(std::get<Request>(read)));
        } catch (const etcd::OutcomeUnknown& error) {
            return refused({Reason::unknown, error.message(), {error.hint()}});
        } catch (const Error& error) {
            return refused({Reason::unavailable, error.message(), {}});
        } catch (const Json::exception& error) {
            return refused({Reason::unavailable, "something that stands in the site's etcd is not in its form", {error.what()}});
        }
    }

private:
    Json say(const Request& request, const Outcome& outcome) {
        if (const auto* const json = std::get_if<Json>(&outcome)) return answered(*json);
        const auto& refusal = std::get<Refusal>(outcome);
        if (is_about_who_asks(refusal.reason) || is_an_order(desk_.asks_.find(request.ask)->second)) desk_.note_refusal(who_, request.ask, refusal, client_);
        return refused(refusal);
    }

    // An answer or a refusal; what was to be changed is changed.
    Outcome settle(const Request& request) {
        for (unsigned attempt = 0; attempt < most_attempts; ++attempt) {
            Outcome outcome = ask_once(request);
            auto* const deed = std::get_if<Deed>(&outcome);
            if (deed == nullptr) return outcome;
            if (commit(request, *deed)) return std::move(deed->answer);
        }
        return not_now("others change the same at this moment");
    }

    Outcome ask_once(const Request& request) {
        now_ = desk_.parts_.now();
        const auto known = desk_.roster_.read(client_);
        const roster::Roster& roster = *known;
        const std::optional<Plan> plan = wants_plan(request) ? read_plan(client_) : std::nullopt;
        const auto identified = identify(roster, site_in(plan));
        if (const auto* const refusal = std::get_if<Refusal>(&identified)) return *refusal;
        const Caller& caller = std::get<Caller>(identified);
        who_ = text_of(caller);

        const forming::Ledger ledger = ledger_for(request);
        const forming::Site site = request.ask == "store.swap" || request.ask == "service.certificate" ? desk_.parts_.place(roster) : forming::Site();
        const Picture picture{.roster = roster, .formations = desk_.parts_.formations, .site = site, .ledger = &ledger};
        if (auto refusal = may(caller, request, desk_.asks_, picture)) return *std::move(refusal);
        if (desk_.asks_.find(request.ask)->second.persons == Persons::two)
            if (auto refusal = may_alone(caller, request, site_in(plan))) return *std::move(refusal);
        const auto* const handler = desk_.handler_of(request.ask);
        if (handler == nullptr) return Refusal{Reason::unknown_ask, fmt::format("a voter of this release cannot do '{}'", request.ask), {}};
        if (request.ask == "store.swap" && !is_current(*store_key_in(request.text("key")), request.number("revision"), ledger)) return Json{{"swapped", false}};
        return (*handler)({.caller = caller, .request = request, .picture = picture, .plan = plan, .etcd = client_, .now = now_});
    }

    [[nodiscard]] bool wants_plan(const Request& request) const {
        const auto* const certified = std::get_if<Certified>(&asker_);
        const bool is_node = certified != nullptr && std::holds_alternative<certificates::NodeBearer>(certified->bearer);
        return !is_node || request.ask == "plan" || request.ask == "operator.certificate";
    }

    [[nodiscard]] std::variant<Caller, Refusal> identify(const roster::Roster& roster, const site::Site* plan) const {
        const auto* const certified = std::get_if<Certified>(&asker_);
        if (certified == nullptr) return Caller(std::get<LocalCaller>(asker_));
        auto caller = caller_of(certified->bearer, certified->key, roster, plan);
        if (std::holds_alternative<Caller>(caller)) return caller;
        auto told = told_to_wipe(*certified, roster, client_);
        return told ? std::variant<Caller, Refusal>(*std::move(told)) : caller;
    }

    [[nodiscard]] forming::Ledger ledger_for(const Request& request) const {
        const auto key = request.ask == "store.swap" ? store_key_in(request.text("key")) : std::nullopt;
        return key ? desk_.ledger_of(key->formation) : forming::Ledger();
    }

    bool commit(const Request& request, const Deed& deed) {
        auto [condition, put] = audit::addition({.time = now_, .who = who_, .what = deed.what.empty() ? request.ask : deed.what, .about = one_line(deed.about), .text = one_line(deed.text)});
        auto conditions = deed.conditions;
        auto changes = deed.changes;
        conditions.push_back(std::move(condition));
        changes.emplace_back(std::move(put));
        return client_.commit(conditions, changes).done;
    }

    Desk& desk_;
    const Asker& asker_;
    etcd::Client& client_;
    std::string who_;
    Time now_{};
};

Desk::Desk(DeskParts parts) : parts_(std::move(parts)) { add_handlers(); }

void Desk::add_handlers() {
    const auto own = [this](auto member) { return [this, member](const Occasion& occasion) { return (this->*member)(occasion); }; };
    handlers_ = {
        {"roster", show_roster},
        {"plan", show_plan},
        {"store.list", own(&Desk::list)},
        {"store.swap", own(&Desk::swap)},
        {"store.mark", [this](const Occasion& occasion) -> Outcome {
             const Marks marks = this->marks(occasion.etcd);
             return Json{{"formations", marks.formations}, {"members", marks.members}};
         }},
        {"renew", own(&Desk::renew)},
        {"service.certificate", own(&Desk::service_certificate)},
        {"operator.certificate", own(&Desk::operator_certificate)},
        {"status", show_status},
        {"audit", show_audit},
        {"applicants", show_applicants},
        {"node.approve", approve_node},
        {"node.deny", deny_node},
        {"node.remove", remove_node},
        {"node.replace", replace_node},
        {"node.wipe", wipe_node},
        {"lock.free", free_lock},
        {"formation.retry", retry_formation},
        {"plan.apply", own(&Desk::apply_plan)},
        {"proposal.make", own(&Desk::make_proposal)},
        {"proposal.list", show_proposals},
        {"proposal.show", show_proposal},
        {"proposal.agree", own(&Desk::agree)},
        {"proposal.withdraw", withdraw_proposal},
    };
}

void Desk::add(Ask ask, Handler handler) {
    const std::string name = ask.name;
    if (!asks_.emplace(name, std::move(ask)).second) throw Error(fmt::format("cannot add '{}': a voter is asked that already", name));
    add(name, std::move(handler));
}

void Desk::add(const std::string& ask, Handler handler) {
    if (!asks_.contains(ask) || !handlers_.emplace(ask, std::move(handler)).second) throw Error(fmt::format("cannot answer '{}': it has an answer, or is not in the table", ask));
}

const Handler* Desk::handler_of(const std::string& ask) const {
    const auto found = handlers_.find(ask);
    return found == handlers_.end() ? nullptr : &found->second;
}

Json Desk::answer(const Asker& asker, const Json& message, etcd::Client& client) { return Answering(*this, asker, client).answer(message); }

// ---- The log ---------------------------------------------------------------------------------------

void Desk::note_refusal(const std::string& who, const std::string& ask, const Refusal& refusal, etcd::Client& client) {
    const Time now = parts_.now();
    std::optional<Tally::Written> written;
    {
        const std::lock_guard lock(mutex_);
        written = tally_.count(fmt::format("{}: {} {}", who, ask, name_of(refusal.reason)), now);
    }
    if (!written) return;
    const std::string more = written->left_out == 0 ? "" : fmt::format("; {} more of the kind were not written down", written->left_out);
    try {
        audit::add(client, {.time = now, .who = one_line(who), .what = ask, .about = {}, .text = one_line(fmt::format("refused ({}): {}", name_of(refusal.reason), refusal.text)) + more});
    } catch (const Error&) {
        // A refusal stands also where it cannot be written down.
    }
}

void Desk::note_stranger(const std::string& from, const std::string& why, etcd::Client& client) {
    note_refusal("a stranger", "connect", {Reason::not_member, fmt::format("{} (from {})", why, from), {}}, client);
}

// ---- The store -------------------------------------------------------------------------------------

forming::Ledger Desk::ledger_of(std::string_view formation) {
    const std::lock_guard lock(store_);
    return forming::read_ledger(parts_.store, formation);
}

Outcome Desk::list(const Occasion& occasion) {
    const std::lock_guard lock(store_);
    Json entries = Json::array();
    for (const auto& [key, entry] : parts_.store.list(occasion.request.text("prefix"))) entries.push_back({{"key", key}, {"value", base64_of(entry.value)}, {"revision", entry.revision}});
    return Json{{"entries", entries}};
}

Outcome Desk::swap(const Occasion& occasion) {
    const auto& request = occasion.request;
    const std::lock_guard lock(store_);
    try {
        return Json{{"swapped", parts_.store.swap(request.text("key"), request.number("revision"), request.maybe_bytes("value"))}};
    } catch (const Error& error) {
        return Refusal{Reason::unknown, error.message(), {"read what is there before writing again"}};
    }
}

// ---- Certificates ----------------------------------------------------------------------------------

namespace {

std::variant<VerifyingKey, Refusal> key_in(const Request& request) {
    const auto checked = certificates::check_request(request.bytes("request"));
    if (const auto* const refusal = std::get_if<certificates::Refusal>(&checked)) return Refusal{Reason::malformed, refusal->text, {}};
    return std::get<VerifyingKey>(checked);
}

} // namespace

// As the roster has the node now, whatever its last certificate said.
Outcome Desk::renew(const Occasion& occasion) const {
    const auto key = key_in(occasion.request);
    if (const auto* const refusal = std::get_if<Refusal>(&key)) return *refusal;
    const auto& member = *occasion.roster().member(std::get<NodeCaller>(occasion.caller).node);
    if (std::get<VerifyingKey>(key) != member.key) return *not_allowed("a node renews for its own key alone");
    return Json{{"certificate", base64(parts_.authority.issue(member.bearer, member.key, occasion.now).der())}};
}

// By what this voter knows of the site, and nothing that the node says of itself. Nobody's right is in it: what is a service's own, as its
// key, is not the node's.
Outcome Desk::service_certificate(const Occasion& occasion) const {
    const auto key = key_in(occasion.request);
    if (const auto* const refusal = std::get_if<Refusal>(&key)) return *refusal;
    const auto& member = *occasion.roster().member(std::get<NodeCaller>(occasion.caller).node);
    if (std::get<VerifyingKey>(key) == member.key) return *not_allowed("a service has a key of its own, and never that of its node");
    const auto& formation = occasion.picture.formations.at(occasion.request.text("formation"));
    const certificates::ServiceBearer bearer{.node = member.node(), .service = formation.name, .addresses = forming::certified_addresses(formation, occasion.picture.site, member.node().text())};
    return Json{{"certificate", base64(parts_.authority.issue(bearer, std::get<VerifyingKey>(key), occasion.now).der())}};
}

// Any node may pass a request on: only who has the key has something of the answer.
Outcome Desk::operator_certificate(const Occasion& occasion) {
    const auto checked = key_in(occasion.request);
    if (const auto* const refusal = std::get_if<Refusal>(&checked)) return *refusal;
    const auto& key = std::get<VerifyingKey>(checked);
    if (!occasion.plan) return *not_allowed("the site has no plan in its etcd yet, and so no operators");
    const auto& operators = occasion.plan->site.access.operators;
    const auto found = std::ranges::find(operators, key, &site::Operator::key);
    if (found == operators.end()) return *not_allowed("no [[access.operator]] of site.toml has that key");
    if (const auto* const person = std::get_if<OperatorCaller>(&occasion.caller); person != nullptr && person->person != person_of(*found)) return *not_allowed("an operator renews for their own key alone");
    {
        const std::lock_guard lock(mutex_);
        if (!certificates_.take(found->name, occasion.now)) return Refusal{Reason::too_many, fmt::format("'{}' was given {} certificates within an hour", found->name, Ration::most), {}};
    }
    const certificates::OperatorBearer bearer{found->name, rights_of(*found)};
    const auto certificate = parts_.authority.issue(bearer, key, occasion.now);
    return Deed{.conditions = {},
                .changes = {},
                .answer = {{"certificate", base64(certificate.der())}, {"name", found->name}},
                .about = found->name,
                .text = fmt::format("until {} (seconds since 1970)", certificate.not_after().time_since_epoch().count()),
                .what = {}};
}

// ---- The plan --------------------------------------------------------------------------------------

Outcome Desk::apply_plan(const Occasion& occasion) const {
    const PlanFiles files = occasion.request.files("files");
    const auto checked = check_plan(files, parts_.site);
    if (const auto* const refusal = std::get_if<Refusal>(&checked)) return *refusal;
    if (auto refusal = may_move_nobody(std::get<site::Site>(checked), occasion.roster())) return *std::move(refusal);
    if (auto refusal = unknown_role(std::get<site::Site>(checked), parts_.roles)) return *std::move(refusal);
    const bool has_others = !occasion.plan || has_other_operators(occasion.plan->site, std::get<site::Site>(checked));
    if (has_others && !occasion.is_agreed_to)
        if (auto refusal = may_alone(occasion.caller, occasion.request, site_in(occasion.plan))) return *std::move(refusal);
    auto [conditions, changes] = change_of(occasion.plan, files);
    return Deed{.conditions = std::move(conditions),
                .changes = std::move(changes),
                .answer = {{"operators", has_others ? "changed" : "as before"}},
                .about = "site.toml",
                .text = fmt::format("SHA-256 {}{}", sha256(files.at("site.toml")).hex(), has_others ? ", with other operators" : ""),
                .what = {}};
}

} // namespace ashlar::voters
