#include <forming/decision.hpp>

#include <base/text.hpp>
#include <formation/reader.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

using formation::Deed;
using formation::Names;
using formation::Step;
using State = Rest::State;
using namespace std::chrono_literals;

constexpr std::string_view replace_name = "replace", remove_name = "remove", restart_name = "restart";
constexpr formation::Duration settling_pause = 500ms, first_backoff = 1s, longest_backoff = 5min;

// "'n2'", for people; a node that left the site has no name any more.
std::string node_named(const Site& site, const std::string& id) {
    const Member* member = site.member(id);
    return member ? fmt::format("'{}'", member->name) : fmt::format("{} (which left the site)", id.substr(0, 8));
}

class Decider {
public:
    explicit Decider(const Picture& picture) : picture_(picture), formation_(picture.formation), ledger_(picture.ledger), names_(names_of(picture)) {}

    Action decide() {
        using Question = std::optional<Action> (Decider::*)();
        for (const Question question : {&Decider::placed_elsewhere, &Decider::upgrade, &Decider::requirements, &Decider::observation, &Decider::settling, &Decider::facts,
                                        &Decider::secrets, &Decider::lost_data, &Decider::files, &Decider::begun, &Decider::departed, &Decider::steps, &Decider::membership})
            if (auto action = (this->*question)()) return *std::move(action);
        return health();
    }

private:
    // ---- Whether it is time for anything ----

    std::optional<Action> placed_elsewhere() {
        if (is_placed(formation_, picture_.site, picture_.self.id)) return std::nullopt;
        if (picture_.site.without.contains(formation_.name)) return rest(State::absent, fmt::format("the site's plan does not want it: [services] {} = false; what runs of it goes on until its node starts again", formation_.name));
        const Member* self = picture_.site.member(picture_.self.id);
        if (self && may_be_placed(formation_, *self))
            return rest(State::alarmed, fmt::format("cannot tell whether it runs here: this release knows no role '{}', which the site's plan gives this node", join(self->unknown_roles, "' and no role '")));
        std::vector<std::string> roles;
        for (const auto& role : formation_.placement.roles) roles.push_back(role.value);
        const std::string_view among = formation_.placement.among == formation::Placement::Among::voters ? "voters" : "nodes";
        return rest(State::absent, fmt::format("does not run here: it runs on {}{} of the role {}", formation_.placement.count ? fmt::format("{} ", *formation_.placement.count) : "", among, join(roles, " or ")));
    }

    std::optional<Action> upgrade() {
        if (picture_.self.upgrade != Self::Upgrade::under_way) return std::nullopt;
        return rest(State::waiting, "waits: an upgrade of this node is under way");
    }

    std::optional<Action> requirements() {
        if (picture_.unmet.empty()) return std::nullopt;
        return rest(State::waiting, join(picture_.unmet, "; "));
    }

    std::optional<Action> observation() {
        if (picture_.observation) return std::nullopt;
        if (const auto* attempt = attempted("observe"); attempt && picture_.now < attempt->not_before)
            return rest(State::waiting, fmt::format("cannot be observed: {}; the next attempt is in {}", attempt->reason, in_words(attempt->not_before - picture_.now)), attempt->not_before);
        return Observe{};
    }

    // A program that ended well has proved nothing: what it was for must be seen.
    std::optional<Action> settling() {
        if (!picture_.settling) return std::nullopt;
        const auto& [step, about, until] = *picture_.settling;
        const Deed* deed = deed_named(step);
        if (!deed || deed->verify.holds(names_of(picture_, about))) return Confirm{step, about};
        if (picture_.now >= until) return Fail{step};
        return rest(State::waiting, fmt::format("{}: it has run, and is not seen to be done yet", deed->summary), picture_.now + settling_pause);
    }

    // ---- What the site knows of it ----

    // Which there are, the store alone says. Without it, files that name one wait for it, unless somebody remembers it.
    std::optional<Action> facts() {
        if (!has_store()) return std::nullopt;
        for (const auto& fact : formation_.facts) {
            const auto known = ledger_.facts.find(fact.name.value);
            if (const auto* source = std::get_if<formation::Expression>(&fact.source)) {
                if (auto action = observed_fact(fact, *source, known == ledger_.facts.end() ? nullptr : &known->second)) return action;
            } else if (known == ledger_.facts.end()) {
                if (!may_change_site()) return rest_unchanged();
                return MakeFact{fact.name.value, std::nullopt};
            }
        }
        return std::nullopt;
    }

    std::optional<Action> observed_fact(const formation::Fact& fact, const formation::Expression& source, const std::string* known) {
        const Json value = source.evaluate(names_);
        if (value.is_null()) return std::nullopt;
        const std::string& seen = value.get_ref<const std::string&>();
        if (known && *known != seen)
            return rest(State::alarmed, fmt::format("is another than the site's: {} is {} here, and {} in the site; nothing is changed until a person has decided which one stays", fact.name.value, toml::quote(seen), toml::quote(*known)));
        // Only who is known to belong to it may say what it is.
        if (known || !is("formation.formed") || !is("formation.member")) return std::nullopt;
        return MakeFact{fact.name.value, seen};
    }

    std::optional<Action> secrets() {
        if (!has_store()) return std::nullopt;
        for (const auto& secret : formation_.secrets)
            if (!secret.given && !ledger_.secrets.contains(secret.name.value)) return !may_change_site() ? rest_unchanged() : Action(MakeSecret{secret.name.value});
        return std::nullopt;
    }

    // ---- Data that was here ----

    // Never made anew where the site says that it was formed: the service would exist twice.
    std::optional<Action> lost_data() {
        if (!formation_.present || formation_.present->holds(names_)) return std::nullopt;
        // Whether there was any, the store alone says. What has no data, or has it here, can run without: time comes before the
        // site, and the store itself before the store.
        if (!has_store()) return rest_unchanged();
        if (!is("formation.member")) return std::nullopt;
        const std::string lost = "its data is gone from this node, although the site says that it was formed here";
        if (ledger_.members.size() == 1) return rest(State::alarmed, lost + ", and no other node has it; nothing is made anew: restore it from a backup, or order by hand that it begins again");
        if (!formation_.replace) return rest(State::alarmed, lost + ", and the formation does not say how a node is replaced; a person must do it");
        if (!formation_.replace->when.holds(names_)) return rest(State::alarmed, fmt::format("{}; it is replaced when this holds: {}", lost, formation_.replace->when.text()));
        if (formation_.replace->verify.holds(names_)) return Depart{picture_.self.id, ledger_.members.find(picture_.self.id)->second.revision};
        if (!may_change_site()) return rest_unchanged();
        if (picture_.missing_for_files) return waits_for_name();
        if (!picture_.stale.empty()) return write_files(WriteFiles::Units::left_alone);
        return serial(replace_name, *formation_.replace, {});
    }

    // ---- Files ----

    std::optional<Action> files() {
        if (picture_.missing_for_files) return waits_for_name();
        if (picture_.stale.empty()) return std::nullopt;
        // All at once would take the service's quorum.
        if (restarts_a_cluster()) {
            if (!may_change_site()) return rest_unchanged();
            if (auto action = lock(restart_name, "its configuration changes")) return action;
        }
        return write_files(WriteFiles::Units::touched);
    }

    [[nodiscard]] bool restarts_a_cluster() const {
        if (!formation_.present || placed(formation_, picture_.site).size() < 2) return false;
        // Before its units run for the first time after a start, there is nothing that would be taken from the others.
        return std::ranges::any_of(picture_.stale, [&](const Picture::Stale& stale) { return (stale.exists || picture_.are_units_active) && !formation_.renders[stale.render].restart.empty(); });
    }

    [[nodiscard]] Action write_files(WriteFiles::Units units) const {
        WriteFiles action{{}, units};
        for (const auto& stale : picture_.stale) action.renders.push_back(stale.render);
        return action;
    }

    [[nodiscard]] Action waits_for_name() const {
        const std::string& name = *picture_.missing_for_files;
        const auto* const secret = name.starts_with("secrets.") ? formation_.secret(name.substr(name.find('.') + 1)) : nullptr;
        if (secret != nullptr && secret->given) return rest(State::waiting, fmt::format("waits for its secret '{}', which a person gives: ashlarctl formation give {} {} FILE", secret->name.value, formation_.name, secret->name.value));
        if (name == formation::certificate_chain || name == formation::certificate_key)
            return rest(State::waiting, picture_.no_certificate.empty() ? "waits for its certificate, which a voter issues" : "waits for its certificate: " + picture_.no_certificate);
        return rest(State::waiting, fmt::format("waits for {}, which its files need", name));
    }

    // ---- Steps ----

    // Begun by this node, or by one that left the site, and done: only nobody has noted it.
    std::optional<Action> begun() {
        for (const auto& step : formation_.steps) {
            const auto* marker = marker_of(step);
            if (!marker || marker->value.is_done || !step.deed.verify.holds(names_) || !may_change_site()) continue;
            if (is_mine(marker->value.holder)) return Confirm{step.id.value, {}};
            if (is_left(marker->value.holder)) return Claim{step.id.value, marker->revision};
        }
        return std::nullopt;
    }

    std::optional<Action> departed() {
        if (!may_change_site()) return std::nullopt;
        for (const auto& [id, enrolled] : ledger_.members) {
            if (picture_.site.member(id)) continue;
            const Names names = names_of(picture_, id);
            if (!formation_.remove || formation_.remove->verify.holds(names)) return Depart{id, enrolled.revision};
            if (!is("formation.member") || !formation_.remove->when.holds(names)) continue;
            return serial(remove_name, *formation_.remove, id);
        }
        return std::nullopt;
    }

    std::optional<Action> steps() {
        for (const auto& step : formation_.steps)
            if (step.deed.when.holds(names_))
                if (auto action = next(step)) return action;
        return std::nullopt;
    }

    // Nothing: it is done already.
    std::optional<Action> next(const Step& step) {
        if (step.kind == Step::Kind::local) return attempt(step.id.value, step.deed, {});
        if (step.kind == Step::Kind::once && marker_of(step) && marker_of(step)->value.is_done) return std::nullopt;
        if (!may_change_site()) return rest_unchanged();
        return step.kind == Step::Kind::once ? once(step) : serial(step.id.value, step.deed, {});
    }

    Action once(const Step& step) {
        const auto* marker = marker_of(step);
        if (!marker) return Claim{step.id.value, 0};
        const Holder& holder = marker->value.holder;
        if (!is_mine(holder) && !is_left(holder)) return rest(State::waiting, fmt::format("waits for node {}, which {}: that happens once in the site", node_named(picture_.site, holder.owner), step.deed.summary));
        if (!is_mine(holder) || holder.boot != picture_.self.boot) return Claim{step.id.value, marker->revision};
        return attempt(step.id.value, step.deed, {});
    }

    Action serial(std::string_view name, const Deed& deed, const std::string& about) {
        if (auto waiting = postponed(name, deed)) return *std::move(waiting);
        if (auto action = lock(name, deed.summary)) return *std::move(action);
        return Run{std::string(name), about};
    }

    Action attempt(std::string_view name, const Deed& deed, const std::string& about) {
        if (auto waiting = postponed(name, deed)) return *std::move(waiting);
        return Run{std::string(name), about};
    }

    std::optional<Action> postponed(std::string_view name, const Deed& deed) {
        const auto* attempt = attempted(name);
        if (!attempt) return std::nullopt;
        if (attempt->needs_person) return rest(State::alarmed, fmt::format("{}: {}; a person must look, and say when it is to be tried again", deed.summary, attempt->reason));
        if (picture_.now >= attempt->not_before) return std::nullopt;
        return rest(State::waiting, fmt::format("{}: {} (failed {} {}); the next attempt is in {}", deed.summary, attempt->reason, attempt->failures, attempt->failures == 1 ? "time" : "times", in_words(attempt->not_before - picture_.now)),
                    attempt->not_before);
    }

    // Nothing: the lock is this node's, of this start and for this plan.
    std::optional<Action> lock(std::string_view name, std::string_view summary) {
        const std::string plan = fmt::format("{}/{}", formation_.name, name);
        if (!ledger_.lock) return TakeLock{plan, 0};
        const auto& [holder, revision] = *ledger_.lock;
        if (!is_mine(holder) && !is_left(holder))
            return rest(State::waiting, fmt::format("{}: waits for node {}, which has the lock for '{}'; it is one node's turn at a time", summary, node_named(picture_.site, holder.owner), holder.plan));
        if (!is_mine(holder) || holder.boot != picture_.self.boot || holder.plan != plan) return TakeLock{plan, revision};
        return std::nullopt;
    }

    // ---- What is left when no step is ----

    std::optional<Action> membership() {
        if (!formation_.present || is("formation.member")) return std::nullopt;
        if (formation_.present->holds(names_) && may_change_site() && (is("formation.formed") || !formation_.is_formed_once())) return Enrol{};
        if (formation_.present->holds(names_)) return std::nullopt;
        return rest(State::waiting, "its data is not here yet, and no step can bring it now");
    }

    Action health() {
        const bool is_known = ledger_.settled.contains(picture_.self.id);
        if (!formation_.healthy.holds(names_)) {
            if (is_known && may_change_site()) return Unsettle{};
            return rest(State::waiting, fmt::format("every step is done, and it is not healthy yet: {}", formation_.healthy.text()));
        }
        if (!may_change_site()) return rest(State::settled, is_trial() ? "is as it should be; the release is on trial" : "is as it should be");
        if (ledger_.lock && is_mine(ledger_.lock->value)) return ReleaseLock{ledger_.lock->revision};
        if (!is_known) return Settle{};
        return rest(State::settled, "is as it should be");
    }

    // ---- Small questions ----

    [[nodiscard]] static Action rest(State state, std::string why, std::optional<Time> until = {}) { return Rest{state, std::move(why), until}; }
    [[nodiscard]] Action rest_unchanged() const {
        return rest(State::waiting, is_trial() ? "waits: the release is on trial, and changes nothing of the site until it has proved itself" : "waits for the site's store");
    }

    [[nodiscard]] bool is(std::string_view name) const {
        const Json* value = formation::value_at(names_, name);
        return value && *value == true;
    }
    [[nodiscard]] bool is_trial() const { return picture_.self.upgrade == Self::Upgrade::trial; }
    [[nodiscard]] bool has_store() const { return picture_.self.fulfilled.contains(formation::store_answers); }
    [[nodiscard]] bool may_change_site() const { return has_store() && !is_trial(); }
    [[nodiscard]] bool is_mine(const Holder& holder) const { return holder.owner == picture_.self.id; }
    // Proven gone, and not only silent.
    [[nodiscard]] bool is_left(const Holder& holder) const { return picture_.site.member(holder.owner) == nullptr; }

    [[nodiscard]] const Stored<Marker>* marker_of(const Step& step) const {
        const auto found = ledger_.once.find(step.id.value);
        return step.kind != Step::Kind::once || found == ledger_.once.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const Attempt* attempted(std::string_view step) const {
        const auto found = picture_.attempts.find(step);
        return found == picture_.attempts.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const Deed* deed_named(std::string_view name) const { return forming::deed_named(formation_, name); }

    const Picture& picture_;
    const Formation& formation_;
    const Ledger& ledger_;
    const Names names_;
};

} // namespace

Action decide(const Picture& picture) { return Decider(picture).decide(); }

const Deed* deed_named(const Formation& formation, std::string_view name) {
    if (name == replace_name) return formation.replace ? &*formation.replace : nullptr;
    if (name == remove_name) return formation.remove ? &*formation.remove : nullptr;
    const auto found = std::ranges::find_if(formation.steps, [&](const Step& step) { return step.id.value == name; });
    return found == formation.steps.end() ? nullptr : &found->deed;
}

formation::Duration backoff(unsigned failures) {
    const formation::Duration doubled = first_backoff * (1U << std::min(failures > 0 ? failures - 1 : 0, 16U));
    return std::min(doubled, longest_backoff);
}

std::string in_words(formation::Duration duration) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
    return seconds < 120 ? fmt::format("{} s", seconds) : fmt::format("{} min", (seconds + 59) / 60);
}

} // namespace ashlar::forming
