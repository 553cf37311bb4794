#include <forming/engine.hpp>

#include "observation.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace ashlar::forming {

namespace {

using formation::Duration;
using namespace std::chrono_literals;

// sysexits(3): what waiting does not help against.
constexpr std::array exits_for_a_person{77 /* EX_NOPERM */, 78 /* EX_CONFIG */};
constexpr std::string_view observe_name = "observe";

constexpr unsigned most_actions = 100; // of one formation in one turn: more is a circle
constexpr Duration pause_of_job = 200ms, pause_of_failure = 5s, pause_of_waiting = 5s, pause_of_settling = 500ms, pause_of_recovery = 1s;
constexpr Duration busy_after_step = 30s; // what others wait for comes true soon, if it does
constexpr Duration pause_of_store = 1s;    // of who has settled, however often others write

std::string made(Randomness& random, formation::Fact::Making making) {
    std::array<std::byte, 16> bytes{};
    random.fill(bytes);
    if (making == formation::Fact::Making::identifier) return to_hex(bytes);
    bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40}; // RFC 9562, version 4
    bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
    const std::string hex = to_hex(bytes);
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

Standing::State state_of(Rest::State state) {
    switch (state) {
    case Rest::State::absent: return Standing::State::absent;
    case Rest::State::waiting: return Standing::State::waiting;
    case Rest::State::alarmed: return Standing::State::alarmed;
    case Rest::State::settled: return Standing::State::settled;
    }
    return Standing::State::waiting;
}

} // namespace

std::string_view name_of(Standing::State state) noexcept {
    static constexpr std::array<std::string_view, 5> names{"absent", "waiting", "working", "alarmed", "settled"};
    return names[static_cast<std::size_t>(state)];
}

// What is kept between two turns; all of it may be lost.
struct Engine::Course {
    struct Running {
        Job::Kind kind = Job::Kind::step;
        std::string step, about, job;
        Time until{};
    };
    std::optional<Running> running;
    std::optional<Json> observation;
    Time observed_at{}, busy_until{};
    std::optional<Settling> settling;
    std::map<std::string, Attempt, std::less<>> attempts;
    Standing standing;
    Outlook outlook;
    bool has_files = false; // as they should be, when it was looked at last
    Time next{};

    [[nodiscard]] Duration good_for(const Formation& formation, Time now) const {
        if (settling) return pause_of_settling;
        if (now < busy_until && standing.state != Standing::State::settled) return pause_of_recovery;
        return standing.state == Standing::State::settled ? formation.observation.every : std::min(formation.observation.every, pause_of_waiting);
    }
};

// One formation, taken as far as it goes.
class Engine::Turn {
public:
    Turn(Engine& engine, const Formation& formation, Course& course, const Site& site, const Self& self, Time now)
        : engine_(engine), effects_(engine.effects_), formation_(formation), course_(course), site_(site), self_(self), now_(now) {}

    void take() {
        if (course_.observation && now_ - course_.observed_at >= course_.good_for(formation_, now_)) course_.observation.reset();
        for (unsigned actions = 0; actions < most_actions; ++actions) {
            if (course_.running && !gather()) return;
            read_site();
            const Action action = decide(picture());
            if (const auto* rest = std::get_if<Rest>(&action)) return settle_down(*rest);
            std::visit([this](const auto& what) { perform(what); }, action);
        }
        throw Error(fmt::format("cannot form '{}': its steps go round in a circle", formation_.name), "a step's 'when' still holds when its 'verify' does");
    }

private:
    // ---- What is known ----

    void read_site() {
        const bool has_store = self_.fulfilled.contains(formation::store_answers);
        ledger_ = has_store ? read_ledger(effects_.store, formation_.name) : Ledger{};
        foreign_.clear();
        others_.clear();
        for (const auto& reference : formation_.references) {
            if (const auto other = engine_.formations_.find(reference.formation); other != engine_.formations_.end()) others_[reference.formation] = &other->second;
            if (reference.kind == formation::Reference::Kind::fact && has_store) foreign_[reference.formation] = facts_of(reference.formation);
        }
    }

    [[nodiscard]] Json facts_of(const std::string& other) const {
        Json facts = Json::object();
        for (const auto& [name, value] : read_ledger(effects_.store, other).facts) facts[name] = value;
        return facts;
    }

    [[nodiscard]] Picture picture() {
        Picture picture{.formation = formation_, .site = site_, .self = self_, .ledger = ledger_, .others = others_, .unmet = unmet(), .observation = course_.observation, .ports = ports_of(engine_.formations_, site_, self_.id), .foreign = foreign_, .attempts = course_.attempts, .settling = course_.settling, .now = now_};
        look_at_units(picture);
        look_at_files(picture);
        return picture;
    }

    void look_at_units(Picture& picture) const {
        picture.are_units_active = true;
        for (const auto& unit : formation_.units) {
            const Units::State state = effects_.units.state(unit.value);
            picture.are_units_active = picture.are_units_active && state == Units::State::active;
            picture.is_unit_failed = picture.is_unit_failed || state == Units::State::failed;
        }
    }

    void look_at_files(Picture& picture) {
        files_.clear();
        const formation::Names names = names_with_secrets(picture);
        for (std::size_t index = 0; index < formation_.renders.size(); ++index) {
            const auto& render = formation_.renders[index];
            auto filled = render.text.fill(names);
            if (const auto* absent = std::get_if<formation::Absent>(&filled)) {
                if (render.is_optional) {
                    files_.emplace_back();
                    continue;
                }
                picture.missing_for_files = absent->name;
                if (effects_.certificates != nullptr) picture.no_certificate = effects_.certificates->trouble(formation_.name);
                course_.has_files = false;
                return;
            }
            files_.push_back({std::get<std::string>(std::move(filled)), render.owner, render.group, render.mode});
            const auto there = effects_.files.read(render.path.value);
            if (there != files_.back()) picture.stale.push_back({index, there.has_value()});
        }
        course_.has_files = picture.stale.empty();
    }

    [[nodiscard]] formation::Names names_with_secrets(const Picture& picture) const {
        formation::Names names = names_of(picture);
        Json secrets = Json::object();
        for (const auto& render : formation_.renders)
            for (const auto& name : render.text.names()) add_secret(secrets, name);
        names["secrets"] = std::move(secrets);
        add_certificate(names);
        return names;
    }

    void add_certificate(formation::Names& names) const {
        if (!formation_.certificate || effects_.certificates == nullptr) return;
        if (auto credentials = effects_.certificates->credentials(formation_.name)) names["certificate"] = {{"chain", std::move(credentials->chain)}, {"key", std::move(credentials->key)}};
    }

    // "secrets.admin", or "secrets.mariadb.admin" of another formation
    void add_secret(Json& secrets, const std::string& name) const {
        const auto parts = split(name, '.');
        if (parts.front() != "secrets") return;
        const std::string_view owner = parts.size() == 3 ? parts[1] : std::string_view(formation_.name);
        const auto value = effects_.vault.open(owner, parts.back());
        if (!value) return;
        if (parts.size() == 3) secrets[std::string(parts[1])][std::string(parts[2])] = *value;
        else secrets[std::string(parts[1])] = *value;
    }

    [[nodiscard]] std::vector<std::string> unmet() const {
        std::vector<std::string> reasons;
        for (const auto& required : formation_.requires_)
            if (auto reason = engine_.why_unmet(required.value, site_, self_)) reasons.push_back(std::move(*reason));
        return reasons;
    }

    // ---- Jobs ----

    // False: it still runs.
    bool gather() {
        const Course::Running running = *course_.running;
        const Runner::Answer answer = effects_.runner.poll(running.job);
        if (std::holds_alternative<Runner::Running>(answer)) {
            course_.next = now_ + pause_of_job;
            return false;
        }
        course_.running.reset();
        if (running.kind == Job::Kind::step) course_.observation.reset();
        if (const auto* outcome = std::get_if<Outcome>(&answer)) running.kind == Job::Kind::observation ? take_observation(*outcome) : take_outcome(running, *outcome);
        return true;
    }

    void take_observation(const Outcome& outcome) {
        auto observed = read_observation(formation_.observation, outcome);
        if (const auto* unusable = std::get_if<Unusable>(&observed)) return note_failure(std::string(observe_name), unusable->reason, false);
        course_.attempts.erase(std::string(observe_name));
        course_.observation = std::get<Json>(std::move(observed));
        course_.observed_at = now_;
    }

    void take_outcome(const Course::Running& running, const Outcome& outcome) {
        engine_.journal_.append({.what = Record::What::ended, .formation = formation_.name, .step = running.step, .boot = self_.boot, .about = running.about, .exit_code = outcome.exit_code});
        if (outcome.exit_code == 0 && !outcome.was_too_slow) course_.settling = Settling{running.step, running.about, running.until};
        else fail(running.step, last_words(outcome), std::ranges::find(exits_for_a_person, outcome.exit_code) != exits_for_a_person.end());
    }

    void note_failure(const std::string& step, std::string reason, bool needs_person) {
        Attempt& attempt = course_.attempts[step];
        ++attempt.failures;
        attempt.not_before = now_ + backoff(attempt.failures);
        attempt.needs_person = needs_person;
        attempt.reason = std::move(reason);
    }

    void fail(const std::string& step, std::string reason, bool needs_person) {
        note_failure(step, std::move(reason), needs_person);
        const Attempt& attempt = course_.attempts[step];
        engine_.journal_.append({.what = Record::What::failed, .formation = formation_.name, .step = step, .boot = self_.boot, .text = attempt.reason, .failures = attempt.failures, .needs_person = needs_person});
    }

    // ---- Actions ----

    void perform(const Rest&) {}

    void perform(const Observe&) {
        // Its arguments name site and node, and nothing that would have to be looked at.
        const formation::Names names = names_of({.formation = formation_, .site = site_, .self = self_, .ledger = ledger_, .others = others_});
        start({.name = job_name(observe_name), .argv = filled(formation_.observation.argv, names), .timeout = formation_.observation.timeout, .kind = Job::Kind::observation}, std::string(observe_name), {});
    }

    void perform(const MakeFact& action) {
        const formation::Fact& fact = *formation_.fact(action.fact);
        const std::string value = action.value ? *action.value : made(effects_.random, std::get<formation::Fact::Making>(fact.source));
        swap(key::fact(formation_.name, action.fact), 0, value);
    }

    void perform(const MakeSecret& action) { effects_.vault.make(formation_.name, *formation_.secret(action.secret)); }

    void perform(const WriteFiles& action) {
        std::set<std::string> reload, restart;
        for (const std::size_t index : action.renders) {
            const auto& render = formation_.renders[index];
            effects_.files.write(render.path.value, files_.at(index));
            if (action.units == WriteFiles::Units::left_alone) continue;
            for (const auto& unit : render.reload) reload.insert(unit.value);
            for (const auto& unit : render.restart) restart.insert(unit.value);
        }
        const auto is_active = [this](const std::string& unit) { return effects_.units.state(unit) == Units::State::active; };
        for (const auto& unit : restart)
            if (is_active(unit)) effects_.units.restart(unit);
        for (const auto& unit : reload)
            if (!restart.contains(unit) && is_active(unit)) effects_.units.reload(unit);
        course_.observation.reset();
    }

    void perform(const Claim& action) { swap(key::once(formation_.name, action.step), action.revision, to_text(Marker{holder(plan(action.step)), false})); }
    void perform(const TakeLock& action) { swap(key::lock(formation_.name), action.revision, to_text(holder(action.plan))); }
    void perform(const ReleaseLock& action) { swap(key::lock(formation_.name), action.revision, std::nullopt); }

    void perform(const Run& action) {
        const formation::Deed& deed = *deed_named(formation_, action.step);
        engine_.journal_.append({.what = Record::What::intent, .formation = formation_.name, .step = action.step, .boot = self_.boot, .about = action.about});
        reset_failed();
        if (deed.run.empty()) return start_units(action, deed);
        const formation::Names names = names_of(picture(), action.about);
        start({.name = job_name(action.step), .argv = filled(deed.run, names), .timeout = deed.timeout}, action.step, action.about);
    }

    void perform(const Confirm& action) {
        note_in_site(action);
        engine_.journal_.append({.what = Record::What::confirmed, .formation = formation_.name, .step = action.step, .boot = self_.boot, .about = action.about});
        course_.attempts.erase(action.step);
        course_.settling.reset();
        course_.busy_until = now_ + busy_after_step;
    }

    void perform(const Fail& action) {
        course_.settling.reset();
        fail(action.step, "it has run, and what it was for is not to be seen", false);
    }

    void perform(const Enrol&) { enrol(); }

    void perform(const Depart& action) { depart(action.node, action.revision); }

    void perform(const Settle&) { swap(key::settled(formation_.name, self_.id), 0, self_.boot); }
    void perform(const Unsettle&) { unsettle(self_.id); }

    // ---- How ----

    // First the member, then the marker: whoever is cut off between them has a member without a marker, and sees what to do;
    // a marker without a member would not miss its data.
    void note_in_site(const Confirm& action) {
        const auto marker = ledger_.once.find(action.step);
        if (marker != ledger_.once.end() && !marker->second.value.is_done) {
            if (formation_.present && formation_.present->holds(names_of(picture())) && !ledger_.members.contains(self_.id)) enrol();
            swap(key::once(formation_.name, action.step), marker->second.revision, to_text(Marker{holder(plan(action.step)), true}));
        }
        const std::string& gone = action.step == "replace" ? self_.id : action.about;
        if (const auto member = ledger_.members.find(gone); !gone.empty() && member != ledger_.members.end()) depart(gone, member->second.revision);
    }

    void enrol() {
        const Member* member = site_.member(self_.id);
        swap(key::member(formation_.name, self_.id), 0, to_text(Enrolled{member->name, member->address().value_or("")}));
    }

    void depart(const std::string& node, std::uint64_t revision) {
        unsettle(node);
        swap(key::member(formation_.name, node), revision, std::nullopt);
    }

    void unsettle(const std::string& node) {
        const std::string key = key::settled(formation_.name, node);
        const auto entries = effects_.store.list(key);
        if (const auto entry = entries.find(key); entry != entries.end()) swap(key, entry->second.revision, std::nullopt);
    }

    // Where another node was faster, the next look at the store shows what it did.
    void swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) { (void)effects_.store.swap(key, revision, value); }

    // A unit that failed often, waiting for others, would be refused its start.
    void reset_failed() {
        for (const auto& unit : formation_.units)
            if (effects_.units.state(unit.value) != Units::State::active) effects_.units.reset_failed(unit.value);
    }

    void start_units(const Run& action, const formation::Deed& deed) {
        for (const auto& unit : deed.start) effects_.units.start(unit.value);
        course_.observation.reset();
        course_.settling = Settling{action.step, action.about, now_ + deed.timeout};
    }

    void start(Job job, std::string step, std::string about) {
        course_.running = Course::Running{job.kind, std::move(step), std::move(about), job.name, now_ + job.timeout};
        try {
            effects_.runner.start(job);
        } catch (const Error& error) {
            const std::string name = std::exchange(course_.running, std::nullopt)->step;
            if (job.kind == Job::Kind::observation) note_failure(name, error.message(), false);
            else fail(name, error.message(), false);
            return;
        }
        if (job.kind == Job::Kind::step) {
            const formation::Deed& deed = *deed_named(formation_, course_.running->step);
            course_.standing = {formation_.name, Standing::State::working, deed.summary, course_.running->step};
        }
    }

    [[nodiscard]] std::vector<std::string> filled(const std::vector<formation::Template>& words, const formation::Names& names) const {
        std::vector<std::string> argv;
        for (const auto& word : words) {
            auto text = word.fill(names);
            if (const auto* absent = std::get_if<formation::Absent>(&text)) throw Error(fmt::format("cannot run '{}': {} is not known yet", words.front().text(), absent->name));
            argv.push_back(std::get<std::string>(std::move(text)));
        }
        return argv;
    }

    [[nodiscard]] std::string job_name(std::string_view step) const { return fmt::format("{}-{}", formation_.name, step); }
    [[nodiscard]] std::string plan(std::string_view step) const { return fmt::format("{}/{}", formation_.name, step); }
    [[nodiscard]] Holder holder(std::string plan) const { return {self_.id, self_.boot, std::move(plan), self_.release}; }

    void settle_down(const Rest& rest) {
        course_.standing = {formation_.name, state_of(rest.state), rest.why, {}};
        course_.outlook = outlook();
        const Time looked = course_.observation ? course_.observed_at : now_;
        course_.next = std::min(rest.until.value_or(Time::max()), looked + course_.good_for(formation_, now_));
    }

    [[nodiscard]] Outlook outlook() const {
        Outlook outlook;
        for (const Member* member : placed(formation_, site_)) (ledger_.settled.contains(member->id) ? outlook.ready : outlook.missing).push_back(member->name);
        if (formation_.checks.empty() || !is_placed(formation_, site_, self_.id)) return outlook;
        const formation::Names names = names_of({.formation = formation_, .site = site_, .self = self_, .ledger = ledger_, .others = others_, .observation = course_.observation, .foreign = foreign_});
        for (const auto& check : formation_.checks) {
            Outlook::Check one{check.id.value, check.summary, {}, {}, check.timeout};
            for (const auto& word : check.run) {
                auto text = word.fill(names);
                if (const auto* absent = std::get_if<formation::Absent>(&text)) {
                    one.argv.clear();
                    one.waits_for = absent->name;
                    break;
                }
                one.argv.push_back(std::get<std::string>(std::move(text)));
            }
            outlook.checks.push_back(std::move(one));
        }
        return outlook;
    }

    Engine& engine_;
    Effects& effects_;
    const Formation& formation_;
    Course& course_;
    const Site& site_;
    const Self& self_;
    Time now_;
    Ledger ledger_;
    std::map<std::string, Json, std::less<>> foreign_;
    std::map<std::string, const Formation*, std::less<>> others_;
    std::vector<Files::File> files_; // as they should be, in the order of the formation
};

Engine::Engine(const formation::Formations& formations, Effects effects, Journal& journal) : formations_(formations), effects_(effects), journal_(journal) {
    for (const auto& [name, formation] : formations_) courses_[name].standing = {name, Standing::State::waiting, "has not been looked at yet", {}};
    for (const auto& record : journal_.recall()) resume(record);
}

Engine::~Engine() = default;

// What ran when the last engine ended may run still.
void Engine::resume(const Record& record) {
    const auto found = courses_.find(record.formation);
    if (found == courses_.end() || !deed_named(formations_.find(record.formation)->second, record.step)) return;
    Course& course = found->second;
    course.running.reset();
    switch (record.what) {
    case Record::What::intent: course.running = Course::Running{Job::Kind::step, record.step, record.about, fmt::format("{}-{}", record.formation, record.step), Time{}}; return;
    case Record::What::ended: return;
    case Record::What::confirmed:
    case Record::What::forgiven: course.attempts.erase(record.step); return;
    case Record::What::failed: course.attempts[record.step] = {.failures = record.failures, .not_before = Time{}, .needs_person = record.needs_person, .reason = record.text}; return;
    }
}

std::optional<std::string> Engine::why_unmet(const std::string& required, const Site& site, const Self& self) const {
    if (std::ranges::find(formation::built_in_requirements, required) != formation::built_in_requirements.end()) {
        if (self.fulfilled.contains(required)) return std::nullopt;
        if (required == formation::time_is_sane) return "waits until the time can be believed";
        return required == formation::has_certificate ? "waits for this node's certificate" : "waits for the site's store";
    }
    const auto found = formations_.find(required);
    if (found == formations_.end()) return fmt::format("waits for '{}', which this image does not know", required);
    if (is_placed(found->second, site, self.id)) {
        const Standing& there = courses_.find(required)->second.standing;
        if (there.state == Standing::State::settled) return std::nullopt;
        return fmt::format("waits for '{}' on this node", required);
    }
    const auto on = placed(found->second, site);
    const Ledger ledger = read_ledger(effects_.store, required);
    const auto ready = static_cast<std::size_t>(std::ranges::count_if(on, [&](const Member* member) { return ledger.settled.contains(member->id); }));
    if (!on.empty() && ready > on.size() / 2) return std::nullopt;
    return fmt::format("waits for '{}': {} of {} nodes {} ready", required, ready, on.size(), ready == 1 ? "is" : "are");
}

void Engine::look_again() {
    for (auto& [name, course] : courses_) course.next = Time{};
}

void Engine::heed_store(Time now) {
    for (auto& [name, course] : courses_) {
        if (course.running) continue;
        if (course.standing.state == Standing::State::settled || course.standing.state == Standing::State::absent) {
            course.next = std::min(course.next, now + pause_of_store);
            continue;
        }
        // What the service itself shows may be another with it; looking costs processes, and its own writing is heard as well.
        if (course.observation && now - course.observed_at >= pause_of_recovery) course.observation.reset();
        course.next = Time{};
    }
}

std::vector<Standing> Engine::turn(const Site& site, const Self& self, Time now) {
    if (!seen_ || seen_->first != site || seen_->second != self) look_again();
    seen_ = {site, self};
    // What has settled may be what another waits for.
    for (bool has_settled = true; has_settled;) {
        has_settled = false;
        for (auto& [name, course] : courses_) {
            // Looking costs processes: one that rests is let rest while another one works.
            if (!course.running && now < course.next) continue;
            const bool was_settled = course.standing.state == Standing::State::settled;
            try {
                Turn(*this, formations_.find(name)->second, course, site, self, now).take();
            } catch (const Error& error) {
                course.standing = {name, Standing::State::waiting, error.message(), {}};
                course.next = now + pause_of_failure;
            }
            has_settled = has_settled || (!was_settled && course.standing.state == Standing::State::settled);
        }
        if (has_settled)
            for (auto& [name, course] : courses_)
                if (course.standing.state == Standing::State::waiting) course.next = Time{};
    }
    std::vector<Standing> standings;
    for (const auto& [name, course] : courses_) standings.push_back(course.standing);
    return standings;
}

const Outlook& Engine::outlook(std::string_view formation) const { return courses_.find(formation)->second.outlook; }

Time Engine::next_turn() const {
    Time next = Time::max();
    for (const auto& [name, course] : courses_) next = std::min(next, course.next);
    return next;
}

bool Engine::is_running() const {
    return std::ranges::any_of(courses_, [](const auto& entry) { return entry.second.running.has_value(); });
}

bool Engine::has_files(std::string_view formation) const {
    const auto found = courses_.find(formation);
    return found != courses_.end() && found->second.has_files;
}

const std::map<std::string, Attempt, std::less<>>& Engine::attempts(std::string_view formation) const {
    static const std::map<std::string, Attempt, std::less<>> none;
    const auto found = courses_.find(formation);
    return found == courses_.end() ? none : found->second.attempts;
}

void Engine::retry(std::string_view formation) {
    const auto found = courses_.find(formation);
    if (found == courses_.end()) throw Error(fmt::format("cannot retry {}: this node has no such formation", toml::quote(formation)));
    found->second.next = Time{};
    for (const auto& [step, attempt] : found->second.attempts) journal_.append({.what = Record::What::forgiven, .formation = found->first, .step = step});
    found->second.attempts.clear();
}

} // namespace ashlar::forming
