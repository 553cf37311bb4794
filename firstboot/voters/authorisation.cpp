#include <voters/authorisation.hpp>

#include "refusals.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ashlar::voters {

namespace {

using certificates::Right;
using forming::Holder;

constexpr std::array rights{std::pair{site::OperatorRole::viewer, Right::view}, std::pair{site::OperatorRole::operate, Right::operate}, std::pair{site::OperatorRole::approver, Right::approve},
                            std::pair{site::OperatorRole::admin, Right::administer}};

using Verdict = std::optional<Refusal>;

// ---- Who asks what -----------------------------------------------------------------------------

Verdict not_placed(const formation::Formation& formation, const std::string& node, const Picture& picture) {
    const auto* const member = picture.site.member(node);
    if (member == nullptr || !forming::may_be_placed(formation, *member)) return not_allowed("formation '{}' does not run on this node", formation.name);
    return not_allowed("cannot tell whether formation '{}' runs on this node: this voter's release knows no role '{}'", formation.name, join(member->unknown_roles, "' and no role '"));
}

Verdict may_have_certificate(const NodeId& node, const std::string& name, const Picture& picture) {
    const auto formation = picture.formations.find(name);
    if (formation == picture.formations.end()) return not_allowed("'{}' is no formation that this voter knows", one_line(name, 100));
    if (!forming::is_placed(formation->second, picture.site, node.text())) return not_placed(formation->second, node.text(), picture);
    return formation->second.certificate ? std::nullopt : not_allowed("formation '{}' has no certificates", name);
}

// A node of the site, what it wants of the store, and what the site knows.
class StoreRules {
public:
    StoreRules(const NodeId& node, const Request& request, const Picture& picture)
        : node_(node), id_(node.text()), revision_(request.number("revision")), value_(request.maybe_bytes("value")), picture_(picture) {}

    [[nodiscard]] Verdict judge(const StoreKey& key) {
        const auto formation = picture_.formations.find(key.formation);
        if (formation == picture_.formations.end()) return not_allowed("'{}' is no formation that this voter knows", key.formation);
        formation_ = &formation->second;
        if (!forming::is_placed(*formation_, picture_.site, id_)) return not_placed(*formation_, id_, picture_);
        switch (key.part) {
        case StoreKey::Part::once: return once(key.name);
        case StoreKey::Part::members: return member(key.name);
        case StoreKey::Part::settled: return settled(key.name);
        case StoreKey::Part::facts: return formation_->fact(key.name) ? made_once("fact", fact_is_seen(key.name)) : not_allowed("formation '{}' has no fact '{}'", key.formation, key.name);
        case StoreKey::Part::secrets: return formation_->secret(key.name) ? made_once("secret", std::nullopt) : not_allowed("formation '{}' has no secret '{}'", key.formation, key.name);
        case StoreKey::Part::lock: return lock();
        }
        return not_allowed("that key is nobody's");
    }

private:
    // A step that happens once in the site: claimed by one, and seen to be done by the same.
    [[nodiscard]] Verdict once(const std::string& step) const {
        const auto found = std::ranges::find_if(formation_->steps, [&](const formation::Step& one) { return one.id.value == step && one.kind == formation::Step::Kind::once; });
        if (found == formation_->steps.end()) return not_allowed("formation '{}' has no step '{}' that happens once", formation_->name, step);
        if (!value_) return not_allowed("nobody takes away who did '{}'", step);
        const auto marker = marker_in(*value_);
        if (!marker) return unreadable();
        if (auto fault = fault_of(marker->holder, {step})) return fault;
        if (!is_current({StoreKey::Part::once, formation_->name, step}, revision_, *picture_.ledger)) return std::nullopt; // somebody was faster, and the swap says so
        const auto before = picture_.ledger->once.find(step);
        const bool is_mine = before != picture_.ledger->once.end() && before->second.value.holder.owner == id_;
        if (marker->is_done && !is_mine) return not_allowed("'{}' was not begun by this node", step);
        if (before == picture_.ledger->once.end()) return std::nullopt;
        if (before->second.value.is_done) return not_allowed("'{}' is done, for ever", step);
        return is_mine ? std::nullopt : taken_over(before->second.value.holder);
    }

    [[nodiscard]] Verdict member(const std::string& node) const {
        if (!value_) return node == id_ || has_left(node) ? std::nullopt : not_allowed("another node of the site is forgotten by itself alone");
        if (node != id_) return not_allowed("a node becomes a member by itself");
        const auto enrolled = enrolled_in(*value_);
        if (!enrolled) return unreadable();
        // By these somebody will forget it, when it is gone.
        const auto& bearer = picture_.roster.member(node_)->bearer;
        if (enrolled->name != bearer.name) return not_allowed("this node is called '{}'", bearer.name);
        if (!enrolled->address.empty() && !bearer.addresses.contains(enrolled->address)) return not_allowed("{} is none of the addresses of this node", enrolled->address);
        return std::nullopt;
    }

    [[nodiscard]] Verdict settled(const std::string& node) const {
        if (node == id_) return std::nullopt;
        return !value_ && has_left(node) ? std::nullopt : not_allowed("a node says of itself alone that it is healthy");
    }

    // By whoever is first. Who is later has nothing to say.
    [[nodiscard]] Verdict made_once(std::string_view what, Verdict more) const {
        if (!value_ || revision_ != 0) return not_allowed("a {} is made once", what);
        return more;
    }
    [[nodiscard]] Verdict fact_is_seen(const std::string& name) const {
        const bool is_observed = std::holds_alternative<formation::Expression>(formation_->fact(name)->source);
        return !is_observed || picture_.ledger->members.contains(id_) ? std::nullopt : not_allowed("only a member of '{}' knows what is seen there", formation_->name);
    }

    [[nodiscard]] Verdict lock() const {
        if (!is_current({StoreKey::Part::lock, formation_->name, {}}, revision_, *picture_.ledger)) return std::nullopt;
        const auto& held = picture_.ledger->lock;
        const bool is_mine = held && held->value.owner == id_;
        if (!value_) return is_mine ? std::nullopt : not_allowed("the lock of '{}' is freed by its owner, or by an operator", formation_->name);
        const auto holder = holder_in(*value_);
        if (!holder) return unreadable();
        if (auto fault = fault_of(*holder, locked_steps())) return fault;
        return !held || is_mine ? std::nullopt : taken_over(held->value);
    }

    [[nodiscard]] std::vector<std::string> locked_steps() const {
        std::vector<std::string> names{"replace", "remove", "restart"};
        for (const auto& step : formation_->steps)
            if (step.kind == formation::Step::Kind::serial) names.push_back(step.id.value);
        return names;
    }

    // In one's own name, and for something that there is.
    [[nodiscard]] Verdict fault_of(const Holder& holder, const std::vector<std::string>& steps) const {
        if (holder.owner != id_) return not_allowed("a node claims for itself alone");
        const bool is_known = std::ranges::any_of(steps, [&](const std::string& step) { return holder.plan == formation_->name + "/" + step; });
        return is_known ? std::nullopt : not_allowed("'{}' is no step for that", holder.plan);
    }

    // Proven gone, and not only silent.
    [[nodiscard]] Verdict taken_over(const Holder& holder) const {
        return has_left(holder.owner) ? std::nullopt : not_allowed("node {} has it, for '{}', and belongs to the site", holder.owner, holder.plan);
    }
    [[nodiscard]] bool has_left(const std::string& node) const {
        const auto id = NodeId::parse(node);
        return !id || picture_.roster.member(*id) == nullptr;
    }

    [[nodiscard]] static Verdict unreadable() { return Refusal{Reason::malformed, "the value is not what stands under such a key", {}}; }

    // ---- Values, in the one form that they have ----

    template <typename Read> static auto read(const std::string& text, Read read_object) -> std::optional<decltype(read_object(std::declval<const Json&>()))> {
        try {
            auto value = read_object(parse_strict_json(text, "value"));
            return forming::to_text(value) == text ? std::optional(std::move(value)) : std::nullopt;
        } catch (const Error&) {
            return std::nullopt;
        } catch (const Json::exception&) {
            return std::nullopt;
        }
    }
    static Holder holder_from(const Json& json) { return {json.at("owner").get<std::string>(), json.at("boot").get<std::string>(), json.at("plan").get<std::string>(), json.at("revision").get<std::string>()}; }
    static std::optional<Holder> holder_in(const std::string& text) { return read(text, holder_from); }
    static std::optional<forming::Marker> marker_in(const std::string& text) {
        return read(text, [](const Json& json) { return forming::Marker{holder_from(json), json.at("done").get<bool>()}; });
    }
    static std::optional<forming::Enrolled> enrolled_in(const std::string& text) {
        return read(text, [](const Json& json) { return forming::Enrolled{json.at("name").get<std::string>(), json.at("address").get<std::string>()}; });
    }

    const NodeId node_;
    const std::string id_;
    const std::uint64_t revision_;
    const std::optional<std::string> value_;
    const Picture& picture_;
    const formation::Formation* formation_ = nullptr;
};

Verdict may_node(const NodeCaller& caller, const Request& request, const Ask& ask, const Picture& picture) {
    if (ask.nodes == Nodes::no) return not_allowed("'{}' is for operators", ask.name);
    if (request.ask == "store.list" && !is_listed(request.text("prefix"))) return not_allowed("a node lists 'formations/…' and 'locks/…'");
    if (request.ask == "service.certificate") return may_have_certificate(caller.node, request.text("formation"), picture);
    if (request.ask != "store.swap") return std::nullopt;
    const auto key = store_key_in(request.text("key"));
    if (!key) return not_allowed("no node writes '{}'", one_line(request.text("key"), 100));
    constexpr std::size_t most_value = 65536;
    if (request.maybe_bytes("value").value_or("").size() > most_value) return Refusal{Reason::malformed, "the value is larger than 64 KiB", {}};
    return StoreRules(caller.node, request, picture).judge(*key);
}

Verdict may_operator(const OperatorCaller& caller, const Request& request, const Ask& ask) {
    if (request.ask == "operator.certificate") return std::nullopt; // for one's own key: the desk sees to it
    if (!ask.right) return not_allowed("'{}' is for nodes", ask.name);
    if (!caller.rights.contains(*ask.right)) return not_allowed("'{}' is for who is '{}' in [[access.operator]]", ask.name, certificates::name_of(*ask.right));
    return request.ask == "store.list" && !is_listed(request.text("prefix")) ? not_allowed("'formations/…' and 'locks/…' are listed") : std::nullopt;
}

// Root at a voter holds the keys of the site anyway; here it leaves a trace.
Verdict may_local(const LocalCaller& caller, const Request& request, const Ask& ask) {
    if (caller.user != 0) return not_allowed("on a voter only root asks");
    if (ask.right) return request.ask == "store.list" && !is_listed(request.text("prefix")) ? not_allowed("'formations/…' and 'locks/…' are listed") : std::nullopt;
    return request.ask == "operator.certificate" ? std::nullopt : not_allowed("'{}' is for nodes", ask.name);
}

// ---- Who somebody is -------------------------------------------------------------------------------

struct Identify {
    const VerifyingKey& key;
    const roster::Roster& roster;
    const site::Site* plan;
    using Answer = std::variant<Caller, Refusal>;

    Answer operator()(const certificates::NodeBearer& bearer) const {
        const auto* const member = roster.member(bearer.node);
        if (member == nullptr || member->key != key) return Refusal{Reason::not_member, fmt::format("{} is no member of the site", certificates::text_of(bearer)), {}};
        return Caller(NodeCaller{bearer.node, member->bearer.name});
    }
    Answer operator()(const certificates::ServiceBearer& bearer) const { return Refusal{Reason::not_member, fmt::format("{} has nothing to ask here", certificates::text_of(bearer)), {}}; }
    Answer operator()(const certificates::OperatorBearer& bearer) const {
        const Person person{bearer.name, sha256(key.der())};
        const auto* const declared = plan == nullptr ? nullptr : operator_in(*plan, person);
        if (declared == nullptr) return Refusal{Reason::not_member, fmt::format("the site's plan has no operator '{}' with that key", bearer.name), {}};
        std::set<Right> both;
        std::ranges::set_intersection(bearer.rights, rights_of(*declared), std::inserter(both, both.end()));
        return Caller(OperatorCaller{person, both});
    }
};

} // namespace

std::string text_of(const Caller& caller) {
    struct Text {
        std::string operator()(const NodeCaller& node) const { return fmt::format("node {} ({})", node.name, node.node.text()); }
        std::string operator()(const OperatorCaller& person) const { return fmt::format("operator {}", person.person.name); }
        std::string operator()(const LocalCaller& local) const { return local.user == 0 ? fmt::format("root on {}", local.name) : fmt::format("user {} on {}", local.user, local.name); }
    };
    return std::visit(Text{}, caller);
}

Person person_of(const site::Operator& person) { return {person.name, sha256(person.key.der())}; }

std::set<Right> rights_of(const site::Operator& person) {
    std::set<Right> held;
    for (const auto& [role, right] : rights)
        if (person.has(role)) held.insert(right);
    return held;
}

const site::Operator* operator_in(const site::Site& plan, const Person& person) {
    const auto found = std::ranges::find_if(plan.access.operators, [&](const site::Operator& one) { return person_of(one) == person; });
    return found == plan.access.operators.end() ? nullptr : &*found;
}

std::variant<Caller, Refusal> caller_of(const certificates::Bearer& bearer, const VerifyingKey& key, const roster::Roster& roster, const site::Site* plan) {
    return std::visit(Identify{key, roster, plan}, bearer);
}

Verdict may(const Caller& caller, const Request& request, const Asks& asks, const Picture& picture) {
    const auto ask = asks.find(request.ask);
    if (ask == asks.end()) return Refusal{Reason::unknown_ask, fmt::format("a voter of this release does not know '{}'", request.ask), {}};
    if (const auto* const node = std::get_if<NodeCaller>(&caller)) return may_node(*node, request, ask->second, picture);
    if (const auto* const person = std::get_if<OperatorCaller>(&caller)) return may_operator(*person, request, ask->second);
    return may_local(std::get<LocalCaller>(caller), request, ask->second);
}

// ---- Keys ------------------------------------------------------------------------------------------

std::optional<StoreKey> store_key_in(std::string_view key) {
    constexpr std::array parts{std::pair{std::string_view("once"), StoreKey::Part::once},       std::pair{std::string_view("members"), StoreKey::Part::members}, std::pair{std::string_view("facts"), StoreKey::Part::facts},
                               std::pair{std::string_view("secrets"), StoreKey::Part::secrets}, std::pair{std::string_view("settled"), StoreKey::Part::settled}};
    const auto words = split(key, '/');
    if (words.size() == 2 && words[0] == "locks" && formation::is_formation_name(words[1])) return StoreKey{StoreKey::Part::lock, std::string(words[1]), {}};
    if (words.size() != 4 || words[0] != "formations" || !formation::is_formation_name(words[1]) || words[3].empty()) return std::nullopt;
    const auto part = std::ranges::find(parts, words[2], [](const auto& known) { return known.first; });
    return part == parts.end() ? std::nullopt : std::optional(StoreKey{part->second, std::string(words[1]), std::string(words[3])});
}

bool is_current(const StoreKey& key, std::uint64_t revision, const forming::Ledger& ledger) {
    if (key.part == StoreKey::Part::lock) return revision == (ledger.lock ? ledger.lock->revision : 0);
    if (key.part != StoreKey::Part::once) return true;
    const auto marker = ledger.once.find(key.name);
    return revision == (marker == ledger.once.end() ? 0 : marker->second.revision);
}

bool is_listed(std::string_view prefix) { return prefix.starts_with("formations/") || prefix.starts_with("locks/"); }

} // namespace ashlar::voters
